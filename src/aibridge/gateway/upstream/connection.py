"""One connection to a provider: requests go out, the answer is parsed as it comes in."""

import asyncio
from collections.abc import Callable
from typing import cast

import httptools

from aibridge.gateway.upstream.errors import BrokenAnswer, StaleConnection, TimedOut, UpstreamError
from aibridge.gateway.upstream.response import Response

MAX_HEAD = 256 * 1024
"""Bytes of an answer's headers (or trailers); more is refused."""

_LENGTH_HEADERS = frozenset({b"content-length", b"transfer-encoding"})
_FIRST_FINAL_STATUS = 200
_LAST_STATUS = 599


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
        self._parser = httptools.HttpResponseParser(self)
        self._response: Response | None = None
        self._is_fresh = True
        self._is_head_request = False
        self._has_begun = False
        self._head_size = 0
        self._ends_by_closing = False
        self._keep_alive = False
        self.last_active = self._loop.time()
        """Loop time of the last sign of life."""

    # What the pool uses.

    @property
    def usable(self) -> bool:
        """Whether a request may be sent now."""
        transport = self._transport
        return self._response is None and transport is not None and not transport.is_closing()

    async def send(self, method: bytes, head: bytes, body: bytes) -> Response:
        """Send a request and return its answer once the headers are here.

        Raises `StaleConnection` if the connection was used before and is found closed.
        """
        response = self._response = Response(self._flow, self._finished)
        self._is_head_request = method == b"HEAD"
        self._has_begun = self._ends_by_closing = self._keep_alive = False
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
        """Remember the transport."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Parse what came in and wake who waits for it."""
        response = self._response
        if response is None:  # nothing was asked: this connection cannot be trusted any more
            self.close()
            return
        self.last_active = self._loop.time()
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            self._fail(BrokenAnswer(f"the answer is not HTTP as it should be: {error}"))
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
                response.fail(StaleConnection("the kept connection was closed"))
            else:
                why = f" ({exc})" if exc is not None and str(exc) else ""
                response.fail(BrokenAnswer(f"the provider closed the connection{why}"))
        self._lost(self)

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
        self._head_size += len(name) + len(value)
        if self._head_size > MAX_HEAD:
            raise BrokenAnswer("the answer's headers are too large")
        response = self._response
        if response is not None and not response.head_done:
            response.headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        """Note how the end of the body will be known, and whether the connection outlives it."""
        status = self._parser.get_status_code()
        response = self._response
        if response is None or status < _FIRST_FINAL_STATUS:
            return
        if status > _LAST_STATUS:
            raise BrokenAnswer(f"there is no status {status}")
        response.status = status
        response.head_done = True
        self._ends_by_closing = not any(name in _LENGTH_HEADERS for name, _ in response.headers)
        self._keep_alive = self._parser.should_keep_alive()  # forgotten when the message ends
        if self._is_head_request:
            response.complete = True

    def on_body(self, body: bytes) -> None:
        """Hand on a piece of the body."""
        if self._response is not None:
            self._response.take(body)

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
