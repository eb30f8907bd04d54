"""Ownership of the responses and conversations that providers keep: only their maker reaches them.

With the configured key, which everybody shares, a response or a conversation of somebody else could
be read, changed, or gone on from. So the database is asked who made it. An answer that was made in
the background, or that broke off, is completed on the record by whoever fetches it later.
"""

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import NamedTuple, TypeVar

import structlog

from aibridge.contract import AuditAction, AuditResource
from aibridge.gateway.call import Call
from aibridge.gateway.exchange import Exchange
from aibridge.gateway.polled import Polled, fetches_response, polled
from aibridge.gateway.refusal import Refusal
from aibridge.identity.audit import Act, Actor, Target
from aibridge.providers.types import Stored
from aibridge.recorder.correlation import conversation_key, response_key, stored_key
from aibridge.recorder.recorder import Recorder
from aibridge.store import keyed
from aibridge.store.database import Database
from aibridge.store.keyed import Keyed
from aibridge.store.standing import Finality
from aibridge.store.trouble import DRIVER_ERRORS

REMEMBERED_SECONDS = 600.0
"""How long it is remembered who made something, without asking the database again."""
MAX_REMEMBERED = 10_000
LOOK_UP_SECONDS = 5.0
MAX_WAITING = 1_000
"""Look-ups that may be under way, in `_THREADS` threads."""
_THREADS = 2

_KEYS = {Stored.RESPONSE: response_key, Stored.CONVERSATION: conversation_key}
_RESOURCES = {
    Stored.RESPONSE: AuditResource.AI_RESPONSE,
    Stored.CONVERSATION: AuditResource.AI_CONVERSATION,
}
_READS = (b"GET", b"HEAD")
_MAX_NAME = 256
_TROUBLE: tuple[type[Exception], ...] = (TimeoutError, *DRIVER_ERRORS)

T = TypeVar("T")

_log = structlog.get_logger()


class MakersUnavailable(Exception):
    """The database did not say who made something. This is our trouble, not a refused id."""


class _Thing(NamedTuple):
    """Something that a provider keeps, as a person asks for it."""

    user_id: str
    provider: str
    key: str


class _Maker(NamedTuple):
    interception_id: str
    until: float
    is_final: bool


class StoredThings:
    """Checks who made what a provider keeps. Belongs to an event loop; threads ask the database."""

    def __init__(self, database: Database, recorder: Recorder) -> None:
        self._database = database
        self._recorder = recorder
        self._threads = ThreadPoolExecutor(_THREADS, "stored")
        self._waiting = 0
        self._makers: dict[_Thing, _Maker] = {}
        self._running: dict[Exchange, None] = {}

    async def admit(self, call: Call) -> Polled | None:
        """Raise `Refusal` unless the call may have what it asks for by an id.

        Returns the interception that its answer may complete. What changes something is in the
        audit log then. Raises `MakersUnavailable`.
        """
        stored = call.route.stored
        if stored is None:
            return None
        id_, fetches = call.route.stored_id, fetches_response(call)
        if not (call.is_centralized or fetches):
            return None
        thing = _thing(call, _KEYS[stored](id_))
        maker, found = await self._look_up(thing, id_, with_end=fetches)
        if call.is_for_makers and maker is None:
            raise self._refused(call, 404, stored)
        if call.is_centralized and call.recorded is None and call.request.method not in _READS:
            await self._ask(partial(self._log_act, call, stored, maker))
        return polled(found) if fetches and found is not None else None

    async def check_continued(self, call: Call) -> None:
        """Raise `Refusal` for a request that goes on from what may not be the caller's own."""
        continued = call.continued
        if not call.is_for_makers:
            return
        if not continued.is_readable:
            raise Refusal(400, "AI Bridge cannot read whose response or conversation this goes on.")
        for stored, id_ in (
            (Stored.RESPONSE, continued.response_id),
            (Stored.CONVERSATION, continued.conversation_id),
        ):
            if id_ and (await self._look_up(_thing(call, _KEYS[stored](id_)), id_))[0] is None:
                raise self._refused(call, 400, stored)

    def begin(self, exchange: Exchange) -> None:
        """Know of a call that runs: its response may be asked for before it is on record."""
        if "/responses" in exchange.ticket.start.route:
            self._running[exchange] = None

    def end(self, exchange: Exchange) -> None:
        """Remember who made what has ended."""
        self._running.pop(exchange, None)
        start, end = exchange.ticket.start, exchange.ticket.end
        if end is not None and (key := stored_key(start, end)):
            thing = _Thing(start.initiator_id, start.provider_name, key)
            self._remember(thing, start.id, is_final=end.finality is Finality.FINAL)

    def close(self) -> None:
        """Ask nothing more."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _look_up(
        self, thing: _Thing, id_: str, *, with_end: bool = False
    ) -> tuple[str | None, Keyed | None]:
        """Return the interception that made a thing, `None` if it is not known to be this person's.

        Where its end matters too, and may not be the last, it comes as the database has it.
        """
        known = self._makers.get(thing)
        if (
            known is not None
            and known.until > time.monotonic()
            and (known.is_final or not with_end)
        ):
            return known.interception_id, None
        try:
            found = await self._ask(partial(self._find, thing))
        except MakersUnavailable:
            if (running := self._is_running(thing, id_)) is None:
                raise
            return running, None
        if found is None:
            return self._is_running(thing, id_), None
        self._remember(thing, found.row.id, is_final=found.finality is Finality.FINAL)
        return found.row.id, found

    def _find(self, thing: _Thing) -> Keyed | None:
        with self._database.read() as connection:
            found = keyed.find(connection, thing.user_id, thing.key)
        return found if found is not None and found.row.provider_name == thing.provider else None

    def _is_running(self, thing: _Thing, id_: str) -> str | None:
        """Return the call of this person that runs, and whose answer has this id.

        Raises `MakersUnavailable` where what waits on the spool may have it.
        """
        for exchange in self._running:
            start, observer = exchange.ticket.start, exchange.observer
            is_theirs = (start.initiator_id, start.provider_name) == (thing.user_id, thing.provider)
            if not is_theirs or observer is None or observer.unread:
                continue
            if observer.facts().response_id == id_:
                return start.id
        if self._recorder.spooled:
            raise MakersUnavailable("records wait on the spool")
        return None

    def _remember(self, thing: _Thing, interception_id: str, *, is_final: bool) -> None:
        self._makers.pop(thing, None)
        until = time.monotonic() + REMEMBERED_SECONDS
        self._makers[thing] = _Maker(interception_id, until, is_final)
        if len(self._makers) > MAX_REMEMBERED:
            del self._makers[next(iter(self._makers))]

    async def _ask(self, question: Callable[[], T]) -> T:
        """Return what the database says, in a thread. Raises `MakersUnavailable`."""
        if self._waiting >= MAX_WAITING:
            raise MakersUnavailable("too many look-ups wait")
        self._waiting += 1
        work = asyncio.get_running_loop().run_in_executor(self._threads, question)
        work.add_done_callback(self._answered)
        try:
            return await asyncio.wait_for(asyncio.shield(work), LOOK_UP_SECONDS)
        except _TROUBLE as error:
            raise MakersUnavailable("the database does not answer") from error

    def _answered(self, work: "asyncio.Future[T]") -> None:
        self._waiting -= 1
        if not work.cancelled():
            work.exception()  # who asked may have left: that is no warning

    def _log_act(self, call: Call, stored: Stored, interception_id: str | None) -> None:
        """Have an act on something of a provider in the audit log, before it is done."""
        method, provider = call.request.method.decode("latin-1"), call.target.provider.name
        name = call.route.stored_id[:_MAX_NAME]
        target = Target(_RESOURCES[stored], interception_id or "", name)
        agent = call.request.headers.get(b"user-agent", b"").decode("latin-1")
        with self._database.write() as connection:
            Act(connection, Actor(call.person, call.request.ip, agent)).log(
                AuditAction.DELETE if method == "DELETE" else AuditAction.WRITE,
                target,
                description=f"{method} {call.route.path} at {provider}",
            )

    def _refused(self, call: Call, status: int, stored: Stored) -> Refusal:
        """Refuse, in the same words whether it is somebody else's or nobody's."""
        _log.warning("stored_thing_refused", user=call.person.username, path=call.request.path)
        return Refusal(status, f"There is no such {stored.value} of yours.")


def _thing(call: Call, key: str) -> _Thing:
    return _Thing(call.person.user_id, call.target.provider.name, key)
