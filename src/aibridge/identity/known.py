"""Known tokens: what PostgreSQL said of them, kept for as long as it tells of every change.

A look-up takes a thread and a round trip, and during an outage there is none. So what was found is
kept, and PostgreSQL notifies every server of what changes (`aibridge.store.engine.servers`). Who is
heard of no more is asked again; only where that fails, what was known goes on for a bounded time.
"""

import asyncio
import math
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from itertools import islice
from typing import NamedTuple

from aibridge.store.engine.errors import DRIVER_ERRORS
from aibridge.store.people.grants import Grant, Grants

FRESH_SECONDS = 60.0
"""How long an answer is good without asking again, be it that no change was heard of."""
DEAF_SECONDS = 10.0
"""After how much silence changes may have been missed."""
LOOK_UP_SECONDS = 1.0
"""How long a look-up may take; a server that stalls answers none."""
AGAIN_SECONDS = 1.0
"""How long after a look-up that failed those who are known are served without trying another."""
MAX_KNOWN = 50_000
MAX_WAITING = 10_000
PORTION = 500
"""Tokens in one look-up."""

_USER = 4
"""Where a grant has its user's id."""


class IdentityUnavailable(Exception):
    """The database did not say who is calling. This is our trouble, not a refused token."""


class _Known(NamedTuple):
    grant: Grant
    at: float
    news: object


_Waiting = dict[str, "asyncio.Future[Grant | None]"]


class KnownTokens:
    """The grants of tokens by their ids. Belongs to the event loop's thread.

    ``outage_seconds`` is how long a token goes on working that the database is not there to ask
    about, from when it was last heard of.
    """

    def __init__(self, grants: Grants, outage_seconds: float) -> None:
        self._grants = grants
        self._outage_seconds = outage_seconds
        self._known: dict[str, _Known] = {}
        self._waiting: _Waiting = {}
        self._asking: asyncio.Task[None] | None = None
        self._thread = ThreadPoolExecutor(1, "tokens")
        self._stuck: asyncio.Future[dict[str, Grant]] | None = None
        self._news = object()
        self._hears = False
        self._heard_at = self._failed_at = -math.inf

    async def find(self, token_id: str) -> Grant | None:
        """Return the row of a token's id. Raises `IdentityUnavailable`."""
        known = self._known.get(token_id)
        if known is not None and self._is_good(known):
            return known.grant
        try:
            return await self._ask(token_id)
        except IdentityUnavailable:
            known = self._known.get(token_id)  # it may have been heard of meanwhile
            if known is not None and self._may_go_on(known):
                return known.grant
            raise

    def listen(self) -> None:
        """From now on every change is heard of; those before may not have been: ask of all."""
        self._hears = True
        self._heard_at = time.monotonic()
        self._news = object()
        for token_id in list(self._known):
            self._wait_for(token_id)

    @property
    def news(self) -> object:
        """What is another object after each change that was heard of."""
        return self._news

    def hear(self, news: str = "") -> None:
        """Know that the line to the database works, and what it says.

        That is ``token ID``, ``user ID`` or ``limits``.
        """
        self._heard_at = time.monotonic()
        if news:
            kind, _, id_ = news.partition(" ")
            self.forget(kind, id_)

    def deafen(self) -> None:
        """Know that the line is broken: nothing is heard of until `listen`."""
        self._hears = False

    def forget(self, kind: str, id_: str) -> None:
        """Evict a ``token``, or those of a ``user``; of all others ask again. For any thread."""
        self._news = object()
        if kind == "token":
            self._known.pop(id_, None)
        elif kind == "user":
            for token_id, known in list(self._known.items()):
                if known.grant[_USER] == id_:
                    self._known.pop(token_id, None)

    def close(self) -> None:
        """Give up the database connection; a later call opens another."""
        closing = self._thread.submit(self._grants.close)
        with suppress(TimeoutError):  # it stalls, and goes with the process
            closing.result(LOOK_UP_SECONDS)

    def _is_good(self, known: _Known) -> bool:
        now = time.monotonic()
        if now - self._failed_at < AGAIN_SECONDS:
            return self._may_go_on(known)
        hears = self._hears and now - self._heard_at < DEAF_SECONDS
        return hears and known.news is self._news and now - known.at < FRESH_SECONDS

    def _may_go_on(self, known: _Known) -> bool:
        return time.monotonic() - max(known.at, self._heard_at) < self._outage_seconds

    @property
    def _is_stuck(self) -> bool:
        """Whether a look-up that took too long has not come back yet."""
        return self._stuck is not None and not self._stuck.done()

    async def _ask(self, token_id: str) -> Grant | None:
        if self._is_stuck or len(self._waiting) >= MAX_WAITING:
            raise IdentityUnavailable("the database of users does not answer")
        return await asyncio.shield(self._wait_for(token_id))  # others may wait for it too

    def _wait_for(self, token_id: str) -> "asyncio.Future[Grant | None]":
        """Return what the next look-up will say: one under way may have missed a change."""
        found = self._waiting.get(token_id)
        if found is None:
            found = self._waiting[token_id] = asyncio.get_running_loop().create_future()
        if self._asking is None:
            self._asking = asyncio.create_task(self._ask_for_all())
        return found

    async def _ask_for_all(self) -> None:
        """Look up what is waited for, all at once, and what comes meanwhile after it."""
        try:
            while self._waiting:
                first = list(islice(self._waiting, PORTION))
                asked = {token_id: self._waiting.pop(token_id) for token_id in first}
                try:
                    grants = await self._look_up(list(asked))
                except IdentityUnavailable as error:
                    _fail(asked, error)
                else:
                    for token_id, waiting in asked.items():
                        if not waiting.done():
                            waiting.set_result(grants.get(token_id))
        finally:
            self._asking = None

    async def _look_up(self, token_ids: list[str]) -> dict[str, Grant]:
        if self._is_stuck:
            raise self._failed()
        news = self._news
        loop = asyncio.get_running_loop()
        work = loop.run_in_executor(self._thread, self._grants.find_many, token_ids)
        await asyncio.wait([work], timeout=LOOK_UP_SECONDS)
        if not work.done():
            self._stuck = work
            work.add_done_callback(lambda done: done.exception())  # nobody else asks for it
            self._grants.break_off()
            raise self._failed()
        try:
            grants = work.result()
        except DRIVER_ERRORS as error:
            raise self._failed() from error
        self._failed_at = -math.inf
        self._keep(token_ids, grants, news)
        return grants

    def _failed(self) -> IdentityUnavailable:
        self._failed_at = time.monotonic()
        return IdentityUnavailable("the database of users does not answer")

    def _keep(self, token_ids: list[str], grants: dict[str, Grant], news: object) -> None:
        """Know what was found, unless something has changed since it was asked for."""
        now = time.monotonic()
        for token_id in token_ids:
            grant = grants.get(token_id)
            if grant is None:
                self._known.pop(token_id, None)
            elif news is self._news:
                self._known[token_id] = _Known(grant, now, news)
        while len(self._known) > MAX_KNOWN:
            del self._known[next(iter(self._known))]


def _fail(asked: _Waiting, error: IdentityUnavailable) -> None:
    for waiting in asked.values():
        if not waiting.done():
            waiting.set_exception(error)
            waiting.exception()  # who asked may have left: that is no warning
