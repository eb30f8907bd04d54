"""How an answer stands on the wire: its head, and its body by length or in chunks. Pure."""

import json
from collections.abc import Collection

from uvicorn.protocols.http.httptools_impl import HEADER_RE, HEADER_VALUE_RE, STATUS_LINE

Headers = Collection[tuple[bytes, bytes]]

WITHOUT_BODY = frozenset({204, 304})
"""Statuses whose answers have no body, whatever their length says (RFC 9110, section 6.4.1)."""


class Framing:
    """Puts one answer into bytes: first `head`, then each `piece` of the body."""

    __slots__ = ("_is_chunked", "_is_head", "_left", "closes")

    def __init__(self, method: bytes) -> None:
        self._is_head = method == b"HEAD"
        self._is_chunked = False
        self._left = 0
        self.closes = False
        """Whether the head says that the connection ends with this answer."""

    def head(self, status: int, headers: Headers, *, keep_alive: bool) -> bytes:
        """Return the status line and the headers, up to and with the blank line.

        The body has the ``Content-Length`` among the headers, or comes in chunks where there is
        none. Raises `ValueError` for what would break the answer.
        """
        lines = [_status_line(status)]
        _check(headers)
        length: int | None = None
        for given, value in headers:
            name = given.lower()
            if name == b"content-length" and length is None:
                length = int(value)
            elif name == b"connection" and b"close" in map(bytes.strip, value.lower().split(b",")):
                self.closes = True
            lines += (name, b": ", value, b"\r\n")
        if not (keep_alive or self.closes):
            self.closes = True
            lines.append(b"connection: close\r\n")
        if not self._is_head and status not in WITHOUT_BODY:
            self._left = length or 0
            self._is_chunked = length is None
        if self._is_chunked:
            lines.append(b"transfer-encoding: chunked\r\n")
        lines.append(b"\r\n")
        return b"".join(lines)

    def piece(self, data: bytes, *, more: bool) -> bytes:
        """Return a piece of the body as it is sent, with the body's end unless there is ``more``.

        Raises `ValueError` where the body has not the length that was said.
        """
        if self._is_head:
            return b""
        if self._is_chunked:
            parts = [b"%x\r\n" % len(data), data, b"\r\n"] if data else []
            return b"".join(parts if more else [*parts, b"0\r\n\r\n"])
        self._left -= len(data)
        if self._left < 0:
            raise ValueError("the body is longer than Content-Length")
        if self._left and not more:
            raise ValueError("the body is shorter than Content-Length")
        return data


def refusal(status: str, message: str, *headers: str) -> bytes:
    """Return a whole answer with a message in JSON, after which the connection is closed."""
    body = json.dumps({"message": message}).encode()
    lines = [
        f"HTTP/1.1 {status}",
        "content-type: application/json; charset=utf-8",
        f"content-length: {len(body)}",
        *headers,
        "connection: close",
    ]
    return "\r\n".join([*lines, "\r\n"]).encode() + body


def _status_line(status: int) -> bytes:
    try:
        return STATUS_LINE[status]
    except KeyError:
        raise ValueError(f"{status} is no status") from None


def _check(headers: Headers) -> None:
    """Raise `ValueError` for headers that would end a line, or say how the body is framed."""
    names = [name.lower() for name, _ in headers]
    if HEADER_RE.search(b"".join(names)) or b"transfer-encoding" in names:
        raise ValueError("a header's name is not allowed")
    if HEADER_VALUE_RE.search(b"".join([value for _, value in headers])):
        raise ValueError("a header's value is not allowed")
