"""The look-up of a token, which runs on every request."""

from typing import Any

from sqlalchemy import PoolProxiedConnection, bindparam, select
from sqlalchemy.dialects.postgresql.base import PGDialect
from sqlalchemy.dialects.sqlite.base import SQLiteDialect

from aibridge.store.database import Database
from aibridge.store.schema import tokens, users
from aibridge.store.trouble import DRIVER_ERRORS
from aibridge.store.users import Connection

LOOK_UP_TIMEOUT_MILLISECONDS = 100
"""How long the look-up of a token may wait for a lock, on PostgreSQL take: it runs on the event
loop."""

_GRANT = (
    select(
        tokens.c.secret_sha256,
        tokens.c.expires_at,
        tokens.c.scopes,
        users.c.status,
        users.c.id,
        users.c.username,
        users.c.roles,
    )
    .join(users, users.c.id == tokens.c.user_id)
    .where(tokens.c.id == bindparam("token_id"))
)

Grant = tuple[str, int | None, str, str, str, str, str]
"""A token's secret digest, expiry and scopes; its user's status, id, username and roles."""


def standing(connection: Connection, token_id: str) -> tuple[str, str, str, int | None] | None:
    """Return a token's scopes, its user's roles and status, and when it ends."""
    query = (
        select(tokens.c.scopes, users.c.roles, users.c.status, tokens.c.expires_at)
        .join(users, users.c.id == tokens.c.user_id)
        .where(tokens.c.id == token_id)
    )
    row = connection.execute(query).one_or_none()
    return None if row is None else (row[0], row[1], row[2], row[3])


class Grants:
    """The one query that runs on every request: who holds the token of an id.

    SQLAlchemy's own execution costs several times the query, so the statement is compiled once
    and run on the driver's connection, which is kept for this alone. It is in no transaction:
    every look-up sees the newest commit, of other processes too. Not for several threads.
    """

    def __init__(self, database: Database) -> None:
        self._engine = database.engine
        self._is_postgresql = database.is_postgresql
        dialect: Any = PGDialect if self._is_postgresql else SQLiteDialect
        style = "pyformat" if self._is_postgresql else "named"
        self._sql = str(_GRANT.compile(dialect=dialect(paramstyle=style)))
        self._connection: PoolProxiedConnection | None = None
        self._cursor: Any = None

    def find(self, token_id: str) -> Grant | None:
        """Return the row of a token's id.

        Raises one of `DRIVER_ERRORS`; the next call connects anew.
        """
        try:
            cursor = self._cursor or self._open()
            cursor.execute(self._sql, {"token_id": token_id})
            grant: Grant | None = cursor.fetchone()
        except DRIVER_ERRORS:
            self.close()
            raise
        return grant

    def _open(self) -> Any:  # noqa: ANN401 - the driver's cursor has no common type
        self._connection = self._engine.raw_connection()
        if self._is_postgresql:
            self._connection.driver_connection.autocommit = True  # type: ignore[union-attr]
        self._cursor = self._connection.cursor()
        limit = "SET statement_timeout" if self._is_postgresql else "PRAGMA busy_timeout"
        self._cursor.execute(f"{limit} = {LOOK_UP_TIMEOUT_MILLISECONDS}")
        return self._cursor

    def close(self) -> None:
        """Give up the connection, for good: its settings are not those of the pool's others."""
        connection, self._connection, self._cursor = self._connection, None, None
        if connection is not None:
            connection.invalidate()
