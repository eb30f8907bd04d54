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
    func,
    literal,
    literal_column,
    select,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from aibridge.store.measures import MAX_TIME
from aibridge.store.rows import TextRow
from aibridge.store.starts import WEEK, may_have_started
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
    "is_sparse",
    "portions",
    "remove",
]

_FIRST_PORTION, _MOST_PORTION = 64, 256
"""Ids in a portion, at first and at most, unless more are wanted."""
_FIRST_SORTED, _MOST_FETCH = 1024, 4096
"""How much is fetched at once: at first where all of a time is sorted for it, and at most."""
_READ = 8000
"""Texts that are read for words before it is judged whether these are to be looked up."""
_AS_DEAR = 6
"""How many texts are read in the time that it takes to look one up."""


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
    connection: Connection,
    words: Words,
    least: int | None,
    most: int | None,
    until: int = MAX_TIME,
) -> Iterator[list[str]]:
    """Yield ids of what has the words, newest first: some at first, and then as many again.

    All that started ``until`` a moment is taken to be wanted, and comes at once. The order is that
    of time: what started at the same moment is in the same portion.
    """
    number = 0
    most = MAX_TIME if most is None else most
    for found in _fetched(connection, words, least or 0, most, until):
        start, wanted = 0, sum(at >= until for at, _ in found)
        while start < len(found):
            end = max(start, wanted) + max(_FIRST_PORTION, min(number, _MOST_PORTION))
            while end < len(found) and found[end][0] == found[end - 1][0]:
                end += 1
            yield list(dict.fromkeys(id_ for _, id_ in found[start:end]))
            number += end - start
            start = end


def _fetched(
    connection: Connection, words: Words, least: int, most: int, until: int
) -> Iterator[list[tuple[int, str]]]:
    """Yield starts and ids, those of the same moment together, as far as they are asked for.

    PostgreSQL finds what is in few texts by the words, all of a partition at a time, and what is in
    many by reading texts in their order. So the newest are read, and more for as long as that seems
    the less; in what is before, words are looked up.
    """
    begin, span = _read_first(connection, most)
    # How many are in what is read first does not matter: it is not much, unless it is everything.
    size = _FIRST_SORTED if until < most and begin > least else _FIRST_PORTION
    texts, looked_up = _READ, False
    while least <= most:
        begin, number = max(least, begin), 0
        for found in _fetched_of(connection, words, begin, most, size, looked_up=looked_up):
            yield found
            number += len(found)
        most = begin - 1
        # In so many texts these many were: more are in more of them, and all of a week at its pace.
        more = _FIRST_PORTION + number * max(0, most - until) // span
        if looked_up:
            span = 4 * WEEK if span == WEEK else MAX_TIME
        elif more * texts * span < _AS_DEAR * number * number * WEEK:
            span, texts, size = 4 * span, 4 * texts, more
        else:
            span, size, looked_up = WEEK, _FIRST_SORTED, True
        begin -= span


def _fetched_of(
    connection: Connection, words: Words, least: int, most: int, size: int, *, looked_up: bool
) -> Iterator[list[tuple[int, str]]]:
    """Yield those from ``least`` to ``most``, ``size`` at first and then more at once."""
    last: int | None = most
    while last is not None:
        found = _found(connection, words, least, last, size, looked_up=looked_up)
        last = None
        if len(found) == size:  # there may be more of the last moment
            moment = found[-1][0]
            found = [row for row in found if row[0] > moment]
            found += _found(connection, words, moment, moment)
            last = moment - 1
        yield found
        size = min(size * 2, _MOST_FETCH)


def _read_first(connection: Connection, most: int) -> tuple[int, int]:
    """Return when the texts begin that are read first, and the time that they take.

    They begin with the record where these are all, as they always are in SQLite.
    """
    span = None
    if connection.dialect.name == "postgresql":
        span = tsvector.last(connection, most, _READ)
    return (0, MAX_TIME) if span is None else (span[0], max(1, span[1] - span[0]))


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

    Where words are ``looked_up``, PostgreSQL finds texts by them, and else reads those of the time.
    """
    least, most = _bounded(least), _bounded(most)
    if connection.dialect.name == "sqlite":
        query = fts5.found(fts5.query(words), least, most)
    else:
        query = tsvector.found(words, least, most, looked_up=looked_up)
    return [(row[0], row[1]) for row in connection.execute(query.limit(limit)).all()]


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
    gathered = tsvector.opaque(apart.in_(select(by_tsvector.c.interception_id)))  # it is hashed
    return _Finds(
        apart.in_(select(by_fts5.c.interception_id)),
        and_(may_have_started(id_, least, most), gathered),
    )


def frequency(connection: Connection, words: Words, most: int) -> int:
    """Return in how many interceptions the words are found, but no more than ``most``.

    The newest are counted first: if these do, the rest need not be.
    """
    begin, _ = _read_first(connection, MAX_TIME)
    number, last = 0, MAX_TIME
    for first in (begin, max(0, begin - WEEK), 0):
        if number < most and first <= last:
            looked_up = False if last == MAX_TIME else None
            number += _count(connection, words, first, last, most - number, looked_up=looked_up)
            last = first - 1
    return number


def _count(
    connection: Connection,
    words: Words,
    least: int,
    most: int,
    up_to: int,
    *,
    looked_up: bool | None = None,
) -> int:
    if connection.dialect.name == "sqlite":
        rows = fts5.numbers(fts5.query(words), least)
    else:
        rows = tsvector.found_once(words, least, most, looked_up=looked_up)
    found = rows.limit(up_to).subquery()
    return connection.execute(select(func.count()).select_from(found)).scalar_one()


def is_sparse(connection: Connection, words: Words, since: int, few: int) -> bool:
    """Return whether fewer than ``few`` of what started since then have the words.

    PostgreSQL judges it by the newest texts.
    """
    if connection.dialect.name == "sqlite":
        return _count(connection, words, _bounded(since), MAX_TIME, few) < few
    texts, number, begin, end = tsvector.sample(connection, words, _bounded(since), _READ)
    if texts < _READ:
        return number < few
    return number * (end - since) < few * (end - begin)


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
