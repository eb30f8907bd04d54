"""Trying limits on what is on record: who is named by them, and what they would have refused."""

from collections.abc import Mapping
from typing import NamedTuple

from aibridge.budgets.effective import OwnLimit, UserLimits, effective_budget
from aibridge.budgets.periods import Period, month_of
from aibridge.budgets.simulation import Day, Policy, UserMonth, limits_under, replay
from aibridge.budgets.spend import limits_of_users
from aibridge.contract.words import MAX_SPEND_LIMIT_MICROS
from aibridge.errors import IdentityError
from aibridge.principals import EVERYONE
from aibridge.store.people import groups
from aibridge.store.people.groups import Group, is_member
from aibridge.store.people.users import Connection, User, find_user
from aibridge.store.usage.daily import Facet, UsageFilter, sums


class WrongPolicyError(IdentityError):
    """A policy that cannot be tried: it names what there is not."""


class NamedLimit(NamedTuple):
    """A user's own limit as a policy has it, charged to a named group; empty for that of now."""

    limit: int | None
    group: str = ""


def read_policy(
    connection: Connection, of_groups: Mapping[str, int | None], of_users: Mapping[str, NamedLimit]
) -> Policy:
    """Return a policy whose groups and users stand under their names or ids.

    Raises `WrongPolicyError`, with the path of the field that is wrong.
    """
    by_group: dict[str, int | None] = {}
    for name, limit in of_groups.items():
        path = f"groups.{name}"
        group = _group(connection, name, path)
        _check(limit, path, is_twice=group.id in by_group)
        by_group[group.id] = limit
    by_user: dict[str, OwnLimit | None] = {}
    for name, wanted in of_users.items():
        path = f"users.{name}"
        user = find_user(connection, name)
        if user is None:
            raise WrongPolicyError(f"there is no user {name!r}", field=path)
        _check(wanted.limit, path, is_twice=user.id in by_user)
        by_user[user.id] = _own(connection, user, wanted, path)
    return Policy(by_group, by_user)


def _group(connection: Connection, name: str, path: str) -> Group:
    group = groups.find_group(connection, name) or groups.group_by_name(connection, name)
    if group is None:
        raise WrongPolicyError(f"there is no group {name!r}", field=path)
    return group


def _check(limit: int | None, path: str, *, is_twice: bool) -> None:
    if is_twice:
        raise WrongPolicyError("it is named twice", field=path)
    if limit is not None and limit > MAX_SPEND_LIMIT_MICROS:
        text = f"Must not exceed {MAX_SPEND_LIMIT_MICROS}."
        raise WrongPolicyError(text, field=f"{path}.spend_limit_micros")


def _own(connection: Connection, user: User, wanted: NamedLimit, path: str) -> OwnLimit | None:
    group_id = _charged(connection, user)
    if wanted.group:
        group_id = _group(connection, wanted.group, f"{path}.group").id
        if not is_member(connection, group_id, user.id):
            text = "user must be a member of this group"
            raise WrongPolicyError(text, field=f"{path}.group")
    return None if wanted.limit is None else OwnLimit(group_id, wanted.limit)


def _charged(connection: Connection, user: User) -> str:
    """Return the id of the group that a user's spending is charged to at present."""
    present = limits_of_users(connection, [user.id]).get(user.id, UserLimits())
    return effective_budget(present.own, present.groups, EVERYONE).group_id


def simulate(connection: Connection, policy: Policy, period: Period) -> list[UserMonth]:
    """Return the months of all who used anything in a period, under a policy.

    Who is in which group is taken as it is now.
    """
    present = limits_of_users(connection)
    member_since: dict[str, dict[str, int]] = {}
    for member in groups.memberships(connection, policy.groups.keys()):
        member_since.setdefault(member.user_id, {})[member.group_id] = member.since
    found: list[UserMonth] = []
    for user_id, days in _days(connection, period).items():
        now = present.get(user_id, UserLimits())
        limits = limits_under(policy, user_id, now, member_since.get(user_id, {}))
        budget = effective_budget(limits.own, limits.groups, EVERYONE)
        months = replay(budget.spend_limit_micros, days, period.start)
        found += (UserMonth(user_id, budget, month) for month in months)
    return found


def _days(connection: Connection, period: Period) -> dict[str, list[Day]]:
    """Return what each user spent on each day, from the beginning of a period's first month."""
    where = UsageFilter(month_of(period.start).start, period.end)
    found: dict[str, list[Day]] = {}
    for (user_id, day), used in sums(connection, where, Facet.USER, Facet.DAY).items():
        found.setdefault(user_id, []).append((day, used.cost_micros))
    return found
