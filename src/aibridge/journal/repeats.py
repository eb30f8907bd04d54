"""Bodies that repeat from call to call: each is written as what differs from the last one like it.

What a body is told from, its base, stands before it in the same segment, so that segments can be
read, and removed, each by itself.
"""

from collections import OrderedDict
from collections.abc import Callable
from typing import NamedTuple

from aibridge.journal.contents import Begun, begin_parts
from aibridge.journal.folding import fold
from aibridge.journal.format import Kind
from aibridge.journal.writer import Journal

LEAST_BYTES = 4 << 10
"""A smaller body is written as it is."""
MOST_IN_A_ROW = 64
"""Bodies that are told one from the other; then one is written whole: damage spreads no further."""
REMEMBERED_BYTES = 32 << 20
"""Bytes of bodies that are held in memory, to be told others from."""

Alike = tuple[str, ...]
"""What bodies have in common that are likely to repeat each other: person, client, session."""


class _Last(NamedTuple):
    """The last body of its kind: where its entry begins, and the oldest one that it needs.

    It is the last of a ``row`` of bodies that are told one from the other.
    """

    start: int
    since: int
    row: int
    body: bytes


class Repeats:
    """The bodies that a process has written last; ``alike`` says which repeat each other."""

    def __init__(self, journal: Journal, alike: Callable[[Begun], Alike]) -> None:
        self._journal = journal
        self._alike = alike
        self._last: OrderedDict[Alike, _Last] = OrderedDict()
        self._bytes = 0
        self._failures = 0

    def begin(self, begun: Begun, body: bytes) -> tuple[int, int]:
        """Append a `Kind.BEGIN`; return since where the journal is needed to read it, and its end.

        ``begun`` is told how the body is to be read. Raises `JournalFull`.
        """
        start = since = self._journal.position
        if len(body) < LEAST_BYTES:
            return since, self._journal.append(Kind.BEGIN, *begin_parts(begun, body))
        alike = self._alike(begun)
        written, last, row = body, self._known(alike), 1
        folded = None if last is None else fold(body, last.body)
        if last is not None and folded is not None:
            begun.base, begun.prefix, begun.suffix, written = last.start, *folded
            since, row = last.since, last.row + 1
        end = self._journal.append(Kind.BEGIN, *begin_parts(begun, written))
        self._remember(alike, _Last(start, since, row, body))
        return since, end

    def _known(self, alike: Alike) -> _Last | None:
        """Return the last body like one, if it is in the segment that is being written."""
        if self._failures != self._journal.failures:
            self._failures = self._journal.failures
            self._last.clear()
            self._bytes = 0
        last = self._last.get(alike)
        if last is None or last.start < self._journal.segment or last.row >= MOST_IN_A_ROW:
            return None
        return last

    def _remember(self, alike: Alike, last: _Last) -> None:
        before = self._last.pop(alike, None)
        if before is not None:
            self._bytes -= len(before.body)
        self._last[alike] = last
        self._bytes += len(last.body)
        while self._bytes > REMEMBERED_BYTES:
            _, oldest = self._last.popitem(last=False)
            self._bytes -= len(oldest.body)
