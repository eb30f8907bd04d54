"""The beginning of a stream, which is asked for more than once: for a page, and for its count."""

from collections.abc import Iterator
from itertools import islice
from typing import Generic, TypeVar

_Item = TypeVar("_Item")


class Kept(Generic[_Item]):
    """What a stream yields first, read once, as far as it was asked for."""

    def __init__(self, stream: Iterator[_Item]) -> None:
        self._stream = stream
        self._read: list[_Item] = []

    def first(self, most: int) -> list[_Item]:
        """Return the first ``most``, or all if there are fewer."""
        self._read += islice(self._stream, max(0, most - len(self._read)))
        return self._read[:most]
