"""Writing many rows with one statement, on the bare driver."""

import re
import sqlite3
from collections.abc import Iterator, Sequence
from functools import cache
from itertools import chain
from typing import Any

from sqlalchemy.engine.interfaces import DBAPICursor

_VALUES = re.compile(r"VALUES (\([?, ]+\))")
_MAX_PORTION = 32


def write_many(
    cursor: sqlite3.Cursor | DBAPICursor, statement: str, rows: Sequence[Sequence[Any]]
) -> None:
    """Run a statement that takes one row from its ``VALUES (?, …)`` for all rows."""
    for start, count in _portions(len(rows)):
        values = chain.from_iterable(rows[start : start + count])
        cursor.execute(_many(statement, count), tuple(values))


@cache
def _many(statement: str, count: int) -> str:
    """Return the statement that writes ``count`` rows at once.

    One statement for many rows runs without giving up Python's lock for each of them, which
    beside a busy event loop is dear.
    """
    return _VALUES.sub(lambda found: "VALUES " + ", ".join([found[1]] * count), statement)


def _portions(size: int) -> Iterator[tuple[int, int]]:
    """Cut ``size`` rows into powers of two, so that few different statements are prepared."""
    start = 0
    while start < size:
        count = min(1 << (size - start).bit_length() - 1, _MAX_PORTION)
        yield start, count
        start += count
