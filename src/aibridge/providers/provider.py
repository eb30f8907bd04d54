"""A configured provider: where it is, what it is paid with, which of its paths may be reached."""

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self
from urllib.parse import urlsplit

from aibridge.providers.routes import UNSAFE, Route, Routes, read_opened
from aibridge.providers.types import TYPES, Method, ProviderType

if TYPE_CHECKING:
    from aibridge.providers.settings import ProviderSettings

DEFAULT_PORTS = {"http": 80, "https": 443}


class Secret:
    """A text that never shows in a log, a trace or a message; `reveal` gives it away."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """Return the secret itself."""
        return self._text

    def __repr__(self) -> str:
        return "Secret(…)"

    __str__ = __repr__

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._text == self._text

    def __hash__(self) -> int:
        return hash((Secret, self._text))

    def __reduce__(self) -> str:
        raise TypeError("a secret is not to be pickled")


def credential_hint(secret: str) -> str:
    """Return what may be shown of a secret: a few code points of each end, fewer for short ones.

    At most 4 of each end are shown, from 20 code points on; below 5 none are.
    """
    if not secret:
        return ""
    length = len(secret)
    shown = next((shown for least, shown in ((20, 4), (10, 2), (5, 1)) if length >= least), 0)
    return f"{secret[:shown]}...{secret[-shown:]}" if shown else "..."


@dataclass(frozen=True, slots=True)
class BaseURL:
    """The parts of a provider's base URL. ``path`` has no final slash, and is empty for none.

    ``host`` is lower case and, for IPv6, without brackets, as a socket takes it.
    """

    scheme: str
    host: str
    port: int
    path: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """Take an address apart. Raises `ValueError`, whose text says what is expected."""
        try:
            parts = urlsplit(text)
            port = parts.port
        except ValueError:
            raise ValueError("is not an address; expected http(s)://HOST[:PORT][/PATH]") from None
        if parts.scheme not in DEFAULT_PORTS or not parts.hostname:
            raise ValueError("expected an absolute http:// or https:// address")
        if parts.username is not None or parts.password is not None:
            raise ValueError("must not hold a user or password; put the credential into api_keys")
        if "?" in text or "#" in text:
            raise ValueError("must not have a query or fragment")
        path = parts.path.rstrip("/")
        if UNSAFE.search(path) or not re.fullmatch(r"[\x21-\x7e]+", text):
            raise ValueError("has a character or path segment that an address must not have")
        return cls(parts.scheme, parts.hostname, port or DEFAULT_PORTS[parts.scheme], path)

    @property
    def authority(self) -> str:
        """The value of a ``Host`` header: the port only where it is not the scheme's own."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == DEFAULT_PORTS[self.scheme] else f"{host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Provider:
    """An upstream. The first of ``keys`` pays; without keys every caller brings their own.

    ``opened`` are methods and paths that are forwarded beside those of its type.
    """

    name: str
    type: ProviderType
    base_url: BaseURL
    keys: tuple[Secret, ...] = ()
    ask_for_usage: bool = True
    redirect_hosts: frozenset[str] = frozenset()
    opened: tuple[tuple[Method, str], ...] = ()
    allow_foreign_ids: bool = False
    _routes: Routes = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_routes", Routes(self.type, self.opened))

    @classmethod
    def from_settings(cls, settings: "ProviderSettings") -> Self:
        """Build the provider that settings describe; these have been checked already."""
        return cls(
            name=settings.name,
            type=TYPES[settings.type],
            base_url=BaseURL.parse(settings.base_url),
            keys=settings.api_keys,
            ask_for_usage=settings.ask_for_usage,
            redirect_hosts=frozenset(settings.redirect_hosts),
            opened=tuple(map(read_opened, settings.routes)),
            allow_foreign_ids=settings.allow_foreign_ids,
        )

    def route(self, path: str) -> Route | None:
        """Return where a path goes, `None` when it may not be reached.

        ``path`` is what follows the provider's name in the URL, still percent-encoded and
        without the query.
        """
        return self._routes.find(path)

    def target(self, route: Route) -> str:
        """Return the path of the upstream request: the base URL's own, once, and the route's."""
        return self.base_url.path + route.path
