"""One connection to a provider: requests go out, the answer is parsed as it comes in."""

import asyncio
import select
from collections.abc import Callable
from typing import cast

import httptools

from aibridge.gateway.upstream.errors import BrokenAnswer, StaleConnection, TimedOut, UpstreamError
from aibridge.gateway.upstream.response import Response

MAX_HEAD = 256 * 1024
"""Bytes of an answer's headers and trailers, and of what comes before the next piece of its body.

Each header counts `HEADER_COST` more. An answer that has more is refused.
"""
HEADER_COST = 32
"""Bytes that a header counts beside its text: short ones take memory too."""
MAX_INTERIM = 100
"""Interim answers (1xx) before the real one; an answer that has more is refused."""

_LENGTH_HEADERS = frozenset({b"content-length", b"transfer-encoding"})
_STATUSES = range(100, 600)
_SWITCHING_PROTOCOLS = 101
_FIRST_FINAL_STATUS = 200


class Connection(asyncio.Protocol):
    """An HTTP/1.1 connection that carries one request at a time.

    ``released`` is called when it is free for the next one, ``lost`` when it is gone.
    """

    def __init__(
        self, released: "Callable[[Connection], None]", lost: "Callable[[Connection], None]"
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._released = released
        self._lost = lost
        self._transport: asyncio.Transport | None = None
        self._poll = select.poll()
        self._pieces: list[bytes] = []
        self.on_body = self._pieces.append
        """What the parser calls with each piece of a body: there may be hundreds at once."""
        self._parser = httptools.HttpResponseParser(self)
        self._response: Response | None = None
        self._is_fresh = True
        self._is_head_request = False
        self._has_begun = False
        self._head_size = 0
        self._interim = 0
        self._advanced = False
        self._unfinished = 0
        self._ends_by_closing = False
        self._keep_alive = False
        self.last_active = self._loop.time()
        """Loop time at which the request went out, or its answer last came a step further."""

    # What the pool uses.

    @property
    def usable(self) -> bool:
        """Whether a request may be sent now."""
        transport = self._transport
        return self._response is None and transport is not None and not transport.is_closing()

    @property
    def reusable(self) -> bool:
        """Whether another request may be sent: nothing has come since the last answer.

        The end of the connection comes too, and the event loop tells of it only in its next turn:
        so the socket itself is asked, which is the only way to be certain before writing.
        """
        return self.usable and not self._poll.poll(0)

    async def send(self, method: bytes, head: bytes, body: bytes) -> Response:
        """Send a request and return its answer once the headers are here.

        Raises `StaleConnection` if the connection was used before and ends without any answer.
        """
        response = self._response = Response(self._flow, self._finished)
        self._is_head_request = method == b"HEAD"
        self._has_begun = self._ends_by_closing = self._keep_alive = False
        self._interim = self._unfinished = 0
        self.last_active = self._loop.time()
        transport = cast("asyncio.Transport", self._transport)
        if body:
            transport.writelines([head, body])
        else:
            transport.write(head)
        try:
            await response.head()
        except BaseException:
            response.close()
            raise
        return response

    def check_time(self, now: float, first_byte: float, idle: float) -> None:
        """Give the answer up if nothing has come for too long (all in seconds)."""
        response = self._response
        if response is None or response.complete or response.paused:
            return
        limit = idle if response.head_done else first_byte
        if now - self.last_active > limit:
            what = "the next part of" if response.head_done else "the start of"
            self._fail(TimedOut(f"{what} the answer did not come within {limit:g} s"))

    def close(self) -> None:
        """Close at once."""
        if self._transport is not None:
            self._transport.abort()

    # What the event loop calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember the transport, and its socket for `reusable`."""
        self._transport = cast("asyncio.Transport", transport)
        socket = transport.get_extra_info("socket")
        if socket is not None:
            self._poll.register(socket.fileno(), select.POLLIN)

    def data_received(self, data: bytes) -> None:
        """Parse what came in and wake who waits for it."""
        response = self._response
        if response is None:  # nothing was asked: this connection cannot be trusted any more
            self.close()
            return
        self._advanced = False
        try:
            self._parser.feed_data(data)
            self._take_body(response)
            self._measure(len(data))
        except (httptools.HttpParserError, httptools.HttpParserUpgrade, BrokenAnswer) as error:
            self._take_body(response)
            self._fail(_reason(error))
            return
        response.hold_back()
        response.wake()

    def connection_lost(self, exc: Exception | None) -> None:
        """End the answer: well, if its end was to be the end of the connection."""
        self._transport = None
        response = self._response
        if response is not None and not response.complete:
            if self._ends_by_closing and exc is None:
                response.complete = True
                response.wake()
            elif not self._is_fresh and not self._has_begun:
                response.fail(StaleConnection("the provider closed the kept connection"))
            else:
                why = f" ({exc})" if exc is not None and str(exc) else ""
                response.fail(BrokenAnswer(f"the provider closed the connection{why}"))
        self._lost(self)

    def _take_body(self, response: Response) -> None:
        """Hand on what has come of the body, which an answer to HEAD cannot have."""
        pieces = self._pieces
        if pieces:
            self._advanced = True
            if not self._is_head_request:
                response.take(pieces[0] if len(pieces) == 1 else b"".join(pieces))
            pieces.clear()

    def _measure(self, size: int) -> None:
        """Count what has come since the answer last advanced: the parser keeps it, or skips it.

        An interim answer, a line of headers and a chunk's own line are no advance, so that neither
        of them can go on for ever, or put the time limits off.
        """
        if self._advanced:
            self._unfinished = 0
            self.last_active = self._loop.time()
            return
        self._unfinished += size
        if self._unfinished > MAX_HEAD:
            raise BrokenAnswer("the answer's headers, or what is between its pieces, are too large")

    # What the parser calls.

    def on_message_begin(self) -> None:
        """Begin an answer; an interim one (1xx) may come before the real one."""
        if self._response is not None:
            if self._response.complete:
                raise BrokenAnswer("more came than was asked for")
            self._has_begun = True
            self._head_size = 0
            self._response.headers = []

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep a header; trailers, which come after the body, are only counted."""
        self._head_size += len(name) + len(value) + HEADER_COST
        if self._head_size > MAX_HEAD:
            raise BrokenAnswer("the answer's headers are too large")
        response = self._response
        if response is not None and not response.head_done:
            response.headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        """Note how the end of the body will be known, and whether the connection outlives it."""
        status = self._parser.get_status_code()
        response = self._response
        if status not in _STATUSES or status == _SWITCHING_PROTOCOLS:
            raise BrokenAnswer(f"the status {status} is no answer to what was asked")
        if response is None:
            return
        if status < _FIRST_FINAL_STATUS:
            self._interim += 1
            if self._interim > MAX_INTERIM:
                raise BrokenAnswer("there are too many interim answers")
            return
        self._advanced = True
        response.status = status
        response.head_done = True
        self._ends_by_closing = not any(name in _LENGTH_HEADERS for name, _ in response.headers)
        self._keep_alive = self._parser.should_keep_alive()  # forgotten when the message ends
        if self._is_head_request:
            response.complete = True

    def on_message_complete(self) -> None:
        """End the answer."""
        if self._response is not None and self._response.head_done:
            self._response.complete = True
            self._ends_by_closing = False

    # What the response calls.

    def _flow(self, pause: bool) -> None:
        if self._transport is None or self._transport.is_closing():
            return
        if pause:
            self._transport.pause_reading()
        else:
            self.last_active = self._loop.time()
            self._transport.resume_reading()

    def _finished(self, read: bool) -> None:
        """Free the connection for the next request, or close it if it cannot take one."""
        self._response = None
        self._is_fresh = False
        if read and self._keeps():
            self._released(self)
        else:
            self.close()

    def _keeps(self) -> bool:
        """Whether another request may follow the one that was just answered."""
        if not self._keep_alive or self._ends_by_closing or self._is_head_request:
            return False
        transport = self._transport
        if transport is None or transport.is_closing():
            return False
        return not transport.get_write_buffer_size()  # answered early: the rest is still going out

    def _fail(self, error: UpstreamError) -> None:
        if self._response is not None:
            self._response.fail(error)
        self.close()


def _reason(error: Exception) -> BrokenAnswer:
    """Return what is wrong with an answer: our own reason, where the parser wraps one."""
    for found in (error, error.__context__):
        if isinstance(found, BrokenAnswer):
            return found
    return BrokenAnswer(f"the answer is not HTTP as it should be: {error}")
