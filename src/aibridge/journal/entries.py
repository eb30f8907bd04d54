"""The entries in a segment's file, as far as they are whole, and the damage between them."""

import os
from collections.abc import Iterator

from msgspec import Struct

from aibridge.journal.format import FRAME_BYTES, MARK_BYTES, Kind, frame

_KINDS = frozenset(Kind)
CHUNK_BYTES = 1 << 20
"""Bytes that are read at once, where no entry is larger."""


class Found(Struct, frozen=True):
    """An entry, or with no kind bytes that are none: from where to where in the file."""

    kind: int
    content: bytes
    start: int
    end: int


def entries(file: int, mark: bytes, offset: int) -> Iterator[Found]:
    """Yield what is in a segment with a mark, from an offset to its last whole entry.

    Behind that may be the beginning of an entry, or what a crash has left of one.
    """
    window = _Window(file)
    while window.reaches(offset):
        found = _whole(window, mark, offset)
        if found is None:
            following = _next(window, mark, offset + 1)
            if following is None:
                return
            # It may have been half written at the first look, and whole at the second.
            found = _whole(window, mark, offset) or Found(0, b"", offset, following)
        yield found
        offset = found.end


class _Window:
    """A part of a file, in memory; what is asked for outside it moves it."""

    def __init__(self, file: int) -> None:
        self._file = file
        self._start = 0
        self._bytes = b""

    def get(self, offset: int, length: int) -> bytes:
        """Return so many bytes, fewer at the end of what is written."""
        start = offset - self._start
        if start < 0 or start + length > len(self._bytes):
            self._bytes = self._read(offset, max(length, CHUNK_BYTES))
            self._start, start = offset, 0
        return self._bytes[start : start + length]

    def reaches(self, offset: int) -> bool:
        """Say whether anything is written behind an offset."""
        return offset < self._start + len(self._bytes) or offset < self._written()

    def _read(self, offset: int, length: int) -> bytes:
        return os.pread(self._file, max(0, min(length, self._written() - offset)), offset)

    def _written(self) -> int:
        return os.fstat(self._file).st_size


def _whole(window: _Window, mark: bytes, offset: int) -> Found | None:
    """Return the entry at an offset, `None` if there is none that is whole."""
    start = window.get(offset, FRAME_BYTES)
    if len(start) < FRAME_BYTES:
        return None
    found = frame(start, 0)
    if found.mark != mark or found.kind not in _KINDS:
        return None
    content = window.get(offset + FRAME_BYTES, found.length)
    if len(content) < found.length or not found.has(content):
        return None
    return Found(found.kind, content, offset, offset + FRAME_BYTES + found.length)


def _next(window: _Window, mark: bytes, offset: int) -> int | None:
    """Return where the next whole entry begins, `None` if none does."""
    while True:
        part = window.get(offset, CHUNK_BYTES)
        at = part.find(mark)
        if at >= 0:
            if _whole(window, mark, offset + at) is not None:
                return offset + at
            offset += at + 1
        elif len(part) < CHUNK_BYTES:
            return None
        else:
            offset += len(part) - MARK_BYTES + 1
