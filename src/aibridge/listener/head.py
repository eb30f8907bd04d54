"""The head of a request: what is asked for, by whom, and without an upgrade. Pure."""

from typing import NamedTuple

from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

Headers = list[tuple[bytes, bytes]]

_NAMES_OF_CONNECTION = frozenset({b"connection", b"proxy-connection"})
"""The headers in which the parser looks for an upgrade."""


class RequestHead(NamedTuple):
    """What is asked for: ``path`` as it came, percent-encoded; headers with names in lower case."""

    method: bytes
    path: bytes
    query: bytes
    headers: Headers
    ip: str
    """The client's address; empty if it has none."""

    def __repr__(self) -> str:
        """Show what is asked for, without the headers, which hold the token."""
        return f"RequestHead({self.method!r}, {self.path!r})"


def client_ip(
    peer: tuple[str, int] | None, headers: Headers, proxies: ProxyHeadersMiddleware | None
) -> str:
    """Return a client's address: what the trusted ``proxies`` say, or else where it connects from.

    It is found by uvicorn's own rules, by which requests that go by ASGI have theirs.
    """
    ip = peer[0] if peer else ""
    if proxies is None or ip not in proxies.trusted_hosts:
        return ip
    forwarded = [value for name, value in headers if name == b"x-forwarded-for"]
    if not forwarded:
        return ip
    told, _ = proxies.trusted_hosts.get_trusted_client_address(
        b", ".join(forwarded).decode("latin-1")
    )
    return told or ip


def without_upgrade(method: bytes, target: bytes, version: bytes, headers: Headers) -> bytes:
    """Return the head of a request as it would be if it did not ask for an upgrade.

    ``Upgrade`` itself is left, which asks for nothing unless ``Connection`` names it, so that a
    WebSocket's handshake can be told apart. Source: RFC 9110, section 7.8.
    """
    lines = [b"%b %b HTTP/%b" % (method, target, version)]
    lines += [b"%b: %b" % (name, _without_option(name, value)) for name, value in headers]
    return b"\r\n".join([*lines, b"\r\n"])


def _without_option(name: bytes, value: bytes) -> bytes:
    if name not in _NAMES_OF_CONNECTION:
        return value
    options = (option.strip() for option in value.split(b","))
    return b", ".join(option for option in options if option.lower() != b"upgrade")
