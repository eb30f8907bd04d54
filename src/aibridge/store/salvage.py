"""What can still be read of a damaged spool, entry by entry."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from urllib.parse import quote

from aibridge.store.spool import COLUMNS, Kept, read_text

MOST_FAILURES = 100_000
"""Reads that fail until the rest is given up: what a damaged page hides is looked for by halves."""

_LAST = ("SELECT max(number) FROM entries", "SELECT seq FROM sqlite_sequence")
_RANGE = (
    f"SELECT {COLUMNS} FROM entries NOT INDEXED"  # noqa: S608 - names of ours
    " WHERE number BETWEEN ? AND ? ORDER BY number"
)


def sound_entries(path: Path) -> Iterator[Kept]:
    """Yield what is as it was appended, in its order. Nothing is changed, and nothing raised."""
    uri = f"file:{quote(str(path.resolve()))}?mode=ro"
    with suppress(sqlite3.Error), closing(sqlite3.connect(uri, uri=True)) as connection:
        connection.text_factory = read_text
        connection.execute("PRAGMA writable_schema = ON")  # else a file that is cut off has nothing
        for kept in _entries(connection, _last(connection)):
            if kept.is_sound:
                yield kept._replace(ended=bool(kept.ended))


def _entries(connection: sqlite3.Connection, last: int) -> Iterator[Kept]:
    """Yield what can be read of a range, and where that fails of its halves."""
    ranges, failures = [(0, last)], 0
    while ranges and failures < MOST_FAILURES:
        first, last = ranges.pop()
        try:
            for row in connection.execute(_RANGE, (first, last)):
                first = row[0] + 1
                yield Kept(*row)
        except sqlite3.Error:
            failures += 1
            if first < last:
                middle = (first + last) // 2
                ranges += [(middle + 1, last), (first, middle)]


def _last(connection: sqlite3.Connection) -> int:
    """Return the greatest number that an entry may have, 0 if nothing says so."""
    for query in _LAST:
        with suppress(sqlite3.Error):
            for (number,) in connection.execute(query):
                if isinstance(number, int):
                    return number
    return 0
