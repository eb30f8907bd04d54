"""What limits would have refused, as people read it."""

from collections.abc import Iterator
from datetime import timedelta
from typing import TYPE_CHECKING

from aibridge.budgets.money import dollars
from aibridge.cli.limits import NO_LIMIT
from aibridge.cli.output import say
from aibridge.cli.spend.shown import TOTAL, at_least, tell_unpriced
from aibridge.cli.tables import Column, print_table

if TYPE_CHECKING:  # they take a while to import, and help texts need none of them
    from aibridge.contract import AISpendSimulated, AISpendSimulation

_MONEY = (Column("SPENT", right=True), Column("REFUSED", right=True))
_USERS = (
    Column("USER"),
    Column("MONTH", rank=2),
    Column("LIMIT", right=True, rank=1),
    Column("REACHED ON"),
    *_MONEY,
)
_GROUPS = (
    Column("GROUP"),
    Column("LIMIT", right=True),
    Column("USERS", right=True),
    Column("LIMITED", right=True),
    *_MONEY,
)


def print_simulation(found: "AISpendSimulation") -> None:
    """Print which users would have reached their limit, and the groups that a policy names."""
    print_table(_USERS, _users(found))
    if found.groups:
        say("")
        print_table(_GROUPS, _groups(found))
    last = found.period_end - timedelta(microseconds=1)
    totals = found.totals
    say(
        f"{found.period_start.date()} to {last.date()} in UTC, by days: "
        f"{totals.limited_user_count} of {totals.user_count} users would have reached a limit, "
        f"and {dollars(totals.refused_micros)} of "
        f"{at_least(totals.cost_micros, totals.unpriced_usage_count)} been refused.",
        err=True,
    )
    tell_unpriced(totals.unpriced_usage_count)


def _users(found: "AISpendSimulation") -> Iterator[tuple[str, ...]]:
    for one in found.users:
        yield (
            one.username or one.user_id,
            f"{one.month:%Y-%m}",
            _limit(one.spend_limit_micros),
            "never" if one.reached_on is None else one.reached_on.isoformat(),
            dollars(one.cost_micros),
            dollars(one.refused_micros),
        )
    yield TOTAL, "", "", "", *_money(found.totals)


def _groups(found: "AISpendSimulation") -> Iterator[tuple[str, ...]]:
    for one in found.groups:
        counts = (f"{one.user_count:,}", f"{one.limited_user_count:,}")
        yield one.name, _limit(one.spend_limit_micros), *counts, *_money(one)


def _limit(micros: int | None) -> str:
    return NO_LIMIT if micros is None else dollars(micros)


def _money(of: "AISpendSimulated") -> tuple[str, str]:
    return dollars(of.cost_micros), dollars(of.refused_micros)
