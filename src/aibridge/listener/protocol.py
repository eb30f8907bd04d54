"""uvicorn's HTTP protocol, bounded in what a client may send and in how long it may take."""

import json
from typing import Any

import httptools
from uvicorn import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

from aibridge.listener.connections import Connections

MAX_HEAD = 256 * 1024
"""Bytes of a request's line and headers; a client that sends more is cut off."""


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
        self._head_bytes = 0
        self._in_head = False
        self._is_cut_off = False

    # What the event loop calls.

    def connection_made(self, transport: Any) -> None:  # noqa: ANN401 - as uvicorn has it
        """Take a connection if there is room for it."""
        super().connection_made(transport)
        if not self._counted.add(self):
            self._cut_off(_FULL)

    def connection_lost(self, exc: Exception | None) -> None:
        """Make room for the next."""
        self._counted.remove(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse what has come, unless it is too much."""
        if self._is_cut_off:
            return
        self._unset_keepalive_if_required()
        rest = memoryview(data)
        try:
            while rest:
                rest = self._parse(rest)
        except httptools.HttpParserError:
            self.send_400_response("Invalid HTTP request received.")
            return
        if self._in_head:
            self._head_bytes += len(data)
            if self._head_bytes > MAX_HEAD:
                self._cut_off(_HEAD_TOO_LARGE)

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
        super().on_message_begin()
        self._in_head = True
        self._head_bytes = 0
        if self._is_waiting:
            self._counted.await_head(self)

    def on_headers_complete(self) -> None:
        """Have the request served, unless it is to be parsed once more, without its upgrade."""
        self._in_head = False
        if not self.parser.should_upgrade():
            self._counted.serve(self)
            super().on_headers_complete()

    def on_message_complete(self) -> None:
        """End the request, unless it is to be parsed once more."""
        if not self.parser.should_upgrade():
            super().on_message_complete()

    # What the answer calls.

    def on_response_complete(self) -> None:
        """Wait for the next request, unless it has come already."""
        super().on_response_complete()
        if self._is_waiting:
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

    def _cut_off(self, answer: bytes) -> None:
        """Read no more, and close the connection with this answer, or behind the one on its way."""
        self._is_cut_off = True
        if self._is_waiting:
            self.transport.write(answer)
            self.transport.close()
        else:
            self.cycle.keep_alive = False


def _without_upgrade(name: bytes, value: bytes) -> bytes:
    if name != b"connection":
        return value
    options = (option.strip() for option in value.split(b","))
    return b", ".join(option for option in options if option.lower() != b"upgrade")


def _new_parser(protocol: HttpToolsProtocol) -> httptools.HttpRequestParser:
    """Return a parser set as uvicorn sets its own."""
    parser = httptools.HttpRequestParser(protocol)
    parser.set_dangerous_leniencies(lenient_data_after_close=True)
    return parser
