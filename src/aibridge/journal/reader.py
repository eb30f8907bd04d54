"""Following a journal: its entries from a position on, while it is being written."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from aibridge.journal.format import FRAME_BYTES, HEAD_BYTES, FormatError, Kind, base_of, frame
from aibridge.journal.segments import Segment, listed

_KINDS = frozenset(Kind)
CHUNK_BYTES = 1 << 20
"""Bytes that are read at once, where no entry is larger."""


class Entry(NamedTuple):
    """An entry, and the position where it ends."""

    kind: int
    content: bytes
    position: int


class Gap(NamedTuple):
    """Bytes that cannot be read, up to a position where it goes on; ``reason`` is for people."""

    start: int
    position: int
    reason: str


class Reader:
    """Reads what is behind a position. What is not whole yet is read another time.

    At the end of the newest segment, what is not whole may be about to be written; in an older one
    of the same run it is a `Gap` up to the next segment.
    """

    def __init__(self, folder: Path, position: int = 0) -> None:
        """Read on behind ``position``; behind the oldest byte there is, where that is later."""
        self._folder = folder
        self.position = position
        """Where the last entry or gap ended that was read."""
        self._file: int | None = None
        self._segment: Segment | None = None

    def close(self) -> None:
        """Close the file that is open; reading opens it again."""
        if self._file is not None:
            os.close(self._file)
        self._file = self._segment = None

    def read(self) -> Iterator[Entry | Gap]:
        """Yield what there is to read now. Raises `OSError`."""
        while (segment := self._at()) is not None:
            yield from self._entries(segment)
            following = self._following(segment)
            if following is None:
                return
            yield from self._entries(segment)  # what came before the next one was made
            start, self.position = self.position, following.base
            if start < following.base and following.run == segment.run:
                yield Gap(start, following.base, "it was never written, or is damaged")
            self.close()

    def _at(self) -> Segment | None:
        """Return the segment to read, opened."""
        if self._segment is None:
            self._open()
        return self._segment

    def _open(self) -> None:
        segments = listed(self._folder)
        behind = [one for one in segments if one.base <= self.position]
        segment = behind[-1] if behind else next(iter(segments), None)
        if segment is None:
            return
        file = os.open(segment.path, os.O_RDONLY | os.O_CLOEXEC)
        if not _is_ours(os.pread(file, HEAD_BYTES, 0), segment):
            os.close(file)
            return
        self._file, self._segment = file, segment
        self.position = max(self.position, segment.base)

    def _following(self, segment: Segment) -> Segment | None:
        return next((one for one in listed(self._folder) if one.base > segment.base), None)

    def _entries(self, segment: Segment) -> Iterator[Entry | Gap]:
        """Yield the whole entries of a segment that are behind the position.

        One whose content is not what was written is a gap, and the next may be whole.
        """
        assert self._file is not None  # noqa: S101 - `_at` has opened it
        buffer, offset = b"", 0
        while True:
            if len(buffer) - offset < FRAME_BYTES:
                buffer, offset = self._bytes(segment, CHUNK_BYTES), 0
                if len(buffer) < FRAME_BYTES:
                    return
            found = frame(buffer, offset)
            end = offset + FRAME_BYTES + found.length
            if end > len(buffer):
                buffer, offset = self._bytes(segment, FRAME_BYTES + found.length), 0
                end = FRAME_BYTES + found.length
            content = buffer[offset + FRAME_BYTES : end]
            if len(content) < found.length or found.kind not in _KINDS:
                return
            start, offset = self.position, end
            self.position += FRAME_BYTES + found.length
            if found.has(content):
                yield Entry(found.kind, content, self.position)
            else:
                yield Gap(start, self.position, "its checksum does not match")

    def _bytes(self, segment: Segment, length: int) -> bytes:
        """Return so many bytes behind the position, fewer at the end of what is written."""
        assert self._file is not None  # noqa: S101
        offset = HEAD_BYTES + self.position - segment.base
        limit = os.fstat(self._file).st_size - offset
        return os.pread(self._file, max(0, min(length, limit)), offset)


def _is_ours(content: bytes, segment: Segment) -> bool:
    """Say whether a file begins as that segment does; it may be about to."""
    try:
        return base_of(content) == segment.base
    except FormatError:
        return False
