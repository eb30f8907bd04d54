"""The index of texts, which finds words and phrases: FTS5 in SQLite, tsvector in PostgreSQL.

Both know what a word is alike: letters and digits, in whatever case and with whatever accents.
Statements are made without knowing the engine; which of the two they ask is settled when they are
compiled for it.
"""

import sqlite3
from collections.abc import Iterable, Sequence
from string import ascii_lowercase, ascii_uppercase
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Integer,
    Select,
    Text,
    column,
    func,
    literal,
    select,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from aibridge.store.rows import TextRow
from aibridge.store.text_index import fts5, tsvector
from aibridge.store.text_index.fts5 import NAME, is_part

__all__ = ["NAME", "add", "contains", "create", "is_part", "mentioning"]

_ASCII_LOWER = str.maketrans(ascii_uppercase, ascii_lowercase)


def create(connection: Connection) -> None:
    """Make the index in SQLite; PostgreSQL's is among the tables of its first revision."""
    fts5.create(connection)


def add(cursor: Any, rows: Sequence[TextRow]) -> None:  # noqa: ANN401 - of either driver
    """Index texts, within the transaction that writes what they belong to."""
    if rows:
        (fts5 if isinstance(cursor, sqlite3.Cursor) else tsvector).add(cursor, rows)


def mentioning(name: str, values: Iterable[str]) -> Select[Any]:
    """Return a query for the ids of the interceptions in whose texts one of the values stands.

    ``name`` is a column of the index, such as ``prompt``. The words of a value stand beside each
    other, in whatever case and with whatever accents; one that ends in ``*`` also finds longer last
    words.
    """
    wanted = list(values)
    queries = (literal(fts5.any_of(wanted)), literal(tsvector.any_of(wanted)))
    ids = _Found(column(name), *queries).table_valued("interception_id")
    return select(ids.c.interception_id)


class _Found(FunctionElement[str]):
    """The ids that an engine's index finds; of its queries each engine takes its own."""

    inherit_cache = True
    type = Text()


@compiles(_Found, "sqlite")
def _found_by_fts5(element: _Found, compiler: SQLCompiler, **_: object) -> str:
    name, query, _unused = element.clauses
    return compiler.process(fts5.found(name.name, query).scalar_subquery())


@compiles(_Found, "postgresql")
def _found_by_tsvector(element: _Found, compiler: SQLCompiler, **_: object) -> str:
    name, _unused, query = element.clauses
    return compiler.process(tsvector.found(name.name, query).scalar_subquery())


def contains(texts: ColumnElement[str], part: str) -> ColumnElement[bool]:
    """Return whether a text has ``part`` in it, as it is, in either case of ASCII letters.

    LIKE would not do: in SQLite it takes a NUL for the end of both.
    """
    return _Place(func.lower(texts), literal(part.translate(_ASCII_LOWER))) > 0


class _Place(FunctionElement[int]):
    """Where in a text another begins, from 1; 0 where it does not stand."""

    inherit_cache = True
    type = Integer()


@compiles(_Place, "sqlite")
def _place_in_sqlite(element: _Place, compiler: SQLCompiler, **options: Any) -> str:  # noqa: ANN401
    return f"instr({compiler.process(element.clauses, **options)})"


@compiles(_Place, "postgresql")
def _place_in_postgresql(element: _Place, compiler: SQLCompiler, **options: Any) -> str:  # noqa: ANN401
    return f"strpos({compiler.process(element.clauses, **options)})"
