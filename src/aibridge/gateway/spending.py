"""Keeping what calls spend within limits: each reserves the most that it can cost.

It is about calls with a configured key: what somebody's own key is charged is nobody else's.
"""

import asyncio
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Literal, TypeVar

import structlog

from aibridge.budgets.accounts import FRESH_SECONDS, Accounts, OverLimit, Reservation
from aibridge.budgets.ledger import Standing, allot
from aibridge.budgets.money import dollars
from aibridge.budgets.price_book import CurrentPrices
from aibridge.dialects.bounds import Buffer
from aibridge.dialects.demand import Demand, demand
from aibridge.dialects.encoding import Undecodable, decode
from aibridge.gateway.call import Call
from aibridge.gateway.large import LargeReads
from aibridge.gateway.refusal import Refusal
from aibridge.ids import moment, now
from aibridge.prices import bound
from aibridge.prices.book import Call as Priced
from aibridge.prices.book import PriceBook
from aibridge.prices.cost import Cost, Unpriced
from aibridge.prices.installed import CatalogueError, installed_catalogue
from aibridge.reading.weight import weight_of
from aibridge.store.engine.database import Database
from aibridge.store.engine.errors import DRIVER_ERRORS
from aibridge.store.people.groups import EVERYONE
from aibridge.store.usage import allotments
from aibridge.store.usage.allotments import Holder

LOOK_SECONDS = 1.0
"""How often it is looked what lies idle: others may need it."""
CHECKED_SECONDS = 1.0
"""How old what was spent may be by which calls are let begin that reserve nothing."""
ASK_SECONDS = 5.0
"""How long the database may take."""
LOCK_SECONDS = 2.0
CALL_IN_SECONDS = 1.0
"""How often other processes are asked to give back at most what lies idle."""
RETRY_SECONDS = 5
"""When a client may try again whose calls under way leave no room for another."""
REMAINING = b"x-ai-bridge-budget-remaining-micros"
RATIO = bound.Ratio(1, 2)
"""Tokens that a request's bytes are taken for: agents send 3 to 4 bytes a token."""
UNREADABLE = "AI Bridge cannot read the model of this request, which a budget depends on."

Mode = Literal["reserve", "check", "observe"]
_TROUBLE: tuple[type[Exception], ...] = (TimeoutError, CatalogueError, *DRIVER_ERRORS)
T = TypeVar("T")

_log = structlog.get_logger()


class BudgetsUnavailable(Exception):
    """The database did not say what may be spent. This is our trouble, not a spent budget."""


@dataclass(frozen=True, slots=True)
class SpendingRules:
    """How limits are kept.

    To ``reserve`` is to let no call begin whose cost may not fit; to ``check`` lets calls begin
    while anything is left; to ``observe`` refuses none, and logs what would have been.
    ``refuse_unpriced`` is whether calls are refused whose cost nobody knows.
    """

    mode: Mode = "reserve"
    refuse_unpriced: bool = True
    max_body_bytes: int = 32 << 20


class Spending:
    """Admits calls of users with a limit. Belongs to an event loop; a thread asks the database."""

    def __init__(
        self,
        database: Database,
        holder: Holder,
        rules: SpendingRules,
        *,
        catalogue: Path,
        geographies: Mapping[str, str],
        news: Callable[[], object],
        position: Callable[[], int],
    ) -> None:
        self._database = database
        self._holder = holder
        self._rules = rules
        self._catalogue = catalogue
        self._geographies = geographies
        self._prices: CurrentPrices | None = None
        self._book: PriceBook | None = None
        self._thread = ThreadPoolExecutor(1, "budgets")
        fresh = CHECKED_SECONDS if rules.mode == "check" else FRESH_SECONDS
        self._accounts = Accounts(self._ask, news, position, fresh_seconds=fresh)
        self._call_in_at = 0.0
        self._under_way: dict[int, Reservation] = {}

    async def admit(self, call: Call, reads: LargeReads) -> None:
        """Reserve what a call can cost at most; say on it whom it is charged to.

        Raises `Refusal`, or `BudgetsUnavailable`.
        """
        if not call.is_centralized:
            return
        if not call.person.is_limited:
            call.group_id = EVERYONE
            return
        micros = await self._most(call, reads)
        try:
            call.reservation = await self._accounts.reserve(call.person.user_id, micros)
        except OverLimit as over:
            if self._rules.mode != "observe":
                raise self._refusal(over) from over
            _log.warning("budget_would_refuse", user=call.person.username, micros=micros)
            call.group_id = over.standing.budget.group_id
            return
        account = call.reservation.account
        assert account.standing is not None  # noqa: S101 - it was reserved by that
        call.group_id = account.standing.budget.group_id
        if account.has_limit:
            call.answer_headers = ((REMAINING, b"%d" % account.remaining),)

    def begin(self, number: int, call: Call) -> None:
        """Hold a call's reservation, by its number in the log."""
        if call.reservation is not None:
            self._under_way[number] = call.reservation
            call.reservation = None

    def end(self, number: int, position: int) -> None:
        """Take in where the end of a call stands in the log."""
        if (reservation := self._under_way.pop(number, None)) is not None:
            self._accounts.settle(reservation, position)

    def let_go(self, call: Call) -> None:
        """Give up the reservation of a call that was not begun."""
        if call.reservation is not None:
            self._accounts.give_up(call.reservation)
            call.reservation = None

    async def look_after(self) -> None:
        """Give back now and then what lies idle, and keep what is held, until cancelled."""
        with suppress(asyncio.CancelledError):
            while True:
                await asyncio.sleep(LOOK_SECONDS)
                if due := self._accounts.due():
                    await self._write(due)

    def close(self) -> None:
        """Give back all but what is reserved, and ask no more."""
        if left := self._accounts.reserved:
            self._thread.submit(self._put, left)
        self._thread.shutdown(wait=True)

    async def _most(self, call: Call, reads: LargeReads) -> int:
        """Return the most that a call can cost. Raises `Refusal` where that is not known."""
        compressed = b"content-encoding" in call.request.headers
        weight = weight_of(len(call.body), compressed=compressed)
        asked, size = await reads.call(call.person.user_id, weight, self._read, call)
        if asked is None:
            raise Refusal(400, UNREADABLE)
        book = self._book
        if book is None:
            book = await self._in_thread(self._look)
        cost = self._bound(book, call, asked, size)
        if not isinstance(cost, Unpriced):
            return cost.micros if self._rules.mode == "reserve" else 0
        if self._rules.refuse_unpriced and self._rules.mode != "observe":
            parts = ", ".join(cost.parts)
            raise Refusal(
                403,
                f"AI Bridge does not know what this request may cost ({parts}), and you have a "
                "budget. Please use another model, or ask an administrator to set its price.",
            )
        return cost.at_least if self._rules.mode == "reserve" else 0

    def _read(self, call: Call) -> tuple[Demand | None, int]:
        body: Buffer = call.body
        if encoding := call.request.headers.get(b"content-encoding"):
            try:
                body = decode(body, encoding, self._rules.max_body_bytes)
            except Undecodable:
                return None, 0
        return demand(body), len(body)

    def _bound(self, book: PriceBook, call: Call, asked: Demand, size: int) -> Cost:
        provider = call.target.provider
        geography = self._geographies.get(provider.name, "")
        today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        price = book.find(
            Priced(
                provider.type.name,
                (asked.model,),
                today,
                asked.service_tier,
                asked.speed,
                geography,
            )
        )
        if isinstance(price, Unpriced):
            return price
        window = book.context_window(provider.type.name, asked.model)
        wanted = bound.Demand(
            body_bytes=size,
            max_output=asked.max_output,
            answers=asked.answers,
            refers=asked.refers,
        )
        return bound.upper_bound(price, wanted, window=window, ratio=RATIO)

    def _refusal(self, over: OverLimit) -> Refusal:
        """Say that a budget does not do, with all that there is to know of it."""
        standing = over.standing
        limit, ends = standing.budget.spend_limit_micros or 0, moment(standing.period.end)
        remaining = max(0, limit - standing.spent - standing.others - over.reserved)
        headers = ((REMAINING, b"%d" % remaining),)
        costs = f"this request may cost up to US{dollars(over.micros)}"
        if over.waits:
            held = f"US{dollars(standing.others + over.reserved)}"
            text = (
                f"AI budget of US{dollars(limit)}: {held} of it is held for calls under way, and "
                f"{costs}. Please try again when they have ended."
            )
            wait = (b"retry-after", b"%d" % RETRY_SECONDS)
            return Refusal(429, text, headers=(*headers, wait))
        text = (
            f"AI budget of US{dollars(limit)} exceeded: US{dollars(standing.spent)} is spent, and "
            f"{costs}. It is for a month, and begins anew on {ends:%Y-%m-%d} (UTC). "
            "Please contact an administrator for more details."
        )
        return Refusal(403, text, headers=headers)

    async def _ask(self, user_id: str, reserved: int, wanted: int) -> Standing:
        return await self._in_thread(partial(self._allot, user_id, reserved, wanted))

    def _allot(self, user_id: str, reserved: int, wanted: int) -> Standing:
        self._look()
        with self._database.write_beside(lock_seconds=LOCK_SECONDS) as connection:
            standing = allot(
                connection, user_id, self._holder, reserved=reserved, wanted=wanted, at=now()
            )
            is_called_in = standing.is_short and time.monotonic() >= self._call_in_at
            if is_called_in:
                self._call_in_at = time.monotonic() + CALL_IN_SECONDS
                allotments.call_in(connection)
        if is_called_in and self._database.changes is not None:
            self._database.changes.note()
        return standing

    def _look(self) -> PriceBook:
        """Return the prices of now; for the thread. Raises `CatalogueError`."""
        if self._prices is None:
            self._prices = CurrentPrices(self._database, installed_catalogue(self._catalogue))
        book = self._book = self._prices.book()
        return book

    async def _write(self, due: Mapping[str, int]) -> None:
        try:
            await self._in_thread(partial(self._put, due))
        except BudgetsUnavailable as error:
            _log.warning("allotments_not_written", error=str(error))

    def _put(self, due: Mapping[str, int]) -> None:
        """Have so much allotted of the limits of users; for the thread."""
        expires_at = now() + allotments.EXPIRES_AFTER
        with self._database.write_beside(lock_seconds=LOCK_SECONDS) as connection:
            for user_id, micros in sorted(due.items()):
                allotments.put(connection, user_id, self._holder, micros, expires_at)

    async def _in_thread(self, work: Callable[[], T]) -> T:
        """Return what work in the thread returns. Raises `BudgetsUnavailable`."""
        job = asyncio.get_running_loop().run_in_executor(self._thread, work)
        job.add_done_callback(_seen)
        try:
            return await asyncio.wait_for(asyncio.shield(job), ASK_SECONDS)
        except _TROUBLE as error:
            raise BudgetsUnavailable("the database of budgets does not answer") from error


def _seen(job: "asyncio.Future[T]") -> None:
    """Take in how work ended that nobody may wait for any more."""
    if not job.cancelled():
        job.exception()
