"""The index of texts in SQLite: FTS5, which finds words and phrases.

The index is contentless: the texts stand in the record already, and nothing is ever shown from
here. It knows rows by number only, so a table beside it says which interception has which number.
To take a row out again, FTS5 wants to be given its number and the same texts once more (its
``'delete'`` command); `aibridge.store.texts.text_row` makes them from the record.
"""

import sqlite3
from collections.abc import Iterable, Sequence

from sqlalchemy import ColumnElement, Connection, Select, column, select, table
from sqlalchemy.engine.interfaces import DBAPICursor

from aibridge.store.portions import write_many
from aibridge.store.rows import TextRow
from aibridge.store.schema import indexed_interceptions

NAME = "text_index"

_CREATE = f"""CREATE VIRTUAL TABLE {NAME} USING fts5(
    prompt, tool, content='', columnsize=0, tokenize='unicode61 remove_diacritics 2')"""
_SET_UP = f"INSERT INTO {NAME} ({NAME}, rank) VALUES ('automerge', 16)"  # noqa: S608 - our name
"""Every commit adds a segment. Merging these by sixteen instead of four costs the writer less, and
a search little: it looks into a few more of them."""
_LAST_NUMBER = "SELECT coalesce(max(number), 0) FROM indexed_interceptions"
_INSERT_NUMBER = "INSERT INTO indexed_interceptions (number, interception_id) VALUES (?, ?)"
_INSERT_TEXT = f"INSERT INTO {NAME} (rowid, prompt, tool) VALUES (?, ?, ?)"  # noqa: S608 - our name

_index = table(NAME, column("rowid"), column("prompt"), column("tool"))


def create(connection: Connection) -> None:
    """Make the index; the table of numbers is one of the schema's."""
    connection.exec_driver_sql(_CREATE)
    connection.exec_driver_sql(_SET_UP)


def is_part(name: str) -> bool:
    """Whether a table is the index or one of those in which FTS5 keeps it."""
    return name == NAME or name.startswith(f"{NAME}_")


def add(cursor: sqlite3.Cursor | DBAPICursor, rows: Sequence[TextRow]) -> None:
    """Index texts, within the transaction that writes what they belong to.

    The rows are numbered here, on from the last: only one can be writing at a time.
    """
    if not rows:
        return
    cursor.execute(_LAST_NUMBER)
    (last,) = cursor.fetchone() or (0,)
    numbered = list(enumerate(rows, last + 1))
    write_many(cursor, _INSERT_NUMBER, [(number, row[0]) for number, row in numbered])
    write_many(cursor, _INSERT_TEXT, [(number, row[1], row[2]) for number, row in numbered])


def found(name: str, query: ColumnElement[str]) -> Select[tuple[str]]:
    """Return a query for the ids of the interceptions in which ``query`` matches a column."""
    numbers = indexed_interceptions.c
    return (
        select(numbers.interception_id)
        .join_from(_index, indexed_interceptions, numbers.number == _index.c.rowid)
        .where(_index.c[name].match(query))
    )


def any_of(values: Iterable[str]) -> str:
    """Return a query for texts in which the words of one of the values stand together."""
    return " OR ".join(map(_phrase, values))


def _phrase(value: str) -> str:
    """Return a value as FTS5 takes it literally: its strings end at nothing but a quote, or NUL."""
    text = value.replace('"', " ").replace("\0", " ").encode(errors="replace").decode()
    return f'"{text}"{" *" if value.endswith("*") else ""}'
