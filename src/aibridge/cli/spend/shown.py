"""Spending as people read it: in dollars, with what has no price and what limits it."""

import csv
from datetime import timedelta
from io import StringIO
from typing import TYPE_CHECKING

from aibridge.budgets.money import dollars
from aibridge.cli.limits import NO_BUDGET, UNLIMITED
from aibridge.cli.options import MOST
from aibridge.cli.output import print_facts, say
from aibridge.cli.tables import Column, print_table, tell_of_more
from aibridge.contract.words import LimitSource

if TYPE_CHECKING:  # they take a while to import, and help texts need none of them
    from aibridge.contract import (
        AISpendBreakdown,
        AISpendPart,
        AISpendPeriod,
        AIUsage,
        UserAISpendStatus,
    )
    from aibridge.sdk import Client

NOT_KNOWN = "(not known)"
"""The group of what is charged to none that is known."""
NONE = "(none)"
"""What was made for no repository, branch, pull request or issue that is known."""
_SEVERAL = {"pull_request": "pull requests", "issue": "issues"}
"""What a call may have several of."""
TOTAL = "total"
UNPRICED_COLUMN = "unpriced_usage_count"
_IDS = 100
"""How many groups the API tells of at once."""
_COUNTS = (
    Column("CALLS", right=True, rank=1),
    Column("IN", right=True, rank=2),
    Column("OUT", right=True, rank=2),
    Column("CACHE READ", right=True, rank=3),
    Column("CACHE WRITE", right=True, rank=3),
)


def at_least(micros: int, unpriced: int) -> str:
    """Return what was spent in dollars, and that it may be more where a part has no price."""
    return f"at least {dollars(micros)}" if unpriced else dollars(micros)


def tell_unpriced(count: int) -> None:
    """Say how many usage rows have a part without a price, if any have."""
    if count:
        rows = "1 usage row has" if count == 1 else f"{count:,} usage rows have"
        text = f"{rows} no price, or a part without one: at least so much was spent."
        say(f"{text} docs/prices.md says why, and how to set prices.", err=True)


def unpriced_in(content: bytes) -> int:
    """Return how many usage rows have no price in all rows of a CSV file."""
    rows = csv.DictReader(StringIO(content.decode(), newline=""))
    return sum(int(row.get(UNPRICED_COLUMN) or 0) for row in rows)


def tell_unpriced_charges(content: bytes) -> None:
    """Say if any charges of a FOCUS file have no price, or are of a usage row with such a part."""
    rows = csv.DictReader(StringIO(content.decode(), newline=""))
    if any(row["x_PricingStatus"] in {"unpriced", "partial"} for row in rows):
        text = "Some usage has no price, as x_PricingStatus says: at least so much was spent."
        say(f"{text} docs/prices.md says why, and how to set prices.", err=True)


def print_status(client: "Client", status: "UserAISpendStatus") -> None:
    """Print what a user spent this month beside the limit that it counts against."""
    budget = status.effective_budget
    group = _group_name(client, status.effective_group_id)
    limit, set_for = UNLIMITED, ""
    if budget is not None:
        is_own = budget.limit_source == LimitSource.USER_OVERRIDE
        set_for = "this user" if is_own else f"each member of {group}"
        limit = dollars(budget.spend_limit_micros)
    print_facts(
        {
            "spent": at_least(status.current_spend_micros, status.unpriced_usage_count),
            "limit": limit,
            "set for": set_for,
            "charged to": group,
            "days": days(status),
        }
    )
    tell_unpriced(status.unpriced_usage_count)


def _group_name(client: "Client", group_id: str | None) -> str:
    """Return the name of a group, or its id where it is not to be seen."""
    from aibridge.sdk import NotFound  # noqa: PLC0415 - it takes a while to import

    try:
        return client.get_group(group_id).name if group_id else NOT_KNOWN
    except NotFound:
        return group_id or NOT_KNOWN


def days(of: "AISpendPeriod") -> str:
    """Return the first and the last day of a period."""
    last = of.period_end - timedelta(microseconds=1)
    return f"{of.period_start.date()} to {last.date()} in UTC"


def print_breakdown(client: "Client", found: "AISpendBreakdown") -> None:
    """Print the parts of what was spent, and at last their sum."""
    is_by_group = found.by == "group"
    limits = _limits(client, found.parts) if is_by_group else {}
    rows = [(_name(part), *_cells(part, limits.get(part.key or "", ""))) for part in found.parts]
    rows.append((TOTAL, *_cells(found.totals, "")))
    columns = (
        Column(found.by.upper().replace("_", " ")),
        Column("COST", right=True),
        Column("UNPRICED", right=True),
        Column("LIMIT", right=True),
        *_COUNTS,
    )
    shown = [number for number, one in enumerate(columns) if one.title != "LIMIT" or is_by_group]
    print_table(
        [columns[number] for number in shown], [[row[number] for number in shown] for row in rows]
    )
    tell_of_more(len(found.parts), MOST, found.count, {})
    say(f"{days(found)}; costs are approximate.", err=True)
    if several := _SEVERAL.get(found.by):
        say(f"What was made for several {several} counts whole for each of them.", err=True)
    tell_unpriced(found.totals.unpriced_usage_count)


def _limits(client: "Client", parts: "list[AISpendPart]") -> dict[str, str]:
    """Return how much each member of the groups may spend a month, by the groups' ids."""
    ids = [part.key for part in parts if part.key is not None]
    portions = [ids[first : first + _IDS] for first in range(0, len(ids), _IDS)]
    groups = [group for some in portions for group in client.list_group_ai_spend(some).groups]
    return {
        group.group_id: NO_BUDGET
        if group.spend_limit_micros is None
        else dollars(group.spend_limit_micros)
        for group in groups
    }


def _name(part: "AISpendPart") -> str:
    """Return what a part is called, else its id."""
    return part.name or part.key or (NOT_KNOWN if part.key is None else NONE)


def _cells(used: "AIUsage", limit: str) -> tuple[str, ...]:
    counts = (
        used.request_count,
        used.input_tokens,
        used.output_tokens,
        used.cache_read_input_tokens,
        used.cache_write_input_tokens,
    )
    cost = at_least(used.cost_micros, used.unpriced_usage_count)
    return cost, f"{used.unpriced_usage_count:,}", limit, *(f"{count:,}" for count in counts)
