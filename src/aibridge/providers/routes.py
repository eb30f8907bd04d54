"""The routes of a provider: which paths and methods a client may use, and where each goes."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import NamedTuple

from aibridge.providers.types import POST_ONLY, Dialect, Method, Methods, ProviderType, Stored

UNSAFE = re.compile(
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
_IDS = f"(?:{_ID}/)*(?:{_ID})?"
"""What stands below a path that settings open: with escapes, a model call could look like it."""
_OPENED_PATH = re.compile(rf"/|(?:/(?:{_ID}|\{{id\}}))+/?")


@dataclass(frozen=True, slots=True)
class Route:
    """Where a request goes. ``path`` is below the base URL, without a query.

    ``recorded`` is the dialect in which what is posted there is recorded, and `None` for a path
    that is only passed; ``dialect`` is the one in which our own refusals are worded.
    ``stored_id`` names the thing that is asked for, where the path does. ``calls_model`` is whether
    what is posted there to be recorded is charged for.
    """

    path: str
    recorded: Dialect | None
    dialect: Dialect
    methods: Methods = POST_ONLY
    stored_id: str = ""
    calls_model: bool = True

    @property
    def stored(self) -> Stored | None:
        """What is asked for, of all that a provider keeps for somebody."""
        return self.methods.stored if self.stored_id else None


class _Pattern(NamedTuple):
    """A known path with an id in it, or with everything below it."""

    regex: re.Pattern[str]
    recorded: Dialect | None
    methods: Methods
    calls_model: bool


class Routes:
    """The routes of a type of providers, and those ``opened`` beside them by settings."""

    def __init__(self, kind: ProviderType, opened: Iterable[tuple[Method, str]]) -> None:
        self._kind = kind
        self._exact = _exact_routes(kind)
        self._patterns = _patterns(kind)
        self._opened = tuple((_pattern(kind.prefix + path, _IDS), m) for m, path in opened)

    def find(self, path: str) -> Route | None:
        """Return where a path goes, `None` when it may not be reached; see `Provider.route`."""
        route = self._exact.get(path)
        if route is None:
            if UNSAFE.search(_plain(path)):
                return None
            route = self._matching(path)
        return self._with_opened(path, route) if self._opened else route

    def _matching(self, path: str) -> Route | None:
        for regex, recorded, methods, calls_model in self._patterns:
            if found := regex.fullmatch(path):
                id_ = found[1] if methods.stored else ""
                rest, dialect = path[len(self._kind.prefix) :], recorded or self._kind.dialect
                return Route(rest, recorded, dialect, methods, id_, calls_model)
        return None

    def _with_opened(self, path: str, route: Route | None) -> Route | None:
        """Return a route with the methods that settings open for its path."""
        opened = tuple(method for regex, method in self._opened if regex.fullmatch(path))
        if not opened:
            return route
        if route is None:
            if self._is_like_recorded(path):
                return None
            rest = path[len(self._kind.prefix) :]
            return Route(rest, None, self._kind.dialect, Methods(opened, opened))
        methods = route.methods
        central, own = (tuple(dict.fromkeys((*m, *opened))) for m in (methods.central, methods.own))
        return replace(route, methods=Methods(central, own, methods.stored))

    def _is_like_recorded(self, path: str) -> bool:
        """Whether a provider may take a path for a recorded one, which it is not quite."""
        bare = path.rstrip("/").lower()
        route = self._exact.get(bare) or self._matching(bare)
        return route is not None and route.recorded is not None


def read_opened(text: str) -> tuple[Method, str]:
    """Read a method and a path, such as ``GET /files/{id}``. Raises `ValueError`."""
    name, _, path = text.partition(" ")
    if name not in list(Method):
        raise ValueError("expected one of " + ", ".join(Method) + " and a path")
    if not _OPENED_PATH.fullmatch(path) or UNSAFE.search(path):
        raise ValueError("expected a path of plain segments after the method; {id} is any one")
    return Method(name), path


def _plain(path: str) -> str:
    """Return a path as a provider may read it: with the slashes of a model's id in plain."""
    return _SLASH.sub("/", path) if _MODEL.fullmatch(path) else path


def _is_exact(path: str) -> bool:
    return not path.endswith("/") and "{id}" not in path


def _paths(kind: ProviderType) -> Iterator[tuple[str, Dialect | None, Methods]]:
    """Yield the paths of a type, how each is recorded, and its methods."""
    for path in {**kind.recorded, **kind.passed}:
        recorded = kind.recorded.get(path)
        passed = kind.passed.get(path, Methods((), ()))
        post = () if recorded is None or Method.POST in passed.central else (Method.POST,)
        central, own = (*passed.central, *post), (*passed.own, *post)
        yield path, recorded, Methods(central, own, passed.stored)


def _exact_routes(kind: ProviderType) -> dict[str, Route]:
    """The routes of a type by the path a client asks for."""
    return {
        kind.prefix + path: Route(
            path,
            recorded,
            recorded or kind.dialect,
            methods,
            calls_model=path not in kind.storing,
        )
        for path, recorded, methods in _paths(kind)
        if _is_exact(path)
    }


def _patterns(kind: ProviderType) -> tuple[_Pattern, ...]:
    """The other routes of a type, as patterns of the path a client asks for."""
    return tuple(
        _Pattern(_pattern(kind.prefix + path), recorded, methods, path not in kind.storing)
        for path, recorded, methods in _paths(kind)
        if not _is_exact(path)
    )


def _pattern(path: str, below: str = ".*") -> re.Pattern[str]:
    """Return the pattern of a path; ``below`` is what may follow where it ends in a slash."""
    text = re.escape(path).replace(re.escape("/models/{id}"), f"/models/({_MODEL_ID})")
    text = text.replace(re.escape("{id}"), f"({_ID})")
    return re.compile(text + below if path.endswith("/") else text)
