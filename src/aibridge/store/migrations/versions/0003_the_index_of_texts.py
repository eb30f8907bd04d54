"""The index of texts, with what is on record already"""

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from alembic import op

from aibridge.store.rows import TextRow
from aibridge.store.text_index import fts5
from aibridge.store.texts import text_row

revision = "0003"
down_revision = "0002"

PORTION = 500
"""Interceptions that are indexed at once."""

_interceptions = sa.table("interceptions", sa.column("id"), sa.column("ended_at"))
_prompts = sa.table("user_prompts", *map(sa.column, ("interception_id", "id", "prompt")))
_tools = sa.table("tool_usages", *map(sa.column, ("interception_id", "id", "tool", "input")))


def upgrade() -> None:
    """Move the tables forward."""
    op.create_table(
        "indexed_interceptions",
        sa.Column("number", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("interception_id", sa.String(length=36), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_indexed_interceptions")),
    )
    connection = op.get_bind()
    fts5.create(connection)
    cursor = connection.connection.cursor()
    for ids in _ended(connection):
        fts5.add(cursor, list(_texts(connection, ids)))


def _ended(connection: sa.Connection) -> Iterator[list[str]]:
    """Yield the ids of ended interceptions, oldest first: they begin with the time."""
    id_, last = _interceptions.c.id, ""
    statement = sa.select(id_).where(_interceptions.c.ended_at.is_not(None)).order_by(id_)
    while ids := list(connection.scalars(statement.where(id_ > last).limit(PORTION))):
        yield ids
        last = ids[-1]


def _texts(connection: sa.Connection, ids: list[str]) -> Iterator[TextRow]:
    prompts, tools = (_children(connection, table, ids) for table in (_prompts, _tools))
    for id_ in ids:
        prompt = "\n".join(text for (text,) in prompts[id_])
        row = text_row(id_, prompt, tools[id_])
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
