"""How the contract's Go client asks, byte for byte, and what its structs can take."""

import http.client
import re
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from tests.bridge import Bridge

TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z")
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class Optional:
    """A key that may be absent, and is then nothing to Go (``omitempty``)."""

    def __init__(self, shape: Any) -> None:
        self.shape = shape


class Nullable(Optional):
    """A key that is always there, and may be null (a pointer in Go)."""


def check(shape: Any, value: Any, place: str = "answer") -> None:
    """Compare an answer with what Go's structs can take; further keys are ignored there."""
    if isinstance(shape, Mapping):
        assert isinstance(value, dict), place
        for key, inner in shape.items():
            _check_key(inner, value, key, f"{place}.{key}")
    elif isinstance(shape, list):
        assert isinstance(value, list), place
        for number, item in enumerate(value):
            check(shape[0], item, f"{place}[{number}]")
    elif isinstance(shape, re.Pattern):
        assert isinstance(value, str), place
        assert shape.fullmatch(value), f"{place} is {value!r}"
    else:
        assert type(value) is shape, f"{place} is {value!r}"


def _check_key(shape: Any, value: dict[str, Any], key: str, place: str) -> None:
    if isinstance(shape, Nullable):
        assert key in value, place
        if value[key] is not None:
            check(shape.shape, value[key], place)
    elif isinstance(shape, Optional):
        assert value.get(key, "present") is not None, place
        if key in value:
            check(shape.shape, value[key], place)
    else:
        assert key in value, place
        check(shape, value[key], place)


@dataclass
class Served:
    """A bridge with a record, and an owner's token."""

    bridge: Bridge
    token: str

    def send(self, method: str, target: str, body: bytes | None = None) -> tuple[int, bytes]:
        """Send a request as Go does, on a connection of its own."""
        address = urlsplit(self.bridge.url)
        with socket.create_connection((address.hostname, address.port), timeout=20) as connection:
            connection.sendall(self._request(address.netloc, method, target, body))
            answer = http.client.HTTPResponse(connection, method=method)
            answer.begin()
            content = answer.read()
        if content:
            assert answer.headers["content-type"] == "application/json; charset=utf-8"
        return answer.status, content

    def _request(self, host: str, method: str, target: str, body: bytes | None) -> bytes:
        lines = [f"{method} {target} HTTP/1.1", f"Host: {host}", "User-Agent: Go-http-client/1.1"]
        if body is not None or method not in {"GET", "DELETE"}:
            lines.append(f"Content-Length: {len(body or b'')}")
        lines.append(f"Coder-Session-Token: {self.token}")
        if body is not None:
            lines.append("Content-Type: application/json")
        lines += ["Accept-Encoding: gzip", "", ""]
        return "\r\n".join(lines).encode() + (body or b"")
