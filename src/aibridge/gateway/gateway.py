"""The way of a request: authenticate, route, read, start the record, forward, relay, finish it."""

import asyncio
from collections.abc import Iterable

import structlog

from aibridge.gateway.admission import Admission, Rules
from aibridge.gateway.body_budget import NoRoom
from aibridge.gateway.budget_store import BudgetsUnavailable
from aibridge.gateway.call import Call
from aibridge.gateway.call_log import CallLog, RecorderUnavailable, RecordingError
from aibridge.gateway.caller import Authenticate
from aibridge.gateway.client import Client, ClientGone
from aibridge.gateway.client_monitor import ClientMonitor
from aibridge.gateway.dispatch import Withheld, dispatch, key_refused, refuses_key
from aibridge.gateway.exchange import Exchange
from aibridge.gateway.large import LargeReads
from aibridge.gateway.provider_troubles import ProviderTroubles
from aibridge.gateway.refusal import Refusal, refuse
from aibridge.gateway.relay import RecordedRelay, read_on, relay
from aibridge.gateway.request import Request, read
from aibridge.gateway.spending import Spending
from aibridge.gateway.stored import MakersUnavailable, StoredThings
from aibridge.gateway.target import target_of
from aibridge.gateway.upstream import Pool, Response, TimedOut, UpstreamError
from aibridge.identity.known import IdentityUnavailable
from aibridge.listener.cycle import Cycle
from aibridge.listener.head import RequestHead
from aibridge.providers.provider import Provider
from aibridge.providers.types import Dialect
from aibridge.reading.answer import observe

_log = structlog.get_logger()


class Gateway:
    """Serves everything below ``/api/v2/aibridge/{provider}``."""

    def __init__(
        self,
        providers: Iterable[Provider],
        find_person: Authenticate,
        log: CallLog,
        pool: Pool,
        rules: Rules,
        stored: StoredThings,
        spending: Spending,
    ) -> None:
        self._targets = {one.name.encode(): target_of(one) for one in providers}
        self._log = log
        self._headers = rules.agents.headers | {b"content-encoding"}
        self._pool = pool
        self._rules = rules
        self._monitor = ClientMonitor()
        names = [name.decode() for name in self._targets]
        self._admission = Admission(find_person, rules, self._monitor, names)
        self._reads = LargeReads()
        self._stored = stored
        self._spending = spending
        self._troubles = ProviderTroubles()

    async def serve(self, head: RequestHead, cycle: Cycle) -> None:
        """Serve one request."""
        client = Client(cycle)
        request = read(head, self._targets)
        try:
            await self._serve(request, client)
        except Refusal as refusal:
            await refuse(client, refusal, request.dialect)
        except _TROUBLES as error:
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
        self._stored.close()

    async def _serve(self, request: Request, client: Client) -> None:
        if request.is_probe:
            client.begin(200, [(b"content-length", b"0")])
            await client.write(b"", more=False)
            return
        call = await self._admission.admit(request, client)
        recorded = call.recorded
        with call.room:
            completes = await self._stored.admit(call)
            if recorded is None and completes is None:
                await self._pass(call, client)
                return
            if recorded is not None:
                await call.prepare(recorded, self._rules.max_body_bytes, self._reads)
                await self._stored.check_continued(call)
                await self._spending.admit(call, self._reads)
                client.adds = call.answer_headers
            await self._record(call, recorded or Dialect.RESPONSES, completes or "", client)

    async def _pass(self, call: Call, client: Client) -> None:
        """Forward a call of which nothing is recorded."""
        with self._monitor.cancel_on_leaving(client):
            try:
                response = await self._send(call, [])
            except UpstreamError as error:
                raise _unreachable(call, error) from error
            try:
                if refuses_key(call, response):
                    raise await key_refused(call, response)
                await relay(response, client)
            finally:
                response.close()

    async def _record(self, call: Call, dialect: Dialect, completes: str, client: Client) -> None:
        """Forward a call with its record: begun before, complete before the client sees the end."""
        try:
            begun = call.begun(dialect, self._headers, completes)
            exchange = Exchange(self._log, self._reads, begun, call.came)
            self._spending.begin(exchange.number, call)
        finally:
            self._spending.let_go(call)
        self._stored.begin(exchange)
        try:
            await self._exchange(call, dialect, exchange, client)
        except asyncio.CancelledError:
            if not client.gone:
                raise
            await exchange.cancel()
        except Withheld as answer:
            await exchange.withhold(answer)
            raise
        except UpstreamError as error:
            await exchange.fail(error)
            if not client.began:
                raise _unreachable(call, error) from error
            raise
        finally:
            exchange.abandon()
            self._stored.end(exchange)

    async def _exchange(
        self, call: Call, dialect: Dialect, exchange: Exchange, client: Client
    ) -> None:
        with self._monitor.cancel_on_leaving(client):
            await exchange.admitted()
            response = await self._send(call, exchange.edits)
            try:
                headers = dict(response.headers)
                observer = observe(
                    dialect,
                    response.status,
                    headers,
                    streams=True,
                    keeps=False,
                    hide_usage=call.hides_usage,
                )
                exchange.answered(response, observer)
                if refuses_key(call, response):
                    raise await key_refused(call, response, exchange.came)
                await RecordedRelay(response, client, exchange, observer).run()
            except asyncio.CancelledError:
                if not (client.gone and exchange.only_usage_missing):
                    raise
                await read_on(response, exchange)
            finally:
                response.close()

    async def _send(self, call: Call, edits: list[str]) -> Response:
        """Send a call to its provider, and have the log told of one that fails."""
        name = call.target.provider.name
        try:
            response = await dispatch(self._pool, call, edits)
        except UpstreamError as error:
            self._troubles.no_answer(name, error)
            raise
        self._troubles.answered(name, response.status, with_our_key=call.is_centralized)
        return response


_TROUBLES = (
    IdentityUnavailable,
    MakersUnavailable,
    RecorderUnavailable,
    BudgetsUnavailable,
    NoRoom,
)
_TROUBLE: tuple[tuple[type[Exception], str], ...] = (
    (MakersUnavailable, "AI Bridge cannot look up whose this is at the moment; please try again."),
    (IdentityUnavailable, "AI Bridge cannot look up tokens at the moment; please try again."),
    (BudgetsUnavailable, "AI Bridge cannot look up budgets at the moment; please try again."),
    (RecorderUnavailable, "AI Bridge cannot record calls at the moment; please try again."),
    (NoRoom, "AI Bridge has too many requests in hand at the moment; please try again."),
    (RecordingError, "AI Bridge could not record this call; please try again."),
    (Exception, "AI Bridge failed; please try again."),
)


def _trouble(error: Exception) -> Refusal:
    """Word trouble of ours so that agents try again, without what is nobody's business."""
    return Refusal(503, next(text for kind, text in _TROUBLE if isinstance(error, kind)))


def _unreachable(call: Call, error: UpstreamError) -> Refusal:
    """Say that the provider did not answer, and why."""
    status = 504 if isinstance(error, TimedOut) else 502
    return Refusal(status, f"AI Bridge got no answer from {call.target.provider.name}: {error}")
