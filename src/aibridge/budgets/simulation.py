"""What other limits would have refused of what was spent. Pure; money is micro-dollars.

What was spent is known by days. So a limit is reached on a day, and what was spent beyond it until
the end of that month would have been refused.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import accumulate, groupby
from typing import NamedTuple

from aibridge.budgets.effective import (
    EffectiveBudget,
    GroupLimit,
    OwnLimit,
    UserLimits,
)
from aibridge.budgets.periods import month_of


@dataclass(frozen=True, slots=True)
class Policy:
    """Limits by the ids of groups and users, `None` for none. Who is not named keeps theirs."""

    groups: Mapping[str, int | None] = field(default_factory=dict)
    users: Mapping[str, OwnLimit | None] = field(default_factory=dict)


def limits_under(
    policy: Policy, user_id: str, present: UserLimits, member_since: Mapping[str, int]
) -> UserLimits:
    """Return the limits that a user has under a policy, instead of their present ones.

    ``member_since`` says since when they are in those groups of the policy that they are in.
    """
    kept = (limit for limit in present.groups if limit.group_id not in policy.groups)
    tried = (
        GroupLimit(group_id, limit, member_since[group_id])
        for group_id, limit in policy.groups.items()
        if limit is not None and group_id in member_since
    )
    return UserLimits(policy.users.get(user_id, present.own), (*kept, *tried))


class Month(NamedTuple):
    """What of a month was spent, and what of that would have been refused.

    It begins with ``start``. ``reached_on`` is the day on which the limit would have been reached.
    All times are in microseconds since 1970.
    """

    start: int
    spent: int
    refused: int
    reached_on: int | None


Day = tuple[int, int]
"""The beginning of a day in UTC, and what was spent on it."""


def replay(limit: int | None, days: Iterable[Day], since: int) -> list[Month]:
    """Return the months in which a user used anything from a day on, under a limit a month.

    What they spent before that day counts against the limit of its month, and is not refused.
    """
    months = groupby(sorted(days), key=lambda day: month_of(day[0]).start)
    found = ((start, *_parted(of_month, since)) for start, of_month in months)
    return [_month(start, limit, before, later) for start, before, later in found if later]


def _parted(days: Iterable[Day], since: int) -> tuple[int, list[Day]]:
    """Return what was spent before a day, and the days from then on."""
    before, later = 0, []
    for day, cost in days:
        if day < since:
            before += cost
        else:
            later.append((day, cost))
    return before, later


def _month(start: int, limit: int | None, before: int, days: list[Day]) -> Month:
    spent = list(accumulate(cost for _, cost in days))
    if limit is None:
        return Month(start, spent[-1], 0, None)
    left = max(0, limit - before)
    reached = (day for (day, _), so_far in zip(days, spent, strict=True) if so_far >= left)
    return Month(start, spent[-1], max(0, spent[-1] - left), next(reached, None))


class UserMonth(NamedTuple):
    """A month of a user, and the budget that would have applied to them."""

    user_id: str
    budget: EffectiveBudget
    month: Month


class Totals(NamedTuple):
    """What several users spent, how many they are, and how many would have reached their limit."""

    spent: int
    refused: int
    users: int
    reached: int


def total(months: Iterable[UserMonth]) -> Totals:
    """Return months of users together."""
    found = list(months)
    return Totals(
        sum(one.month.spent for one in found),
        sum(one.month.refused for one in found),
        len({one.user_id for one in found}),
        len({one.user_id for one in found if one.month.reached_on is not None}),
    )
