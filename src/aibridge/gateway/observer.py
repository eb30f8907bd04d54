"""Reading an answer beside its relay: whatever goes wrong here becomes a note, never trouble.

An observer is fed the answer as it comes and says of each piece what may go to the client now,
and what has to wait for the record: the answer's last event, and all that comes with it.
"""

from typing import Protocol

import structlog

from aibridge.dialects import DIALECTS, chat
from aibridge.dialects import Dialect as Reader
from aibridge.dialects.encoding import Decoder, Undecodable, decoder
from aibridge.dialects.facts import ResponseFacts
from aibridge.dialects.sse import MAX_EVENT, Event, EventStream
from aibridge.gateway.outcome import FIRST_ERROR
from aibridge.providers.types import Dialect

MAX_WHOLE_BODY = 16 << 20
"""Bytes of an unstreamed answer that are kept for reading; a larger one is only relayed."""

EDIT = "answer: the usage chunk taken out, as the client did not ask for it"

_log = structlog.get_logger()

Split = tuple[bytes, bytes]
"""What may go to the client now, and what must wait until the record is committed."""


class Observer(Protocol):
    """A reader of one answer.

    ``edits`` are what it changed; ``shortens`` says that it may, so that the length the provider
    names is not the client's.
    """

    shortens: bool
    edits: list[str]

    def feed(self, chunk: bytes, *, last: bool) -> Split:
        """Take a piece; ``last`` says that the body ends with it."""

    def facts(self) -> ResponseFacts:
        """Return what was found so far."""


def observe(
    dialect: Dialect, status: int, headers: dict[bytes, bytes], *, hide_usage: bool = False
) -> Observer:
    """Return the observer that fits an answer.

    ``hide_usage`` takes the chunk out of a chat stream that came only because the bridge asked
    for usage.
    """
    reader = DIALECTS[dialect]
    encoding = headers.get(b"content-encoding", b"")
    if (
        status >= FIRST_ERROR
        or b"text/event-stream" not in headers.get(b"content-type", b"").lower()
    ):
        return WholeObserver(reader, status, encoding)
    if hide_usage and not encoding:
        return EditingObserver()
    return StreamObserver(reader, encoding)


class StreamObserver:
    """Reads a stream of events."""

    def __init__(self, dialect: Reader, encoding: bytes = b"") -> None:
        self._reader = dialect.StreamReader()
        self._events = EventStream(dialect.SKIP, self._reader.notes)
        self._decoder: Decoder | None = None
        self._blind = False
        self.shortens = False
        self.edits: list[str] = []
        if encoding:
            self._begin_decoding(encoding)

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
            data = self._decoder.feed(chunk) if self._decoder else chunk
            events = self._events.feed(data)
            if last:
                events += self._unfinished(len(chunk))
            return self._read(events)
        except Undecodable as error:
            self._go_blind(str(error))
        except Exception:  # noqa: BLE001 - observation never harms the traffic
            _log.exception("answer_not_read")
            self._go_blind("the answer could not be read")
        return None

    def _read(self, events: list[Event]) -> Event | None:
        end = None
        for event in events:
            if self._reader.event(event.data, event.name) and end is None:
                end = event
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

    Only whole events go on, so that none is half sent before it is known.
    """

    def __init__(self) -> None:
        super().__init__(chat)
        self.shortens = True
        self._tail = b""
        self._cuts: list[tuple[int, int]] = []

    def feed(self, chunk: bytes, *, last: bool) -> Split:
        """Release the events that are complete, but for the unwanted one."""
        if self._blind:
            tail, self._tail = self._tail, b""
            return tail + chunk, b""
        before = len(self._tail)
        data = self._tail + chunk
        self._cuts = []
        end = self._end_in(chunk, last=last)
        pending = self._events.pending
        kept = 0 if last or pending > MAX_EVENT or self._blind else pending
        complete = len(data) - kept
        self._tail = data[complete:]
        held = complete if end is None else min(before + end.start, complete)
        cuts = [(before + start, before + stop) for start, stop in self._cuts]
        if cuts and not self.edits:
            self.edits.append(EDIT)
        return _without(data, 0, held, cuts), _without(data, held, complete, cuts)

    def _read(self, events: list[Event]) -> Event | None:
        self._cuts += [(e.start, e.end) for e in events if chat.is_usage_only(e.data)]
        return super()._read(events)


class WholeObserver:
    """Reads a body that comes in one piece: an unstreamed answer, or an error."""

    def __init__(self, dialect: Reader, status: int, encoding: bytes) -> None:
        self._dialect = dialect
        self._status = status
        self._encoding = encoding
        self._parts: list[bytes] = []
        self._size = 0
        self.shortens = False
        self.edits: list[str] = []

    def feed(self, chunk: bytes, *, last: bool) -> Split:
        """Keep the piece for reading; nothing needs to wait until the body ends."""
        self._size += len(chunk)
        if self._size <= MAX_WHOLE_BODY:
            self._parts.append(chunk)
        return chunk, b""

    def facts(self) -> ResponseFacts:
        """Read the body."""
        facts = ResponseFacts(ended=True)
        if self._size > MAX_WHOLE_BODY:
            facts.notes.add("the answer is too large to be read")
            return facts
        try:
            return self._read(b"".join(self._parts))
        except Undecodable as error:
            facts.notes.add(str(error))
        except Exception:  # noqa: BLE001 - observation never harms the traffic
            _log.exception("answer_not_read")
            facts.notes.add("the answer could not be read")
        return facts

    def _read(self, body: bytes) -> ResponseFacts:
        if self._encoding:
            unpack = decoder(self._encoding)
            body = unpack.feed(body) if unpack else body
        if self._status >= FIRST_ERROR:
            return ResponseFacts(error=self._dialect.read_error(self._status, body), ended=True)
        facts = self._dialect.read_answer(body)
        facts.ended = True  # whatever it says: the body has come to its end
        return facts


def _without(data: bytes, start: int, end: int, cuts: list[tuple[int, int]]) -> bytes:
    """Return ``data[start:end]`` without the spans in ``cuts``."""
    parts = []
    for cut_start, cut_end in cuts:
        if start <= cut_start < end:
            parts.append(data[start:cut_start])
            start = cut_end
    parts.append(data[start:end])
    return b"".join(parts)
