"""Writing many rows with one statement, on the bare drivers.

SQLite takes the values of many rows, PostgreSQL an array for each column.
"""

import re
import sqlite3
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import chain
from typing import TYPE_CHECKING, Any

from sqlalchemy.engine.interfaces import DBAPICursor

if TYPE_CHECKING:
    import psycopg

_VALUES = re.compile(r"VALUES (\([?, ]+\))")
_MAX_PORTION = 32


@dataclass(frozen=True, slots=True)
class Write:
    """A statement that writes rows of one kind, whose fields are ``columns``.

    ``key`` are the places of the fields by which a row may meet one that is there already.
    ``bounded`` is the field, if any, whose least and greatest value the statement is told.
    Where it ``takes_one``, it is run for each row: SQLite makes a table of rows to change others
    by, which costs three times as much.
    """

    sql: str
    columns: tuple[str, ...]
    key: tuple[int, ...] = ()
    bounded: str = ""
    takes_one: bool = False


def write_values(
    cursor: sqlite3.Cursor | DBAPICursor, statement: str, rows: Sequence[Sequence[Any]]
) -> None:
    """Run a statement that takes one row from its ``VALUES (?, …)`` for all rows."""
    start = 0
    while start < len(rows):  # by powers of two, so that few different statements are prepared
        count = min(1 << (len(rows) - start).bit_length() - 1, _MAX_PORTION)
        values = chain.from_iterable(rows[start : start + count]) if count > 1 else rows[start]
        cursor.execute(_many(statement, count), tuple(values))
        start += count


@cache
def _many(statement: str, count: int) -> str:
    """Return the statement that writes ``count`` rows at once.

    One statement for many rows costs a tenth less than a statement for each of them.
    """
    return _VALUES.sub(lambda found: "VALUES " + ", ".join([found[1]] * count), statement)


def write_arrays(
    cursor: "psycopg.Cursor[Any]", write: Write, rows: Sequence[Sequence[Any]]
) -> None:
    """Run a statement that takes arrays for its columns for all rows."""
    if not rows:
        return
    if not write.key:
        cursor.execute(write.sql, _columns(write, rows))
        return
    for portion in _without_repeats(rows, write.key):
        cursor.execute(write.sql, _columns(write, portion))


def _columns(write: Write, rows: Sequence[Sequence[Any]]) -> dict[str, Any]:
    """Return the parameters, with the least and the greatest key where the statement wants them."""
    columns: dict[str, Any] = dict(
        zip(write.columns, map(list, zip(*rows, strict=True)), strict=True)
    )
    if write.bounded:
        keys = columns[write.bounded]
        columns |= {"least": min(keys), "greatest": max(keys)}
    return columns


def _without_repeats(
    rows: Sequence[Sequence[Any]], key: Sequence[int]
) -> Iterator[Sequence[Sequence[Any]]]:
    """Cut rows so that none of a portion has the key of another, which one statement must not.

    Each is in the order of its keys: two writers that meet wait for each other, and not in a ring.
    """
    seen: Counter[tuple[Any, ...]] = Counter()
    portions: list[list[Sequence[Any]]] = []
    for row in rows:
        mine = tuple(cleaned(row[number]) for number in key)
        if seen[mine] == len(portions):
            portions.append([])
        portions[seen[mine]].append(row)
        seen[mine] += 1
    for portion in portions:
        yield sorted(portion, key=lambda row: [row[number] for number in key])


def cleaned(value: Any) -> Any:  # noqa: ANN401 - a value of any column
    """Return a value as the database takes it: see `aibridge.store.engine.postgresql_texts`."""
    return value.replace("\0", "\ufffd") if isinstance(value, str) else value
