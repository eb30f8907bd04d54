"""The ledger: what gateway processes may spend of limits, so that nobody passes them.

What was spent is on record, where the keeper adds it up as it writes calls. Beside it stands
what each process is allotted: of that it reserves what its calls can cost at most, without asking
again. So the sum of what was spent, and of what is allotted, never passes a limit when something is
allotted; and a call's cost, which takes the place of its reservation, is no more than that.
"""

from collections.abc import Sequence
from typing import NamedTuple

from aibridge.budgets.account_limits import Charged, Limit, limits_of
from aibridge.store.people.users import Connection
from aibridge.store.schema.accounts import parse_name
from aibridge.store.usage import allotments
from aibridge.store.usage.allotments import Holder

_AHEAD = 256
_SHARE = 8
"""What is allotted beyond what is wanted: so many times that, and one part in so many of the rest
at most. Near a limit it is little, so that one process does not keep it from another."""


class Balance(NamedTuple):
    """How an account stands, in micro-dollars.

    ``others`` is allotted to other processes, and ``allotted`` to the one that asks, with what it
    has reserved; that is ``missing`` so much of what it wants. Of a user, ``charged`` says what
    else calls count against.
    """

    limits: tuple[Limit, ...]
    others: int
    allotted: int
    missing: int = 0
    charged: Charged = Charged()

    @property
    def is_short(self) -> bool:
        """Whether more is wanted than what other processes have left."""
        return self.missing > 0 and self.others > 0

    @property
    def tightest(self) -> Limit | None:
        """The limit of which the least is left."""
        return min(self.limits, key=lambda limit: limit.left, default=None)

    @property
    def room(self) -> int | None:
        """What the process that asks could be allotted at most; `None` without a limit."""
        limit = self.tightest
        return None if limit is None else limit.left - self.others

    def affords(self, micros: int) -> bool:
        """Say whether so much is left beside what is spent; of a limit that is spent nothing is."""
        limit = self.tightest
        return limit is None or max(micros, 1) <= limit.left

    def is_of(self, at: int) -> bool:
        """Say whether a moment is in the periods of all limits."""
        return all(limit.period.start <= at < limit.period.end for limit in self.limits)


def allot(
    connection: Connection,
    account: str,
    holder: Holder,
    *,
    reserved: int,
    wanted: Sequence[int],
    at: int,
) -> Balance:
    """Allot a process what its requests want of an account, beside what it has reserved.

    What it has reserved stays its own, even where a limit has become lower. To be called in a
    transaction that writes, of its own.
    """
    allotments.lock(connection, account)
    found = allotments.find(connection, account, holder, at)  # first: what is given back is spent
    limits, charged = limits_of(connection, parse_name(account), at)
    balance = Balance(limits, found.others, 0, charged=charged)
    allotted = reserved if balance.room is None else to_allot(balance.room, reserved, wanted)
    lasts = found.expires_at - at > allotments.EXPIRES_AFTER // 2
    if allotted != found.own or (allotted and not lasts):
        allotments.put(connection, account, holder, allotted, at + allotments.EXPIRES_AFTER)
    missing = 0 if balance.room is None else max(0, reserved + sum(wanted) - allotted)
    return balance._replace(allotted=allotted, missing=missing)


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
