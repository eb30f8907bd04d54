"""Users and tokens: what is asked of the database about who may call.

Functions take a connection of `Database.read` or `Database.write`; times are microseconds since
1970. What a person asked for and cannot have raises `IdentityError`.
"""

import re
import sqlite3
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import sqlalchemy
from sqlalchemy import (
    PoolProxiedConnection,
    Select,
    bindparam,
    delete,
    func,
    insert,
    select,
    update,
)
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from aibridge.identity.people import Role
from aibridge.store.database import Database
from aibridge.store.schema import tokens, users

Connection: TypeAlias = sqlalchemy.Connection
"""A connection of `Database.read` or `Database.write`."""

DRIVER_ERRORS: tuple[type[Exception], ...] = (SQLAlchemyError, sqlite3.Error)
"""What statements raise when the database itself is in trouble."""

ACTIVE = "active"
SUSPENDED = "suspended"

LOOK_UP_TIMEOUT_MILLISECONDS = 100
"""How long the look-up of a token may wait for a lock: it runs on the event loop."""

MAX_USERNAME = 32
MAX_TOKEN_NAME = 64

_USERNAME = re.compile(r"[a-zA-Z0-9]+(-[a-zA-Z0-9]+)*")
_RESERVED = frozenset({"me"})  # stands for the caller in the API


class IdentityError(Exception):
    """What was asked of users or tokens cannot be done; the text says why."""


@dataclass(frozen=True, slots=True)
class User:
    """A row of users."""

    id: str
    username: str
    name: str
    role: Role
    status: str
    created_at: int


@dataclass(frozen=True, slots=True)
class Token:
    """A row of tokens, without its secret. ``expires_at`` `None` is never."""

    id: str
    user_id: str
    username: str
    name: str
    created_at: int
    expires_at: int | None


_USER_COLUMNS = (
    users.c.id,
    users.c.username,
    users.c.name,
    users.c.role,
    users.c.status,
    users.c.created_at,
)


def _now() -> int:
    return time.time_ns() // 1_000


def _user(row: Sequence[Any]) -> User:
    user_id, username, name, role, status, created_at = row
    return User(user_id, username, name, Role(role), status, created_at)


def create_user(
    connection: Connection, username: str, role: Role = Role.MEMBER, name: str = ""
) -> User:
    """Add an active user. Usernames are unique whatever their case."""
    _check_username(username)
    if user_by_name(connection, username) is not None:
        raise IdentityError(f"the username {username!r} is taken")
    now = _now()
    user = User(str(uuid.uuid4()), username, name, role, ACTIVE, now)
    row = {
        "id": user.id,
        "username": username,
        "username_key": username.lower(),
        "name": name,
        "avatar_url": "",
        "status": ACTIVE,
        "role": role.value,
        "created_at": now,
        "updated_at": now,
    }
    try:
        connection.execute(insert(users), row)
    except IntegrityError:  # another writer was faster, where writers run side by side
        raise IdentityError(f"the username {username!r} is taken") from None
    return user


def _check_username(username: str) -> None:
    if len(username) > MAX_USERNAME or not _USERNAME.fullmatch(username):
        raise IdentityError(
            f"a username is letters and digits with single hyphens between them, at most "
            f"{MAX_USERNAME} characters; not {username!r}"
        )
    if username.lower() in _RESERVED:
        raise IdentityError(f"the username {username!r} is reserved")


def user_by_name(connection: Connection, username: str) -> User | None:
    """Find a user by name, whatever its case."""
    query = select(*_USER_COLUMNS).where(users.c.username_key == username.lower())
    row = connection.execute(query).one_or_none()
    return None if row is None else _user(row)


def require_user(connection: Connection, username: str) -> User:
    """Find a user by name; an unknown one raises `IdentityError`."""
    user = user_by_name(connection, username)
    if user is None:
        raise IdentityError(f"there is no user {username!r}")
    return user


def list_users(connection: Connection) -> list[User]:
    """Return every user in the order of their names."""
    query = select(*_USER_COLUMNS).order_by(users.c.username_key)
    return [_user(row) for row in connection.execute(query)]


def count_users(connection: Connection) -> int:
    """Return how many users there are."""
    return connection.scalar(select(func.count()).select_from(users)) or 0


def set_user_status(connection: Connection, username: str, status: str) -> User:
    """Make a user `ACTIVE` or `SUSPENDED`; their tokens work, or not, from the next request."""
    user = require_user(connection, username)
    values = {"status": status, "updated_at": _now()}
    connection.execute(update(users).where(users.c.id == user.id).values(values))
    return require_user(connection, username)


def create_token(
    connection: Connection,
    user: User,
    token_id: str,
    secret_sha256: str,
    *,
    name: str,
    lifetime_us: int | None,
) -> Token:
    """Add a token of a user, of whose secret only the digest is given. Names differ per user."""
    if not 0 < len(name) <= MAX_TOKEN_NAME or not name.isprintable():
        raise IdentityError(
            f"a token's name is 1 to {MAX_TOKEN_NAME} printable characters; not {name!r}"
        )
    if any(token.name == name for token in list_tokens(connection, user.id)):
        raise IdentityError(f"{user.username} has a token named {name!r} already")
    now = _now()
    expires_at = None if lifetime_us is None else now + lifetime_us
    row = {
        "id": token_id,
        "user_id": user.id,
        "name": name,
        "secret_sha256": secret_sha256,
        "created_at": now,
        "expires_at": expires_at,
    }
    try:
        connection.execute(insert(tokens), row)
    except IntegrityError:
        raise IdentityError(f"{user.username} has a token named {name!r} already") from None
    return Token(token_id, user.id, user.username, name, now, expires_at)


def list_tokens(connection: Connection, user_id: str | None = None) -> list[Token]:
    """Return the tokens of a user, or of everybody, oldest first; expired ones too."""
    query = _tokens().order_by(tokens.c.created_at, tokens.c.id)
    if user_id is not None:
        query = query.where(tokens.c.user_id == user_id)
    return [Token(*row) for row in connection.execute(query)]


def delete_token(connection: Connection, token_id: str) -> Token:
    """Delete a token and return what it was; it is refused from the next request on."""
    row = connection.execute(_tokens().where(tokens.c.id == token_id)).one_or_none()
    if row is None:
        raise IdentityError(f"there is no token {token_id!r}")
    connection.execute(delete(tokens).where(tokens.c.id == token_id))
    return Token(*row)


def _tokens() -> Select[Any]:
    return select(
        tokens.c.id,
        tokens.c.user_id,
        users.c.username,
        tokens.c.name,
        tokens.c.created_at,
        tokens.c.expires_at,
    ).join(users, users.c.id == tokens.c.user_id)


_GRANT = (
    select(
        tokens.c.secret_sha256,
        tokens.c.expires_at,
        users.c.status,
        users.c.id,
        users.c.username,
        users.c.role,
    )
    .join(users, users.c.id == tokens.c.user_id)
    .where(tokens.c.id == bindparam("token_id"))
)

Grant = tuple[str, int | None, str, str, str, str]
"""A token's secret digest and expiry; its user's status, id, username and role."""


class Grants:
    """The one query that runs on every request: who holds the token of an id.

    SQLAlchemy's own execution costs several times the query, so the statement is compiled once
    and run on the driver's connection, which is kept for this alone. It is in no transaction:
    every look-up sees the newest commit, of other processes too. Not for several threads.
    """

    def __init__(self, database: Database) -> None:
        self._engine = database.engine
        self._sql = str(_GRANT.compile(dialect=database.engine.dialect))
        self._connection: PoolProxiedConnection | None = None
        self._cursor: Any = None

    def find(self, token_id: str) -> Grant | None:
        """Return the row of a token's id.

        Raises one of `DRIVER_ERRORS`; the next call connects anew.
        """
        try:
            cursor = self._cursor or self._open()
            cursor.execute(self._sql, (token_id,))
            grant: Grant | None = cursor.fetchone()
        except DRIVER_ERRORS:
            self.close()
            raise
        return grant

    def _open(self) -> Any:  # noqa: ANN401 - the driver's cursor has no common type
        self._connection = self._engine.raw_connection()
        self._cursor = self._connection.cursor()
        self._cursor.execute(f"PRAGMA busy_timeout={LOOK_UP_TIMEOUT_MILLISECONDS}")
        return self._cursor

    def close(self) -> None:
        """Give up the connection, for good: its settings are not those of the pool's others."""
        connection, self._connection, self._cursor = self._connection, None, None
        if connection is not None:
            connection.invalidate()
