"""uvicorn's HTTP protocol, bounded in what a client may send and in how long it may take."""

from collections.abc import Callable
from typing import Any, cast

import httptools
from uvicorn import Config
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware
from uvicorn.server import ServerState

from aibridge.listener.connections import Connections
from aibridge.listener.cycle import Handler
from aibridge.listener.direct import DirectProtocol, leave
from aibridge.listener.framing import refusal
from aibridge.listener.head import without_upgrade

MAX_HEAD = 256 * 1024
"""Bytes of a request's line and headers, and of what follows the last piece of its body.

Each header counts `HEADER_COST` more. A client that sends more is cut off.
"""
HEADER_COST = 64
"""Bytes that a header counts beside its text: short ones take memory too."""
MAX_PIPELINED = 8
"""Requests that may wait for the answer to an earlier one; what comes behind them is not read."""


_HEAD_TOO_LARGE = refusal(
    "431 Request Header Fields Too Large", f"Headers may have {MAX_HEAD} bytes."
)
_FULL = refusal("503 Service Unavailable", "Too many connections.", "retry-after: 5")
_TOO_MANY = refusal("400 Bad Request", "Too many requests before the answer to the first.")
_NO_PROXY = refusal("405 Method Not Allowed", "CONNECT is not served here.")


class ClientProtocol(DirectProtocol):
    """An HTTP/1.1 connection of a client, counted and timed by `Connections`.

    The parser itself would take headers without end, and would stop reading requests at any
    ``Upgrade``.
    """

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        connections: Connections,
        handler_of: Callable[[str], Handler | None],
        proxies: ProxyHeadersMiddleware | None,
    ) -> None:
        super().__init__(config, server_state, app_state, handler_of, proxies)
        self._counted = connections
        self._in_head = False
        self._is_cut_off = False
        self._advanced = False
        self._unfinished = 0

    # What the event loop calls.

    def connection_made(self, transport: Any) -> None:  # noqa: ANN401 - as uvicorn has it
        """Take a connection if there is room for it."""
        super().connection_made(transport)
        if not self._counted.add(self):
            self._is_cut_off = True
            transport.write(_FULL)
            transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        """Make room for the next."""
        self._counted.remove(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse what has come, unless it is too much."""
        if self._is_cut_off:
            return
        self._advanced = False
        rest = memoryview(data)
        try:
            while rest and not self._is_cut_off:
                rest = self._parse(rest)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self.send_400_response("Invalid HTTP request received.")
            return
        if not self._advanced:  # the parser keeps what it has not handed over
            self._count(len(data))

    def pause_writing(self) -> None:
        """Start the time limit of a client that does not read."""
        super().pause_writing()
        self._counted.await_reading(self)

    def resume_writing(self) -> None:
        """End that time limit."""
        super().resume_writing()
        self._counted.reads(self)

    # What the parser calls.

    def on_message_begin(self) -> None:
        """Begin to count a head, and to time it unless an earlier request is still served."""
        if self._is_cut_off:
            return
        super().on_message_begin()
        self._in_head = True
        self._advance()
        if self.is_waiting:
            self._counted.await_head(self)

    def on_url(self, url: bytes) -> None:
        """Keep a piece of the URL."""
        self._advanced = True
        self._count(len(url))
        if not self._is_cut_off:
            super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep a header, as uvicorn does; trailers, behind the head, are only counted."""
        self._advanced = True
        self._unfinished += len(name) + len(value) + HEADER_COST
        if self._unfinished > MAX_HEAD:
            self._count(0)
        if self._in_head and not self._is_cut_off:
            name = name.lower()
            if name == b"expect" and value.lower() == b"100-continue":
                self.expect_100_continue = True
            self.headers.append((name, value))

    def on_headers_complete(self) -> None:
        """Have the request served, unless it is to be parsed once more, without its upgrade."""
        if self._is_cut_off:
            return
        if self.parser.should_upgrade():
            self._in_head = False
        elif len(self.pipeline) >= MAX_PIPELINED:
            self._cut_off(_TOO_MANY)
        else:
            super().on_headers_complete()
            self._in_head = False
            self._advance()
            self._counted.await_body(self)

    def on_body(self, body: bytes) -> None:
        """Take a piece of the body."""
        if not self._is_cut_off:
            self._advance()
            super().on_body(body)

    def on_message_complete(self) -> None:
        """End the request, unless it is to be parsed once more."""
        if not (self._is_cut_off or self.parser.should_upgrade()):
            self._advance()
            super().on_message_complete()
            wait = self._counted.await_request if self.is_waiting else self._counted.serve
            wait(self)

    # What the answer calls.

    def on_response_complete(self) -> None:
        """Wait for the next request, unless it has come already."""
        super().on_response_complete()
        if self.is_waiting:
            if not self._in_head:
                self.scope, self.headers = cast("Any", {}), []  # they may be large
            is_in_request = self._in_head or self.cycle.more_body
            wait = self._counted.await_head if is_in_request else self._counted.await_request
            wait(self)

    def send_400_response(self, msg: str) -> None:
        """Refuse what is no HTTP, or a URL that is too long, in the JSON of every other refusal."""
        self._cut_off(refusal("400 Bad Request", msg))

    def _parse(self, data: memoryview) -> memoryview:
        """Parse bytes up to the first head that asks for an upgrade; return those behind it."""
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            return self._ignore_upgrade(data[upgrade.args[0] :])
        return data[:0]

    def _ignore_upgrade(self, rest: memoryview) -> memoryview:
        """Have a request served as if it had not asked for an upgrade, its body included.

        The parser has stopped behind the head. So the head is parsed once more without that wish,
        and what follows it after that.
        """
        method = self.parser.get_method()
        if method == b"CONNECT":  # what comes next would be no HTTP
            self._cut_off(_NO_PROXY)
            return rest[:0]
        version = self.parser.get_http_version().encode()
        self.parser = _new_parser(self)
        self.parser.feed_data(without_upgrade(method, self.url, version, self.headers))
        return rest

    def _advance(self) -> None:
        """Note that a request has come a step further."""
        self._advanced = True
        self._unfinished = 0

    def _count(self, size: int) -> None:
        """Count what has come since the request last came a step further."""
        self._unfinished += size
        if self._unfinished > MAX_HEAD and not self._is_cut_off:
            self._cut_off(_HEAD_TOO_LARGE)

    def _cut_off(self, answer: bytes) -> None:
        """Read no more, and close the connection with this answer, or behind those on their way."""
        self._is_cut_off = True
        self._drop_unfinished()
        if not self.is_waiting and not self.cycle.more_body:
            self.cycle.keep_alive = False
            return
        may_answer = self.is_waiting or not self.cycle.response_started
        leave(self.cycle)  # the rest of its body will not come
        if self.transport.get_write_buffer_size():  # its client does not read
            self.transport.abort()
            return
        if may_answer:
            self.transport.write(answer)
        self.transport.close()
        self._counted.await_head(self)  # which may not want to read this either

    def _drop_unfinished(self) -> None:
        """Forget a request that waits for its turn and whose body is not whole."""
        if self.pipeline and self.cycle.more_body:
            self.pipeline.popleft()
            self.cycle = self.pipeline[0][0] if self.pipeline else self._running  # type: ignore[assignment]


def _new_parser(protocol: DirectProtocol) -> httptools.HttpRequestParser:
    """Return a parser set as uvicorn sets its own."""
    parser = httptools.HttpRequestParser(protocol)
    parser.set_dangerous_leniencies(lenient_data_after_close=True)
    return parser
