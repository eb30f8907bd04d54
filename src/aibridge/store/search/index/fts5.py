"""The index of texts in SQLite: FTS5.

The index is contentless: the texts stand in the record already, and nothing is ever shown from
here. It knows rows by number only, so a table beside it says which interception has which number.
The numbers begin with the time of the start, so what is found comes in the order of lists.
To take a row out again, FTS5 wants to be given its number and the same texts once more (its
``'delete'`` command); `aibridge.store.search.texts.text_row` makes them from the record.
"""

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    column,
    exists,
    literal_column,
    select,
    table,
)
from sqlalchemy.engine.interfaces import DBAPICursor

from aibridge.store.engine.bulk import write_values
from aibridge.store.schema.rows import TextRow
from aibridge.store.schema.tables import indexed_interceptions
from aibridge.store.search.index.words import COLUMNS, Words

NAME = "text_index"

_CREATE = f"""CREATE VIRTUAL TABLE {NAME} USING fts5(
    {", ".join(COLUMNS)}, content='', columnsize=0, tokenize='unicode61 remove_diacritics 2')"""
_SET_UP = f"INSERT INTO {NAME} ({NAME}, rank) VALUES ('automerge', 16)"  # noqa: S608 - our name
"""Every commit adds a segment. Merging these by sixteen instead of four costs the writer less, and
a search little: it looks into a few more of them."""
_LAST_NUMBER = "SELECT max(number) FROM indexed_interceptions WHERE number BETWEEN ? AND ?"
_GREATEST_NUMBER = "SELECT max(number) FROM indexed_interceptions"
"""What started later than all that is there has the first number of its time."""
_INSERT_NUMBER = "INSERT INTO indexed_interceptions (number, interception_id) VALUES (?, ?)"
_INSERT_TEXT = f"INSERT INTO {NAME} (rowid, prompt, tool, error) VALUES (?, ?, ?, ?)"  # noqa: S608

_NUMBER = _LAST_NUMBER.replace("max(number)", "number") + " AND interception_id = ?"
_DELETE_TEXT = (
    f"INSERT INTO {NAME} ({NAME}, rowid, prompt, tool, error) VALUES ('delete', ?, ?, ?, ?)"  # noqa: S608
)
_DELETE_NUMBER = "DELETE FROM indexed_interceptions WHERE number = ?"

_BITS = 10
_REST = (1 << _BITS) - 1
"""A number is the microseconds of the start, and then which of those of this very time."""

_index = table(NAME, column("rowid"), column(NAME))
_numbers = indexed_interceptions.c


def create(connection: Connection) -> None:
    """Make the index; the table of numbers is one of the schema's."""
    connection.exec_driver_sql(_CREATE)
    connection.exec_driver_sql(_SET_UP)


def is_part(name: str) -> bool:
    """Whether a table is the index or one of those in which FTS5 keeps it."""
    return name == NAME or name.startswith(f"{NAME}_")


def add(cursor: sqlite3.Cursor | DBAPICursor, rows: Sequence[TextRow]) -> None:
    """Index texts, within the transaction that writes what they belong to."""
    numbered = list(_numbered(cursor, rows))
    write_values(cursor, _INSERT_NUMBER, [(number, row[0]) for number, row in numbered])
    write_values(cursor, _INSERT_TEXT, [(number, *row[2:]) for number, row in numbered])


def remove(cursor: sqlite3.Cursor, row: TextRow) -> None:
    """Take out what was added for an interception; the texts must be the same."""
    first = row.started_at << _BITS
    cursor.execute(_NUMBER, (first, first | _REST, row.interception_id))
    for (number,) in cursor.fetchall():
        cursor.execute(_DELETE_TEXT, (number, *row[2:]))
        cursor.execute(_DELETE_NUMBER, (number,))


def _numbered(
    cursor: sqlite3.Cursor | DBAPICursor, rows: Sequence[TextRow]
) -> Iterator[tuple[int, TextRow]]:
    """Yield the rows with their numbers: only one can be writing at a time."""
    taken: dict[int, int] = {}
    cursor.execute(_GREATEST_NUMBER)
    (greatest,) = cursor.fetchone() or (None,)
    for row in rows:
        first = row.started_at << _BITS
        last = taken.get(first)
        if last is None and greatest is not None and first <= greatest:
            cursor.execute(_LAST_NUMBER, (first, first | _REST))
            (last,) = cursor.fetchone() or (None,)
        taken[first] = number = first if last is None else last + 1
        yield number, row


def has_word(connection: Connection, name: str, word: str) -> bool:
    """Return whether a word, or one that begins so where it ends in ``*``, stands in any text."""
    found = select(_index.c.rowid).where(_index.c[NAME].match(query({name: [word]}))).limit(1)
    return connection.scalar(found) is not None


def found(words: Words, times: tuple[int, int]) -> Select[Any]:
    """Return a query for the ids of what has the words and started in a span of time."""
    least, most = times
    number = _index.c.rowid
    return (
        select(_numbers.interception_id)
        .join_from(_index, indexed_interceptions, _numbers.number == number)
        .where(_index.c[NAME].match(query(words)))
        .where(number.between(least << _BITS, most << _BITS | _REST))
    )


def finds(
    started_at: ColumnElement[int], id_: ColumnElement[str], words: Words
) -> ColumnElement[bool]:
    """Return whether the words stand in the texts of one interception."""
    first = started_at * literal_column(str(1 << _BITS))
    return (
        exists()
        .where(
            _index.c[NAME].match(query(words)),
            _index.c.rowid.between(first, first + literal_column(str(_REST))),
            _numbers.number == _index.c.rowid,
            _numbers.interception_id == id_,
        )
        .correlate(id_.table)
    )


def query(words: Words) -> str:
    """Return a query for texts in which words stand: in each column that is named one of them."""
    return " AND ".join(_one_of(name, values) for name, values in words.items())


def _one_of(name: str, values: Iterable[str]) -> str:
    """Return what finds one of the values in a column.

    The words of a value stand beside each other, in whatever case and with whatever accents; one
    that ends in ``*`` also finds longer last words.
    """
    return f"({name} : ({' OR '.join(map(_phrase, values))}))"


def _phrase(value: str) -> str:
    """Return a value as FTS5 takes it literally: its strings end at nothing but a quote, or NUL."""
    text = value.replace('"', " ").replace("\0", " ").encode(errors="replace").decode()
    return f'"{text}"{" *" if value.endswith("*") else ""}'
