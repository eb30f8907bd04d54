"""Types of providers: which API each speaks, where, and which of its routes may be reached.

The routes are an allow-list of paths and methods: configured keys may be admin-grade, so nothing
else is ever forwarded. In a path ``{id}`` stands for one segment, and a final ``/`` for everything
below it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple


class Dialect(StrEnum):
    """A wire API."""

    MESSAGES = "messages"
    CHAT = "chat"
    RESPONSES = "responses"


class Auth(StrEnum):
    """Where a provider expects its credential."""

    X_API_KEY = "x-api-key"
    BEARER = "bearer"
    API_KEY = "api-key"


class Method(StrEnum):
    """A method that may be listed for a route.

    TRACE and CONNECT are none of these: one echoes our credential, the other opens a tunnel.
    """

    GET = "GET"
    HEAD = "HEAD"
    POST = "POST"
    PUT = "PUT"
    PATCH = "PATCH"
    DELETE = "DELETE"


class Stored(StrEnum):
    """What a provider keeps for somebody, to be asked for by its id."""

    RESPONSE = "response"
    CONVERSATION = "conversation"


class Methods(NamedTuple):
    """The methods of a route: with a configured key, and with the caller's own credential.

    Everybody shares a configured key, so with it nothing that somebody made is read, changed or
    deleted, but by its maker: ``stored`` is what the first ``{id}`` of the path names, where the
    bridge knows who made it.
    """

    central: tuple[Method, ...]
    own: tuple[Method, ...]
    stored: Stored | None = None

    def of(self, *, own: bool) -> tuple[Method, ...]:
        """Return the methods that pass with the caller's own credential, or without."""
        return self.own if own else self.central


ACCOUNTS = frozenset(
    {
        b"$userproject",
        b"anthropic-organization-id",
        b"anthropic-workspace-id",
        b"chatgpt-account-id",
        b"helicone-target-provider",
        b"helicone-target-url",
        b"openai-organization",
        b"openai-project",
        b"quotauser",
        b"userproject",
        b"x-goog-quota-user",
        b"x-goog-user-project",
        b"x-organization-uuid",
        b"x-portkey-config",
        b"x-portkey-custom-host",
        b"x-portkey-provider",
    }
)
"""What vendors call it: any of them may stand behind the address that a provider is given."""
_GENERAL_ACCOUNTS = frozenset({b"x-account-id", b"x-org-id", b"x-organization-id", b"x-tenant-id"})


@dataclass(frozen=True, slots=True)
class ProviderType:
    """What differs between providers, as data.

    ``wire`` is whose API it speaks: the type of the same name, which the record shows for it.
    ``prefix`` is the part of the path between the provider's name and the routes; it is not
    repeated upstream, where ``base_url`` already ends in it. ``recorded`` maps a path to the
    dialect it speaks: what is posted there is recorded. ``passed`` maps paths to the methods that
    are forwarded without a record. ``dialect`` is the one in which errors of those are worded.
    """

    name: str
    wire: str
    base_url: str
    dialect: Dialect
    auth: Auth
    recorded: Mapping[str, Dialect]
    passed: Mapping[str, Methods]
    prefix: str = ""
    storing: frozenset[str] = frozenset()
    """Recorded paths at which texts are kept for later calls, and no model is called."""
    central: bool = True
    """Whether configured keys are used at all; where not, callers bring their own."""
    accounts: frozenset[bytes] = ACCOUNTS
    """Headers, and parameters of the query, that choose whose account is charged, or where a
    gateway sends its key: for callers with their own credential. In lower case, with ``-``."""


def _everybody(*methods: Method, own: tuple[Method, ...] = ()) -> Methods:
    """Return methods that pass with either key, and more that pass with the caller's own."""
    return Methods(methods, (*methods, *own))


def _own(*methods: Method) -> Methods:
    """Return methods that pass with the caller's own credential only."""
    return Methods((), methods)


def _of_maker(stored: Stored, *methods: Method) -> Methods:
    """Return methods that pass with a configured key for the maker of a thing only."""
    return Methods(methods, methods, stored)


POST_ONLY = _everybody(Method.POST)
_READ_ONLY = _everybody(Method.GET, Method.HEAD)

_STORED_RESPONSES = {
    "/responses/input_tokens": POST_ONLY,
    "/responses/{id}": _of_maker(Stored.RESPONSE, Method.GET, Method.HEAD, Method.DELETE),
    "/responses/{id}/input_items": _of_maker(Stored.RESPONSE, Method.GET, Method.HEAD),
    "/responses/{id}/cancel": _of_maker(Stored.RESPONSE, Method.POST),
}
"""What is known below ``/responses/``: anything else may be a model call under another name, which
would not be recorded.
"""
_STORED_CONVERSATIONS = {
    "/conversations/{id}": _of_maker(
        Stored.CONVERSATION, Method.GET, Method.HEAD, Method.POST, Method.DELETE
    ),
    "/conversations/{id}/items": _of_maker(Stored.CONVERSATION, Method.GET, Method.HEAD),
    "/conversations/{id}/items/{id}": _of_maker(
        Stored.CONVERSATION, Method.GET, Method.HEAD, Method.DELETE
    ),
}

_MODEL_CALLS = {
    "/chat/completions": Dialect.CHAT,
    "/responses": Dialect.RESPONSES,
    "/responses/compact": Dialect.RESPONSES,
}
_STORING = frozenset({"/conversations", "/conversations/{id}/items"})
_OPENAI_RECORDED = {**_MODEL_CALLS, **dict.fromkeys(_STORING, Dialect.RESPONSES)}
"""What is added to a conversation calls no model, but has texts that a later call goes on from."""
_OPENAI_PASSED = {
    "/models": _READ_ONLY,
    "/models/": _READ_ONLY,
    **_STORED_RESPONSES,
    **_STORED_CONVERSATIONS,
}


def _openai(
    name: str,
    base_url: str,
    auth: Auth = Auth.BEARER,
    accounts: frozenset[bytes] = ACCOUNTS,
) -> ProviderType:
    return ProviderType(
        name=name,
        wire="openai",
        base_url=base_url,
        dialect=Dialect.CHAT,
        auth=auth,
        recorded=_OPENAI_RECORDED,
        passed=_OPENAI_PASSED,
        prefix="/v1",
        storing=_STORING,
        accounts=accounts,
    )


TYPES: dict[str, ProviderType] = {
    kind.name: kind
    for kind in (
        ProviderType(
            name="anthropic",
            wire="anthropic",
            base_url="https://api.anthropic.com/",
            dialect=Dialect.MESSAGES,
            auth=Auth.X_API_KEY,
            recorded={"/v1/messages": Dialect.MESSAGES},
            passed={
                "/v1/models": _READ_ONLY,
                "/v1/models/": _READ_ONLY,
                "/v1/messages/count_tokens": POST_ONLY,
                "/api/event_logging/": POST_ONLY,
            },
        ),
        _openai("openai", "https://api.openai.com/v1/"),
        ProviderType(
            name="copilot",
            wire="copilot",
            base_url="https://api.individual.githubcopilot.com",
            dialect=Dialect.CHAT,
            auth=Auth.BEARER,
            recorded={**_MODEL_CALLS, "/v1/messages": Dialect.MESSAGES},
            passed={
                "/models": _READ_ONLY,
                "/models/": _READ_ONLY,
                "/agents/": _own(*Method),
                "/mcp/": _own(Method.GET, Method.HEAD, Method.POST, Method.DELETE),
                "/.well-known/": _READ_ONLY,
                "/v1/messages/count_tokens": POST_ONLY,
                **_STORED_RESPONSES,
            },
            central=False,
        ),
        _openai("openai-compat", "", accounts=ACCOUNTS | _GENERAL_ACCOUNTS),
        _openai("azure", "", Auth.API_KEY),
        _openai("google", "https://generativelanguage.googleapis.com/v1beta/openai/"),
        _openai("openrouter", "https://openrouter.ai/api/v1/"),
        _openai("vercel", "https://ai-gateway.vercel.sh/v1/"),
    )
}
"""Every type by its name. An empty ``base_url`` has no default: the configuration gives it."""


def wire_of(name: str) -> str:
    """Return whose API a type speaks; one that is not known any more speaks its own."""
    kind = TYPES.get(name)
    return name if kind is None else kind.wire


def speaking(wire: str) -> tuple[str, ...]:
    """Return the types that speak the API of this one, itself the first."""
    return (wire, *(kind.name for kind in TYPES.values() if kind.wire == wire != kind.name))
