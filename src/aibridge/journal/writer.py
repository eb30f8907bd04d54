"""Writing a journal: entries are taken at once, and written and synced together by a thread."""

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from threading import Condition, Thread
from time import monotonic

import structlog

from aibridge.journal.format import HEAD_BYTES, RUN_BYTES, Buffer, Kind, framed
from aibridge.journal.segments import create, cut_torn_tail, listed

SEGMENT_BYTES = 64 << 20
"""How long a segment is, but for the entry that it ends with."""
MAX_BYTES = 4 << 30
RESERVED = 16
"""The part of the room, one in so many, that is for calls that have begun already."""
AGAIN_SECONDS = 1.0
"""How often it is looked whether there is room again, and tried again after trouble."""
_BUFFERS = 1024
"""How many buffers one system call takes (``IOV_MAX``)."""

_log = structlog.get_logger()


class JournalFull(Exception):
    """There is no room, or the disk does not take it; the text says which."""


class Journal:
    """Appends entries. `durable` and `failed` say what became of them; ``told`` when they changed.

    ``told`` is called by the journal's own thread. What a segment does not take is lost to it, and
    never tried again there: the positions of all that waited are in `failed`, and the next entries
    go into a new segment.
    """

    def __init__(
        self,
        folder: Path,
        told: Callable[[], None],
        *,
        segment_bytes: int = SEGMENT_BYTES,
        max_bytes: int = MAX_BYTES,
    ) -> None:
        """Begin another run in a folder, after cutting torn tails of those before.

        Raises `OSError`, and `FormatError` where another release wrote there.
        """
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._folder, self._told = folder, told
        self._segment_bytes, self._max_bytes = segment_bytes, max_bytes
        self._news = Condition()
        self._waiting: list[Buffer] = []
        self._is_closing = False
        self._trouble = ""
        self._tried_at = -AGAIN_SECONDS
        self._position = self._taken = self._base = _recovered(folder)
        self._used, self._looked_at = _used(folder), monotonic()
        self._file: int | None = None
        self.durable = self._position
        """The position up to which everything is on the disk, or in `failed`."""
        self.failed: list[tuple[int, int]] = []
        """The spans of positions that are not on the disk, oldest first."""
        self._thread = Thread(target=self._run, name="journal", daemon=True)
        self._thread.start()

    @property
    def position(self) -> int:
        """Where the last entry that was taken ends."""
        return self._position

    def append(self, kind: Kind, *parts: Buffer) -> int:
        """Take an entry, and return its position. It is not to be changed after that.

        Raises `JournalFull`: for a `Kind.BEGIN` while there is still some room for the others.
        """
        entry = framed(kind, parts)
        length = sum(map(len, entry))
        with self._news:
            self._refuse_if_full(kind, length)
            self._waiting += entry
            self._position += length
            self._used += length
            self._news.notify()
            return self._position

    def holds(self, start: int, end: int) -> bool:
        """Say whether everything between two positions is on the disk."""
        lost = any(start < failed_end and end > begin for begin, failed_end in self.failed)
        return end <= self.durable and not lost

    def close(self) -> None:
        """Write and sync what was taken, and take no more."""
        with self._news:
            self._is_closing = True
            self._news.notify()
        self._thread.join()
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def _refuse_if_full(self, kind: Kind, length: int) -> None:
        if self._is_closing:
            raise JournalFull("the journal is closed")
        if self._trouble and kind is Kind.BEGIN and not self._is_time():
            raise JournalFull(self._trouble)
        room = self._max_bytes - (self._max_bytes // RESERVED if kind is Kind.BEGIN else 0)
        if self._used + length <= room:
            return
        if monotonic() - self._looked_at >= AGAIN_SECONDS:
            on_its_way = self._position - self.durable
            self._used, self._looked_at = _used(self._folder) + on_its_way, monotonic()
        if self._used + length > room:
            raise JournalFull(f"the journal has its {self._max_bytes} bytes, and waits to be read")

    def _is_time(self) -> bool:
        """Say whether one entry may be tried, after trouble."""
        now = monotonic()
        if now - self._tried_at < AGAIN_SECONDS:
            return False
        self._tried_at = now
        return True

    def _run(self) -> None:
        while True:
            with self._news:
                while not self._waiting and not self._is_closing:
                    self._news.wait()
                batch, self._waiting = self._waiting, []
                start, self._taken = self._taken, self._position
            if not batch:
                return
            self._write(batch, start, self._taken)
            self._told()

    def _write(self, batch: Sequence[Buffer], start: int, end: int) -> None:
        try:
            file = self._open(start) if self._file is None else self._file
            _write_all(file, batch)
            os.fdatasync(file)
            self._trouble = ""
        except OSError as error:
            self._fail(start, end, error)
        self.durable = end
        if self._file is not None and end - self._base >= self._segment_bytes:
            self._close_segment()

    def _fail(self, start: int, end: int, error: OSError) -> None:
        self._trouble = f"the journal cannot be written: {error.strerror or error}"
        _log.error("journal_not_written", bytes=end - start, error=self._trouble)
        earlier = self.failed
        if earlier and earlier[-1][1] == start:
            (start, _), earlier = earlier[-1], earlier[:-1]
        self.failed = [*earlier, (start, end)]  # at once: other threads read it
        self._close_segment()

    def _close_segment(self) -> None:
        """Be done with a segment: the next batch opens another."""
        if self._file is not None:
            os.close(self._file)
        self._file = None

    def _open(self, base: int) -> int:
        """Open the segment that begins at a position, and return its file. Raises `OSError`."""
        _, file = create(self._folder, base)
        self._base, self._file = base, file
        self._used += HEAD_BYTES
        return file


def _recovered(folder: Path) -> int:
    """Cut the torn tails of a folder's segments, and return where its next run begins."""
    for segment in listed(folder):
        cut_torn_tail(segment)
    last = max((segment.run for segment in listed(folder)), default=-1)
    return (last + 1) * RUN_BYTES


def _used(folder: Path) -> int:
    return sum(segment.size for segment in listed(folder))


def _write_all(file: int, buffers: Sequence[Buffer]) -> None:
    """Write buffers whole. Raises `OSError`."""
    views = [memoryview(buffer) for buffer in buffers if len(buffer)]
    at = 0
    while at < len(views):
        written = os.writev(file, views[at : at + _BUFFERS])
        while at < len(views) and written >= len(views[at]):
            written -= len(views[at])
            at += 1
        if written:
            views[at] = views[at][written:]
