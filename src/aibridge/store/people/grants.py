"""The look-up of a token, which runs on every request."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Text,
    any_,
    bindparam,
    exists,
    literal_column,
    or_,
    select,
)
from sqlalchemy.dialects.postgresql.base import PGDialect
from sqlalchemy.dialects.sqlite.base import SQLiteDialect

from aibridge.principals import EVERYONE
from aibridge.store.engine.database import Database
from aibridge.store.engine.errors import DRIVER_ERRORS
from aibridge.store.people.users import Connection
from aibridge.store.schema.tables import (
    caps,
    group_ai_budgets,
    group_members,
    tokens,
    user_ai_budget_overrides,
    users,
)

if TYPE_CHECKING:
    from aibridge.store.engine.postgresql_link import PostgreSQLLink
    from aibridge.store.engine.sqlite import SQLiteLink

LOOK_UP_TIMEOUT_SECONDS = 0.1
"""How long the look-up of a token may wait for a lock."""

_BUDGET, _MEMBER, _CAP = group_ai_budgets.c, group_members.c, caps.c
_EVERYONE: ColumnElement[str] = literal_column(f"'{EVERYONE}'")
_IS_LIMITED = or_(
    exists().where(user_ai_budget_overrides.c.user_id == users.c.id),
    exists().where(_BUDGET.group_id == _EVERYONE),
    exists().where(_MEMBER.user_id == users.c.id, _MEMBER.group_id == _BUDGET.group_id),
    exists().where(_CAP.target_id.in_((users.c.id, tokens.c.id, _EVERYONE))),
    exists().where(_MEMBER.user_id == users.c.id, _MEMBER.group_id == _CAP.target_id),
)
"""Whether any limit applies to a call; which one is not for a look-up of tokens to say."""
_GRANT = select(
    tokens.c.secret_sha256,
    tokens.c.expires_at,
    tokens.c.scopes,
    users.c.status,
    users.c.id,
    users.c.username,
    users.c.roles,
    _IS_LIMITED,
).join(users, users.c.id == tokens.c.user_id)
_BY_ID = _GRANT.where(tokens.c.id == bindparam("token_id"))
_BY_IDS = _GRANT.add_columns(tokens.c.id).where(
    tokens.c.id == any_(bindparam("token_ids", type_=ARRAY(Text)))
)

Grant = tuple[str, int | None, str, str, str, str, str, bool]
"""A token's secret digest, expiry and scopes; its user's status, id, username and roles, and
whether a limit applies to what they spend."""


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
    """Who holds the token of an id: the one query that runs on every request.

    SQLAlchemy's own execution costs several times the query, so the statement is compiled once
    and run on the driver's connection, which is kept for this alone. It is in no transaction:
    every look-up sees the newest commit, of other processes too. Not for several threads, but
    for `break_off`.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        dialect: Any = PGDialect if database.is_postgresql else SQLiteDialect
        style = "pyformat" if database.is_postgresql else "named"
        query = _BY_IDS if database.is_postgresql else _BY_ID
        self._sql = str(query.compile(dialect=dialect(paramstyle=style)))
        self._link: PostgreSQLLink | SQLiteLink | None = None

    def find(self, token_id: str) -> Grant | None:
        """Return the row of a token's id.

        Raises one of `DRIVER_ERRORS`; the next call connects anew.
        """
        if self._database.is_postgresql:
            return self.find_many([token_id]).get(token_id)
        rows = self._select({"token_id": token_id}, 1)
        return rows[0] if rows else None

    def find_many(self, token_ids: Sequence[str]) -> dict[str, Grant]:
        """Return the rows of those ids that there are, in PostgreSQL; raises as `find` does."""
        rows = self._select({"token_ids": list(token_ids)}, len(token_ids))
        return {row[-1]: row[:-1] for row in rows}

    def _select(self, parameters: dict[str, Any], most: int) -> list[Any]:
        """Ask once more by a new connection where an old one is of no use any more."""
        was_open = self._link is not None
        try:
            link = self._link or self._open()
            return link.select(self._sql, parameters, most)
        except DRIVER_ERRORS:
            self.close()
            if was_open and self._database.is_postgresql:
                return self._select(parameters, most)
            raise

    def _open(self) -> "PostgreSQLLink | SQLiteLink":
        self._link = self._database.link(lock_seconds=LOOK_UP_TIMEOUT_SECONDS)
        return self._link

    def break_off(self) -> None:
        """Let the look-up that another thread waits for fail now. Never waits."""
        if (link := self._link) is not None:
            link.break_off()

    def close(self) -> None:
        """Give up the connection."""
        link, self._link = self._link, None
        if link is not None:
            link.close()
