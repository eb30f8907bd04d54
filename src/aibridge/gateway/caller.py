"""Who calls, and with which credential the provider is called for them."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import NamedTuple

from aibridge.contract import TokenScope
from aibridge.gateway.forwarding import carries_token
from aibridge.gateway.headers import CREDENTIAL_HEADERS, TOKEN_HEADERS, provider_credential
from aibridge.gateway.refusal import Refusal
from aibridge.identity.people import Person
from aibridge.providers.provider import Provider, credential_hint

CENTRALIZED = "centralized"
BYOK = "byok"

Authenticate = Callable[[str], Awaitable[Person | None]]
Headers = dict[bytes, bytes]


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
    """Return the caller. Raises `Refusal` 401 or 403."""
    own = next((headers[name] for name in TOKEN_HEADERS if name in headers), None)
    token = _text(own) if own is not None else _token(headers)
    if not token:
        raise Refusal(
            401, "No AI Bridge token was sent: put it where the provider's API key would stand."
        )
    person = await find(token)
    if person is None:
        raise Refusal(401, "The AI Bridge token is not valid: it may have expired.")
    if TokenScope.GATEWAY not in person.scopes:
        raise Refusal(403, "This AI Bridge token may not call models: it lacks the scope gateway.")
    return Caller(person, token, own is not None)


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
            "was sent in Authorization or X-Api-Key.",
        )
    shown = next((value for name, value in found if name == b"x-api-key"), found[0][1])
    return Credential(BYOK, credential_hint(_bare(shown).decode("latin-1")), found)


def _token(headers: Headers) -> str:
    """Return the token from the places where agents put an API key, Bearer first."""
    bearer = headers.get(b"authorization", b"")
    if bearer[:7].lower() == b"bearer ":
        return _text(bearer[7:])
    return _text(headers.get(b"x-api-key") or headers.get(b"api-key") or b"")


def _bare(value: bytes) -> bytes:
    return value[7:].strip() if value[:7].lower() == b"bearer " else value.strip()


def _text(value: bytes) -> str:
    return value.decode("latin-1").strip()
