"""Groups and who is in them. Everyone holds all users, and has no rows of members."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Select, case, delete, func, insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from aibridge.errors import TakenError
from aibridge.ids import now
from aibridge.principals import EVERYONE
from aibridge.store.people.users import COLUMNS, Connection, User, user_of
from aibridge.store.schema.tables import group_members, groups, users


class Membership(NamedTuple):
    """Who is in which group, and since when."""

    user_id: str
    group_id: str
    since: int


@dataclass(frozen=True, slots=True)
class Group:
    """A row of groups, and how many are in it."""

    id: str
    name: str
    display_name: str
    created_at: int
    updated_at: int
    member_count: int

    @property
    def is_everyone(self) -> bool:
        """Whether this is the group that holds all users."""
        return self.id == EVERYONE


_g, _m, _u = groups.c, group_members.c, users.c


def _groups() -> Select[Any]:
    everybody = select(func.count()).select_from(users).scalar_subquery()
    members = select(func.count()).where(_m.group_id == _g.id).correlate(groups).scalar_subquery()
    counted = case((_g.id == EVERYONE, everybody), else_=members)
    return select(_g.id, _g.name, _g.display_name, _g.created_at, _g.updated_at, counted)


def list_groups(
    connection: Connection, *, of_users: Iterable[str] = (), ids: Collection[str] | None = None
) -> list[Group]:
    """Return groups in the order of their names: all, or those that every one of these users is in.

    Where ``ids`` are given, they are of these.
    """
    query = _groups().order_by(_g.name_key)
    for user_id in of_users:
        query = query.where(or_(_g.id == EVERYONE, _g.id.in_(_groups_of(user_id))))
    if ids is not None:
        query = query.where(_g.id.in_(ids))
    return [Group(*row) for row in connection.execute(query)]


def _groups_of(user_id: str) -> Select[tuple[str]]:
    return select(_m.group_id).where(_m.user_id == user_id)


def find_group(connection: Connection, group_id: str) -> Group | None:
    """Return a group by its id."""
    return _one(connection, _g.id == group_id)


def group_by_name(connection: Connection, name: str) -> Group | None:
    """Return a group by its name, in either case."""
    return _one(connection, _g.name_key == name.lower())


def _one(connection: Connection, where: ColumnElement[bool]) -> Group | None:
    row = connection.execute(_groups().where(where)).one_or_none()
    return None if row is None else Group(*row)


def insert_group(connection: Connection, group: Group) -> None:
    """Add a group. Raises `TakenError` for a name that another has."""
    row = {
        "id": group.id,
        "name": group.name,
        "name_key": group.name.lower(),
        "display_name": group.display_name,
        "created_at": group.created_at,
        "updated_at": group.updated_at,
    }
    _refuse_taken(connection, group.id, group.name)
    try:
        connection.execute(insert(groups), row)
    except IntegrityError:  # another writer was faster, where writers run side by side
        raise _taken(group.name) from None


def _refuse_taken(connection: Connection, group_id: str, name: str) -> None:
    other = group_by_name(connection, name)
    if other is not None and other.id != group_id:
        raise _taken(name)


def _taken(name: str) -> TakenError:
    return TakenError(f"there is a group {name!r} already", field="name")


def rename_group(connection: Connection, group_id: str, name: str, display_name: str) -> None:
    """Set a group's names. Raises `TakenError` for a name that another has."""
    _refuse_taken(connection, group_id, name)
    values = {"name": name, "name_key": name.lower(), "display_name": display_name}
    changed = update(groups).where(_g.id == group_id)
    try:
        connection.execute(changed.values({**values, "updated_at": now()}))
    except IntegrityError:
        raise _taken(name) from None


def delete_group(connection: Connection, group_id: str) -> None:
    """Delete a group; its members, its budget and the limits charged to it go with it."""
    connection.execute(delete(groups).where(_g.id == group_id))


def members(
    connection: Connection,
    group: Group,
    most: int | None = None,
    *,
    only: Collection[str] | None = None,
) -> list[User]:
    """Return who is in a group, in the order of their names, ``most`` of them at most.

    ``only`` are the ids of those users that are meant, `None` for all.
    """
    query = select(*COLUMNS).order_by(_u.username_key).limit(most)
    if only is not None:
        query = query.where(_u.id.in_(only))
    if not group.is_everyone:
        query = query.join(group_members, _m.user_id == _u.id).where(_m.group_id == group.id)
    return [user_of(row) for row in connection.execute(query)]


def memberships(connection: Connection, group_ids: Collection[str]) -> list[Membership]:
    """Return who is in these groups; in Everyone users are since their account was made."""
    query = select(_m.user_id, _m.group_id, _m.created_at).where(_m.group_id.in_(group_ids))
    found = [Membership(*row) for row in connection.execute(query)]
    if EVERYONE in group_ids:
        everybody = connection.execute(select(_u.id, _u.created_at))
        found += (Membership(user_id, EVERYONE, since) for user_id, since in everybody)
    return found


def is_member(connection: Connection, group_id: str, user_id: str) -> bool:
    """Say whether a user is in a group."""
    if group_id == EVERYONE:
        return True
    found = select(_m.user_id).where(_m.group_id == group_id, _m.user_id == user_id)
    return connection.scalar(found) is not None


def add_members(connection: Connection, group_id: str, user_ids: Iterable[str]) -> list[str]:
    """Put users into a group, and return those who were not in it."""
    at = now()
    known = set(connection.scalars(select(_m.user_id).where(_m.group_id == group_id)))
    joining = [user_id for user_id in dict.fromkeys(user_ids) if user_id not in known]
    rows = [{"group_id": group_id, "user_id": one, "created_at": at} for one in joining]
    if rows:
        connection.execute(insert(group_members), rows)
    return joining


def remove_members(connection: Connection, group_id: str, user_ids: Iterable[str]) -> list[str]:
    """Take users out of a group, and return those who were in it."""
    mine = (_m.group_id == group_id, _m.user_id.in_(list(user_ids)))
    leaving = list(connection.scalars(select(_m.user_id).where(*mine).order_by(_m.user_id)))
    connection.execute(delete(group_members).where(*mine))
    return leaving
