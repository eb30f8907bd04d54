"""The observer of a stream of events."""

from collections.abc import Iterable, Iterator, Mapping

import structlog

from aibridge.dialects import Dialect as Reader
from aibridge.dialects.encoding import Decoder, Undecodable, decoder
from aibridge.dialects.facts import ResponseFacts, TokenUsage
from aibridge.dialects.sse import Event, EventStream
from aibridge.reading.weight import weight_of

_COMPRESSED_SLICE = 16 << 10
_SLICE = 32 << 10
_SPARE_EVENTS = 4000
_BYTES_OF_EVENT = 4
"""Bytes of a compressed stream that an event takes at least, beyond the spare ones."""

_log = structlog.get_logger()

Split = tuple[bytes, bytes]
"""What may go to the client now, and what must wait until the record is committed."""


class StreamObserver:
    """Reads a stream of events."""

    def __init__(
        self,
        dialect: Reader,
        encoding: bytes = b"",
        servers: Mapping[str, str] | None = None,
        *,
        keeps: bool = True,
        counts: bool = False,
    ) -> None:
        self._reader = dialect.StreamReader(servers)
        self._keeps = keeps
        skip = dialect.SKIP if keeps else dialect.PIECES
        skipped = None if counts else skip
        self._events = EventStream(skipped, self._reader.notes, quiet=dialect.QUIET, excerpts=True)
        self._decoder: Decoder | None = None
        self._room = _SPARE_EVENTS
        self._blind = False
        self.shortens = False
        self.edits: list[str] = []
        if encoding:
            self._begin_decoding(encoding)

    unread = 0

    @property
    def content_ended(self) -> bool:
        """Whether all of the content has come, so that only the tokens may be missing."""
        return self._reader.content_ended

    @property
    def lacks_usage(self) -> bool:
        """Whether no token was counted yet."""
        return self._reader.usage is None and not self._blind

    def weight(self, size: int) -> int:
        """Say how many bytes may have to be read: what is held of an event, and the piece."""
        if self._blind:
            return 0
        return self._events.held + weight_of(size, compressed=self._decoder is not None)

    def feed(self, chunk: bytes, *, last: bool) -> Split:
        """Hold back from where the last event begins; all of the chunk if it is compressed."""
        if self._blind or (not last and self._passes(chunk)):
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
        facts.unread = facts.unread or self._blind
        return facts

    def estimate(self, request_bytes: int) -> TokenUsage | None:
        """Estimate the tokens of an answer whose rest will not be seen."""
        return self._reader.estimate(request_bytes)

    def _passes(self, chunk: bytes) -> bool:
        """Whether a piece neither ends the answer nor counts its tokens, if only that is asked."""
        return not self._keeps and self._decoder is None and self._events.passes(chunk)

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
            end = self._read(self._events.read(chunk))
            if last and end is None:
                end = self._read(self._unfinished(len(chunk)))
        except Undecodable as error:
            self._go_blind(str(error))
        except Exception:  # noqa: BLE001 - observation never harms the traffic
            _log.exception("answer_not_read")
            self._go_blind("the answer could not be read")
        else:
            return end
        return None

    def _end_in_decoded(self, coding: Decoder, chunk: bytes, *, last: bool) -> Event | None:
        """Do so by slices of what a compressed chunk decodes to, which may be much."""
        ends = []
        for data in self._decoded(coding, chunk):
            ends.append(self._read(self._events.read(data)))
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

    def _read(self, events: Iterable[Event]) -> Event | None:
        stream, reader, end = self._events, self._reader, None
        for event in events:
            if event.head:
                is_end = reader.read_excerpt(event.head, event.data, event.name)
            else:
                is_end = reader.event(event.data, event.name)
            if is_end and end is None:
                end = event
            stream.skipping = not (self._keeps and reader.needs_text)
        self._blind = reader.gave_up
        return end

    def _unfinished(self, end: int) -> list[Event]:
        """Return the last event where its blank line is missing: it ends where the chunk does."""
        start = end - self._events.pending
        return [
            Event(event.name, event.data, start, end, event.head) for event in self._events.finish()
        ]

    def _go_blind(self, why: str) -> None:
        self._blind = True
        self._reader.notes.add(why)


def _slices(data: bytes, size: int) -> Iterator[bytes]:
    for start in range(0, len(data), size):
        yield data[start : start + size]
