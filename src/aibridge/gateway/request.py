"""A client's request as it stands in the URL and the headers."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from aibridge.gateway.upstream import Address
from aibridge.providers.provider import Provider, Route
from aibridge.providers.types import Dialect

PREFIXES = (b"/api/v2/aibridge/", b"/api/v2/ai-gateway/")
"""Where the gateway's routes stand; the second is an alias."""


class Upstream(NamedTuple):
    """A provider with what is needed to reach it, worked out once."""

    provider: Provider
    address: Address
    authority: bytes


def upstream(provider: Provider) -> Upstream:
    """Prepare a provider for the gateway."""
    url = provider.base_url
    address = Address(url.host, url.port, url.scheme == "https")
    return Upstream(provider, address, url.authority.encode())


class Request(NamedTuple):
    """What is asked for: ``path`` is what follows the provider's name, percent-encoded."""

    method: bytes
    path: str
    query: bytes
    header_list: list[tuple[bytes, bytes]]
    headers: dict[bytes, bytes]
    upstream: Upstream | None
    route: Route | None

    @property
    def dialect(self) -> Dialect:
        """The dialect in which the caller expects errors."""
        if self.route is not None:
            return self.route.dialect
        if self.upstream is not None:
            return self.upstream.provider.type.dialect
        return Dialect.MESSAGES if self.path.endswith("/messages") else Dialect.CHAT

    @property
    def is_probe(self) -> bool:
        """Whether this only asks if somebody is there, as Claude Code does when it starts."""
        return self.method == b"HEAD" and self.upstream is not None and self.path in {"", "/"}

    @property
    def wants_websocket(self) -> bool:
        """Whether this is the opening handshake of a WebSocket."""
        return self.headers.get(b"upgrade", b"").lower() == b"websocket"


def read(scope: Mapping[str, Any], upstreams: Mapping[bytes, Upstream]) -> Request:
    """Find out what an ASGI request is for: its provider and route, where there are any."""
    raw: bytes = scope["raw_path"]
    rest = next((raw[len(prefix) :] for prefix in PREFIXES if raw.startswith(prefix)), b"")
    name, slash, path = rest.partition(b"/")
    found = upstreams.get(name)
    asked = (slash + path).decode("latin-1")
    header_list: list[tuple[bytes, bytes]] = scope["headers"]
    return Request(
        method=scope["method"].encode(),
        path=asked,
        query=scope["query_string"],
        header_list=header_list,
        headers=dict(header_list),
        upstream=found,
        route=found.provider.route(asked) if found else None,
    )
