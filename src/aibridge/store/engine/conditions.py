"""What each engine is told in its own form: conditions, and inserts that may meet a row."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    Table,
    any_,
    cast,
    literal,
    literal_column,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.types import TypeEngine


def one_of(
    connection: Connection, column: ColumnElement[Any], values: Sequence[Any]
) -> ColumnElement[bool]:
    """Return whether a column, which is never null, has one of the values.

    A parameter for each, as ``IN`` takes them, is dearer than to look up what it is for.
    """
    if connection.dialect.name == "sqlite":
        return column.in_(values)
    return column == any_(array(values, column.type))


def array(values: Sequence[Any], kind: TypeEngine[Any]) -> ColumnElement[Any]:
    """Return values of a type as PostgreSQL's array of it."""
    kinds = ARRAY(kind)
    return cast(literal(list(values), kinds), kinds)


def unindexed(value: ColumnElement[Any]) -> ColumnElement[Any]:
    """Return a number or a text as no index has it, so that another condition leads."""
    if value.type.python_type is str:
        return value.concat(literal_column("''"))
    return value + literal_column("0")


def is_any(rows: Select[Any]) -> ColumnElement[bool]:
    """Return whether a query has rows, to be asked for each row of the one around it.

    With an OFFSET no planner looks for those of all instead.
    """
    return rows.offset(literal_column("0")).exists()


def inserting(connection: Connection, table: Table) -> Any:  # noqa: ANN401 - each engine's own
    """Return an insert that can say what happens on a conflict."""
    is_postgresql = connection.dialect.name == "postgresql"
    return (postgresql.insert if is_postgresql else sqlite.insert)(table)
