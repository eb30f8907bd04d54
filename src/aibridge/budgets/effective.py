"""Which budget applies to a user. Pure; money is integers of micro-dollars.

Source: section 5.4 of the contract. All that a user spends in a period counts against the limit
that applies, whichever group it was charged to: so nobody passes a limit by changing groups.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from aibridge.contract.words import LimitSource


@dataclass(frozen=True, slots=True)
class OwnLimit:
    """A limit of one user's own, and the group of theirs that their spending is charged to."""

    group_id: str
    spend_limit_micros: int


@dataclass(frozen=True, slots=True)
class GroupLimit:
    """The limit that a group gives a member, who is in it since a time in microseconds."""

    group_id: str
    spend_limit_micros: int
    member_since: int


@dataclass(frozen=True, slots=True)
class UserLimits:
    """All limits that may apply to a user: their own, and those of the groups they are in."""

    own: OwnLimit | None = None
    groups: tuple[GroupLimit, ...] = ()


@dataclass(frozen=True, slots=True)
class EffectiveBudget:
    """The limit that applies to a user, and the group that their spending is charged to.

    Without a limit (`None`) there is no ``source`` either.
    """

    group_id: str
    spend_limit_micros: int | None
    source: LimitSource | None


def effective_budget(
    own: OwnLimit | None, groups: Iterable[GroupLimit], everyone: str
) -> EffectiveBudget:
    """Return the budget that applies to a user, by their own limit and those of their groups.

    Their own limit replaces any group's. Else the highest limit of a group counts; of equal ones
    that of the group they are in for longest, then of the lowest id. Else nothing limits them, and
    what they spend is charged to ``everyone``, the id of the group of all users.
    """
    if own is not None:
        return EffectiveBudget(own.group_id, own.spend_limit_micros, LimitSource.USER_OVERRIDE)
    best = min(groups, key=_rank, default=None)
    if best is not None:
        return EffectiveBudget(best.group_id, best.spend_limit_micros, LimitSource.GROUP)
    return EffectiveBudget(everyone, None, None)


def _rank(limit: GroupLimit) -> tuple[int, int, str]:
    return -limit.spend_limit_micros, limit.member_since, limit.group_id
