"""What was spent in a period, beside the limits that it counts against."""

from collections.abc import Collection
from dataclasses import dataclass

from aibridge.budgets.effective import (
    EffectiveBudget,
    GroupLimit,
    OwnLimit,
    UserLimits,
    effective_budget,
)
from aibridge.budgets.periods import Period
from aibridge.principals import EVERYONE
from aibridge.store.people import budgets
from aibridge.store.people.groups import Group
from aibridge.store.people.users import Connection
from aibridge.store.usage.daily import Facet, Usage, UsageFilter, sums

UNLIMITED = effective_budget(None, (), EVERYONE)
"""What applies to a user who has no limit of their own, nor from any group."""


@dataclass(frozen=True, slots=True)
class UserSpend:
    """What a user spent, whatever it was charged to, and the budget that it counts against."""

    user_id: str
    budget: EffectiveBudget
    used: Usage


@dataclass(frozen=True, slots=True)
class GroupSpend:
    """What was charged to a group, and how much that may be, in micro-dollars.

    ``limit`` is for each member, ``total_limit`` for all whose spending is charged to the group,
    with the limits that some have of their own. Both are `None` where the group has no budget.
    """

    group_id: str
    limit: int | None
    total_limit: int | None
    used: Usage


@dataclass(frozen=True, slots=True)
class MemberSpend:
    """What a member spent in all, and how much of it was charged to the group."""

    user: UserSpend
    charged: Usage

    def limit_by(self, group_id: str) -> int | None:
        """Return the limit that counts, where it is the group's or charged to it."""
        budget = self.user.budget
        return budget.spend_limit_micros if budget.group_id == group_id else None


def limits_of_users(
    connection: Connection, user_ids: Collection[str] | None = None
) -> dict[str, UserLimits]:
    """Return the limits of these users, or of all, but for those who have none."""
    own = {
        row.user_id: OwnLimit(row.group_id, row.spend_limit_micros)
        for row in budgets.list_overrides(connection, user_ids)
    }
    of_groups: dict[str, list[GroupLimit]] = {user_id: [] for user_id in own}
    for row in budgets.list_member_limits(connection, user_ids):
        limit = GroupLimit(row.group_id, row.spend_limit_micros, row.member_since)
        of_groups.setdefault(row.user_id, []).append(limit)
    return {
        user_id: UserLimits(own.get(user_id), tuple(limits))
        for user_id, limits in of_groups.items()
    }


def effective_budgets(
    connection: Connection, user_ids: Collection[str] | None = None
) -> dict[str, EffectiveBudget]:
    """Return the budgets that apply to these users, or to all, but for those without a limit."""
    return {
        user_id: effective_budget(limits.own, limits.groups, EVERYONE)
        for user_id, limits in limits_of_users(connection, user_ids).items()
    }


def spend_of_users(
    connection: Connection, user_ids: Collection[str], period: Period
) -> list[UserSpend]:
    """Return what each of these users spent, in their order."""
    applying = effective_budgets(connection, user_ids)
    used = sums(connection, UsageFilter(*period, user_ids=user_ids), Facet.USER)
    return [
        UserSpend(one, applying.get(one, UNLIMITED), used.get((one,), Usage())) for one in user_ids
    ]


def spend_of_groups(
    connection: Connection, groups: Collection[Group], period: Period
) -> list[GroupSpend]:
    """Return what was charged to each of these groups, in their order."""
    ids = [group.id for group in groups]
    used = sums(connection, UsageFilter(*period, group_ids=ids), Facet.GROUP)
    limits = {
        row.group_id: row.spend_limit_micros for row in budgets.list_group_budgets(connection, ids)
    }
    totals = dict.fromkeys(limits, 0)
    if totals:
        for budget in effective_budgets(connection).values():
            if budget.group_id in totals:
                totals[budget.group_id] += budget.spend_limit_micros or 0
    return [
        GroupSpend(one, limits.get(one), totals.get(one), used.get((one,), Usage())) for one in ids
    ]


def spend_of_members(
    connection: Connection, group: Group, user_ids: Collection[str], period: Period
) -> list[MemberSpend]:
    """Return what each of these members spent, in their order."""
    where = UsageFilter(*period, user_ids=user_ids, group_ids=[group.id])
    charged = sums(connection, where, Facet.USER)
    return [
        MemberSpend(user, charged.get((user.user_id,), Usage()))
        for user in spend_of_users(connection, user_ids, period)
    ]
