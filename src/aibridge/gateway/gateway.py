"""The way of a request: authenticate, route, read, start the record, forward, relay, finish it."""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import structlog

from aibridge.gateway import outcome
from aibridge.gateway.call import Call
from aibridge.gateway.caller import Authenticate, Credential, authenticate, own_credential
from aibridge.gateway.client import BodyTooLarge, Client, ClientGone, Receive, Send
from aibridge.gateway.exchange import Exchange
from aibridge.gateway.large import LargeReads
from aibridge.gateway.lookout import BodyTooSlow, Lookout
from aibridge.gateway.observer import observe
from aibridge.gateway.refusal import Refusal, refuse
from aibridge.gateway.relay import relay, relay_recorded
from aibridge.gateway.request import Request, read
from aibridge.gateway.target import Target, target_of
from aibridge.gateway.upstream import Pool, Response, TimedOut, UpstreamError
from aibridge.identity.known import IdentityUnavailable
from aibridge.providers.provider import Provider
from aibridge.providers.types import Dialect
from aibridge.recorder.recorder import Recorder, RecorderUnavailable
from aibridge.recorder.records import Start
from aibridge.recorder.ticket import RecordingError

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Rules:
    """What is accepted of clients. ``max_body_bytes`` bounds a request's body."""

    max_body_bytes: int = 32 << 20
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
        self._lookout = Lookout()
        self._reads = LargeReads()

    async def __call__(self, scope: Mapping[str, Any], receive: Receive, send: Send) -> None:
        """Serve one request."""
        client = Client(receive, send)
        request = read(scope, self._targets)
        try:
            await self._serve(request, client)
        except Refusal as refusal:
            await refuse(client, refusal, request.dialect)
        except (IdentityUnavailable, RecorderUnavailable) as error:
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
        self._lookout.close()
        self._reads.close()

    async def _serve(self, request: Request, client: Client) -> None:
        if request.is_probe:
            await client.begin(200, [(b"content-length", b"0")])
            await client.write(b"", more=False)
            return
        call = await self._admit(request, client)
        recorded = call.route.recorded
        if recorded is None:
            await self._pass(call, client)
        else:
            start = await call.read(recorded, self._rules.max_body_bytes, self._reads)
            await self._record(call, start, recorded, client)

    async def _admit(self, request: Request, client: Client) -> Call:
        """Return the call if it may be made. Raises `Refusal`, or `ClientGone`."""
        if request.wants_websocket:
            headers = ((b"connection", b"upgrade"), (b"upgrade", b"HTTP/1.1"))
            raise Refusal(426, "WebSocket is not served here: use HTTP.", headers=headers)
        person, byok = await authenticate(request.headers, self._find_person)
        if byok and not self._rules.allow_byok:
            raise Refusal(403, "Bring Your Own Key (BYOK) mode is not enabled.")
        if request.target is None or request.route is None:
            method = request.method.decode("latin-1")
            raise Refusal(404, f"route not supported: {method} {request.path}")
        if request.route.recorded is not None and request.method != b"POST":
            raise Refusal(405, "Use POST on this route.", headers=((b"allow", b"POST"),))
        pays = own_credential(request.headers) if byok else _configured(request.target)
        body = await self._body(client)
        return Call(request, request.target, request.route, person, pays, body, request.header_list)

    async def _body(self, client: Client) -> bytes:
        limit = self._rules.max_body_bytes
        try:
            with self._lookout.reading(client):
                return await client.body(limit)
        except BodyTooLarge as error:
            size = f"{limit / (1 << 20):g} MiB"
            raise Refusal(413, f"The request body is larger than {size}.") from error
        except BodyTooSlow as error:
            raise Refusal(408, "The request body did not come to its end.") from error

    async def _pass(self, call: Call, client: Client) -> None:
        """Forward a call that is not recorded."""
        with self._lookout.over(client):
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
        with self._lookout.over(client):
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
        call.body = b""  # a stream may stay open for long: its request needs no memory any more
        return response


_TROUBLE: tuple[tuple[type[Exception], str], ...] = (
    (IdentityUnavailable, "AI Bridge cannot look up tokens at the moment; please try again."),
    (RecorderUnavailable, "AI Bridge cannot record calls at the moment; please try again."),
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


def _unreachable(call: Call, error: UpstreamError) -> Refusal:
    """Say that the provider did not answer, and why."""
    status = 504 if isinstance(error, TimedOut) else 502
    return Refusal(status, f"AI Bridge got no answer from {call.target.provider.name}: {error}")
