"""``aibridge interceptions``: the record, request by request."""

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer

from aibridge.cli import new_app
from aibridge.cli.connection import connected, no
from aibridge.cli.options import AsJson, Limit
from aibridge.cli.output import (
    moment,
    print_facts,
    print_model,
    print_models,
    print_table,
)
from aibridge.cli.record_filters import RecordFilters

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aibridge.contract import Interception
    from aibridge.sdk import Client, InterceptionFilter

app = new_app(help="What was recorded, request by request.")

NEAR = timedelta(minutes=1)
"""How far the time in an id may be from that of the interception."""


@app.command("list", epilog="Example: aibridge interceptions list --model claude-sonnet-4-5")
@connected
def list_interceptions(
    client: "Client",
    *,
    where: RecordFilters,
    limit: Limit = 100,
    after_id: Annotated[
        str | None, typer.Option(help="The last one of the page before.", metavar="ID")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List interceptions, newest first; as JSON an array."""
    page = client.list_interceptions(where.interceptions(), limit=limit, after_id=after_id)
    if as_json:
        print_models(page.results)
        return
    print_table(
        ("ID", "STARTED", "USER", "PROVIDER", "MODEL", "CLIENT", "STATUS", "IN", "OUT"),
        [_row(one) for one in page.results],
    )


def _row(one: "Interception") -> tuple[str, ...]:
    return (
        one.id,
        moment(one.started_at),
        one.initiator.username or one.initiator.id,
        one.provider_name,
        one.model,
        one.client or "Unknown",
        one.status,
        str(sum(usage.input_tokens for usage in one.token_usages)),
        str(sum(usage.output_tokens for usage in one.token_usages)),
    )


@app.command(
    "show", epilog="Example: aibridge interceptions show 0199a3c4-7f00-7000-8000-000000000001"
)
@connected
def show_interception(
    client: "Client",
    *,
    interception_id: Annotated[str, typer.Argument(metavar="ID", help="The interception's id.")],
    as_json: AsJson = False,
) -> None:
    """Show one interception: who, what, how it ended, what was asked and called."""
    found = _find(client, interception_id.lower())
    if as_json:
        print_model(found)
    else:
        print_facts(_facts(found))


def _find(client: "Client", wanted: str) -> "Interception":
    """Return one interception. The API lists them only: the time in its id says where to look."""
    found = (one for where in _places(wanted) for one in client.iter_interceptions(where))
    return next((one for one in found if one.id == wanted), None) or no("interception", wanted)


def _places(wanted: str) -> "Iterator[InterceptionFilter | None]":
    from aibridge.sdk import InterceptionFilter  # noqa: PLC0415 - it takes a while to import

    try:
        value = UUID(wanted)
    except ValueError:
        no("interception", wanted)
    if value.version == 7:  # noqa: PLR2004 - RFC 9562, section 5.7
        made = datetime.fromtimestamp((value.int >> 80) / 1000, UTC)
        yield InterceptionFilter(started_after=made - NEAR, started_before=made + NEAR)
    yield None


def _facts(one: "Interception") -> dict[str, str]:
    milliseconds = "" if one.duration_ms is None else f"{one.duration_ms:,.0f} ms"
    ended = (one.status, one.stop_reason, milliseconds, str(one.http_status or ""))
    row = dict(zip(("input", "output"), _row(one)[-2:], strict=True))
    return {
        "id": one.id,
        "session": one.session_id,
        "user": one.initiator.username or one.initiator.id,
        "client": one.client or "Unknown",
        "provider": f"{one.provider_name} ({one.provider}) {one.route}",
        "model": one.model,
        "credential": f"{one.credential_kind} {one.credential_hint}",
        "started": moment(one.started_at),
        "ended": ", ".join(word for word in ended if word),
        "error": f"{one.error_type} {one.error_message}".strip(),
        "tokens": f"{row['input']} in, {row['output']} out",
        **_numbered("prompt", [prompt.prompt for prompt in one.user_prompts]),
        **_numbered("tool", [f"{call.tool} {call.input}" for call in one.tool_usages]),
        **_numbered("edit", one.edits),
        **_numbered("note", one.notes),
    }


def _numbered(name: str, texts: list[str]) -> dict[str, str]:
    return {f"{name} {number}": text for number, text in enumerate(texts, 1)}
