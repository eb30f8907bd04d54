"""The observer that tells by an answer's first bytes how it has to be read.

Providers name event streams ``application/json``, or not at all, and put bare JSON into what
they call an event stream.
"""

from collections.abc import Callable

from aibridge.dialects.encoding import Undecodable, decoder
from aibridge.dialects.facts import ResponseFacts, TokenUsage
from aibridge.dialects.fields import BOM
from aibridge.reading.answer.streaming import Split, StreamObserver
from aibridge.reading.answer.whole import WholeObserver
from aibridge.reading.weight import weight_of

MAX_SNIFFED = 4 << 10
"""Bytes of a compressed body that are looked at."""

_STREAM = (b"data:", b"event:", b"id:", b"retry:", b":")
_WHOLE = (b"{", b"[", b"<")


class SniffingObserver:
    """Waits for the first byte that says what comes, and leaves the reading to another observer.

    Where the content type names an event stream, everything is one that is not plainly something
    else; elsewhere only what begins like one.
    """

    def __init__(
        self,
        whole: Callable[[], WholeObserver],
        stream: Callable[[], StreamObserver],
        encoding: bytes,
        *,
        is_stream: bool,
        shortens: bool,
    ) -> None:
        self._whole = whole
        self._stream = stream
        self._encoding = encoding
        self._is_stream = is_stream
        self._shortens = shortens and not encoding
        self._chosen: WholeObserver | StreamObserver | None = None
        self._before = b""
        """What has come and is not told yet; it waits, unless it is compressed."""

    @property
    def shortens(self) -> bool:
        """Whether something may be taken out."""
        return self._shortens if self._chosen is None else self._chosen.shortens

    @property
    def edits(self) -> list[str]:
        """What was changed."""
        return [] if self._chosen is None else self._chosen.edits

    def weight(self, size: int) -> int:
        """Say how many bytes may have to be read to take a piece of ``size`` bytes."""
        return weight_of(size, compressed=bool(self._encoding))

    @property
    def unread(self) -> int:
        """How many bytes have to be read to say the facts."""
        return 0 if self._chosen is None else self._chosen.unread

    @property
    def content_ended(self) -> bool:
        """Whether all of the content has come."""
        return self._chosen is not None and self._chosen.content_ended

    @property
    def lacks_usage(self) -> bool:
        """Whether no token was counted yet."""
        return self._chosen is not None and self._chosen.lacks_usage

    def feed(self, chunk: bytes, *, last: bool) -> Split:
        """Take a piece; white space passes while nothing else has come."""
        if self._encoding:
            return self._feed_compressed(chunk, last=last)
        data = self._before + chunk
        rest = data.removeprefix(BOM).lstrip()
        is_stream = self._tell(rest, surely=last)
        if is_stream is not None:
            self._choose(is_stream=is_stream)
            return self.feed(data, last=last)
        self._before = rest
        return data[: len(data) - len(rest)], b""

    def facts(self) -> ResponseFacts:
        """Return what was found so far."""
        return ResponseFacts() if self._chosen is None else self._chosen.facts()

    def estimate(self, request_bytes: int) -> TokenUsage | None:
        """Estimate the tokens of an answer whose rest will not be seen."""
        if self._chosen is None:
            self._choose(is_stream=self._is_stream)
        assert self._chosen is not None  # noqa: S101 - for the type checker
        return self._chosen.estimate(request_bytes)

    def _choose(self, *, is_stream: bool) -> None:
        chosen = self._stream() if is_stream else self._whole()
        self._chosen = chosen
        self.weight = chosen.weight  # type: ignore[method-assign] # called for each piece
        self.feed = chosen.feed  # type: ignore[method-assign]

    def _feed_compressed(self, chunk: bytes, *, last: bool) -> Split:
        before, self._before = self._before, self._before + chunk
        is_stream = self._tell_compressed(surely=last)
        if is_stream is None:
            return chunk, b""
        self._choose(is_stream=is_stream)
        if before:
            self.feed(before, last=False)
        return self.feed(chunk, last=last)

    def _tell(self, rest: bytes, *, surely: bool) -> bool | None:
        """Say whether it is a stream that begins with ``rest``; ``None`` if more has to come."""
        if rest.startswith(_STREAM):
            return True
        if not surely and (not rest or any(start.startswith(rest) for start in (*_STREAM, BOM))):
            return None
        return self._is_stream and not rest.startswith(_WHOLE)

    def _tell_compressed(self, *, surely: bool) -> bool | None:
        try:
            unpack = decoder(self._encoding)
            data = self._before[:MAX_SNIFFED]
            data = unpack.feed(data) if unpack else data
        except Undecodable:
            return self._is_stream
        surely = surely or len(self._before) > MAX_SNIFFED
        return self._tell(data.removeprefix(BOM).lstrip(), surely=surely)
