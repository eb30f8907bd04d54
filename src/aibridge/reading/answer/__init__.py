"""Reading an answer beside its relay: whatever goes wrong here becomes a note, never trouble.

An observer is fed the answer as it comes and says of each piece what may go to the client now,
and what has to wait for the record: the answer's last event, and all that comes with it.
"""

from collections.abc import Mapping
from typing import Protocol

from aibridge.dialects import DIALECTS
from aibridge.dialects.facts import ResponseFacts, TokenUsage
from aibridge.reading.answer.editing import EditingObserver
from aibridge.reading.answer.sniffing import SniffingObserver
from aibridge.reading.answer.streaming import Split, StreamObserver
from aibridge.reading.answer.whole import PassedBody, WholeObserver
from aibridge.reading.outcome import FIRST_ERROR


class Observer(Protocol):
    """A reader of one answer."""

    @property
    def edits(self) -> list[str]:
        """What was changed."""

    @property
    def shortens(self) -> bool:
        """Whether it may take something out, so that the length the provider names is not ours."""

    def weight(self, size: int) -> int:
        """Say how many bytes may have to be read to take a piece of ``size`` bytes."""

    @property
    def unread(self) -> int:
        """How many bytes have to be read to say the facts."""

    @property
    def content_ended(self) -> bool:
        """Whether all of the content has come, so that only the tokens may be missing."""

    @property
    def lacks_usage(self) -> bool:
        """Whether no token was counted yet, though a piece that comes behind the end may do so."""

    def feed(self, chunk: bytes, *, last: bool) -> Split:
        """Take a piece; ``last`` says that the body ends with it."""

    def facts(self) -> ResponseFacts:
        """Return what was found so far."""

    def estimate(self, request_bytes: int) -> TokenUsage | None:
        """Estimate the tokens of an answer whose rest will not be seen.

        ``None`` if the provider has counted them, or has made nothing. ``request_bytes`` stand in
        for the input where the provider has not said it yet. All text of a stream is in it only
        where it ``counts``.
        """


def observe(
    dialect: str,
    status: int,
    headers: dict[bytes, bytes],
    *,
    streams: bool = False,
    hide_usage: bool = False,
    keeps: bool = True,
    counts: bool = False,
    servers: Mapping[str, str] | None = None,
) -> Observer:
    """Return the observer that fits an answer.

    ``streams`` says that the request asked for a stream. ``hide_usage`` takes the chunk out of a
    chat stream that came only because the bridge asked for usage. Where only the end is looked for
    (not ``keeps``) nothing of a body in one piece is kept, and little of a stream is read. Where
    the text ``counts``, as for an estimate, none of it is passed over.
    ``servers`` are the URLs of the MCP servers that the request names.
    """
    reader = DIALECTS[dialect]
    encoding = headers.get(b"content-encoding", b"")
    is_stream = b"text/event-stream" in headers.get(b"content-type", b"").lower()

    def whole() -> WholeObserver:
        kind = WholeObserver if keeps else PassedBody
        return kind(reader, status, encoding, servers)

    def stream() -> StreamObserver:
        if hide_usage and not encoding:
            return EditingObserver(keeps=keeps)
        return StreamObserver(reader, encoding, servers, keeps=keeps, counts=counts)

    if status >= FIRST_ERROR or (encoding and not (streams or is_stream)):
        return whole()
    return SniffingObserver(whole, stream, encoding, is_stream=is_stream, shortens=hide_usage)
