"""Which tables are copied, in which order, and what of them hangs together; pure."""

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Column, Table, UniqueConstraint

from aibridge.store.schema import tables as schema

LEFT_OUT = frozenset({"indexed_interceptions", "servers"})
"""What belongs to one database: its index of texts is made anew, its servers are others."""

TABLES: tuple[Table, ...] = tuple(
    table for table in schema.metadata.sorted_tables if table.name not in LEFT_OUT
)
"""What is copied, each table after those that its rows refer to."""

WITH_TEXTS = frozenset(
    {schema.interceptions.name, schema.user_prompts.name, schema.tool_usages.name}
)
"""Of what the index of texts is made."""


def key(table: Table) -> list[Column[Any]]:
    """Return the columns by which a table is walked."""
    return list(table.primary_key.columns)


def without_second_key() -> list[Table]:
    """Return the tables in which nothing but the key tells rows apart, which are the large ones.

    Of these some rows may be of one state of the source and others of a later one, until they are
    compared. In the others a name may have gone from one row to another in between.
    """
    small = {table.name for table in with_dependents(filter(_has_second_key, TABLES))}
    return [table for table in TABLES if table.name not in small]


def _has_second_key(table: Table) -> bool:
    constrained = any(isinstance(one, UniqueConstraint) for one in table.constraints)
    return constrained or any(index.unique for index in table.indexes)


def with_dependents(tables: Iterable[Table]) -> list[Table]:
    """Return tables with those whose rows refer to theirs, in the order of `TABLES`."""
    names = {table.name for table in tables}
    for table in TABLES:  # in their order: what refers to a table comes after it
        if any(foreign.column.table.name in names for foreign in table.foreign_keys):
            names.add(table.name)
    return [table for table in TABLES if table.name in names]


def positions_of_texts(table: Table) -> Sequence[int]:
    """Return where in a row values may be texts."""
    return [at for at, column in enumerate(table.c) if column.type.python_type is str]
