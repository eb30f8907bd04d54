"""Requests' bodies read from a journal, of which many say only how they differ from others."""

from collections import OrderedDict

from aibridge.journal.contents import Begun, ContentError, read_begin
from aibridge.journal.folding import Folded, unfold
from aibridge.journal.reader import Reader, Span

HELD_BYTES = 32 << 20
"""Bytes of bodies that are held in memory, to tell others from."""


class Bodies:
    """The bodies of a journal."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._held: OrderedDict[int, bytes] = OrderedDict()
        self._bytes = 0

    def read(self, start: int, begun: Begun, span: Span) -> bytes:
        """Return the body of the entry that begins at ``start``. Raises `OSError`."""
        return self._whole(start, begun, self._reader.content(span))

    def _whole(self, start: int, begun: Begun, written: bytes) -> bytes:
        """Return a body as it was, of what was written of it and of those it is told from."""
        middles = []
        while begun.base >= 0 and start not in self._held:
            middles.append((start, Folded(begun.prefix, begun.suffix, written)))
            start = begun.base
            if start not in self._held:
                begun, written = self._entry(start)
        body = self._held.get(start, written)
        self._hold(start, body)
        try:
            for start, folded in reversed(middles):
                body = unfold(folded, body)
                self._hold(start, body)
        except ValueError as error:
            raise OSError(str(error)) from error
        return body

    def _entry(self, start: int) -> tuple[Begun, bytes]:
        content = self._reader.entry_at(start)
        try:
            begun, body_at = read_begin(content)
        except ContentError as error:
            raise OSError(str(error)) from error
        return begun, content[body_at:]

    def _hold(self, start: int, body: bytes) -> None:
        """Hold the last bodies: of those the next ones are told."""
        self._bytes += len(body) - len(self._held.pop(start, b""))
        self._held[start] = body
        while self._bytes > HELD_BYTES and len(self._held) > 1:
            _, oldest = self._held.popitem(last=False)
            self._bytes -= len(oldest)
