"""The observer of a body that comes in one piece: an unstreamed answer, or an error."""

from collections.abc import Mapping
from contextlib import suppress

import structlog

from aibridge.dialects import Dialect as Reader
from aibridge.dialects.encoding import Undecodable, decoder
from aibridge.dialects.errors import shown
from aibridge.dialects.excerpt import Excerpt
from aibridge.dialects.facts import ProviderError, ResponseFacts, TokenUsage
from aibridge.dialects.fields import BOM
from aibridge.reading.answer.streaming import Split
from aibridge.reading.outcome import FIRST_ERROR
from aibridge.reading.weight import weight_of

MAX_WHOLE_BODY = 16 << 20
"""Bytes of an unstreamed answer that are kept for reading; of more the beginning and the end."""

_SLICE = 64 << 10
_JSON = (b"{", b"[")

_log = structlog.get_logger()


class WholeObserver:
    """Reads a body that comes in one piece."""

    def __init__(
        self,
        dialect: Reader,
        status: int,
        encoding: bytes,
        servers: Mapping[str, str] | None = None,
    ) -> None:
        self._dialect = dialect
        self._status = status
        self._encoding = encoding
        self._servers = servers
        self._body = Excerpt(MAX_WHOLE_BODY)
        self.shortens = False
        self.edits: list[str] = []

    def weight(self, size: int) -> int:
        """Nothing is read before the body ends."""
        return 0

    @property
    def unread(self) -> int:
        """How many bytes have to be read to say the facts."""
        return weight_of(len(self._body.buffer), compressed=bool(self._encoding))

    @property
    def content_ended(self) -> bool:
        """Whether any of the body has come: by then the model has made all of it."""
        return self._body.size > 0

    lacks_usage = False  # what a body says is read when all of it is there

    def feed(self, chunk: bytes, *, last: bool) -> Split:
        """Keep the piece for reading; nothing needs to wait until the body ends."""
        self._body.add(chunk)
        return chunk, b""

    def estimate(self, request_bytes: int) -> TokenUsage | None:
        """Estimate the tokens of an answer of which not all has come."""
        if self._status >= FIRST_ERROR or (self._body.size and not self.facts().unread):
            return None
        reader = self._dialect.StreamReader()
        with suppress(Undecodable):
            reader.said = self._decoded().size
        return reader.estimate(request_bytes)

    def facts(self) -> ResponseFacts:
        """Read the body."""
        facts = ResponseFacts(ended=True)
        try:
            return self._read()
        except Undecodable as error:
            facts.notes.add(str(error))
        except Exception:  # noqa: BLE001 - observation never harms the traffic
            _log.exception("answer_not_read")
            facts.notes.add("the answer could not be read")
        facts.unread = True
        return facts

    def _read(self) -> ResponseFacts:
        body = self._decoded()
        if self._status >= FIRST_ERROR:
            error = self._dialect.read_error(self._status, body.head or body.kept())
            return ResponseFacts(error=error, ended=True)
        facts = self._read_excerpt(body) if body.head else self._read_whole(body.kept())
        facts.ended = True  # whatever it says: the body has come to its end
        return facts

    def _decoded(self) -> Excerpt:
        """Undo the content coding, if there is one, piece by piece."""
        unpack = decoder(self._encoding) if self._encoding else None
        if unpack is None:
            return self._body
        if self._body.head:
            raise Undecodable("the answer is too large to be read")
        body, packed = Excerpt(MAX_WHOLE_BODY), self._body.kept()
        for start in range(0, len(packed), _SLICE):
            body.add(unpack.feed(packed[start : start + _SLICE]))
        return body

    def _read_whole(self, body: bytes) -> ResponseFacts:
        body = body.removeprefix(BOM).strip()
        if not body:
            return ResponseFacts(error=ProviderError("empty_answer", "empty answer"))
        if not body.startswith(_JSON):
            return ResponseFacts(error=shown(ProviderError(), body))
        return self._dialect.read_answer(body, self._servers)

    def _read_excerpt(self, body: Excerpt) -> ResponseFacts:
        reader = self._dialect.StreamReader(self._servers)
        if not reader.read_excerpt(body.head.removeprefix(BOM), body.kept(), whole=True):
            reader.notes.add("the answer is too large to be read")
        return reader.facts()


class PassedBody(WholeObserver):
    """Lets a body pass that comes in one piece: it ends where it ends."""

    def feed(self, chunk: bytes, *, last: bool) -> Split:
        """Keep nothing but the size."""
        self._body.size += len(chunk)
        return chunk, b""
