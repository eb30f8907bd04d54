"""Bounds on what is read of a large JSON text: how many values it has, how long its strings are.

Both are found in one pass of few steps for each block, whatever the text: decoding first and
counting then would take the time and the memory that the bounds are to spare.
"""

import re
from collections.abc import Iterator

from msgspec import Raw

MAX_UNCHECKED = 256 << 10
"""Bytes of a JSON text that is read as it is: so little cannot take long."""

MAX_VALUES = 200_000
"""Values that a longer text may have, in arrays and objects together."""

MAX_STRING = 1 << 20
"""Bytes of a string in a longer text that are read, give or take a block."""

_BLOCK = 64 << 10
_MAX_BLOCKS = MAX_STRING // _BLOCK
_NOT_COUNTED = bytes(set(range(256)) - set(b'"[{,'))
_LONGEST_ESCAPE = 6
_FIRST_HALF = re.compile(rb"\\u[dD][89abAB]")
_LAST_CHARACTER = re.compile(rb"[\xc0-\xff][\x80-\xbf]{0,3}\Z")
"""One of several bytes of UTF-8, which may be half of it."""


class TooManyValues(Exception):
    """A JSON text has more than `MAX_VALUES` values."""


Buffer = bytes | bytearray | Raw


def bounded(data: Buffer) -> tuple[Buffer, bool]:
    """Cut the strings in a JSON text that are too long; say whether a text was among them.

    Strings without any space, escape or accent are data, as images are, and not texts. Raises
    `TooManyValues`. What is not JSON comes out as something else that is not.
    """
    many = _may_have_too_many(data)
    if len(data) <= MAX_STRING and not many:
        return data, False
    scan = _Scan(counts=many)
    for block in _blocks(data):
        scan.take(block)
    if not scan.dropped:
        return data, False
    starts = [0, *(end for _, end in scan.dropped)]
    ends = [*(start for start, _ in scan.dropped), len(data)]
    view = memoryview(data)
    return b"".join([view[start:end] for start, end in zip(starts, ends, strict=True)]), scan.cut


class _Scan:
    """Where a pass over the blocks of a JSON text has come to."""

    def __init__(self, *, counts: bool) -> None:
        self._counts = counts
        self.dropped: list[tuple[int, int]] = []
        """Spans of what is too far inside a string."""
        self.cut = False
        """Whether what was dropped is of a text."""
        self._at = 0
        self._values = 0
        self._inside = 0
        self._whole = 0
        """Blocks that lie within the string that is open, from end to end."""

    def take(self, block: bytes) -> None:
        """Count what a block has outside strings, and see how much is inside one."""
        masked = block.replace(rb"\\", b"__").replace(rb"\"", b"__")
        quotes = masked.count(b'"')
        if self._counts and not (self._inside and not quotes):
            self._count(masked)
        if self._inside and not quotes:
            self._go_on_inside(block, masked)
        else:
            if self._whole >= _MAX_BLOCKS:
                self._drop(block, 0, masked.find(b'"'))
            self._whole = 0
            self._inside ^= quotes % 2
        self._at += len(block)

    def _count(self, masked: bytes) -> None:
        pieces = masked.translate(None, _NOT_COUNTED).split(b'"')
        self._values += sum(map(len, pieces[self._inside :: 2]))
        if self._values > MAX_VALUES:
            raise TooManyValues

    def _go_on_inside(self, block: bytes, masked: bytes) -> None:
        self._whole += 1
        if self._whole >= _MAX_BLOCKS:
            start = _last_whole(masked) if self._whole == _MAX_BLOCKS else 0
            self._drop(block, start, len(block))

    def _drop(self, block: bytes, start: int, end: int) -> None:
        self.dropped.append((self._at + start, self._at + end))
        part = block[start:end]
        if not part.isascii() or b" " in part or b"\\" in part:
            self.cut = True


def _may_have_too_many(data: Buffer) -> bool:
    """Say so if there would be too many values, were all commas and brackets outside strings."""
    view = memoryview(data)
    most = 0
    for start in range(0, len(view), _BLOCK):
        block = bytes(view[start : start + _BLOCK])
        most += sum(map(block.count, (b"[", b"{", b",")))
    return most > MAX_VALUES


def _blocks(data: Buffer) -> Iterator[bytes]:
    """Yield ``data`` in blocks none of which begins or ends between a backslash and the next."""
    view = memoryview(data)
    start = 0
    while start < len(view):
        block = bytes(view[start : start + _BLOCK])
        if (len(block) - len(block.rstrip(b"\\"))) % 2 and len(block) > 1:
            block = block[:-1]
        yield block
        start += len(block)


def _last_whole(masked: bytes) -> int:
    """Where the inside of a string may be cut: before what may be half an escape or character.

    In ``masked`` each backslash begins an escape.
    """
    end = masked.rfind(b"\\", max(0, len(masked) - 2 * _LONGEST_ESCAPE))
    if end < 0:
        character = _LAST_CHARACTER.search(masked, max(0, len(masked) - 4))
        return character.start() if character else len(masked)
    before = end - _LONGEST_ESCAPE
    return before if before >= 0 and _FIRST_HALF.match(masked, before) else end
