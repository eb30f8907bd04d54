"""JSON too large to be kept: its beginning and its end, and what can be read of these.

What is large about an answer is what was said, in the middle; its id and model come before that,
its tokens and how it ended after.
"""

import re
from collections.abc import Iterator

import msgspec
from msgspec import Raw

HEAD = 4 << 10
"""Bytes that are kept of the beginning."""

TAIL = 128 << 10
"""Bytes that are kept of the end."""

_MAX_TRIES = 64
_MIDDLE = re.compile(rb'(?<!\\)"(?:output|choices|content|instructions|input|tools)"\s*:')
_AFTER = re.compile(
    rb'(?<!\\)"(?:usage|status|stop_reason|service_tier|error|incomplete_details|model|id)"\s*:'
)
"""A member's key. No string can look like it: quotes within strings have a backslash."""

_OBJECT = msgspec.json.Decoder(dict[str, Raw])


class Excerpt:
    """Bytes that are kept whole up to ``limit``; of more only the beginning and the end."""

    __slots__ = ("_limit", "buffer", "head", "size")

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self.buffer = bytearray()
        """Everything, or at least the end."""
        self.head = b""
        """The beginning, once not everything is kept."""
        self.size = 0

    def add(self, piece: bytes | bytearray) -> None:
        """Take a piece."""
        self.size += len(piece)
        self.buffer += piece
        if self.size <= self._limit:
            return
        if not self.head:
            self.head = bytes(self.buffer[:HEAD])
        if len(self.buffer) > 2 * TAIL:
            del self.buffer[:-TAIL]

    def kept(self) -> bytes:
        """Return everything, or the end where that was too much."""
        return bytes(self.buffer[-TAIL:] if self.head else self.buffer)


def documents(head: bytes, tail: bytes) -> Iterator[bytes]:
    """Yield JSON objects without their middle, those that say most first.

    An object is put together of the members before the large one and of those after it; that
    the brackets match tells which of the keys in ``tail`` are members of the same object.
    """
    middle = _MIDDLE.search(head)
    opening = head[: middle.start()] if middle else b"{"
    places = [key.start() for key in _AFTER.finditer(tail)][-_MAX_TRIES:]
    for place in places:
        document = opening + tail[place:]
        if _is_object(document):
            yield document


def _is_object(document: bytes) -> bool:
    try:
        _OBJECT.decode(document)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False
    return True
