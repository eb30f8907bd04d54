"""Admitting a request: who makes it, whether they may, and room for its body."""

import re
from collections.abc import Collection
from dataclasses import dataclass

from aibridge.agents import BUILT_IN, Agents
from aibridge.contract.wording import size
from aibridge.gateway.body_budget import STEP, BodyBudget, Room
from aibridge.gateway.call import Call
from aibridge.gateway.caller import (
    Authenticate,
    Caller,
    Credential,
    authenticate,
    own_credential,
)
from aibridge.gateway.client import BodyTooLarge, Client
from aibridge.gateway.client_monitor import BodyTooSlow, ClientMonitor
from aibridge.gateway.forwarding import check_url, forwarded_headers
from aibridge.gateway.headers import Headers
from aibridge.gateway.refusal import Refusal
from aibridge.gateway.request import Request
from aibridge.gateway.target import Target
from aibridge.principals import Person
from aibridge.providers.types import Methods

_GEMINI = re.compile(
    r"/models/[^/]+:(?:streamGenerateContent|generateContent|countTokens|(?:batchE|e)mbedContents?)"
)
"""A method of Gemini's own API, such as ``/v1beta/models/M:generateContent``."""


@dataclass(frozen=True, slots=True)
class Rules:
    """What is accepted of clients.

    ``max_body_bytes`` bounds a request's body, ``max_buffered_bytes`` those of all together.
    ``agents`` are the clients that are known by name.
    """

    max_body_bytes: int = 32 << 20
    max_buffered_bytes: int = 512 << 20
    allow_byok: bool = True
    agents: Agents = BUILT_IN


class Admission:
    """Turns requests into calls that may be made. Belongs to an event loop."""

    def __init__(
        self,
        find_person: Authenticate,
        rules: Rules,
        monitor: ClientMonitor,
        providers: Collection[str] = (),
    ) -> None:
        self._find_person = find_person
        self._rules = rules
        self._monitor = monitor
        self._providers = providers
        self._budget = BodyBudget(rules.max_buffered_bytes, rules.max_body_bytes)

    async def admit(self, request: Request, client: Client) -> Call:
        """Return the call if it may be made. Raises `Refusal`, or `ClientGone`."""
        if request.wants_websocket:
            upgrade = ((b"connection", b"upgrade"), (b"upgrade", b"HTTP/1.1"))
            raise Refusal(426, "WebSocket is not served here: use HTTP.", headers=upgrade)
        caller = await authenticate(request.headers, self._find_person)
        if caller.brings_own and not self._rules.allow_byok:
            raise Refusal(403, "Bring Your Own Key (BYOK) mode is not enabled.")
        target, route = request.target, request.route
        if target is None or route is None:
            raise Refusal(404, _not_served(request, self._providers))
        pays = (
            own_credential(request.headers, caller.token)
            if caller.brings_own
            else _configured(target)
        )
        _check_method(request.method, route.methods, own=caller.brings_own)
        headers = _forwarded(request, caller, target)
        room = await self._room(request, caller.person)
        body = await self._body(client, room)
        return Call(request, target, route, caller.person, pays, body, room, headers)

    async def _room(self, request: Request, person: Person) -> Room:
        """Hold room for the body before it is read. Raises `Refusal` if it is too large."""
        size = request.body_size
        if size is None:
            size = STEP
        elif size > self._rules.max_body_bytes:
            raise self._too_large()
        return await self._budget.room(person.user_id, size)

    async def _body(self, client: Client, room: Room) -> bytes:
        """Read the body into the room that is held for it; given back where that fails."""
        body = None
        try:
            with self._monitor.reading_body(client):
                body = await client.body(self._rules.max_body_bytes, room.grow)
        except BodyTooLarge as error:
            raise self._too_large() from error
        except BodyTooSlow as error:
            raise Refusal(408, "The request body did not come to its end.") from error
        finally:
            if body is None:
                room.give_back()
        return body

    def _too_large(self) -> Refusal:
        return Refusal(413, f"The request body is larger than {size(self._rules.max_body_bytes)}.")


def _not_served(request: Request, providers: Collection[str]) -> str:
    told = f"route not supported: {request.method.decode('latin-1')}"
    if request.target is None:
        names, asked = ", ".join(sorted(providers)) or "none is configured", request.provider_name
        return (
            f"{told} /{asked}{request.path}. {asked!r} is no route of the API, and names no "
            f"provider that is configured; these are: {names}."
        )
    told = f"{told} {request.path}"
    if not _GEMINI.search(request.path):
        return told
    return (
        f"{told}. Gemini's own API is not served: use its OpenAI-compatible one, which is at "
        "/v1/chat/completions below the provider's name."
    )


def _configured(target: Target) -> Credential:
    if target.credential is None:
        raise Refusal(
            403,
            f"The provider {target.provider.name!r} has no key configured: send your own "
            "credential, and your AI Bridge token in the header X-AI-Bridge-Token.",
        )
    return target.credential


def _forwarded(request: Request, caller: Caller, target: Target) -> Headers:
    """Return the headers that go on. Raises `Refusal` where the URL may not."""
    token = caller.token.encode("latin-1")
    accounts = None if caller.brings_own else target.provider.type.accounts
    check_url(request.path, request.query, token, accounts)
    return forwarded_headers(request.header_list, token, accounts)


def _check_method(method: bytes, methods: Methods, *, own: bool) -> None:
    """Raise `Refusal` 405 unless a route takes this method with this kind of credential."""
    allowed = methods.of(own=own)
    name = method.decode("latin-1")
    if name in allowed:
        return
    use = f"Use {' or '.join(allowed)} on this route." if allowed else ""
    if name in methods.own:
        use = (
            f"With the configured key {name} is not passed on this route: bring your own "
            f"credential for it. {use}"
        )
    headers = ((b"allow", ", ".join(allowed).encode()),)
    raise Refusal(405, use.strip(), headers=headers)
