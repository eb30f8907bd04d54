"""What the gateway asks the database about budgets: allotments and prices, in a thread of its own.

One thread, so that what is given back and what is asked for come in the order in which they were
meant.
"""

import asyncio
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from aibridge.budgets.account_limits import limits_of
from aibridge.budgets.ledger import Balance, allot
from aibridge.budgets.price_book import LOOK_SECONDS, CurrentPrices
from aibridge.budgets.thresholds import Thresholds, note
from aibridge.gateway.request_cost import RequestCosts
from aibridge.ids import now
from aibridge.prices.installed import CatalogueError, installed_catalogue
from aibridge.store.engine.database import Database
from aibridge.store.engine.errors import DRIVER_ERRORS
from aibridge.store.schema.accounts import parse_name
from aibridge.store.usage import allotments
from aibridge.store.usage.allotments import Holder

ASK_SECONDS = 5.0
"""How long the database may take."""
LOCK_SECONDS = 2.0
MAX_WAITING = 1_000
"""Questions that wait for the thread at most; what is no longer waited for is not asked."""
CALL_IN_SECONDS = 1.0
"""How often other processes are asked to give back at most what lies idle."""

_TROUBLE: tuple[type[Exception], ...] = (TimeoutError, CatalogueError, *DRIVER_ERRORS)
T = TypeVar("T")


class BudgetsUnavailable(Exception):
    """The database did not say what may be spent. This is our trouble, not a spent budget."""


class BudgetStore:
    """Asks the database for one gateway process. Each question raises `BudgetsUnavailable`."""

    def __init__(
        self,
        database: Database,
        holder: Holder,
        catalogue: Path,
        geographies: Mapping[str, str],
        thresholds: Thresholds,
    ) -> None:
        self._thresholds = thresholds
        self._database = database
        self._holder = holder
        self._catalogue = catalogue
        self._geographies = geographies
        self._thread = ThreadPoolExecutor(1, "budgets")
        self._jobs: set[Future[Any]] = set()
        """What is asked, and not answered yet."""
        self._prices: CurrentPrices | None = None
        self._costs: RequestCosts | None = None
        self._look_at = 0.0
        self._call_in_at = 0.0

    async def costs(self) -> RequestCosts:
        """Return what says what requests can cost, by the prices of the last seconds."""
        costs = self._costs
        if costs is None or time.monotonic() >= self._look_at:
            return await self._in_thread(self._look)
        return costs

    async def allot(self, account: str, reserved: int, wanted: list[int]) -> Balance:
        """Allot this process what requests want of an account, beside what is reserved."""
        return await self._in_thread(partial(self._allot, account, reserved, wanted))

    async def put(self, micros: Mapping[str, int]) -> None:
        """Have so much allotted to accounts."""
        await self._in_thread(partial(self._put, micros))

    def close(self, micros: Mapping[str, int]) -> None:
        """Leave so much allotted to accounts, and ask no more."""
        for job in list(self._jobs):
            job.cancel()
        if micros:
            self._thread.submit(self._put, micros)
        self._thread.shutdown(wait=True)

    def _look(self) -> RequestCosts:
        if self._prices is None:
            self._prices = CurrentPrices(self._database, installed_catalogue(self._catalogue))
        book = self._prices.book()
        self._look_at = time.monotonic() + LOOK_SECONDS
        if self._costs is None or self._costs.book is not book:
            self._costs = RequestCosts(book, self._geographies)
        return self._costs

    def _allot(self, account: str, reserved: int, wanted: list[int]) -> Balance:
        self._look()
        with self._database.write_beside(lock_seconds=LOCK_SECONDS) as connection:
            at = now()
            balance = allot(
                connection, account, self._holder, reserved=reserved, wanted=wanted, at=at
            )
            note(connection, account, balance.limits, self._thresholds, at)
            is_called_in = balance.is_short and time.monotonic() >= self._call_in_at
            if is_called_in:
                self._call_in_at = time.monotonic() + CALL_IN_SECONDS
                allotments.call_in(connection)
        if is_called_in and self._database.changes is not None:
            self._database.changes.note()
        return balance

    def _put(self, micros: Mapping[str, int]) -> None:
        at = now()
        expires_at = at + allotments.EXPIRES_AFTER
        with self._database.write_beside(lock_seconds=LOCK_SECONDS) as connection:
            for account, its_own in sorted(micros.items()):
                allotments.put(connection, account, self._holder, its_own, expires_at)
                limits, _ = limits_of(connection, parse_name(account), at)
                note(connection, account, limits, self._thresholds, at)

    async def _in_thread(self, work: Callable[[], T]) -> T:
        if len(self._jobs) >= MAX_WAITING:
            raise BudgetsUnavailable("too much is asked of the database of budgets")
        job = self._thread.submit(work)
        self._jobs.add(job)
        job.add_done_callback(self._jobs.discard)
        try:
            return await asyncio.wait_for(asyncio.wrap_future(job), ASK_SECONDS)
        except _TROUBLE as error:
            raise BudgetsUnavailable("the database of budgets does not answer") from error
