"""``aibridge sessions``: the record of sessions, read through the API."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer
from rich.console import Console

from aibridge.cli import new_app, output
from aibridge.cli.session_tree import escaped_json, render_session, render_sessions, visible

if TYPE_CHECKING:  # they take a while to import, and help texts need none of them
    from aibridge.contract import Model, SessionDetail
    from aibridge.sdk import Client

__all__ = ["app", "render_session"]

THREADS_A_PAGE = 200
"""The most that the API gives at once; the rest is paged through."""

LOCAL = "http://127.0.0.1:4000"

app = new_app(help="What was recorded, by session.")

Url = Annotated[str, typer.Option(envvar="AIBRIDGE_URL", help="Where AI Bridge listens.")]
Token = Annotated[
    str,
    typer.Option(envvar="AIBRIDGE_TOKEN", help="Token of an owner or auditor.", show_default=False),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print the API's JSON.")]


@app.command("list", epilog="Example: aibridge sessions list --limit 10")
def list_sessions(
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many at most.")] = 50,
    as_json: AsJson = False,
    url: Url = LOCAL,
    token: Token = "",
) -> None:
    """List sessions, the most recently active first."""
    with _client(url, token) as client:
        page = client.list_sessions(limit=limit)
    if as_json:
        _print_json(page)
    else:
        Console(highlight=False).print(render_sessions(page.sessions))


@app.command("show", epilog="Example: aibridge sessions show 0199a3c4-7f00-7000-8000-000000000001")
def show_session(
    session_id: Annotated[str, typer.Argument(metavar="ID", help="The session's id.")],
    as_json: AsJson = False,
    url: Url = LOCAL,
    token: Token = "",
) -> None:
    """Show a session as a tree: prompts, thoughts, tool calls, tokens and errors."""
    with _client(url, token) as client:
        session = _whole_session(client, session_id)
    if as_json:
        _print_json(session)
    else:
        Console(highlight=False).print(render_session(session))


def _whole_session(client: "Client", session_id: str) -> "SessionDetail":
    """Return a session with the threads of all its pages."""
    first = page = client.get_session_threads(session_id, limit=THREADS_A_PAGE)
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


@contextmanager
def _client(url: str, token: str) -> "Iterator[Client]":
    """Yield a client of the API. What goes wrong ends the command with one line on stderr."""
    from aibridge import sdk  # noqa: PLC0415 - see TYPE_CHECKING above

    if not token:
        _fail("no token: set AIBRIDGE_TOKEN or pass --token")
    if not (token.isascii() and token.isprintable()) or " " in token:
        _fail("the token holds characters that no token has")
    try:
        with sdk.Client(url, token, retries=0) as client:
            yield client
    except sdk.ApiError as error:
        details = (error.detail, *(one.detail for one in error.validations))
        _fail(" ".join((error.message, *(detail for detail in details if detail))))
    except sdk.AIBridgeError as error:
        _fail(f"cannot reach AI Bridge at {url}: {error}")


def _fail(text: str) -> NoReturn:
    output.fail(visible(text))


def _print_json(answer: "Model") -> None:
    value = answer.model_dump(mode="json")
    typer.echo(escaped_json(json.dumps(value, indent=2, ensure_ascii=False)))
