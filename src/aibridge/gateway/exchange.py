"""A recorded exchange on its way: what the journal is told of it, and the one time that it ends."""

import time
from contextlib import suppress
from typing import cast

from aibridge.gateway.call_log import LOST, CallLog, RecordingError
from aibridge.gateway.dispatch import Withheld
from aibridge.gateway.failure import of_failure
from aibridge.gateway.large import MAX_ON_LOOP, LargeReads
from aibridge.gateway.upstream import Response, UpstreamError
from aibridge.ids import now
from aibridge.journal.contents import Begun, Ended, How
from aibridge.reading.answer import Observer
from aibridge.reading.answer.streaming import Split

PIECE_BYTES = 32 << 10
"""How much of an answer is gathered until the journal has it, before its end."""
_READ_OF_ANSWERS = frozenset({b"content-type", b"content-encoding"})


class Exchange:
    """From the journaled beginning to the durable end of a call.

    Raises `RecorderUnavailable` where the journal takes no beginning, and then nothing is kept.
    """

    __slots__ = (
        "_bytes",
        "_closed",
        "_first_byte",
        "_gathered",
        "_headers",
        "_log",
        "_number",
        "_pieces",
        "_reads",
        "_since",
        "_started",
        "beginning",
        "beginning_bytes",
        "begun",
        "edits",
        "end_seen",
        "notes",
        "observer",
        "status",
    )

    def __init__(self, log: CallLog, reads: LargeReads, begun: Begun, body: bytes) -> None:
        self._log = log
        self._reads = reads
        self._started = time.perf_counter_ns()
        self._since, self._number = log.begin(begun, body)
        self._first_byte: int | None = None
        self._bytes = 0
        self._closed = False
        self._headers: list[tuple[bytes, bytes]] = []
        self._pieces: list[bytes] = []
        self._gathered = 0
        self.begun = begun
        self.beginning = b""
        """The first bytes of the answer, as many as are wanted."""
        self.beginning_bytes = 0
        self.observer: Observer | None = None
        self.status: int | None = None
        self.edits: list[str] = []
        """What was changed on the way, but for what the observer takes out."""
        self.notes: list[str] = []
        self.end_seen = False
        """Whether what ends the answer has come."""

    @property
    def number(self) -> int:
        """The call's number in the log."""
        return self._number

    @property
    def only_usage_missing(self) -> bool:
        """Whether the content has come to its end, and the record is not closed yet."""
        if self._closed or self.observer is None:
            return False
        return self.end_seen or self.observer.content_ended

    async def admitted(self) -> None:
        """Wait until the provider may be asked. Raises `RecorderUnavailable` if it may not be."""
        await self._log.admitted(self._since, self._number)

    async def on_record(self) -> None:
        """Wait until the beginning is durable. Raises `RecordingError` if it cannot be."""
        await self._log.safe(self._since, self._number)

    def answered(self, response: Response, observer: Observer) -> None:
        """Note how the provider begins to answer, and who looks for its end."""
        self.status = response.status
        self._headers = [item for item in response.headers if item[0] in _READ_OF_ANSWERS]
        self.observer = observer
        if response.sends > 1:
            self.notes.append(f"the request was sent {response.sends} times until it was answered")

    def came(self, chunk: bytes) -> None:
        """Have a piece of the answer's body journaled, with others."""
        if not chunk:
            return
        if self._first_byte is None:
            self._first_byte = (time.perf_counter_ns() - self._started) // 1000
        if self._bytes < self.beginning_bytes:
            self.beginning += chunk[: self.beginning_bytes - self._bytes]
        self._bytes += len(chunk)
        self._pieces.append(chunk)
        self._gathered += len(chunk)
        if self._gathered >= PIECE_BYTES:
            self._put_pieces()

    async def observe(self, chunk: bytes, *, last: bool) -> Split:
        """Have a piece looked at; return what may go to the client now, and what has to wait."""
        weight = cast("Observer", self.observer).weight(len(chunk))
        return await self._reads.call(
            self.begun.user_id, weight, self.observe_now, chunk, last=last
        )

    def observe_now(self, chunk: bytes, *, last: bool) -> Split:
        """Do so at once, where the piece `is_light`."""
        self.end_seen = self.end_seen or last
        split = cast("Observer", self.observer).feed(chunk, last=last)
        self.end_seen = self.end_seen or bool(split[1])
        return split

    def is_light(self, size: int) -> bool:
        """Say whether a piece of so many bytes may be looked at on the event loop."""
        return cast("Observer", self.observer).weight(size) <= MAX_ON_LOOP

    async def complete(self) -> None:
        """Record that the answer came to its end, and wait until that is durable."""
        await self._end(How.ANSWERED)

    async def withhold(self, answer: Withheld) -> None:
        """Record an answer of the provider that the client gets another one for."""
        self.status = answer.provider_status
        self.edits.append(answer.edit)
        await self._end(How.FAILED, answer.error_type, answer.words)

    async def cancel(self) -> None:
        """Record that the client left."""
        if not self._closed:
            await self._end(How.LEFT)

    async def fail(self, error: UpstreamError) -> None:
        """Record that the answer did not come to its end."""
        if not self._closed:
            await self._end(How.FAILED, *of_failure(error))

    def abandon(self) -> None:
        """Have an exchange that nothing else has closed recorded as stopped."""
        if not self._closed:
            with suppress(RecordingError):  # it is tried again
                self._log.end(self._since, self._number, self._ended(How.STOPPED), self._pieces)

    async def _end(self, how: How, error_type: str = "", error_message: str = "") -> None:
        ended = self._ended(how, error_type, error_message)
        is_safe = await self._log.end(self._since, self._number, ended, self._pieces)
        if not is_safe or LOST in self.notes:
            raise RecordingError("the journal could not be written")

    def _ended(self, how: How, error_type: str = "", error_message: str = "") -> Ended:
        """Return the end, which comes once."""
        self._closed = True
        return Ended(
            at=now(),
            how=how,
            http_status=self.status,
            headers=self._headers,
            first_byte_us=self._first_byte,
            response_bytes=self._bytes,
            error_type=error_type,
            error_message=error_message,
            edits=self.edits + (self.observer.edits if self.observer is not None else []),
            notes=self.notes,
        )

    def _put_pieces(self) -> None:
        pieces, self._pieces, self._gathered = self._pieces, [], 0
        try:
            self._log.piece(self._number, pieces)
        except RecordingError:
            self.notes.append(LOST)
            raise
