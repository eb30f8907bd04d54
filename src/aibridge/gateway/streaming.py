"""Observers of streams of events: one that only reads, and one that takes a chunk out."""

from collections.abc import Iterator

import structlog

from aibridge.dialects import Dialect as Reader
from aibridge.dialects import chat
from aibridge.dialects.bounds import MAX_UNCHECKED
from aibridge.dialects.encoding import Decoder, Undecodable, decoder
from aibridge.dialects.facts import ResponseFacts, TokenUsage
from aibridge.dialects.sse import Event, EventStream
from aibridge.gateway.large import weight_of

_COMPRESSED_SLICE = 16 << 10
_SLICE = 32 << 10
_SPARE_EVENTS = 4000
_BYTES_OF_EVENT = 4
"""Bytes of a compressed stream that an event takes at least, beyond the spare ones."""

EDIT = "answer: the usage chunk taken out, as the client did not ask for it"

_log = structlog.get_logger()

Split = tuple[bytes, bytes]
"""What may go to the client now, and what must wait until the record is committed."""


class StreamObserver:
    """Reads a stream of events."""

    def __init__(self, dialect: Reader, encoding: bytes = b"") -> None:
        self._reader = dialect.StreamReader()
        self._events = EventStream(dialect.SKIP, self._reader.notes)
        self._decoder: Decoder | None = None
        self._room = _SPARE_EVENTS
        self._blind = False
        self.shortens = False
        self.edits: list[str] = []
        if encoding:
            self._begin_decoding(encoding)

    unread = 0
    content_ended = False

    def estimate(self, request_bytes: int) -> TokenUsage | None:
        """Estimate nothing."""
        return None

    def weight(self, chunk: bytes) -> int:
        """Say how many bytes may have to be read: what is held of an event, and the piece."""
        if self._blind:
            return 0
        return self._events.held + weight_of(chunk, compressed=self._decoder is not None)

    def feed(self, chunk: bytes, *, last: bool) -> Split:
        """Hold back from where the last event begins; all of the chunk if it is compressed."""
        if self._blind:
            return chunk, b""
        end = self._end_in(chunk, last=last)
        if end is None:
            return chunk, b""
        start = max(end.start, 0) if self._decoder is None else 0
        return chunk[:start], chunk[start:]

    def facts(self) -> ResponseFacts:
        """Return what was found; of an answer that could not be read nobody knows how it ended."""
        facts = self._reader.facts()
        facts.ended = facts.ended or self._blind
        return facts

    def _begin_decoding(self, encoding: bytes) -> None:
        try:
            self._decoder = decoder(encoding)
        except Undecodable as error:
            self._go_blind(str(error))

    def _end_in(self, chunk: bytes, *, last: bool) -> Event | None:
        """Read what the chunk holds and return the event that ends the answer, if it is there."""
        try:
            if self._decoder is not None:
                return self._end_in_decoded(self._decoder, chunk, last=last)
            events = self._events.feed(chunk)
            if last:
                events += self._unfinished(len(chunk))
            return self._read(events)
        except Undecodable as error:
            self._go_blind(str(error))
        except Exception:  # noqa: BLE001 - observation never harms the traffic
            _log.exception("answer_not_read")
            self._go_blind("the answer could not be read")
        return None

    def _end_in_decoded(self, coding: Decoder, chunk: bytes, *, last: bool) -> Event | None:
        """Do so by slices of what a compressed chunk decodes to, which may be much."""
        ends = []
        for data in self._decoded(coding, chunk):
            ends.append(self._read(self._events.feed(data)))
            if self._events.blocks > self._room:
                raise Undecodable("the answer decodes to more events than allowed")
            if self._blind:
                break
        if last:
            ends.append(self._read(self._unfinished(0)))
        return next(filter(None, ends), None)

    def _decoded(self, coding: Decoder, chunk: bytes) -> Iterator[bytes]:
        for compressed in _slices(chunk, _COMPRESSED_SLICE):
            self._room += len(compressed) // _BYTES_OF_EVENT
            yield from _slices(coding.feed(compressed), _SLICE)

    def _read(self, events: list[Event]) -> Event | None:
        end = None
        for event in events:
            if self._reader.event(event.data, event.name) and end is None:
                end = event
        self._blind = self._reader.gave_up
        return end

    def _unfinished(self, end: int) -> list[Event]:
        """Return the last event where its blank line is missing: it ends where the chunk does."""
        start = end - self._events.pending
        return [Event(event.name, event.data, start, end) for event in self._events.finish()]

    def _go_blind(self, why: str) -> None:
        self._blind = True
        self._reader.notes.add(why)


class EditingObserver(StreamObserver):
    """Reads a chat stream and takes out the chunk that the client did not ask for.

    Only whole events go on, so that none is half sent before it is known; one that is too long
    to be that chunk need not wait.
    """

    def __init__(self) -> None:
        super().__init__(chat)
        self.shortens = True
        self._tail = bytearray()
        self._cuts: list[tuple[int, int]] = []

    def feed(self, chunk: bytes, *, last: bool) -> Split:
        """Release the events that are complete, but for the unwanted one."""
        if self._blind:
            tail, self._tail = self._tail, bytearray()
            return bytes(tail) + chunk, b""
        before = len(self._tail)
        self._tail += chunk
        self._cuts = []
        end = self._end_in(chunk, last=last)
        pending = self._events.pending
        kept = 0 if last or pending > MAX_UNCHECKED or self._blind else pending
        complete = len(self._tail) - kept
        if not complete:
            return b"", b""
        data = bytes(memoryview(self._tail)[:complete])
        del self._tail[:complete]
        held = complete if end is None else max(0, min(before + end.start, complete))
        cuts = [(before + start, before + stop) for start, stop in self._cuts]
        cuts = [cut for cut in cuts if cut[0] >= 0]  # the beginning of a long one is gone already
        if cuts and not self.edits:
            self.edits.append(EDIT)
        return _without(data, 0, held, cuts), _without(data, held, complete, cuts)

    def _read(self, events: list[Event]) -> Event | None:
        self._cuts += [(e.start, e.end) for e in events if chat.is_usage_only(e.data)]
        return super()._read(events)


def _slices(data: bytes, size: int) -> Iterator[bytes]:
    for start in range(0, len(data), size):
        yield data[start : start + size]


def _without(data: bytes, start: int, end: int, cuts: list[tuple[int, int]]) -> bytes:
    """Return ``data[start:end]`` without the spans in ``cuts``."""
    parts = []
    for cut_start, cut_end in cuts:
        if start <= cut_start < end:
            parts.append(data[start:cut_start])
            start = cut_end
    parts.append(data[start:end])
    return b"".join(parts)
