"""``aibridge sessions``: the record of sessions."""

from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from aibridge.cli import new_app
from aibridge.cli.beginnings import NEWEST, the_one
from aibridge.cli.connection import connected, knows_the_route
from aibridge.cli.options import AsJson, Limit
from aibridge.cli.output import console, print_model
from aibridge.cli.record_filters import RecordFilters
from aibridge.cli.session_tree import COLUMNS, render_session, row_of
from aibridge.cli.tables import print_list, tell_of_more

if TYPE_CHECKING:  # they take a while to import, and help texts need none of them
    from aibridge.contract import SessionDetail
    from aibridge.sdk import Client

__all__ = ["app", "render_session"]

THREADS_A_PAGE = 200
"""The most that the API gives at once; the rest is paged through."""

app = new_app(help="What was recorded, by session.")


@app.command("list", epilog="Example: aibridge sessions list --initiator ana --limit 10")
@connected
def list_sessions(
    client: "Client",
    *,
    where: RecordFilters,
    session_id: Annotated[str, typer.Option(help="The session's id.", metavar="ID")] = "",
    limit: Limit = 50,
    after_id: Annotated[
        str | None,
        typer.Option(help="Go on after this session, the last one of a page.", metavar="ID"),
    ] = None,
    after_user: Annotated[
        str | None,
        typer.Option(
            help="The user's id whose session that was, where clients of several sent the same id."
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List sessions, the most recently active first."""
    page = client.list_sessions(
        where.sessions(session_id),
        limit=limit,
        after_session_id=after_id,
        after_initiator_id=after_user,
    )
    print_list(page.sessions, COLUMNS, row_of, as_json=as_json)
    if page.sessions:
        last = page.sessions[-1]
        after = {"--after-id": last.id, "--after-user": last.initiator.id}
        at_least = page.count_is_estimate
        tell_of_more(len(page.sessions), limit, page.count, after, at_least=at_least)


@app.command("show", epilog="Example: aibridge sessions show 0199a3c4-7f00-7000-8000-000000000001")
@connected
def show_session(
    client: "Client",
    *,
    session_id: Annotated[
        str,
        typer.Argument(
            metavar="ID", help="The session's id, or how that of one of the newest 500 begins."
        ),
    ],
    initiator: Annotated[
        str | None,
        typer.Option(
            help="Whose session, where clients of several users sent the same id: "
            "a user's id, a username, or me."
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show a session as a tree: prompts, thoughts, tool calls, tokens and errors.

    What a sub-agent did stands below the prompt that it worked for.
    """
    session = _whole_session(client, session_id, initiator)
    if as_json:
        print_model(session)
    else:
        console().print(render_session(session))


def _whole_session(client: "Client", session_id: str, initiator: str | None) -> "SessionDetail":
    """Return a session with the threads of all its pages."""
    first = page = _first_page(client, session_id, initiator)
    session_id = first.id
    threads, end = list(page.threads), page.page_ended_at
    while len(page.threads) == THREADS_A_PAGE:
        page = client.get_session_threads(
            session_id,
            limit=THREADS_A_PAGE,
            after_id=threads[-1].id,
            initiator=first.initiator.id,
        )
        threads += page.threads
        end = page.page_ended_at or end
    return first.model_copy(update={"threads": threads, "page_ended_at": end})


def _first_page(client: "Client", session_id: str, initiator: str | None) -> "SessionDetail":
    """Return the first threads of the session of this id, or of the one whose id begins so."""
    from aibridge.sdk import NotFound, SessionFilter  # noqa: PLC0415 - it takes a while to import

    ask = partial(client.get_session_threads, limit=THREADS_A_PAGE)
    try:
        return ask(session_id, initiator=initiator)
    except NotFound as error:
        if not knows_the_route(error):
            raise
    sessions = client.iter_sessions(SessionFilter(initiator=initiator or ""), limit=NEWEST)
    found = the_one("session", session_id, sessions, of_short=True)
    return ask(found.id, initiator=initiator)
