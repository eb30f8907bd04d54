"""Users: their rows, and what is asked of them.

Functions take a connection of `Database.read` or `Database.write`; times are microseconds since
1970.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias
from uuid import UUID

import sqlalchemy
from sqlalchemy import ColumnElement, func, insert, literal, or_, select, true, update
from sqlalchemy.exc import IntegrityError

from aibridge.contract.words import SiteRole, UserStatus
from aibridge.errors import TakenError
from aibridge.ids import now
from aibridge.principals import read_roles, write_words
from aibridge.store.lists.filters import ANY, Values, choice, chosen
from aibridge.store.schema.tables import users

Connection: TypeAlias = sqlalchemy.Connection
"""A connection of `Database.read` or `Database.write`."""

ACTIVE = UserStatus.ACTIVE.value
SUSPENDED = UserStatus.SUSPENDED.value


@dataclass(frozen=True, slots=True)
class User:
    """A row of users, without the password's hash."""

    id: str
    username: str
    name: str
    email: str
    avatar_url: str
    status: str
    roles: frozenset[SiteRole]
    created_at: int
    updated_at: int


@dataclass(frozen=True, slots=True)
class NewPassword:
    """The hash of a password, and who set it: a username, `None` for the user's own choice."""

    hash: str = field(repr=False)
    set_by: str | None = None


@dataclass(frozen=True, slots=True)
class UserFilter:
    """Which users are meant: those that are as every field says.

    ``text`` is part of their username, name or email, in either case, ``name`` of their name;
    ``only`` is an id.
    """

    text: Values = ANY
    name: Values = ANY
    status: Values = ANY
    role: Values = ANY
    only: str | None = None


_c = users.c
COLUMNS = (
    _c.id,
    _c.username,
    _c.name,
    _c.email,
    _c.avatar_url,
    _c.status,
    _c.roles,
    _c.created_at,
    _c.updated_at,
)


def user_of(row: Sequence[Any]) -> User:
    """Return the user of a row of `COLUMNS`."""
    *texts, roles, created_at, updated_at = row
    return User(*texts, read_roles(roles), created_at, updated_at)  # type: ignore[call-arg]


def insert_user(connection: Connection, user: User, password: NewPassword | None = None) -> None:
    """Add a user. Raises `TakenError` for a username or address that somebody has."""
    _refuse_taken(connection, user)
    row = {
        "id": user.id,
        "username": user.username,
        "username_key": user.username.lower(),
        "name": user.name,
        "email": user.email,
        "email_key": user.email.lower() or None,
        "avatar_url": user.avatar_url,
        "status": user.status,
        "roles": write_words(user.roles),
        "created_at": user.created_at,
        "updated_at": user.updated_at,
        **(_password(password, user.created_at) if password else {}),
    }
    try:
        connection.execute(insert(users), row)
    except IntegrityError:  # another writer was faster, where writers run side by side
        raise TakenError("the username or the email address is taken", field="username") from None


def _refuse_taken(connection: Connection, user: User) -> None:
    if _one(connection, _c.username_key == user.username.lower()) is not None:
        raise TakenError(f"the username {user.username!r} is taken", field="username")
    if user.email and _one(connection, _c.email_key == user.email.lower()) is not None:
        raise TakenError(f"the email address {user.email!r} is taken", field="email")


def _one(connection: Connection, *where: ColumnElement[bool]) -> User | None:
    row = connection.execute(select(*COLUMNS).where(*where)).one_or_none()
    return None if row is None else user_of(row)


def user_by_name(connection: Connection, username: str) -> User | None:
    """Find a user by username, whatever its case."""
    return _one(connection, _c.username_key == username.lower())


def find_user(connection: Connection, text: str) -> User | None:
    """Find a user by id or username, whatever its case."""
    try:
        id_ = str(UUID(text))
    except ValueError:
        return user_by_name(connection, text)
    return _one(connection, _c.id == id_) or user_by_name(connection, text)


def find_account(connection: Connection, text: str) -> tuple[User, str | None] | None:
    """Find a user by email address or username, with the hash of their password."""
    key = text.lower()
    query = select(_c.password_hash, *COLUMNS).where(
        or_(_c.email_key == key, _c.username_key == key)
    )
    row = connection.execute(query.order_by(_c.email_key != key).limit(1)).first()
    return None if row is None else (user_of(row[1:]), row[0])


def password_hash(connection: Connection, user_id: str) -> str | None:
    """Return the hash of a user's password, `None` where there is none."""
    found: str | None = connection.scalar(select(_c.password_hash).where(_c.id == user_id))
    return found


def set_password(connection: Connection, user_id: str, password: NewPassword) -> None:
    """Give a user a password."""
    change_user(connection, user_id, **_password(password, now()))


def _password(password: NewPassword, at: int) -> dict[str, Any]:
    return {
        "password_hash": password.hash,
        "password_set_by": password.set_by,
        "password_set_at": at,
    }


def password_setter(connection: Connection, user_id: str) -> tuple[str, int] | None:
    """Return who set a user's password and when, `None` where it is the user's own choice."""
    query = select(_c.password_set_by, _c.password_set_at).where(_c.id == user_id)
    row = connection.execute(query).one_or_none()
    return None if row is None or row[0] is None else (row[0], row[1])


def page(
    connection: Connection,
    where: UserFilter,
    *,
    limit: int,
    offset: int = 0,
    after: User | None = None,
) -> list[User]:
    """Return the users that are meant, in the order of their names, those after ``after``."""
    query = select(*COLUMNS).where(*_matching(where)).order_by(_c.username_key)
    if after is not None:
        query = query.where(_c.username_key > after.username.lower())
    return [user_of(row) for row in connection.execute(query.limit(limit).offset(offset))]


def count(connection: Connection, where: UserFilter | None = None) -> int:
    """Return how many users are meant."""
    query = select(func.count()).select_from(users).where(*_matching(where or UserFilter()))
    return connection.scalar(query) or 0


def _matching(where: UserFilter) -> list[ColumnElement[bool]]:
    found = [
        *chosen(_c.status, where.status),
        *choice(_mentions, where.text),
        *choice(_is_named, where.name),
        *choice(_has_role, where.role),
    ]
    if where.only is not None:
        found.append(_c.id == where.only)
    return found


def _mentions(text: str) -> ColumnElement[bool]:
    columns = (_c.username, _c.name, _c.email)
    return or_(*(one.icontains(text, autoescape=True) for one in columns))


def _is_named(text: str) -> ColumnElement[bool]:
    return _c.name.icontains(text, autoescape=True)


def _has_role(role: str) -> ColumnElement[bool]:
    if role == SiteRole.MEMBER:
        return true()
    padded = literal(" ") + _c.roles + literal(" ")
    return padded.contains(f" {role} ", autoescape=True)


def change_user(connection: Connection, user_id: str, **values: str | int | None) -> int:
    """Set columns of a user, and return when; what they may do counts from the next request on."""
    at = now()
    changes = {**values, "updated_at": at}
    connection.execute(update(users).where(_c.id == user_id).values(changes))
    return at
