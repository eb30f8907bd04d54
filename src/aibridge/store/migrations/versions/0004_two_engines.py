"""Kinds and measures, by which lists are found, and two engines

PostgreSQL begins here, with all tables; SQLite's index of texts is made anew.
"""

import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from alembic import op

from aibridge.store.schema.rows import TextRow
from aibridge.store.search.index import fts5
from aibridge.store.search.texts import text_row

revision = "0004"
down_revision = "0003"

EVERYONE = "00000000-0000-4000-8000-000000000001"

PORTION = 500
"""Interceptions that are indexed at once."""

_groups = sa.table(
    "groups",
    *map(sa.column, ("id", "name", "name_key", "display_name", "created_at", "updated_at")),
)
_calls = sa.table(
    "interceptions",
    *map(sa.column, ("id", "started_at", "ended_at", "error_type", "error_message")),
)
_prompts = sa.table("user_prompts", *map(sa.column, ("interception_id", "id", "prompt")))
_tools = sa.table("tool_usages", *map(sa.column, ("interception_id", "id", "tool", "input")))


def upgrade() -> None:
    """Move the tables forward."""
    connection = op.get_bind()
    if connection.dialect.name == "postgresql":
        _run(connection, "0004_postgresql.sql")
        at = time.time_ns() // 1000
        everyone = (EVERYONE, "Everyone", "everyone", "Everyone", at, at)
        op.execute(_groups.insert().values(everyone))
        return
    _run(connection, "0004_sqlite.sql")
    fts5.create(connection)
    cursor = connection.connection.cursor()
    for calls in _ended(connection):
        fts5.add(cursor, list(_texts(connection, calls)))


def _run(connection: sa.Connection, name: str) -> None:
    for statement in Path(__file__).with_name(name).read_text(encoding="utf-8").split(";\n"):
        if statement.strip():
            connection.exec_driver_sql(statement)


def _ended(connection: sa.Connection) -> Iterator[list[Any]]:
    """Yield ended interceptions, in the order of their ids."""
    c, last = _calls.c, ""
    statement = sa.select(c.id, c.started_at, c.error_type, c.error_message)
    statement = statement.where(c.ended_at.is_not(None)).order_by(c.id).limit(PORTION)
    while calls := list(connection.execute(statement.where(c.id > last))):
        yield calls
        last = calls[-1].id


def _texts(connection: sa.Connection, calls: list[Any]) -> Iterator[TextRow]:
    ids = [call.id for call in calls]
    prompts, tools = (_children(connection, table, ids) for table in (_prompts, _tools))
    for call in calls:
        row = text_row(
            call.id,
            call.started_at,
            prompt="\n".join(text for (text,) in prompts[call.id]),
            tools=tools[call.id],
            error=(call.error_type, call.error_message),
        )
        if row is not None:
            yield row


def _children(
    connection: sa.Connection, table: sa.TableClause, ids: list[str]
) -> defaultdict[str, list[Any]]:
    """Return the texts of a table under each interception, in order of recording."""
    found: defaultdict[str, list[Any]] = defaultdict(list)
    mine = sa.select(table).where(table.c.interception_id.in_(ids))
    for interception_id, _, *texts in connection.execute(mine.order_by(table.c.id)):
        found[interception_id].append(tuple(texts))
    return found
