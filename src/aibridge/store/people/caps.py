"""Caps: limits beside the budgets, in micro-dollars."""

from dataclasses import dataclass

from sqlalchemy import delete, insert, literal, select, update

from aibridge.ids import new_id, now
from aibridge.principals import EVERYONE
from aibridge.store.people.users import Connection
from aibridge.store.schema.tables import caps, group_members, tokens

_c = caps.c


@dataclass(frozen=True, slots=True)
class Cap:
    """A row of caps: whom it is of, the period that it is for, and how much."""

    id: str
    scope: str
    target_id: str
    period: str
    spend_limit_micros: int
    created_at: int
    updated_at: int


def list_caps(connection: Connection, *targets: str) -> list[Cap]:
    """Return the caps of these targets, or of all, in the order in which they were made."""
    query = select(caps).order_by(_c.created_at, _c.id)
    if targets:
        query = query.where(_c.target_id.in_(targets))
    return [Cap(*row) for row in connection.execute(query)]


def caps_of_groups(connection: Connection, user_id: str) -> list[Cap]:
    """Return the caps of the groups that a user is in, of Everyone too.

    They come in the order in which the user joined the groups, that of Everyone last.
    """
    member = group_members.c
    joined = (
        select(member.group_id, member.created_at)
        .where(member.user_id == user_id)
        .union_all(select(literal(EVERYONE), literal(1 << 62)))
        .subquery()
    )
    query = select(caps).join(joined, joined.c.group_id == _c.target_id)
    return [
        Cap(*row)
        for row in connection.execute(query.order_by(joined.c.created_at, _c.created_at, _c.id))
    ]


def capped_tokens(connection: Connection, user_id: str) -> frozenset[str]:
    """Return the ids of those of a user's tokens that have a cap."""
    query = select(tokens.c.id).join(caps, _c.target_id == tokens.c.id)
    return frozenset(connection.scalars(query.where(tokens.c.user_id == user_id)))


def find_cap(connection: Connection, id_: str) -> Cap | None:
    """Return the cap of an id."""
    row = connection.execute(select(caps).where(_c.id == id_)).one_or_none()
    return None if row is None else Cap(*row)


def put_cap(connection: Connection, scope: str, target: str, period: str, limit: int) -> Cap:
    """Make or replace a cap; when it was made, and its id, stay."""
    its_own = (_c.scope == scope, _c.target_id == target, _c.period == period)
    row = connection.execute(select(caps).where(*its_own)).one_or_none()
    at = now()
    if row is None:
        made = Cap(new_id(), scope, target, period, limit, at, at)
        names = ("id", "scope", "target_id", "period", "spend_limit_micros")
        values = {name: getattr(made, name) for name in names}
        connection.execute(insert(caps), {**values, "created_at": at, "updated_at": at})
        return made
    values = {"spend_limit_micros": limit, "updated_at": at}
    connection.execute(update(caps).where(_c.id == row.id).values(values))
    return Cap(row.id, scope, target, period, limit, row.created_at, at)


def delete_cap(connection: Connection, id_: str) -> None:
    """Take a cap away."""
    connection.execute(delete(caps).where(_c.id == id_))
