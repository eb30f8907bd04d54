"""Following a journal: its entries from a position on, while it is being written."""

import os
from collections.abc import Iterator
from pathlib import Path

from msgspec import Struct

from aibridge.journal.entries import entries
from aibridge.journal.format import FRAME_BYTES, HEAD_BYTES, FormatError, Head, frame, head_of
from aibridge.journal.segments import Segment, listed


class Entry(Struct, frozen=True):
    """An entry, and the position where it ends."""

    kind: int
    content: bytes
    position: int


class Span(Struct, frozen=True):
    """Bytes of a journal between two positions, all of one segment."""

    start: int
    end: int


class Gap(Struct, frozen=True):
    """Bytes that cannot be read, up to a position where it goes on; ``reason`` is for people."""

    start: int
    position: int
    reason: str


class Reader:
    """Reads what is behind a position. What is not whole yet is read another time.

    Behind the last whole entry of the newest segment there may be one that is about to be written;
    in an older segment of the same run that is a `Gap`, as is damage between two entries.
    """

    def __init__(self, folder: Path, position: int = 0) -> None:
        """Read on behind ``position``; behind the oldest byte there is, where that is later."""
        self._folder = folder
        self.position = position
        """Where the last entry or gap ended that was read."""
        self._file: int | None = None
        self._segment: Segment | None = None
        self._mark = b""

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
            is_lost = self._file is None or following.run == segment.run
            if start < following.base and is_lost:
                yield Gap(start, following.base, "it was never written, or is damaged")
            self.close()

    def content(self, span: Span) -> bytes:
        """Return bytes that were read before, again. Raises `OSError` where they are gone."""
        segment, file = self._segment, self._file
        if segment is None or file is None or span.start < segment.base:
            behind = [one for one in listed(self._folder) if one.base <= span.start]
            if not behind:
                raise FileNotFoundError(f"the segment of position {span.start}")
            with behind[-1].path.open("rb") as older:
                return _part(older.fileno(), behind[-1], span)
        return _part(file, segment, span)

    def entry_at(self, start: int) -> bytes:
        """Return the content of the entry that begins at a position, which is in an earlier one.

        Raises `OSError` where it is gone or damaged.
        """
        inside = start + FRAME_BYTES
        found = frame(self.content(Span(start, inside)), 0)
        content = self.content(Span(inside, inside + found.length))
        if not found.has(content):
            raise OSError(f"the entry at position {start} is damaged")
        return content

    def _at(self) -> Segment | None:
        """Return the segment to read, opened."""
        if self._segment is None:
            self._open()
        return self._segment

    def _open(self) -> None:
        segments = [one for one in listed(self._folder) if one.size >= HEAD_BYTES]
        behind = [one for one in segments if one.base <= self.position]
        segment = behind[-1] if behind else next(iter(segments), None)
        if segment is None:
            return
        file = os.open(segment.path, os.O_RDONLY | os.O_CLOEXEC)
        found = _head(os.pread(file, HEAD_BYTES, 0))
        if found is not None and found.base == segment.base:
            self._file, self._segment, self._mark = file, segment, found.mark
            self.position = max(self.position, segment.base)
            return
        os.close(file)
        if self._following(segment) is not None:  # nobody writes its head any more
            self._segment = segment

    def _following(self, segment: Segment) -> Segment | None:
        later = (one for one in listed(self._folder) if one.base > segment.base)
        return next((one for one in later if one.size >= HEAD_BYTES), None)

    def _entries(self, segment: Segment) -> Iterator[Entry | Gap]:
        """Yield the whole entries of a segment behind the position, and the damage between them.

        Where its head is damaged there are none.
        """
        if self._file is None:
            return
        before = HEAD_BYTES - segment.base
        for found in entries(self._file, self._mark, self.position + before):
            start, self.position = self.position, found.end - before
            if found.kind:
                yield Entry(found.kind, found.content, self.position)
            else:
                yield Gap(start, self.position, "it is damaged")


def _part(file: int, segment: Segment, span: Span) -> bytes:
    found = os.pread(file, span.end - span.start, HEAD_BYTES + span.start - segment.base)
    if len(found) < span.end - span.start:
        raise OSError(f"{segment.path.name} has lost what was in it")
    return found


def _head(content: bytes) -> Head | None:
    """Return the head of a segment, nothing if it is none; it may be about to be."""
    try:
        return head_of(content)
    except FormatError:
        return None
