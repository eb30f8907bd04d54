"""``aibridge interceptions``: the record, request by request."""

from typing import TYPE_CHECKING, Annotated

import typer

from aibridge.cli import new_app
from aibridge.cli.beginnings import NEWEST, the_one
from aibridge.cli.connection import connected, knows_the_route
from aibridge.cli.costs import cost
from aibridge.cli.options import AsJson, Limit
from aibridge.cli.output import (
    moment,
    print_facts,
    print_model,
)
from aibridge.cli.record_filters import RecordFilters
from aibridge.cli.tables import Column, print_list, tell_of_more

if TYPE_CHECKING:
    from aibridge.cli.tables import Cell
    from aibridge.contract import Interception, UserPrompt
    from aibridge.sdk import Client

app = new_app(help="What was recorded, request by request.")


@app.command("list", epilog="Example: aibridge interceptions list --model claude-sonnet-4-5")
@connected
def list_interceptions(
    client: "Client",
    *,
    where: RecordFilters,
    limit: Limit = 100,
    after_id: Annotated[
        str | None, typer.Option(help="Go on after this one, the last of a page.", metavar="ID")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List interceptions, newest first."""
    page = client.list_interceptions(where.interceptions(), limit=limit, after_id=after_id)
    print_list(page.results, _COLUMNS, _row, as_json=as_json)
    if page.results:
        after = {"--after-id": page.results[-1].id}
        at_least = page.count_is_estimate
        tell_of_more(len(page.results), limit, page.count, after, at_least=at_least)


_COLUMNS = (
    Column("ID", ids=True),
    Column("STARTED", rank=2),
    Column("USER", rank=1),
    Column("PROVIDER", rank=7),
    Column("MODEL", rank=4),
    Column("CLIENT", rank=6),
    Column("KIND", rank=5),
    Column("STATUS", rank=3),
    Column("IN", rank=9, right=True),
    Column("OUT", rank=8, right=True),
    Column("PROMPT", telling=True),
)


def _row(one: "Interception") -> "tuple[Cell, ...]":
    return (
        one.id,
        one.started_at,
        one.initiator.username or one.initiator.id,
        one.provider_name,
        one.model,
        one.client or "Unknown",
        _kind(one),
        one.status,
        *_tokens(one),
        one.user_prompts[-1].prompt if one.user_prompts else "",
    )


def _kind(one: "Interception") -> str:
    return f"{one.kind} {one.agent_type}".strip()


def _tokens(one: "Interception") -> tuple[str, str]:
    """Return the tokens that went in and came out; an estimate is marked."""
    about = "~" if one.estimated else ""
    taken = sum(usage.input_tokens for usage in one.token_usages)
    given = sum(usage.output_tokens for usage in one.token_usages)
    return f"{about}{taken}", f"{about}{given}"


@app.command(
    "show", epilog="Example: aibridge interceptions show 0199a3c4-7f00-7000-8000-000000000001"
)
@connected
def show_interception(
    client: "Client",
    *,
    interception_id: Annotated[
        str,
        typer.Argument(
            metavar="ID", help="The interception's id, or how that of one of the newest 500 begins."
        ),
    ],
    as_json: AsJson = False,
) -> None:
    """Show one interception: who, what, how it ended, what was asked and called."""
    found = _find(client, interception_id.lower())
    if as_json:
        print_model(found)
    else:
        print_facts(_facts(found))


def _find(client: "Client", wanted: str) -> "Interception":
    from aibridge.sdk import NotFound  # noqa: PLC0415 - it takes a while to import

    try:
        return client.get_interception(wanted)
    except NotFound as error:
        if not knows_the_route(error):
            raise
    newest = client.iter_interceptions(limit=NEWEST)
    return client.get_interception(the_one("interception", wanted, newest, of_short=True).id)


def _facts(one: "Interception") -> dict[str, str]:
    milliseconds = "" if one.duration_ms is None else f"{one.duration_ms:,.0f} ms"
    ended = (one.status, one.stop_reason, milliseconds, str(one.http_status or ""))
    taken, given = _tokens(one)
    return {
        "id": one.id,
        "session": one.session_id,
        "user": one.initiator.username or one.initiator.id,
        "client": one.client or "Unknown",
        "provider": f"{one.provider_name} ({one.provider}) {one.route}",
        "model": one.model,
        "kind": _kind(one),
        "credential": f"{one.credential_kind} {one.credential_hint}",
        "started": moment(one.started_at),
        "ended": ", ".join(word for word in ended if word),
        "error": f"{one.error_type} {one.error_message}".strip(),
        "tokens": f"{taken} in, {given} out",
        "cache writes": _lifetimes(one),
        "cost": cost(one.cost_micros, one.unpriced_usage_count),
        "repo": one.annotations.repo,
        "branch": one.annotations.branch,
        **_numbered("pull request", one.annotations.github_pr_urls),
        **_numbered("issue", one.annotations.linear_issue_ids),
        **_numbered("prompt", [_prompt(prompt) for prompt in one.user_prompts]),
        **_numbered("tool", [f"{call.tool} {call.input}" for call in one.tool_usages]),
        **_numbered("edit", one.edits),
        **_numbered("note", one.notes),
    }


def _prompt(prompt: "UserPrompt") -> str:
    kind = prompt.metadata.get("kind", "typed")
    return prompt.prompt if kind == "typed" else f"({kind}) {prompt.prompt}"


def _lifetimes(one: "Interception") -> str:
    """Say how much the cache wrote for each lifetime, where that was told."""
    names = ("5m", "30m", "1h", "12h")
    sums = {
        name: sum(getattr(used, f"cache_write_{name}_input_tokens") for used in one.token_usages)
        for name in names
    }
    return ", ".join(f"{number} for {name}" for name, number in sums.items() if number)


def _numbered(name: str, texts: list[str]) -> dict[str, str]:
    return {f"{name} {number}": text for number, text in enumerate(texts, 1)}
