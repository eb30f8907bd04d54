"""Asking for rows by many values at once: on PostgreSQL these are one parameter, an array."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, any_, cast, literal
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.types import TypeEngine


def among(
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
