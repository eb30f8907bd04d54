"""The way of a request: authenticate, route, read, start the record, forward, relay, finish it."""

import asyncio
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import structlog

from aibridge.gateway import outcome
from aibridge.gateway.body_budget import STEP, BodyBudget, NoRoom, Room
from aibridge.gateway.call import Call
from aibridge.gateway.caller import (
    Authenticate,
    Caller,
    Credential,
    authenticate,
    own_credential,
)
from aibridge.gateway.client import BodyTooLarge, Client, ClientGone, Receive, Send
from aibridge.gateway.client_monitor import BodyTooSlow, ClientMonitor
from aibridge.gateway.exchange import Exchange
from aibridge.gateway.forwarding import check_url, forwarded_headers
from aibridge.gateway.headers import Headers
from aibridge.gateway.large import LargeReads
from aibridge.gateway.observer import observe
from aibridge.gateway.refusal import Refusal, refuse
from aibridge.gateway.relay import relay, relay_recorded
from aibridge.gateway.request import Request, read
from aibridge.gateway.target import Target, target_of
from aibridge.gateway.upstream import Pool, Response, TimedOut, UpstreamError
from aibridge.identity.known import IdentityUnavailable
from aibridge.identity.people import Person
from aibridge.providers.provider import Provider
from aibridge.providers.types import Dialect, Methods
from aibridge.recorder.recorder import Recorder, RecorderUnavailable
from aibridge.recorder.records import Start
from aibridge.recorder.ticket import RecordingError

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Rules:
    """What is accepted of clients.

    ``max_body_bytes`` bounds a request's body, ``max_buffered_bytes`` those of all together.
    """

    max_body_bytes: int = 32 << 20
    max_buffered_bytes: int = 512 << 20
    allow_byok: bool = True


class Gateway:
    """An ASGI application: everything below ``/api/v2/aibridge/{provider}``."""

    def __init__(
        self,
        providers: Iterable[Provider],
        find_person: Authenticate,
        recorder: Recorder,
        pool: Pool,
        rules: Rules,
    ) -> None:
        self._targets = {one.name.encode(): target_of(one) for one in providers}
        self._find_person = find_person
        self._recorder = recorder
        self._pool = pool
        self._rules = rules
        self._monitor = ClientMonitor()
        self._budget = BodyBudget(rules.max_buffered_bytes, rules.max_body_bytes)
        self._reads = LargeReads()

    async def __call__(self, scope: Mapping[str, Any], receive: Receive, send: Send) -> None:
        """Serve one request."""
        client = Client(receive, send)
        request = read(scope, self._targets)
        try:
            await self._serve(request, client)
        except Refusal as refusal:
            await refuse(client, refusal, request.dialect)
        except (IdentityUnavailable, RecorderUnavailable, NoRoom) as error:
            await refuse(client, _trouble(error), request.dialect)
        except asyncio.CancelledError:
            if not client.gone:
                raise
        except (ClientGone, UpstreamError):
            pass  # there is nobody to tell, or too much was said already: the connection closes
        except Exception as error:  # noqa: BLE001 - said to the agent in its dialect
            _log.exception("request_failed", path=request.path)
            if not client.began:
                await refuse(client, _trouble(error), request.dialect)

    def close(self) -> None:
        """Stop what runs beside the requests."""
        self._monitor.close()
        self._reads.close()

    async def _serve(self, request: Request, client: Client) -> None:
        if request.is_probe:
            await client.begin(200, [(b"content-length", b"0")])
            await client.write(b"", more=False)
            return
        call = await self._admit(request, client)
        recorded = call.route.recorded
        with call.room:
            if recorded is None:
                await self._pass(call, client)
            else:
                start = await call.read(recorded, self._rules.max_body_bytes, self._reads)
                await self._record(call, start, recorded, client)

    async def _admit(self, request: Request, client: Client) -> Call:
        """Return the call if it may be made. Raises `Refusal`, or `ClientGone`."""
        if request.wants_websocket:
            upgrade = ((b"connection", b"upgrade"), (b"upgrade", b"HTTP/1.1"))
            raise Refusal(426, "WebSocket is not served here: use HTTP.", headers=upgrade)
        caller = await authenticate(request.headers, self._find_person)
        if caller.brings_own and not self._rules.allow_byok:
            raise Refusal(403, "Bring Your Own Key (BYOK) mode is not enabled.")
        target, route = request.target, request.route
        if target is None or route is None:
            method = request.method.decode("latin-1")
            raise Refusal(404, f"route not supported: {method} {request.path}")
        pays = own_credential(request.headers) if caller.brings_own else _configured(target)
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
        try:
            with self._monitor.reading_body(client), ExitStack() as undo:
                undo.enter_context(room)
                body = await client.body(self._rules.max_body_bytes, room.grow)
                undo.pop_all()
                return body
        except BodyTooLarge as error:
            raise self._too_large() from error
        except BodyTooSlow as error:
            raise Refusal(408, "The request body did not come to its end.") from error

    def _too_large(self) -> Refusal:
        size = f"{self._rules.max_body_bytes / (1 << 20):g} MiB"
        return Refusal(413, f"The request body is larger than {size}.")

    async def _pass(self, call: Call, client: Client) -> None:
        """Forward a call that is not recorded."""
        with self._monitor.cancel_on_leaving(client):
            try:
                response = await self._forward(call)
            except UpstreamError as error:
                raise _unreachable(call, error) from error
            try:
                await relay(response, client)
            finally:
                response.close()

    async def _record(self, call: Call, start: Start, dialect: Dialect, client: Client) -> None:
        """Forward a call with its record: begun before, complete before the client sees the end."""
        exchange = Exchange(self._recorder, self._recorder.start(start), self._reads)
        try:
            await self._exchange(call, dialect, exchange, client)
        except asyncio.CancelledError:
            if not client.gone:
                raise
            await exchange.fail(outcome.CANCELLED)
        except UpstreamError as error:
            await exchange.fail(outcome.of_failure(error))
            if not client.began:
                raise _unreachable(call, error) from error
            raise
        finally:
            exchange.abandon()

    async def _exchange(
        self, call: Call, dialect: Dialect, exchange: Exchange, client: Client
    ) -> None:
        with self._monitor.cancel_on_leaving(client):
            await exchange.admitted()
            response = await self._forward(call)
            try:
                exchange.status = response.status
                headers = dict(response.headers)
                observer = observe(dialect, response.status, headers, hide_usage=call.hides_usage)
                exchange.observer = observer
                await relay_recorded(response, client, exchange, observer)
            finally:
                response.close()

    async def _forward(self, call: Call) -> Response:
        method = call.request.method
        response = await self._pool.send(call.target.address, method, call.head(), call.body)
        call.let_go()
        return response


_TROUBLE: tuple[tuple[type[Exception], str], ...] = (
    (IdentityUnavailable, "AI Bridge cannot look up tokens at the moment; please try again."),
    (RecorderUnavailable, "AI Bridge cannot record calls at the moment; please try again."),
    (NoRoom, "AI Bridge has too many requests in hand at the moment; please try again."),
    (RecordingError, "AI Bridge could not record this call; please try again."),
    (Exception, "AI Bridge failed; please try again."),
)


def _trouble(error: Exception) -> Refusal:
    """Word trouble of ours so that agents try again, without what is nobody's business."""
    return Refusal(503, next(text for kind, text in _TROUBLE if isinstance(error, kind)))


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


def _unreachable(call: Call, error: UpstreamError) -> Refusal:
    """Say that the provider did not answer, and why."""
    status = 504 if isinstance(error, TimedOut) else 502
    return Refusal(status, f"AI Bridge got no answer from {call.target.provider.name}: {error}")
