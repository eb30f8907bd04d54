"""Making an export: the record is read some calls at a time, and written to a temporary file."""

import hashlib
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from itertools import islice
from tempfile import TemporaryFile
from typing import BinaryIO, NamedTuple

from aibridge.focus.columns import Names, Told, row
from aibridge.focus.files import Row, Write
from aibridge.focus.parts import used_parts
from aibridge.focus.windows import Line, Windows
from aibridge.prices.rates import Price
from aibridge.sessions.reading import READING_SECONDS
from aibridge.store.engine.database import Database
from aibridge.store.usage.calls import Key, UsedCall, read, read_prices
from aibridge.store.usage.daily import UsageFilter

CALLS = 1_000
"""Calls that are read at once."""
ROWS = 5_000
"""Rows that are written at once."""
MAX_BYTES = 256 << 20
"""The largest file: some 300,000 rows of CSV."""
MAX_SECONDS = 120.0
"""How long an export may take, and hold a thread."""


class ExportTooLargeError(ValueError):
    """An export is larger than a file may be, or takes too long."""


class Export(NamedTuple):
    """A file, to be read from its beginning and closed, with its size and its SHA-256."""

    file: BinaryIO
    size: int
    sha256: str
    rows: int


def make_export(
    database: Database, where: UsageFilter, granularity: int, names: Names, write: Write
) -> Export:
    """Return the charges of a period, added up over windows of so many seconds.

    Raises `ExportTooLargeError`, and one of `DRIVER_ERRORS`.
    """
    lines = _lines(_Record(database, where, time.monotonic() + MAX_SECONDS), granularity)
    rows = (row(Told(*line, names)) for line in lines)
    with ExitStack() as stack:
        file = stack.enter_context(TemporaryFile())
        counted = _Counted(file)
        write(file, counted.batches(rows))
        size = file.tell()
        file.seek(0)
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        file.seek(0)
        stack.pop_all()
    return Export(file, size, digest, counted.rows)


class _Counted:
    """Rows on their way to a file, counted, while that is not too large."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.rows = 0

    def batches(self, rows: Iterator[Row]) -> Iterator[Sequence[Row]]:
        while batch := list(islice(rows, ROWS)):
            yield batch
            self.rows += len(batch)
            if self._file.tell() > MAX_BYTES:
                text = f"The file would have more than {MAX_BYTES >> 20} MiB."
                raise ExportTooLargeError(text)


class _Record:
    """The calls of a period, with the prices that their usage rows keep."""

    def __init__(self, database: Database, where: UsageFilter, deadline: float) -> None:
        self._database = database
        self._where = where
        self._deadline = deadline
        self.prices: dict[int | None, Price] = {}

    def batches(self) -> Iterator[list[UsedCall]]:
        after: Key | None = None
        while calls := self._read(after):
            yield calls
            if len(calls) < CALLS:
                return
            after = calls[-1].row.key
            if time.monotonic() > self._deadline:
                raise ExportTooLargeError(f"It would take more than {MAX_SECONDS:.0f} seconds.")

    def _read(self, after: Key | None) -> list[UsedCall]:
        with self._database.read(seconds=READING_SECONDS) as connection:
            calls = read(connection, self._where, after=after, limit=CALLS)
            ids = {usage.price_id for call in calls for usage in call.usages}
            missing = sorted(id_ for id_ in ids if id_ is not None and id_ not in self.prices)
            found = read_prices(connection, missing)
        self.prices |= {id_: Price.decode(text.encode()) for id_, text in found.items()}
        return calls


def _lines(record: _Record, granularity: int) -> Iterator[Line]:
    """Yield the lines of an export, window by window.

    A window is over when calls are read that started after it: they end later still.
    """
    windows = Windows(granularity)
    for calls in record.batches():
        yield from windows.take(before=calls[0].row.started_at)
        for call in calls:
            _add(windows, call, record.prices)
    yield from windows.take()


def _add(windows: Windows, call: UsedCall, prices: dict[int | None, Price]) -> None:
    tools = call.tools  # they count once, with the first usage row
    for usage in call.usages:
        for part in used_parts(call.row, usage, prices.get(usage.price_id), tools):
            windows.add(call.row, usage.id, usage.provider_response_id, part)
        tools = ()
