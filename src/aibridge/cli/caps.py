"""``aibridge caps``: limits beside the budgets, each of which holds by itself."""

from typing import TYPE_CHECKING, Annotated, Literal, get_args

import typer

from aibridge.budgets.money import dollars
from aibridge.cli import new_app
from aibridge.cli.connection import connected, missing
from aibridge.cli.groups import find_group
from aibridge.cli.options import AsJson, Yes, amount, choice
from aibridge.cli.output import confirm, print_model, say
from aibridge.cli.tables import Column, print_list
from aibridge.contract.words import CapPeriod, CapScope

if TYPE_CHECKING:
    from aibridge.cli.tables import Cell
    from aibridge.contract import AISpendCap
    from aibridge.sdk import Client

app = new_app(help="Limits beside the budgets: by the day or week, of groups, sessions or tokens.")

Each = Literal["member", "session"]


@app.command("list", epilog="Example: aibridge caps list")
@connected
def list_caps(client: "Client", *, as_json: AsJson = False) -> None:
    """Show all caps, with what counts against them now."""
    print_list(client.list_ai_spend_caps(), _COLUMNS, _row, as_json=as_json)


_COLUMNS = (
    Column("OF"),
    Column("NAME", telling=True),
    Column("FOR"),
    Column("LIMIT", right=True),
    Column("SPENT", right=True, rank=1),
    Column("ID", rank=2),
)


def _row(one: "AISpendCap") -> "tuple[Cell, ...]":
    spent = one.current_spend_micros
    return (
        one.scope,
        one.target_name,
        one.period,
        dollars(one.spend_limit_micros),
        "each" if spent is None else dollars(spent),
        one.id,
    )


@app.command("set", epilog="Example: aibridge caps set 50 --group developers --for day")
@connected
def set_cap(
    client: "Client",
    *,
    limit: Annotated[
        int,
        typer.Argument(parser=amount, metavar="DOLLARS", help="Such as 12.50; 0 is nothing."),
    ],
    group: Annotated[
        str | None, typer.Option("--group", help="All together who are charged to a group.")
    ] = None,
    each: Annotated[
        Each | None,
        choice(get_args(Each), "--each", help="Each member of the group, or each session of one."),
    ] = None,
    user: Annotated[str | None, typer.Option("--user", help="A user.")] = None,
    of_token: Annotated[str | None, typer.Option("--of-token", help="A token, by its id.")] = None,
    period: Annotated[
        CapPeriod,
        choice(tuple(CapPeriod), "--for", help="How long it is for; a session's is total."),
    ] = CapPeriod.DAY,
    as_json: AsJson = False,
) -> None:
    """Limit what may be spent in a period, beside the budgets. It replaces the one that is there.

    Everyone's counts what is spent by all.
    """
    scope, target = _target(client, group, each, user, of_token)
    period = CapPeriod.TOTAL if scope is CapScope.SESSION else period
    cap = client.upsert_ai_spend_cap(scope, target, period, limit)
    if as_json:
        print_model(cap)
        return
    say(f"{_what(cap)} may spend {dollars(cap.spend_limit_micros)} ({cap.period}).")


def _target(
    client: "Client", group: str | None, each: Each | None, user: str | None, token: str | None
) -> tuple[CapScope, str]:
    """Return what a cap is of, and its id."""
    given = [name for name in (group, user, token) if name is not None]
    if len(given) != 1 or (each is not None and group is None):
        text = "say one of --group, --user and --of-token; --each goes with --group"
        raise typer.BadParameter(text)
    if group is not None:
        return CapScope(each or "group"), find_group(client, group).id
    if user is not None:
        with missing("user", user):
            return CapScope.USER, client.get_user(user).id
    return CapScope.TOKEN, given[0]


def _what(cap: "AISpendCap") -> str:
    name = cap.target_name
    match cap.scope:
        case CapScope.MEMBER:
            return f"Each member of {name}"
        case CapScope.SESSION:
            return f"Each session of members of {name}"
        case CapScope.GROUP:
            return f"All of {name} together"
        case scope:
            return f"The {scope} {name}"


@app.command("delete", epilog="Example: aibridge caps delete 0197b6a2-... --yes")
@connected
def delete_cap(
    client: "Client",
    *,
    cap: Annotated[str, typer.Argument(metavar="ID", help="The id of the cap, see list.")],
    yes: Yes = False,
) -> None:
    """Lift a cap."""
    with missing("cap", cap):
        confirm(f"Delete the cap {cap}?", yes)
        client.delete_ai_spend_cap(cap)
    say(f"Deleted the cap {cap}.")
