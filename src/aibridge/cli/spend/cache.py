"""The economics of caches as people read them: in dollars, with the reasons of what was missed."""

from typing import TYPE_CHECKING

from aibridge.budgets.money import dollars
from aibridge.cli.output import say
from aibridge.cli.spend.shown import TOTAL, days
from aibridge.cli.tables import Column, print_table, tell_of_more

if TYPE_CHECKING:  # they take a while to import, and help texts need none of them
    from aibridge.contract import AICacheReport, AICacheUsage

_NUMBERS = (
    Column("MISSES COST", right=True),
    Column("MISSED", right=True, rank=3),
    Column("SAVED", right=True, rank=1),
    Column("WRITES COST", right=True, rank=4),
    Column("NET", right=True, rank=2),
    Column("READ", right=True, rank=6),
    Column("CALLS", right=True, rank=7),
    Column("REASONS", telling=True),
)


def print_cache(found: "AICacheReport", limit: int) -> None:
    """Print what caches saved and what missing them cost, and at last the sum of all."""
    is_by_session = found.by == "session"
    title = Column(found.by.upper(), ids=is_by_session)
    columns = (title, *([Column("USER", rank=5)] if is_by_session else []), *_NUMBERS)
    rows = []
    for part in found.parts:
        user = [part.username or part.user_id or ""] if is_by_session else []
        rows.append((part.key, *user, *_cells(part)))
    rows.append((TOTAL, *([""] if is_by_session else []), *_cells(found.totals)))
    print_table(columns, rows)
    tell_of_more(len(found.parts), limit, found.count, {})
    say(f"{days(found)}; costs are approximate.", err=True)
    if found.totals.unpriced_usage_count:
        count = f"{found.totals.unpriced_usage_count:,}"
        say(f"Usage rows that are in no amount, as they have no price: {count}.", err=True)


def _cells(used: "AICacheUsage") -> tuple[str, ...]:
    return (
        dollars(used.miss_cost_micros),
        f"{used.missed_input_tokens:,}",
        dollars(used.saved_micros),
        dollars(used.write_extra_micros),
        dollars(used.net_micros),
        f"{used.cache_read_input_tokens:,}",
        f"{used.request_count:,}",
        ", ".join(f"{each.reason} {dollars(each.cost_micros)}" for each in used.misses),
    )
