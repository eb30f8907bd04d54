"""Ownership of the responses and conversations that providers keep: only their maker reaches them.

With the configured key, which everybody shares, a response or a conversation of somebody else could
be read, changed, or gone on from. So the database is asked who made it, once it has what ended
before. An answer that was made in the background, or that broke off, is completed on the record by
whoever fetches it later.
"""

import asyncio
import re
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import NamedTuple, TypeVar

import structlog

from aibridge.contract.words import AuditAction, AuditResource
from aibridge.gateway.call import Call
from aibridge.gateway.exchange import Exchange
from aibridge.gateway.refusal import Refusal
from aibridge.identity.audit import Act, Actor, Target
from aibridge.journal.catching_up import CatchingUp
from aibridge.journal.contents import Begun
from aibridge.providers.types import Stored
from aibridge.recorder.correlation import conversation_key, response_key
from aibridge.store.engine.database import Database
from aibridge.store.engine.errors import DRIVER_ERRORS
from aibridge.store.record import keyed

REMEMBERED_SECONDS = 600.0
"""How long it is remembered who made something, without asking the database again."""
MAX_REMEMBERED = 10_000
BEGINNING_BYTES = 1 << 10
"""How much of an answer is kept for its id, while it runs."""
LOOK_UP_SECONDS = 5.0
CATCH_UP_SECONDS = 2.0
"""How long the database is waited for to have what the journals have."""
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
_CREATED = re.compile(
    rb'(?:(?:event: ?response\.\w+\r?\n)?data: ?\{"type": ?"response\.\w+",'
    rb'(?: ?"sequence_number": ?\d+,)? ?"response": ?)?\{\s*"id": ?"([^"\\]+)"'
)
"""How a response begins, streamed or whole, with its id."""
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


class StoredThings:
    """Checks who made what a provider keeps. Belongs to an event loop; threads ask the database."""

    def __init__(self, database: Database, catching_up: CatchingUp) -> None:
        self._database = database
        self._catching_up = catching_up
        self._threads = ThreadPoolExecutor(_THREADS, "stored")
        self._waiting = 0
        self._makers: dict[_Thing, _Maker] = {}
        self._running: dict[Exchange, None] = {}

    async def admit(self, call: Call) -> str | None:
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
        maker = await self._look_up(thing, id_)
        if call.is_for_makers and maker is None:
            raise self._refused(call, 404, stored)
        if call.is_centralized and call.recorded is None and call.request.method not in _READS:
            await self._ask(partial(self._log_act, call, stored, maker))
        return maker if fetches else None

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
            if id_ and await self._look_up(_thing(call, _KEYS[stored](id_)), id_) is None:
                raise self._refused(call, 400, stored)

    def begin(self, exchange: Exchange) -> None:
        """Know of a call that runs: its response may be asked for before it is on record."""
        if "/responses" in exchange.begun.route:
            self._running[exchange] = None
            exchange.beginning_bytes = BEGINNING_BYTES

    def end(self, exchange: Exchange) -> None:
        """Know that a call runs no more, and remember who made its response."""
        if exchange not in self._running:
            return
        del self._running[exchange]
        if id_ := _response_id(exchange):
            begun = exchange.begun
            thing = _Thing(begun.user_id, begun.provider_name, response_key(id_))
            self._remember(thing, _interception_id(begun))

    def close(self) -> None:
        """Ask nothing more."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _look_up(self, thing: _Thing, id_: str) -> str | None:
        """Return the interception that made a thing, `None` if it is not this person's.

        Raises `MakersUnavailable` where that cannot be told.
        """
        known = self._makers.get(thing)
        if known is not None and known.until > time.monotonic():
            return known.interception_id
        if (running := self._is_running(thing, id_)) is not None:
            return running
        found = await self._ask(partial(self._find, thing))
        if found is not None:
            self._remember(thing, found)
        return found

    def _find(self, thing: _Thing) -> str | None:
        """Look into the database, again when it has all that has ended by now.

        Raises `MakersUnavailable` where it does not get that.
        """
        if (found := self._found(thing)) is not None:
            return found
        is_all_there = self._catching_up.wait(CATCH_UP_SECONDS)
        found = self._found(thing)
        if found is None and not is_all_there:
            raise MakersUnavailable("records wait in the journal")
        return found

    def _found(self, thing: _Thing) -> str | None:
        with self._database.read() as connection:
            found = keyed.find(connection, thing.user_id, thing.key)
        is_there = found is not None and found.row.provider_name == thing.provider
        return found.row.id if found is not None and is_there else None

    def _is_running(self, thing: _Thing, id_: str) -> str | None:
        """Return the call of this person that runs, and whose answer has this id."""
        for exchange in self._running:
            begun = exchange.begun
            is_theirs = (begun.user_id, begun.provider_name) == (thing.user_id, thing.provider)
            if is_theirs and _response_id(exchange) == id_:
                return _interception_id(begun)
        return None

    def _remember(self, thing: _Thing, interception_id: str) -> None:
        self._makers.pop(thing, None)
        self._makers[thing] = _Maker(interception_id, time.monotonic() + REMEMBERED_SECONDS)
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


def _response_id(exchange: Exchange) -> str:
    """Return the id of the response that a call makes; empty where that cannot be seen."""
    found = _CREATED.match(exchange.beginning)
    return found[1].decode("utf-8", "replace") if found is not None else ""


def _interception_id(begun: Begun) -> str:
    """Return the interception that a call's answer belongs to."""
    return begun.completes or begun.id


def _thing(call: Call, key: str) -> _Thing:
    return _Thing(call.person.user_id, call.target.provider.name, key)


def fetches_response(call: Call) -> bool:
    """Whether the answer to a call may say how a response ended."""
    route, method = call.route, call.request.method
    if route.stored is not Stored.RESPONSE:
        return False
    if route.path.endswith("/cancel"):
        return method == b"POST"
    return method == b"GET" and route.path.endswith(f"/{route.stored_id}")
