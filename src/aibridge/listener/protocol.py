"""uvicorn's HTTP protocol, bounded in what a client may send and in how long it may take."""

import json
from typing import Any

import httptools
from uvicorn import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

from aibridge.listener.connections import Connections

MAX_HEAD = 256 * 1024
"""Bytes of a request's line and headers, and of what follows the last piece of its body.

Each header counts `HEADER_COST` more. A client that sends more is cut off.
"""
HEADER_COST = 64
"""Bytes that a header counts beside its text: short ones take memory too."""
MAX_PIPELINED = 8
"""Requests that may wait for the answer to an earlier one; what comes behind them is not read."""


def _refusal(status: str, message: str, *headers: str) -> bytes:
    """Return a whole answer, after which the connection is closed."""
    body = json.dumps({"message": message}).encode()
    lines = [
        f"HTTP/1.1 {status}",
        "content-type: application/json; charset=utf-8",
        f"content-length: {len(body)}",
        *headers,
        "connection: close",
    ]
    return "\r\n".join([*lines, "\r\n"]).encode() + body


_HEAD_TOO_LARGE = _refusal(
    "431 Request Header Fields Too Large", f"Headers may have {MAX_HEAD} bytes."
)
_FULL = _refusal("503 Service Unavailable", "Too many connections.", "retry-after: 5")
_TOO_MANY = _refusal("400 Bad Request", "Too many requests before the answer to the first.")
_NAMES_OF_CONNECTION = frozenset({b"connection", b"proxy-connection"})
"""The headers in which the parser looks for an upgrade."""
_NO_PROXY = _refusal("405 Method Not Allowed", "CONNECT is not served here.")


class ClientProtocol(HttpToolsProtocol):
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
    ) -> None:
        super().__init__(config, server_state, app_state)
        self._counted = connections
        self._running: RequestResponseCycle | None = None
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
        """Make room for the next, and tell the requests that nobody waits for their answers."""
        self._counted.remove(self)
        for cycle in (self._running, *(queued for queued, _ in self.pipeline)):
            _leave(cycle)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse what has come, unless it is too much."""
        if self._is_cut_off:
            return
        self._unset_keepalive_if_required()
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
        if self._is_waiting:
            self._counted.await_head(self)

    def on_url(self, url: bytes) -> None:
        """Keep a piece of the URL."""
        self._advanced = True
        self._count(len(url))
        if not self._is_cut_off:
            super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep a header; trailers, which come after the head, are only counted."""
        self._advanced = True
        self._unfinished += len(name) + len(value) + HEADER_COST
        if self._unfinished > MAX_HEAD:
            self._count(0)
        if self._in_head and not self._is_cut_off:
            super().on_header(name, value)

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
            wait = self._counted.await_request if self._is_waiting else self._counted.serve
            wait(self)

    # What the answer calls.

    def on_response_complete(self) -> None:
        """Wait for the next request, unless it has come already."""
        super().on_response_complete()
        if self._is_waiting:
            self.cycle.scope = {}  # type: ignore[typeddict-item]
            if not self._in_head:
                self.scope, self.headers = self.cycle.scope, []  # they may be large
            is_in_request = self._in_head or self.cycle.more_body
            wait = self._counted.await_head if is_in_request else self._counted.await_request
            wait(self)

    def send_400_response(self, msg: str) -> None:
        """Refuse what is no HTTP, or a URL that is too long, in the JSON of every other refusal."""
        self._cut_off(_refusal("400 Bad Request", msg))

    @property
    def _is_waiting(self) -> bool:
        """Whether no request of this connection is being served."""
        cycle: RequestResponseCycle | None = self.cycle
        return cycle is None or cycle.response_complete

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
        and what follows it after that. ``Upgrade`` itself is left, which asks for nothing unless
        ``Connection`` names it, so that a WebSocket's handshake can be told apart.
        Source: RFC 9110, section 7.8.
        """
        method = self.parser.get_method()
        if method == b"CONNECT":  # what comes next would be no HTTP
            self._cut_off(_NO_PROXY)
            return rest[:0]
        version = self.parser.get_http_version().encode()
        lines = [b"%b %b HTTP/%b" % (method, self.url, version)]
        lines += [b"%b: %b" % (name, _without_upgrade(name, value)) for name, value in self.headers]
        self.parser = _new_parser(self)
        self.parser.feed_data(b"\r\n".join([*lines, b"\r\n"]))
        return rest

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:  # noqa: ANN401
        self._running = cycle
        super()._start_asgi_task(cycle, app)

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
        if not self._is_waiting and not self.cycle.more_body:
            self.cycle.keep_alive = False
            return
        may_answer = self._is_waiting or not self.cycle.response_started
        _leave(self.cycle)  # the rest of its body will not come
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


def _leave(cycle: RequestResponseCycle | None) -> None:
    """Tell a request that its client has gone."""
    if cycle is not None and not cycle.response_complete:
        cycle.disconnected = True
        cycle.message_event.set()


def _without_upgrade(name: bytes, value: bytes) -> bytes:
    if name not in _NAMES_OF_CONNECTION:
        return value
    options = (option.strip() for option in value.split(b","))
    return b", ".join(option for option in options if option.lower() != b"upgrade")


def _new_parser(protocol: HttpToolsProtocol) -> httptools.HttpRequestParser:
    """Return a parser set as uvicorn sets its own."""
    parser = httptools.HttpRequestParser(protocol)
    parser.set_dangerous_leniencies(lenient_data_after_close=True)
    return parser
