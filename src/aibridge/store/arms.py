"""Walking along an index with several beginnings at once: the first rows of each, then of all.

An index of (kind, time) has the newest rows of one kind; those of many kinds are the newest among
the first few of each. That is one statement, in which each kind is an arm.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    FromClause,
    Select,
    Table,
    TableValuedAlias,
    cast,
    column,
    func,
    literal,
    select,
    true,
    tuple_,
)
from sqlalchemy.dialects.postgresql import ARRAY

MOST = 1000
"""Arms in a statement: each is a look into the index."""


@dataclass(frozen=True, slots=True)
class Arms:
    """A column that an index begins with, and the values of it that are meant."""

    column: ColumnElement[Any]
    values: Sequence[Any]


def each(connection: Connection, arms: Arms) -> TableValuedAlias:
    """Return the values as a table with the one column ``value``."""
    kind = arms.column.type
    if connection.dialect.name == "sqlite":
        texts = literal(json.dumps(list(arms.values)))
        return func.json_each(texts).table_valued(column("value", kind), name="arm")
    values = cast(literal(list(arms.values), ARRAY(kind)), ARRAY(kind))
    return func.unnest(values).table_valued(column("value", kind), name="arm")


def first_of_all(
    connection: Connection, arms: Arms, rows: Select[Any], listed: Table, key: Sequence[str]
) -> Select[Any]:
    """Return a query for the first rows of all arms, each once; not in their order yet.

    ``rows`` is a query for the first rows, whatever the arm: its columns are those named by
    ``key``, then the primary key of ``listed``, from which SQLite reads them.
    """
    if len(arms.values) == 1:
        return rows.where(arms.column == arms.values[0])
    values = each(connection, arms)
    mine = rows.where(arms.column == values.c.value)
    if connection.dialect.name == "sqlite":
        return _by_key(values, mine.correlate(values), listed, key)
    found = mine.correlate(values).lateral("found")
    return select(*found.c).distinct().select_from(values.join(found, true()))


def _by_key(
    values: FromClause, mine: Select[Any], listed: Table, key: Sequence[str]
) -> Select[Any]:
    """Return what SQLite has no LATERAL for: rows whose key is in a query that knows the arm."""
    rows = listed.alias("listed")
    own = [column.name for column in listed.primary_key]
    ids = mine.with_only_columns(*(mine.selected_columns[name] for name in own))
    these = tuple_(*(rows.c[name] for name in own)) if len(own) > 1 else rows.c[own[0]]
    columns = [rows.c[name] for name in key]
    return select(*columns).distinct().select_from(values.join(rows, these.in_(ids)))
