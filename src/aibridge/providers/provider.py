"""A configured provider: where it is, what it is paid with, which of its paths may be reached."""

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self
from urllib.parse import urlsplit

from aibridge.providers.types import POST_ONLY, TYPES, Dialect, Methods, ProviderType

if TYPE_CHECKING:
    from aibridge.providers.settings import ProviderSettings

DEFAULT_PORTS = {"http": 80, "https": 443}

_UNSAFE = re.compile(
    r"""
      \.\.                   # traversal, plain…
    | %2e | %2f | %5c | \\   # …and encoded: a dot or slash that has to be encoded hides something
    | %25                    # …and encoded twice, for an upstream that decodes twice
    | %c[01] | %e0%[89]      # …and encoded as longer UTF-8 than it is
    | %(?![0-9a-f]{2})       # …and escaped in a way that is no URL's
    | // | /\.(?:/|$)        # an empty or a dot segment, which normalising would take away
    | %[01][0-9a-f] | %7f    # encoded control characters
    | [^\x21-\x7e] | [?#]    # raw ones, raw non-ASCII, and what would end the path upstream
    """,
    re.IGNORECASE | re.VERBOSE,
)

_ID = "[A-Za-z0-9._~:=+@,-]+"
"""A segment that is an id: no escapes and no parameters, which a provider may cut off."""

_MODEL_ID = f"{_ID}(?:%2[Ff]{_ID})*"
_MODEL = re.compile(rf"(?:/v1)?/models/{_MODEL_ID}(?:/{_MODEL_ID})*")
"""A model by its id, in which some have a slash (``openai/gpt-5``), sent encoded or not."""
_SLASH = re.compile("%2f", re.IGNORECASE)


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
        if _UNSAFE.search(path) or not re.fullmatch(r"[\x21-\x7e]+", text):
            raise ValueError("has a character or path segment that an address must not have")
        return cls(parts.scheme, parts.hostname, port or DEFAULT_PORTS[parts.scheme], path)

    @property
    def authority(self) -> str:
        """The value of a ``Host`` header: the port only where it is not the scheme's own."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == DEFAULT_PORTS[self.scheme] else f"{host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Route:
    """Where a request goes. ``path`` is below the base URL, without a query.

    ``recorded`` is the dialect of a recorded path and `None` of one that is only passed;
    ``dialect`` is the one in which our own refusals are worded.
    """

    path: str
    recorded: Dialect | None
    dialect: Dialect
    methods: Methods = POST_ONLY


@dataclass(frozen=True, slots=True)
class Provider:
    """An upstream. The first of ``keys`` pays; without keys every caller brings their own."""

    name: str
    type: ProviderType
    base_url: BaseURL
    keys: tuple[Secret, ...] = ()
    ask_for_usage: bool = True
    redirect_hosts: frozenset[str] = frozenset()
    _exact: dict[str, Route] = field(init=False, repr=False, compare=False)
    _patterns: tuple[tuple[re.Pattern[str], Methods], ...] = field(
        init=False, repr=False, compare=False
    )

    def __post_init__(self) -> None:
        object.__setattr__(self, "_exact", _exact_routes(self.type))
        object.__setattr__(self, "_patterns", _patterns(self.type))

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
        )

    def route(self, path: str) -> Route | None:
        """Return where a path goes, `None` when it may not be reached.

        ``path`` is what follows the provider's name in the URL, still percent-encoded and
        without the query.
        """
        route = self._exact.get(path)
        if route is not None or _UNSAFE.search(_plain(path)):
            return route
        for pattern, methods in self._patterns:
            if pattern.fullmatch(path):
                return Route(path[len(self.type.prefix) :], None, self.type.dialect, methods)
        return None

    def target(self, route: Route) -> str:
        """Return the path of the upstream request: the base URL's own, once, and the route's."""
        return self.base_url.path + route.path


def _plain(path: str) -> str:
    """Return a path as a provider may read it: with the slashes of a model's id in plain."""
    return _SLASH.sub("/", path) if _MODEL.fullmatch(path) else path


def _is_exact(path: str) -> bool:
    return not path.endswith("/") and "{id}" not in path


def _exact_routes(kind: ProviderType) -> dict[str, Route]:
    """The routes of a type by the path a client asks for."""
    passed = {
        kind.prefix + path: Route(path, None, kind.dialect, methods)
        for path, methods in kind.passed.items()
        if _is_exact(path)
    }
    recorded = {
        kind.prefix + path: Route(path, dialect, dialect) for path, dialect in kind.recorded.items()
    }
    return passed | recorded


def _patterns(kind: ProviderType) -> tuple[tuple[re.Pattern[str], Methods], ...]:
    """The other routes of a type, as patterns of the path a client asks for."""
    return tuple(
        (_pattern(kind.prefix + path), methods)
        for path, methods in kind.passed.items()
        if not _is_exact(path)
    )


def _pattern(path: str) -> re.Pattern[str]:
    text = re.escape(path).replace(re.escape("/models/{id}"), f"/models/{_MODEL_ID}")
    text = text.replace(re.escape("{id}"), _ID)
    return re.compile(text + ".*" if path.endswith("/") else text)
