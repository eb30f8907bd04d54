"""Which names the bridge answers to, and from which pages it is called without a token.

A page that somebody has open in a browser may call a bridge on their machine. It cannot send a
token, which no page knows. So what needs none is kept from pages of other sites, by the headers
that browsers add; and from pages that come from a site whose name was made to lead here (DNS
rebinding), by the name in Host.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from starlette.types import ASGIApp, Receive, Scope, Send

from aibridge.addresses import is_loopback
from aibridge.api.errors import ApiError

_HOST = re.compile(r"(?:\[([^\[\]]+)\]|([^:\[\]]+))(?::\d*)?")
_DEFAULT_PORTS = {"https": ":443", "http": ":80"}


@dataclass(frozen=True, slots=True)
class Hosts:
    """The names that the API answers to, beside those of this machine itself."""

    names: frozenset[str] = frozenset()
    any_name: bool = True

    def allow(self, host: str) -> bool:
        """Say whether a header Host names the bridge, whatever the port."""
        if self.any_name:
            return True
        found = _HOST.fullmatch(host)
        name = _plain(found[1] or found[2]) if found else ""
        return name in self.names or is_loopback(name)


def hosts_of(host: str, allowed_hosts: Iterable[str]) -> Hosts:
    """Return the names for a bridge that listens on ``host``.

    Beyond this machine a bridge may have names that only its network knows, so there any will do
    unless some are configured.
    """
    names = frozenset(map(_plain, allowed_hosts))
    return Hosts(names | {_plain(host)}, any_name=not (names or is_loopback(_plain(host))))


def _plain(name: str) -> str:
    return name.lower().removesuffix(".")


class HostCheck:
    """Refuses requests whose Host is no name of the bridge, whatever they ask for."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand a request on, or refuse it."""
        if scope["type"] == "http":
            hosts: Hosts = scope["app"].state.services.hosts
            if not hosts.allow(_host(scope)):
                await _misdirected().response()(scope, receive, send)
                return
        await self._app(scope, receive, send)


def _host(scope: Scope) -> str:
    found = [value for name, value in scope["headers"] if name == b"host"]
    return found[0].decode("latin-1") if len(found) == 1 else ""


def _misdirected() -> ApiError:
    detail = "The header Host is no name of this bridge: add it to the option allowed_hosts."
    return ApiError(421, "Misdirected request.", detail=detail)


def check_origin(headers: Mapping[str, str]) -> None:
    """Refuse what a browser sends for a page of another site. Raises `ApiError` 403.

    Programs send neither header.
    """
    site = headers.get("sec-fetch-site", "none")
    origin = headers.get("origin")
    is_own = origin is None or _is_of(origin, headers.get("host", ""))
    if site not in {"same-origin", "none"} or not is_own:
        detail = "Without a token this cannot be asked for by a page of another site."
        raise ApiError(403, "Forbidden.", detail=detail)


def _is_of(origin: str, host: str) -> bool:
    """Say whether an origin has the name and the port of a header Host."""
    scheme, _, authority = origin.lower().partition("://")
    port = _DEFAULT_PORTS.get(scheme, "")
    return authority != "" and authority.removesuffix(port) == host.lower().removesuffix(port)
