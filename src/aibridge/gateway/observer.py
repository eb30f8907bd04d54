"""Reading an answer beside its relay: whatever goes wrong here becomes a note, never trouble.

An observer is fed the answer as it comes and says of each piece what may go to the client now,
and what has to wait for the record: the answer's last event, and all that comes with it.
"""

from typing import Protocol

import structlog

from aibridge.dialects import DIALECTS
from aibridge.dialects import Dialect as Reader
from aibridge.dialects.encoding import Undecodable, decoder
from aibridge.dialects.facts import ResponseFacts, TokenUsage
from aibridge.gateway.large import weight_of
from aibridge.gateway.outcome import FIRST_ERROR
from aibridge.gateway.streaming import EditingObserver, Split, StreamObserver
from aibridge.providers.types import Dialect

MAX_WHOLE_BODY = 16 << 20
"""Bytes of an unstreamed answer that are kept for reading; a larger one is only relayed."""

_log = structlog.get_logger()


class Observer(Protocol):
    """A reader of one answer.

    ``edits`` are what it changed; ``shortens`` says that it may, so that the length the provider
    names is not the client's.
    """

    shortens: bool
    edits: list[str]

    @property
    def content_ended(self) -> bool:
        """Whether all of the content has come, and nothing but the usage is missing."""

    def estimate(self, request_bytes: int) -> TokenUsage | None:
        """Estimate the tokens of an answer that broke off, `None` where that cannot be done."""

    def weight(self, chunk: bytes) -> int:
        """Say how many bytes may have to be read to take ``chunk``."""

    @property
    def unread(self) -> int:
        """How many bytes have to be read to say the facts."""

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


class WholeObserver:
    """Reads a body that comes in one piece: an unstreamed answer, or an error."""

    content_ended = False

    def __init__(self, dialect: Reader, status: int, encoding: bytes) -> None:
        self._dialect = dialect
        self._status = status
        self._encoding = encoding
        self._body = bytearray()
        self._size = 0
        self.shortens = False
        self.edits: list[str] = []

    def estimate(self, request_bytes: int) -> TokenUsage | None:
        """Estimate nothing."""
        return None

    def weight(self, chunk: bytes) -> int:
        """Nothing is read before the body ends."""
        return 0

    @property
    def unread(self) -> int:
        """How many bytes have to be read to say the facts."""
        return weight_of(self._body, compressed=bool(self._encoding))

    def feed(self, chunk: bytes, *, last: bool) -> Split:
        """Keep the piece for reading; nothing needs to wait until the body ends."""
        self._size += len(chunk)
        if self._size <= MAX_WHOLE_BODY:
            self._body += chunk
        else:
            self._body.clear()
        return chunk, b""

    def facts(self) -> ResponseFacts:
        """Read the body."""
        facts = ResponseFacts(ended=True)
        if self._size > MAX_WHOLE_BODY:
            facts.notes.add("the answer is too large to be read")
            return facts
        try:
            return self._read(bytes(self._body))
        except Undecodable as error:
            facts.notes.add(str(error))
        except Exception:  # noqa: BLE001 - observation never harms the traffic
            _log.exception("answer_not_read")
            facts.notes.add("the answer could not be read")
        return facts

    def _read(self, body: bytes) -> ResponseFacts:
        if self._encoding:
            unpack = decoder(self._encoding, MAX_WHOLE_BODY)
            body = unpack.feed(body) if unpack else body
        if self._status >= FIRST_ERROR:
            return ResponseFacts(error=self._dialect.read_error(self._status, body), ended=True)
        facts = self._dialect.read_answer(body)
        facts.ended = True  # whatever it says: the body has come to its end
        return facts
