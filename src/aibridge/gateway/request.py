"""A client's request as it stands in the URL and the headers."""

from collections.abc import Mapping
from typing import NamedTuple

from aibridge.gateway.target import Target
from aibridge.listener.head import RequestHead
from aibridge.providers.routes import Route
from aibridge.providers.types import Dialect


class Request(NamedTuple):
    """What is asked for: ``path`` is what follows the provider's name, percent-encoded."""

    method: bytes
    path: str
    query: bytes
    header_list: list[tuple[bytes, bytes]]
    headers: dict[bytes, bytes]
    target: Target | None
    route: Route | None
    ip: str = ""
    provider_name: str = ""
    """What stands where a provider's name does."""

    def __repr__(self) -> str:
        """Show what is asked for, without the headers, which hold the token."""
        return f"Request({self.method!r}, {self.path!r})"

    @property
    def dialect(self) -> Dialect:
        """The dialect in which the caller expects errors."""
        if self.route is not None:
            return self.route.dialect
        if self.target is not None:
            return self.target.provider.type.dialect
        return Dialect.MESSAGES if self.path.endswith("/messages") else Dialect.CHAT

    @property
    def is_probe(self) -> bool:
        """Whether this only asks if somebody is there, as Claude Code does when it starts."""
        return self.method == b"HEAD" and self.target is not None and self.path in {"", "/"}

    @property
    def wants_websocket(self) -> bool:
        """Whether this is the opening handshake of a WebSocket."""
        wanted = self.headers.get(b"upgrade", b"").lower().split(b",")
        return self.method == b"GET" and b"websocket" in map(bytes.strip, wanted)

    @property
    def body_size(self) -> int | None:
        """The length of the body in bytes; `None` if only its end will tell."""
        if b"transfer-encoding" in self.headers:
            return None
        return int(self.headers.get(b"content-length", b"0"))


def read(head: RequestHead, targets: Mapping[bytes, Target]) -> Request:
    """Find out what a request is for: its provider and route, where there are any."""
    name, path = split(head.path)
    target = targets.get(name)
    return Request(
        head.method,
        path,
        head.query,
        head.headers,
        dict(head.headers),
        target,
        None if target is None else target.provider.route(path),
        head.ip,
        name.decode("latin-1"),
    )


def split(raw_path: bytes) -> tuple[bytes, str]:
    """Take a path below a prefix of the contract apart: the provider's name, and the rest."""
    name, slash, path = raw_path.split(b"/", 4)[-1].partition(b"/")
    return name, (slash + path).decode("latin-1")
