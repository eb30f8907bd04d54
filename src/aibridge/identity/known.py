"""Known tokens: what PostgreSQL said of them, kept for as long as it tells of every change.

A look-up takes a thread and a round trip, and during an outage there is none. So what was found is
kept, and PostgreSQL notifies every server of what changes (`aibridge.store.servers`). Who is heard
of no more is asked again; only where that fails, what was known goes on for a bounded time.
"""

import asyncio
import math
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import NamedTuple

from aibridge.store.grants import Grant, Grants
from aibridge.store.trouble import DRIVER_ERRORS

FRESH_SECONDS = 60.0
"""How long an answer is good without asking again, be it that no change was heard of."""
DEAF_SECONDS = 10.0
"""After how much silence changes may have been missed."""
LOOK_UP_SECONDS = 1.0
"""How long a look-up may take; a server that stalls answers none."""
AGAIN_SECONDS = 1.0
"""How long after a look-up that failed those who are known are served without trying another."""
MAX_KNOWN = 50_000
MAX_ASKED = 1_000

_USER = 4
"""Where a grant has its user's id."""


class IdentityUnavailable(Exception):
    """The database did not say who is calling. This is our trouble, not a refused token."""


class _Known(NamedTuple):
    grant: Grant
    at: float
    news: object


class KnownTokens:
    """The grants of tokens by their ids. Belongs to the event loop's thread.

    ``outage_seconds`` is how long a token goes on working that the database is not there to ask
    about, from when it was last heard of.
    """

    def __init__(self, grants: Grants, outage_seconds: float) -> None:
        self._grants = grants
        self._outage_seconds = outage_seconds
        self._known: dict[str, _Known] = {}
        self._asked: dict[str, asyncio.Task[Grant | None]] = {}
        self._thread = ThreadPoolExecutor(1, "tokens")
        self._stuck: asyncio.Future[Grant | None] | None = None
        self._news = object()
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
        """From now on every change is heard of; those before may not have been."""
        self._known.clear()
        self.change()
        self.hear()

    def hear(self, news: str = "") -> None:
        """Know that the line to the database works, and what it says: ``token ID``, ``user ID``."""
        self._heard_at = time.monotonic()
        what, _, id_ = news.partition(" ")
        if what == "token":
            self.change()
            self._known.pop(id_, None)
        elif what == "user":
            self.change()
            for token_id in [t for t, known in self._known.items() if known.grant[_USER] == id_]:
                del self._known[token_id]

    def change(self) -> None:
        """Ask anew about everybody: something has changed, or may have. For any thread."""
        self._news = object()

    def close(self) -> None:
        """Give up the database connection; a later call opens another."""
        closing = self._thread.submit(self._grants.close)
        with suppress(TimeoutError):  # it stalls, and goes with the process
            closing.result(LOOK_UP_SECONDS)

    def _is_good(self, known: _Known) -> bool:
        now = time.monotonic()
        if now - self._failed_at < AGAIN_SECONDS:
            return self._may_go_on(known)
        hears = now - self._heard_at < DEAF_SECONDS
        return hears and known.news is self._news and now - known.at < FRESH_SECONDS

    def _may_go_on(self, known: _Known) -> bool:
        return time.monotonic() - max(known.at, self._heard_at) < self._outage_seconds

    async def _ask(self, token_id: str) -> Grant | None:
        asked = self._asked.get(token_id)
        if asked is None:
            if len(self._asked) >= MAX_ASKED or (self._stuck and not self._stuck.done()):
                raise IdentityUnavailable("the database of users does not answer")
            asked = self._asked[token_id] = asyncio.create_task(self._look_up(token_id))
            asked.add_done_callback(lambda task: self._answered(token_id, task))
        return await asyncio.shield(asked)  # others may wait for it too

    def _answered(self, token_id: str, task: "asyncio.Task[Grant | None]") -> None:
        del self._asked[token_id]
        if not task.cancelled():
            task.exception()  # who asked may have left: that is no warning

    async def _look_up(self, token_id: str) -> Grant | None:
        news = self._news
        loop = asyncio.get_running_loop()
        work = loop.run_in_executor(self._thread, self._grants.find, token_id)
        await asyncio.wait([work], timeout=LOOK_UP_SECONDS)
        if not work.done():
            self._stuck = work
            self._grants.break_off()
            raise self._failed()
        try:
            grant = work.result()
        except DRIVER_ERRORS as error:
            raise self._failed() from error
        self._failed_at = -math.inf
        self._keep(token_id, grant, news)
        return grant

    def _failed(self) -> IdentityUnavailable:
        self._failed_at = time.monotonic()
        return IdentityUnavailable("the database of users does not answer")

    def _keep(self, token_id: str, grant: Grant | None, news: object) -> None:
        self._known.pop(token_id, None)
        if grant is not None and news is self._news:
            if len(self._known) >= MAX_KNOWN:
                del self._known[next(iter(self._known))]
            self._known[token_id] = _Known(grant, time.monotonic(), news)
