"""Limits of groups and of single users, in micro-dollars."""

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import delete, insert, select, true, union_all, update

from aibridge.ids import now
from aibridge.principals import EVERYONE
from aibridge.store.people.users import Connection
from aibridge.store.schema.tables import (
    group_ai_budgets,
    group_members,
    user_ai_budget_overrides,
    users,
)


@dataclass(frozen=True, slots=True)
class GroupBudget:
    """A row of group budgets: a limit for each member."""

    group_id: str
    spend_limit_micros: int
    created_at: int
    updated_at: int


@dataclass(frozen=True, slots=True)
class Override:
    """A row of overrides: a user's own limit, and the group it is charged to."""

    user_id: str
    group_id: str
    spend_limit_micros: int
    created_at: int
    updated_at: int


@dataclass(frozen=True, slots=True)
class MemberLimit:
    """The limit that a group gives one of its members, and since when they are in it."""

    user_id: str
    group_id: str
    spend_limit_micros: int
    member_since: int


def group_budget(connection: Connection, group_id: str) -> GroupBudget | None:
    """Return the budget of a group, `None` for no limit."""
    found = list_group_budgets(connection, [group_id])
    return found[0] if found else None


def list_group_budgets(connection: Connection, group_ids: Collection[str]) -> list[GroupBudget]:
    """Return the budgets of those of these groups that have one."""
    table = group_ai_budgets
    query = select(table).where(table.c.group_id.in_(group_ids))
    return [GroupBudget(*row) for row in connection.execute(query)]


def put_group_budget(connection: Connection, group_id: str, limit: int) -> GroupBudget:
    """Make or replace the budget of a group; when it was made stays."""
    old, at = group_budget(connection, group_id), now()
    budget = GroupBudget(group_id, limit, old.created_at if old else at, at)
    values = {"spend_limit_micros": limit, "updated_at": at}
    if old is None:
        row = {**values, "group_id": group_id, "created_at": at}
        connection.execute(insert(group_ai_budgets), row)
    else:
        mine = group_ai_budgets.c.group_id == group_id
        connection.execute(update(group_ai_budgets).where(mine).values(values))
    return budget


def delete_group_budget(connection: Connection, group_id: str) -> None:
    """Take the limit off a group."""
    connection.execute(delete(group_ai_budgets).where(group_ai_budgets.c.group_id == group_id))


def override(connection: Connection, user_id: str) -> Override | None:
    """Return a user's own limit, `None` where they have none."""
    table = user_ai_budget_overrides
    row = connection.execute(select(table).where(table.c.user_id == user_id)).one_or_none()
    return None if row is None else Override(*row)


def overrides_charged_to(connection: Connection, group_id: str) -> list[Override]:
    """Return the own limits of users that are charged to a group."""
    table = user_ai_budget_overrides
    query = select(table).where(table.c.group_id == group_id).order_by(table.c.user_id)
    return [Override(*row) for row in connection.execute(query)]


def list_overrides(
    connection: Connection, user_ids: Collection[str] | None = None
) -> list[Override]:
    """Return the own limits of these users, or of all."""
    table = user_ai_budget_overrides
    query = select(table)
    if user_ids is not None:
        query = query.where(table.c.user_id.in_(user_ids))
    return [Override(*row) for row in connection.execute(query)]


def list_member_limits(
    connection: Connection, user_ids: Collection[str] | None = None
) -> list[MemberLimit]:
    """Return the limits that these users, or all, have from the groups they are in.

    In Everyone they are since their account was made.
    """
    budget, member = group_ai_budgets.c, group_members.c
    limit = (budget.group_id, budget.spend_limit_micros)
    of_members = select(member.user_id, *limit, member.created_at).join(
        group_ai_budgets, budget.group_id == member.group_id
    )
    of_all = (
        select(users.c.id, *limit, users.c.created_at)
        .join(group_ai_budgets, true())
        .where(budget.group_id == EVERYONE)
    )
    if user_ids is not None:
        of_members = of_members.where(member.user_id.in_(user_ids))
        of_all = of_all.where(users.c.id.in_(user_ids))
    return [MemberLimit(*row) for row in connection.execute(union_all(of_members, of_all))]


def put_override(connection: Connection, user_id: str, group_id: str, limit: int) -> Override:
    """Make or replace a user's own limit; when it was made stays."""
    old, at = override(connection, user_id), now()
    made = Override(user_id, group_id, limit, old.created_at if old else at, at)
    values = {"group_id": group_id, "spend_limit_micros": limit, "updated_at": at}
    if old is None:
        row = {**values, "user_id": user_id, "created_at": at}
        connection.execute(insert(user_ai_budget_overrides), row)
    else:
        mine = user_ai_budget_overrides.c.user_id == user_id
        connection.execute(update(user_ai_budget_overrides).where(mine).values(values))
    return made


def delete_override(connection: Connection, user_id: str) -> None:
    """Take a user's own limit away."""
    table = user_ai_budget_overrides
    connection.execute(delete(table).where(table.c.user_id == user_id))
