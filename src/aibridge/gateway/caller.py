"""Who calls, and with which credential the provider is called for them."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import NamedTuple

from aibridge.contract.words import TokenScope
from aibridge.gateway.forwarding import carries_token
from aibridge.gateway.headers import CREDENTIAL_HEADERS, TOKEN_HEADERS, provider_credential
from aibridge.gateway.refusal import Refusal
from aibridge.identity.authenticate import Rejection
from aibridge.identity.tokens import parse
from aibridge.principals import Person
from aibridge.providers.provider import Provider, credential_hint

CENTRALIZED = "centralized"
BYOK = "byok"

Authenticate = Callable[[str], Awaitable[Person | Rejection]]
Headers = dict[bytes, bytes]

_PLACES = "Authorization (Bearer), X-Api-Key, Api-Key or X-Goog-Api-Key"
_SOURCE = "Whoever runs this bridge makes them: aibridge tokens create --user NAME"
_NO_TOKEN = (
    "No AI Bridge token was sent: put it where the provider's API key would stand, "
    f"in {_PLACES}; or in X-AI-Bridge-Token, beside a key of your own. {_SOURCE}"
)


@dataclass(frozen=True, slots=True)
class Credential:
    """What the upstream call is made with: the headers that carry it, and what is recorded."""

    kind: str
    hint: str
    headers: list[tuple[bytes, bytes]] = field(repr=False)


class Caller(NamedTuple):
    """Who calls: with which token, and whether they bring their own credential for the provider."""

    person: Person
    token: str
    brings_own: bool

    def __repr__(self) -> str:
        """Show who it is, without the token."""
        return f"Caller({self.person!r})"


async def authenticate(headers: Headers, find: Authenticate) -> Caller:
    """Return the caller. Raises `Refusal` 401 or 403.

    Among several credentials the first that is a good token counts. ``X-AI-Bridge-Token`` stands
    alone: where it is sent, the others are the caller's own.
    """
    named = next((name for name in TOKEN_HEADERS if name in headers), None)
    refusal = None
    for name, token in _offered(headers) if named is None else _named(headers, named):
        found = await find(token)
        if isinstance(found, Person):
            return _caller(found, token, name, brings_own=named is not None)
        refusal = refusal or Refusal(
            401, f"The AI Bridge token in {_shown(name)} is not valid: {found.value}. {_SOURCE}"
        )
    raise refusal or Refusal(401, _NO_TOKEN)


def configured_credential(provider: Provider) -> Credential | None:
    """Return what a provider's configuration pays with, if it does."""
    if not provider.keys:
        return None
    key = provider.keys[0].reveal()
    return Credential(
        CENTRALIZED, credential_hint(key), provider_credential(provider.type.auth, key)
    )


def own_credential(headers: Headers, token: str) -> Credential:
    """Return the caller's own credential as it came, but never a token of the bridge with it."""
    ours = token.encode("latin-1")
    found = [
        (name, value)
        for name in CREDENTIAL_HEADERS
        if (value := headers.get(name)) and not carries_token(value) and ours not in value
    ]
    if not found:
        raise Refusal(
            401,
            "X-AI-Bridge-Token says that you bring your own credential for the provider, but none "
            f"was sent in {_PLACES}.",
        )
    shown = next((value for name, value in found if name == b"x-api-key"), found[0][1])
    return Credential(BYOK, credential_hint(_bare(shown).decode("latin-1")), found)


def _caller(person: Person, token: str, name: bytes, *, brings_own: bool) -> Caller:
    if TokenScope.GATEWAY not in person.scopes:
        raise Refusal(
            403,
            f"The AI Bridge token in {_shown(name)} may not call models: "
            "it lacks the scope gateway.",
        )
    return Caller(person, token, brings_own)


def _named(headers: Headers, name: bytes) -> list[tuple[bytes, str]]:
    token = _text(headers[name])
    return [(name, token)] if token else []


def _offered(headers: Headers) -> list[tuple[bytes, str]]:
    """Return what may be the token, by its header: what has the form of one, else the first."""
    found = [
        (name, text)
        for name in CREDENTIAL_HEADERS
        if name in headers and (text := _key(headers, name))
    ]
    return [item for item in found if parse(item[1])] or found[:1]


def _key(headers: Headers, name: bytes) -> str:
    """Return the API key in a header; in ``Authorization`` it follows the scheme Bearer."""
    value = headers[name]
    if name != b"authorization":
        return _text(value)
    bare = _text(_bare(value))
    return bare if value[:7].lower() == b"bearer " or parse(bare) else ""


def _shown(name: bytes) -> str:
    return name.decode().title().replace("-Ai-", "-AI-")


def _bare(value: bytes) -> bytes:
    return value[7:].strip() if value[:7].lower() == b"bearer " else value.strip()


def _text(value: bytes) -> str:
    return value.decode("latin-1").strip()
