"""What is in a segment of a journal: a head, then entries.

The head is 20 bytes: ``aibj``, a version byte, three zero bytes, the segment's base, which is the
position where its first entry begins, and its mark, 4 bytes that nobody can guess. An entry is 13
bytes and its content: the mark, the content's length, a CRC-32 of the kind and the content, and the
kind. Numbers are little-endian and without a sign. By its mark the next entry is found behind one
that is damaged, whatever its length says, and whatever a client has put into a body.
"""

from collections.abc import Sequence
from enum import IntEnum
from struct import Struct
from typing import NamedTuple
from zlib import crc32

import msgspec

VERSION = 1
_HEAD = Struct("<4sB3xQ4s")
_FRAME = Struct("<4sIIB")
_MAGIC = b"aibj"

HEAD_BYTES = _HEAD.size
FRAME_BYTES = _FRAME.size
MARK_BYTES = 4
MAX_CONTENT = (1 << 31) - 1
"""Bytes of the largest entry; a length beyond it is damage."""

RUN_BYTES = 1 << 40
"""More than the entries of a run can have: what a position of the next one is greater by."""

Buffer = bytes | bytearray | memoryview

_OF_KIND = tuple(crc32(bytes((kind,))) for kind in range(256))
"""The checksum of each kind, with which that of an entry begins."""


class Kind(IntEnum):
    """What an entry tells of a call."""

    BEGIN = 1
    """It has begun: who asks for what, with the request's body."""
    PIECE = 2
    """Bytes of its answer passed."""
    END = 3
    """It is over, and how."""


class FormatError(Exception):
    """A segment has a head that this release cannot read; the text says why."""


class Frame(msgspec.Struct, frozen=True):
    """What stands before an entry's content."""

    mark: bytes
    length: int
    checksum: int
    kind: int

    def has(self, content: Buffer) -> bool:
        """Say whether this is the content that the entry was written with."""
        return len(content) == self.length and self.checksum == crc32(content, _OF_KIND[self.kind])


class Head(NamedTuple):
    """What a segment begins with."""

    base: int
    mark: bytes


def head(base: int, mark: bytes) -> bytes:
    """Return the head of a segment that begins at a position."""
    return _HEAD.pack(_MAGIC, VERSION, base, mark)


def head_of(content: Buffer) -> Head:
    """Return what the head of a segment says. Raises `FormatError`."""
    if len(content) < HEAD_BYTES:
        raise FormatError("it is shorter than its head")
    magic, version, base, mark = _HEAD.unpack_from(content)
    if magic != _MAGIC:
        raise FormatError("it is no journal")
    if version != VERSION:
        raise FormatError(f"it has version {version}, and this release knows {VERSION}")
    return Head(base, mark)


def framed(mark: bytes, kind: Kind, parts: Sequence[Buffer]) -> list[Buffer]:
    """Return an entry as it is written, of content in several parts. Raises `ValueError`."""
    length = length_of(parts)
    return [_FRAME.pack(mark, length, _checksum(kind, parts), kind), *parts]


def length_of(parts: Sequence[Buffer]) -> int:
    """Return the length of a content in parts. Raises `ValueError` for one that is too large."""
    length = sum(map(len, parts))
    if length > MAX_CONTENT:
        raise ValueError(f"an entry may have {MAX_CONTENT} bytes")
    return length


def frame(content: Buffer, offset: int) -> Frame:
    """Return what stands at an offset, where there are `FRAME_BYTES` at least."""
    return Frame(*_FRAME.unpack_from(content, offset))


def _checksum(kind: int, parts: Sequence[Buffer]) -> int:
    found = _OF_KIND[kind]
    for part in parts:
        found = crc32(part, found)
    return found
