"""Writing a journal: entries are taken at once, and written and synced together by a thread."""

import asyncio
import os
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from threading import Condition, Thread
from time import monotonic

import structlog

from aibridge.journal.format import (
    FRAME_BYTES,
    HEAD_BYTES,
    MARK_BYTES,
    RUN_BYTES,
    Buffer,
    Kind,
    framed,
    length_of,
)
from aibridge.journal.progress import Progress
from aibridge.journal.segments import Segment, check_name, create, cut_torn_tail, listed

SEGMENT_BYTES = 64 << 20
"""How long a segment is at most, but for the entry that it ends with."""
SEGMENT_SECONDS = 3600.0
"""For how long entries are appended to it: what is read goes soon, also where little comes."""
LEAST_SEGMENTS = 8
"""The part of the room, one in so many, that a segment takes: they are removed only whole."""
MAX_BYTES = 4 << 30
RESERVED = 16
"""The part of the room, one in so many, that is for calls that have begun already."""
LAZY_SECONDS = 0.005
"""How long an entry may wait to be written that nobody waits for: a sync costs half of what a small
call does, and one is enough for a call whose answer comes at once."""
AGAIN_SECONDS = 1.0
"""How often it is looked whether there is room again, and tried again after trouble."""
_BUFFERS = 1024
"""How many buffers one system call takes (``IOV_MAX``)."""

Entry = tuple[Kind, Sequence[Buffer]]
"""What an entry tells, and its content in parts."""

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
        loop: asyncio.AbstractEventLoop | None = None,
        segment_bytes: int = SEGMENT_BYTES,
        max_bytes: int = MAX_BYTES,
    ) -> None:
        """Begin another run in a folder, after cutting the torn tail of the last.

        Its first segment is made at once: that tells the keeper that the last run is over.
        With the ``loop`` on which it is appended to, entries are written together: those of one
        turn where somebody waits (`hurry`), else those of `LAZY_SECONDS`. Without one each is
        written at once. Raises `OSError`, and `FormatError` where another release wrote there.
        """
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.folder, self._told, self._loop = folder, told, loop
        self._segment_bytes = min(segment_bytes, max_bytes // LEAST_SEGMENTS)
        self._max_bytes = max_bytes
        self._news = Condition()
        self._waiting: list[Entry | None] = []
        """What is to be written; where nothing stands another segment begins."""
        self._is_timed = self._is_hurried = self._is_ready = self._is_closing = False
        self._trouble = ""
        self._position = self.segment = _recovered(folder)
        """Where the segment begins that entries are appended to; as long as all is well."""
        self._segment_until = monotonic() + SEGMENT_SECONDS
        self.failures = 0
        """How often something could not be written."""
        self._used, self._looked_at = _used(folder), monotonic()
        self._open: tuple[Segment, int] | None = None
        self._mark = os.urandom(MARK_BYTES)
        self.durable = self._position
        """The position up to which everything is on the disk, or in `failed`."""
        self.failed: list[tuple[int, int]] = []
        """The spans of positions that are not on the disk, oldest first."""
        self._begin_run()
        self._thread = Thread(target=self._run, name="journal", daemon=True)
        self._thread.start()

    @property
    def position(self) -> int:
        """Where the last entry that was taken ends."""
        return self._position

    @property
    def is_in_trouble(self) -> bool:
        """Whether what was written last is not on the disk."""
        return bool(self._trouble)

    @property
    def takes_beginnings(self) -> bool:
        """Whether there is room, and no trouble."""
        return not self._trouble and self._has_room(Kind.BEGIN, 0)

    def append(self, kind: Kind, *parts: Buffer) -> int:
        """Take an entry, and return its position. It is not to be changed after that.

        Raises `JournalFull`: for a `Kind.BEGIN` while there is still some room for the others; and
        `ValueError` for one that is too large.
        """
        length = FRAME_BYTES + length_of(parts)
        with self._news:
            self._refuse_if_full(kind, length)
            self._waiting.append((kind, parts))
            self._position += length
            self._used += length
            is_full = self._position - self.segment >= self._segment_bytes
            if is_full or monotonic() >= self._segment_until:
                self._waiting.append(None)
                self._cut()
            position = self._position
        if self._loop is None:
            self._wake()
        elif not self._is_timed:
            self._is_timed = True
            self._loop.call_later(LAZY_SECONDS, self._wake_late)
        return position

    def hurry(self) -> None:
        """Have what was taken written and synced soon: somebody waits for it."""
        if self._loop is not None and not self._is_hurried:
            self._is_hurried = True
            self._loop.call_soon(self._wake)

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
        self._close_segment()

    def _wake_late(self) -> None:
        self._is_timed = False
        self._wake()

    def _wake(self) -> None:
        """Have the thread write what was taken."""
        self._is_hurried = False
        with self._news:
            if self._waiting:
                self._is_ready = True
                self._news.notify()

    def _cut(self) -> None:
        """Have another segment begin here."""
        self.segment = self._position
        self._segment_until = monotonic() + SEGMENT_SECONDS

    def _begin_run(self) -> None:
        """Begin a segment at once, which says that the earlier runs are over, empty as it is.

        Other empty ones have said it before.
        """
        try:
            self._open = self._begin_segment(self._position)
            for segment in listed(self.folder)[:-1]:
                if segment.size <= HEAD_BYTES:
                    segment.path.unlink()
        except OSError as error:
            self._fail(self._position, self._position, error)

    def _refuse_if_full(self, kind: Kind, length: int) -> None:
        if self._is_closing:
            raise JournalFull("the journal is closed")
        if self._trouble and kind is Kind.BEGIN:
            raise JournalFull(self._trouble)
        if not self._has_room(kind, length):
            raise JournalFull(f"the journal has its {self._max_bytes} bytes, and waits to be read")

    def _has_room(self, kind: Kind, length: int) -> bool:
        room = self._max_bytes - (self._max_bytes // RESERVED if kind is Kind.BEGIN else 0)
        if self._used + length <= room:
            return True
        if monotonic() - self._looked_at >= AGAIN_SECONDS:
            on_its_way = self._position - self.durable
            self._used, self._looked_at = _used(self.folder) + on_its_way, monotonic()
        return self._used + length <= room

    def _run(self) -> None:
        """Write what comes, and in trouble try now and then whether a segment can be begun."""
        while True:
            with self._news:
                is_told = self._news.wait_for(
                    lambda: self._is_ready or self._is_closing,
                    AGAIN_SECONDS if self._trouble else self._segment_until - monotonic(),
                )
                batch, self._waiting, self._is_ready = self._waiting, [], False
                if not (is_told or self._trouble):
                    batch += self._another_segment()
            if not batch and is_told:
                return
            for number, entries in enumerate(_segments(batch)):
                if number:
                    self._close_segment()
                self._write(entries)
            self._told()

    def _another_segment(self) -> list[Entry | None]:
        """Return what begins another segment after an hour, where there is anything in this one."""
        is_used = self._position > self.segment
        self._cut()
        return [None] if is_used else []

    def _write(self, entries: Sequence[Entry]) -> None:
        """Write entries and sync them, into another segment where none is open.

        Their checksums are made here, not where they are taken: the loop goes on meanwhile.
        """
        buffers = [each for kind, parts in entries for each in framed(self._mark, kind, parts)]
        start, end = self.durable, self.durable + sum(map(len, buffers))
        try:
            segment, file = self._open = self._open or self._begin_segment(start)
            _write_all(file, buffers)
            os.fdatasync(file)
            check_name(segment, file)
            self._trouble = ""
        except Exception as error:  # noqa: BLE001 - whatever it is, those who wait have to learn it
            self._fail(start, end, error)
        self.durable = end

    def _fail(self, start: int, end: int, error: Exception) -> None:
        self.failures += 1
        self._trouble = f"the journal cannot be written: {getattr(error, 'strerror', 0) or error}"
        _log.error("journal_not_written", bytes=end - start, error=self._trouble)
        earlier = self.failed
        if earlier and earlier[-1][1] == start:
            (start, _), earlier = earlier[-1], earlier[:-1]
        if end > start:
            self.failed = [*earlier, (start, end)]  # at once: other threads read it
        self._close_segment()

    def _begin_segment(self, base: int) -> tuple[Segment, int]:
        """Make the segment that begins at a position. Raises `OSError`."""
        made = create(self.folder, base, self._mark)
        self._used += HEAD_BYTES
        return made

    def _close_segment(self) -> None:
        """Be done with a segment: the next batch begins another."""
        if self._open is not None:
            os.close(self._open[1])
        self._open = None


def _recovered(folder: Path) -> int:
    """Cut the torn tail of a folder's last segment, and return where its next run begins.

    It begins behind all that was read, too: whoever deletes segments would have new entries taken
    for old ones.
    """
    for segment in listed(folder)[-1:]:
        cut_torn_tail(segment)
    runs = [segment.run for segment in listed(folder)]
    with closing(Progress(folder)) as progress:
        if progress.position:
            runs.append(progress.position // RUN_BYTES)
    return (max(runs, default=-1) + 1) * RUN_BYTES


def _used(folder: Path) -> int:
    return sum(segment.size for segment in listed(folder))


def _segments(batch: Sequence[Entry | None]) -> list[list[Entry]]:
    """Return what goes into one segment together, be it nothing, and into each that follows it."""
    found: list[list[Entry]] = [[]]
    for entry in batch:
        if entry is None:
            found.append([])
        else:
            found[-1].append(entry)
    return found


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
