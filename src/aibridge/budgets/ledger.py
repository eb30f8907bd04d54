"""The ledger: what gateway processes may spend of a user's limit, so that nobody passes it.

What was spent is the usage of days, which the keeper adds up as it writes calls. Beside it stands
what each process is allotted: of that it reserves what its calls can cost at most, without asking
again. So the sum of what was spent, and of what is allotted, never passes a limit when something is
allotted; and a call's cost, which takes the place of its reservation, is no more than that.
"""

from collections.abc import Sequence
from typing import NamedTuple

from aibridge.budgets.effective import EffectiveBudget, Period, month_of
from aibridge.budgets.spend import UNLIMITED, effective_budgets
from aibridge.store.people.users import Connection
from aibridge.store.usage import allotments
from aibridge.store.usage.allotments import Holder
from aibridge.store.usage.daily import UsageFilter, sums

_AHEAD = 256
_SHARE = 8
"""What is allotted beyond what is wanted: so many times that, and one part in so many of the rest
at most. Near a limit it is little, so that one process does not keep it from another."""


class Standing(NamedTuple):
    """How a user stands with their limit, in micro-dollars.

    ``spent`` is what the record has, ``others`` is allotted to other processes, and ``allotted`` to
    the one that asks, with what it has reserved; that is ``missing`` so much of what it wants.
    """

    budget: EffectiveBudget
    period: Period
    spent: int
    others: int
    allotted: int
    missing: int = 0

    @property
    def is_short(self) -> bool:
        """Whether more is wanted than what other processes have left."""
        return self.missing > 0 and self.others > 0

    @property
    def room(self) -> int | None:
        """What the process that asks could be allotted at most; `None` without a limit."""
        limit = self.budget.spend_limit_micros
        return None if limit is None else limit - self.spent - self.others


def allot(
    connection: Connection,
    user_id: str,
    holder: Holder,
    *,
    reserved: int,
    wanted: Sequence[int],
    at: int,
) -> Standing:
    """Allot a process what its requests want of a user's limit, beside what it has reserved.

    What it has reserved stays its own, even where the limit has become lower. To be called in a
    transaction that writes, of its own.
    """
    allotments.lock(connection, user_id)
    budget = effective_budgets(connection, [user_id]).get(user_id, UNLIMITED)
    period = month_of(at)
    spent = sums(connection, UsageFilter(*period, user_ids=[user_id])).get(())
    found = allotments.find(connection, user_id, holder, at)
    standing = Standing(budget, period, spent.cost_micros if spent else 0, found.others, 0)
    allotted = reserved if standing.room is None else to_allot(standing.room, reserved, wanted)
    lasts = found.expires_at - at > allotments.EXPIRES_AFTER // 2
    if allotted != found.own or (allotted and not lasts):
        allotments.put(connection, user_id, holder, allotted, at + allotments.EXPIRES_AFTER)
    missing = 0 if standing.room is None else max(0, reserved + sum(wanted) - allotted)
    return standing._replace(allotted=allotted, missing=missing)


def to_allot(room: int, reserved: int, wanted: Sequence[int]) -> int:
    """Return what a process is allotted of the room that it has, of which some is reserved already.

    That is for those of its requests that fit, in their order: what is too little for any of them
    may do for another process.
    """
    allotted = reserved
    for micros in wanted:
        if allotted + micros <= room:
            allotted += micros
    if allotted < reserved + sum(wanted):
        return allotted
    ahead = min(max(0, room - allotted) // _SHARE, _AHEAD * sum(wanted))
    return allotted + ahead
