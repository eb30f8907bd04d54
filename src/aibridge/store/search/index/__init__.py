"""The index of texts, which finds words and phrases: FTS5 in SQLite, tsvector in PostgreSQL.

Both know what a word is alike: letters and digits, in whatever case and with whatever accents. The
words of a value stand beside each other; one that ends in ``*`` also finds longer last words.
"""

import sqlite3
from collections.abc import Sequence
from functools import partial
from typing import Any

from sqlalchemy import ColumnElement, Connection

from aibridge.store.engine.conditions import unindexed
from aibridge.store.schema.rows import TextRow
from aibridge.store.search.index import fts5, tsvector
from aibridge.store.search.index.fts5 import NAME, is_part
from aibridge.store.search.index.words import COLUMNS, Words, needed

__all__ = [
    "COLUMNS",
    "NAME",
    "Words",
    "add",
    "create",
    "finds",
    "gathers",
    "is_part",
    "knows",
    "looks_up",
    "remove",
]


MOST_ASKED = 12
"""Words of which it is asked whether they stand in any text."""


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


def knows(connection: Connection, words: Words) -> bool:
    """Return whether every word that is needed stands in any text at all: a look-up of each.

    Of more than a few nothing is asked: they are taken to be there.
    """
    asked = {name: [needed(one) for one in values] for name, values in words.items()}
    if sum(len(one) for values in asked.values() for one in values) > MOST_ASKED:
        return True
    has_word = partial(_of(connection).has_word, connection)
    return all(
        any(all(map(partial(has_word, name), one)) for one in values)
        for name, values in asked.items()
    )


def finds(
    connection: Connection, started_at: ColumnElement[int], id_: ColumnElement[str], words: Words
) -> ColumnElement[bool]:
    """Return whether the words stand in the texts of one interception, which are looked at."""
    found: ColumnElement[bool] = _of(connection).finds(started_at, id_, words)
    return found


def gathers(
    connection: Connection,
    id_: ColumnElement[str],
    words: Words,
    times: tuple[int, int],
    *,
    looked_up: bool = False,
) -> ColumnElement[bool]:
    """Return whether the words stand in the texts of one of many interceptions.

    These have started in a span of time, both ends included, of which what is found is gathered
    once. PostgreSQL reads all texts of the time for it, or else has them ``looked_up``.
    """
    walked = unindexed(id_)  # along what else is not for the engine to choose
    if _of(connection) is fts5:
        return walked.in_(fts5.found(words, times))
    return tsvector.opaque(walked.in_(tsvector.found(words, times, looked_up=looked_up)))


def looks_up(
    connection: Connection, id_: ColumnElement[str], words: Words, times: tuple[int, int]
) -> ColumnElement[bool]:
    """Return the same condition, for interceptions to be found by it instead of held against it."""
    if _of(connection) is fts5:
        return id_.in_(fts5.found(words, times))
    return id_.in_(tsvector.found(words, times, looked_up=True))


def _of(connection: Connection) -> Any:  # noqa: ANN401 - either module
    return fts5 if connection.dialect.name == "sqlite" else tsvector
