"""``aibridge audit``: who changed what, when, and from where."""

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from aibridge.cli import new_app
from aibridge.cli.beginnings import the_one
from aibridge.cli.connection import connected
from aibridge.cli.options import AsJson, Limit
from aibridge.cli.output import moment, print_facts, print_model
from aibridge.cli.tables import Column, print_list, tell_of_more

if TYPE_CHECKING:
    from aibridge.cli.tables import Cell
    from aibridge.contract import AuditDiffField, AuditLog
    from aibridge.sdk import Client

app = new_app(help="Who changed what.")

SECRET = "(secret)"  # noqa: S105 - what is shown instead of one

Search = Annotated[
    str,
    typer.Option(
        "--search",
        "-q",
        help="username:, action:, resource_type:, resource_id:, date_from: or date_to:.",
    ),
]


@app.command("list", epilog="Example: aibridge audit list --search action:delete")
@connected
def list_audit_logs(
    client: "Client",
    *,
    search: Search = "",
    limit: Limit = 100,
    after_id: Annotated[
        str | None, typer.Option(help="Go on after this one, the last of a page.", metavar="ID")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show what was changed, newest first."""
    page = client.list_audit_logs(search, limit=limit, after_id=after_id)
    print_list(page.audit_logs, _COLUMNS, _row, as_json=as_json)
    if page.audit_logs:
        after = {"--after-id": page.audit_logs[-1].id}
        tell_of_more(len(page.audit_logs), limit, page.count, after)


_COLUMNS = (
    Column("TIME", rank=4),
    Column("WHO", rank=1),
    Column("ACTION"),
    Column("RESOURCE", rank=2),
    Column("TARGET", telling=True),
    Column("ID", rank=3, ids=True),
)


def _row(one: "AuditLog") -> "tuple[Cell, ...]":
    return (
        one.time,
        _who(one),
        one.action,
        one.resource_type,
        _target(one),
        one.id,
    )


def _target(entry: "AuditLog") -> str:
    """Return what was acted on, and how that went where it did not go as usual."""
    target = entry.resource_target or entry.resource_id
    return ": ".join(filter(None, (target, entry.description)))


def _who(entry: "AuditLog") -> str:
    return entry.user.username or entry.user.id


@app.command("show", epilog="Example: aibridge audit show 0199a3c4-7f00-7000-8000-000000000001")
@connected
def show_audit_log(
    client: "Client",
    *,
    entry_id: Annotated[
        str, typer.Argument(metavar="ID", help="The entry's id, or how it begins.")
    ],
    search: Search = "",
    as_json: AsJson = False,
) -> None:
    """Show one change with what was and what became; --search makes it quicker to find."""
    entry = the_one("entry", entry_id, client.iter_audit_logs(search))
    if as_json:
        print_model(entry)
        return
    print_facts(
        {
            "time": moment(entry.time),
            "who": _who(entry),
            "from": " ".join((entry.ip, entry.user_agent)).strip(),
            "action": f"{entry.action} {entry.resource_type}",
            "target": f"{entry.resource_target} ({entry.resource_id})",
            "description": entry.description,
            **{f"  {name}": _change(change) for name, change in entry.diff.items()},
        }
    )


def _change(change: "AuditDiffField") -> str:
    if change.secret:
        return SECRET
    return f"{_value(change.old)} → {_value(change.new)}"


def _value(value: Any) -> str:  # noqa: ANN401 - what JSON can hold
    return json.dumps(value, ensure_ascii=False)
