"""The index of texts, which finds words and phrases: FTS5 in SQLite, tsvector in PostgreSQL.

Both know what a word is alike: letters and digits, in whatever case and with whatever accents. The
words of a value stand beside each other; one that ends in ``*`` also finds longer last words.
Conditions are made without knowing the engine; which of the two they ask is settled when they are
compiled for it.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import (
    Boolean,
    ColumnElement,
    Connection,
    and_,
    case,
    false,
    func,
    literal,
    literal_column,
    select,
    true,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from aibridge.store.measures import MAX_TIME, SECOND
from aibridge.store.rows import TextRow
from aibridge.store.text_index import fts5, tsvector
from aibridge.store.text_index.fts5 import NAME, is_part
from aibridge.store.text_index.words import COLUMNS, Words

__all__ = [
    "COLUMNS",
    "NAME",
    "Words",
    "add",
    "create",
    "finds",
    "frequency",
    "gathers",
    "is_part",
    "portions",
    "remove",
]

_FIRST_PORTION, _MOST_PORTION = 64, 256
_FIRST_SORTED, _MOST_FETCH = 1024, 4096
"""How much is fetched at once: at first where all of a time is sorted for it, and at most."""
_READ = 8000
"""Texts that are read for words before these are looked up."""
_WEEK = 7 * 86_400 * SECOND
"""Microseconds of which a partition has what started."""


def create(connection: Connection) -> None:
    """Make the index in SQLite; PostgreSQL's is among the tables of its first revision."""
    fts5.create(connection)


def add(cursor: Any, rows: Sequence[TextRow]) -> None:  # noqa: ANN401 - of either driver
    """Index texts, within the transaction that writes what they belong to."""
    if rows:
        (fts5 if isinstance(cursor, sqlite3.Cursor) else tsvector).add(cursor, rows)


def remove(cursor: Any, row: TextRow) -> None:  # noqa: ANN401 - of either driver
    """Take out what was added, by the same texts, within a transaction that writes."""
    (fts5 if isinstance(cursor, sqlite3.Cursor) else tsvector).remove(cursor, row)


def _bounded(moment: int) -> int:
    return max(0, min(moment, MAX_TIME))


def portions(
    connection: Connection, words: Words, least: int | None, most: int | None
) -> Iterator[list[str]]:
    """Yield ids of what has the words, newest first, a few at first and then more at once.

    The order is that of time: what started at the same moment is in the same portion.
    """
    size = _FIRST_PORTION
    for found in _fetched(connection, words, least or 0, MAX_TIME if most is None else most):
        start = 0
        while start < len(found):
            end = start + size
            while end < len(found) and found[end][0] == found[end - 1][0]:
                end += 1
            yield list(dict.fromkeys(id_ for _, id_ in found[start:end]))
            start, size = end, min(size * 2, _MOST_PORTION)


def _fetched(
    connection: Connection, words: Words, least: int, most: int
) -> Iterator[list[tuple[int, str]]]:
    """Yield starts and ids, those of the same moment together, as far as they are asked for."""
    size, number, looked_up = _FIRST_PORTION, 0, False
    for first, until in _windows(connection, least, most, (0, _WEEK, 4 * _WEEK)):
        last: int | None = until
        while last is not None:
            found = _found(connection, words, first, last, size, looked_up=looked_up)
            last = None
            if len(found) == size:  # there may be more of the last moment
                moment = found[-1][0]
                found = [row for row in found if row[0] > moment]
                found += _found(connection, words, moment, moment)
                last = moment - 1
            yield found
            number += len(found)
            size = min(size * 2, _MOST_FETCH)
        if number < _FIRST_PORTION:
            looked_up, size = True, _FIRST_SORTED


def _windows(
    connection: Connection, least: int, most: int, sizes: Sequence[int]
) -> Iterator[tuple[int, int]]:
    """Yield spans of time in which to look one after the other, from ``most`` back to ``least``.

    PostgreSQL finds what is in few texts by the words, all of a partition at a time, and what is in
    many by reading texts. So some are read first, which does for what is in many; ``sizes`` are
    those of the spans before them.
    """
    if connection.dialect.name == "postgresql":
        begin = tsvector.begin_of(connection, most, _READ) if sizes else None
        for size in sizes:
            if begin is not None and begin - size > least:
                begin -= size
                yield begin, most
                most = begin - 1
    if least <= most:
        yield least, most


def _found(
    connection: Connection,
    words: Words,
    least: int,
    most: int,
    limit: int | None = None,
    *,
    looked_up: bool = False,
) -> list[tuple[int, str]]:
    """Return the newest starts and ids of what has the words, from ``least`` to ``most``.

    Where words are ``looked_up``, PostgreSQL does not read all texts of the time for them.
    """
    least, most = _bounded(least), _bounded(most)
    if connection.dialect.name == "sqlite":
        query = fts5.found(fts5.query(words), least, most)
    else:
        query = tsvector.found(words, least, most, looked_up=looked_up)
    return [(row[0], row[1]) for row in connection.execute(query.limit(limit))]


def finds(
    started_at: ColumnElement[int], id_: ColumnElement[str], words: Words
) -> ColumnElement[bool]:
    """Return whether the words stand in the texts of one interception."""
    return _Finds(
        fts5.finds(started_at, id_, literal(fts5.query(words))),
        tsvector.finds(started_at, id_, words),
    )


def gathers(id_: ColumnElement[str], words: Words, least: int, most: int) -> ColumnElement[bool]:
    """Return whether the words stand in the texts of one of many interceptions.

    These have started from ``least`` to ``most``; what is found of that time is gathered once.
    """
    least, most = _bounded(least), _bounded(most)
    apart = id_.concat(literal_column("''"))  # what is walked along is not for the engine to choose
    by_fts5 = fts5.found(fts5.query(words), least, most).order_by(None).subquery()
    by_tsvector = tsvector.found(words, least, most).order_by(None).subquery()
    # Within CASE it stays a condition, which PostgreSQL hashes, and becomes no join.
    gathered = case((apart.in_(select(by_tsvector.c.interception_id)), true()), else_=false())
    return _Finds(
        apart.in_(select(by_fts5.c.interception_id)),
        and_(tsvector.may_have_started(id_, least, most), gathered),
    )


def frequency(connection: Connection, words: Words, most: int, least: int = 0) -> int:
    """Return in how many interceptions the words are found, but no more than ``most``.

    They are those that started from ``least`` on.
    """
    number, least = 0, _bounded(least)
    for first, last in _windows(connection, least, MAX_TIME, () if least else (0, _WEEK)):
        if connection.dialect.name == "sqlite":
            rows = fts5.numbers(fts5.query(words), first)
        else:
            rows = tsvector.found_once(words, first, last)
        found = rows.limit(most - number).subquery()
        number += connection.execute(select(func.count()).select_from(found)).scalar_one()
        if number >= most:
            break
    return number


class _Finds(FunctionElement[bool]):
    """Whether an interception is found; each engine takes its own of two conditions."""

    inherit_cache = True
    type = Boolean()


@compiles(_Finds, "sqlite")
def _by_fts5(element: _Finds, compiler: SQLCompiler, **options: Any) -> str:  # noqa: ANN401
    return compiler.process(element.clauses.clauses[0], **options)


@compiles(_Finds, "postgresql")
def _by_tsvector(element: _Finds, compiler: SQLCompiler, **options: Any) -> str:  # noqa: ANN401
    return f"({compiler.process(element.clauses.clauses[1], **options)})"
