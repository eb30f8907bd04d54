"""Redirects of a provider: where one leads, and whether the bridge may follow it."""

import re
from dataclasses import dataclass
from typing import NamedTuple
from urllib.parse import urljoin, urlsplit

from aibridge.gateway.upstream.pool import Address

MAX_REDIRECTS = 3
"""Redirects that are followed in a row."""

_REDIRECTS = range(300, 400)
_NOT_MODIFIED = 304
_SAME_REQUEST = frozenset({307, 308})
_READ_ELSEWHERE = frozenset({301, 302, 303})
_READS = frozenset({b"GET", b"HEAD"})
"""For what only reads these are followed too: anything else would lose its method and body."""

_DEFAULT_PORTS = {"http": 80, "https": 443}
_LONGEST_HOST = 255
_LONGEST_LOCATION = 8192
_ADDRESS = re.compile(r"[\x21-\x7e]+")


class Destination(NamedTuple):
    """Where a request is sent: ``authority`` is its Host, ``target`` its path and query."""

    address: Address
    authority: bytes
    target: bytes


@dataclass(frozen=True, slots=True)
class RedirectRules:
    """Hosts (``HOST`` or ``HOST:PORT``) to which requests may be redirected, and how.

    ``followed`` is the number of redirects that led this far.
    """

    hosts: frozenset[str] = frozenset()
    allow_http: bool = False
    followed: int = 0


class NotFollowed(Exception):
    """The bridge does not follow a redirect; the text says why, without the address's query."""


def is_redirect(status: int) -> bool:
    """Whether a client might follow an answer of this status to another place."""
    return status in _REDIRECTS and status != _NOT_MODIFIED


def follow(
    status: int, location: bytes, method: bytes, origin: Destination, rules: RedirectRules
) -> Destination:
    """Return where a redirect from ``origin`` leads. Raises `NotFollowed`."""
    scheme, host, port, target = _parts(location, origin)
    authority = _authority(scheme, host, port)
    to = f"to {authority[:_LONGEST_HOST]}"
    if rules.hosts.isdisjoint({authority, f"{authority}:{port}"}):
        raise NotFollowed(f"{to}, which is not listed in redirect_hosts")
    if scheme != "https" and not rules.allow_http:
        raise NotFollowed(f"{to} without TLS")
    if rules.followed >= MAX_REDIRECTS:
        raise NotFollowed(f"{to}, after {rules.followed} other redirects")
    if status not in (_SAME_REQUEST | _READ_ELSEWHERE if method in _READS else _SAME_REQUEST):
        raise NotFollowed(f"{to}, which would lose the request's method and body")
    return Destination(Address(host, port, scheme == "https"), authority.encode(), target.encode())


def _parts(location: bytes, origin: Destination) -> tuple[str, str, int, str]:
    """Take an absolute or relative address apart: scheme, host, port, path with query."""
    text = location[:_LONGEST_LOCATION].decode("latin-1")
    if not _ADDRESS.fullmatch(text):
        raise NotFollowed("to no address that could be read")
    scheme = "https" if origin.address.tls else "http"
    base = f"{scheme}://{origin.authority.decode()}{origin.target.decode('latin-1')}"
    try:
        parts = urlsplit(urljoin(base, text))
        port = parts.port or _DEFAULT_PORTS.get(parts.scheme, 0)
    except ValueError:
        raise NotFollowed("to no address that could be read") from None
    if not parts.hostname or parts.scheme not in _DEFAULT_PORTS:
        raise NotFollowed("to no address that could be read")
    query = f"?{parts.query}" if parts.query else ""
    return parts.scheme, parts.hostname, port, (parts.path or "/") + query


def _authority(scheme: str, host: str, port: int) -> str:
    shown = f"[{host}]" if ":" in host else host
    return shown if port == _DEFAULT_PORTS[scheme] else f"{shown}:{port}"
