"""The accounts of a gateway process: what it may spend within limits, in memory.

A request reserves what it can cost at most of what the process is allotted. Where that does not do
the database is asked for more, once for all requests that wait. A reservation is given
up when the keeper has written the call's cost, which then counts instead.
"""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Iterable

from aibridge.budgets.account import UNKNOWN, Account, OverLimit, Reservation, Waiting
from aibridge.budgets.ledger import Balance
from aibridge.ids import now
from aibridge.store.usage.allotments import EXPIRES_AFTER

FRESH_SECONDS = 60.0
"""How long a limit is taken for what it was, be it that no change is heard of."""
IDLE_SECONDS = 60.0
"""How long what is allotted to an account may lie idle, unless other processes need it."""
SETTLING_SECONDS = 1.0
"""How long a request waits for what is held for calls that have ended, and are not written yet."""
AGAIN_SECONDS = 0.05

Ask = Callable[[str, int, list[int]], Awaitable[Balance]]
"""Allots more to this process: given an account, what is reserved, and what requests want."""


class Accounts:
    """The accounts of all that has a limit. Belongs to an event loop.

    ``news`` returns another object after each change of limits that was heard of, ``position`` up
    to where the keeper has written the process's journal, and ``clock`` the time in microseconds.
    How an account stands is asked anew after ``fresh_seconds``.
    """

    def __init__(
        self,
        ask: Ask,
        news: Callable[[], object],
        position: Callable[[], int],
        clock: Callable[[], int] = now,
        fresh_seconds: float = FRESH_SECONDS,
    ) -> None:
        self._fresh_seconds = fresh_seconds
        self._clock = clock
        self._ask = ask
        self._news = news
        self._position = position
        self._accounts: dict[str, Account] = {}
        self._settling: deque[tuple[int, Reservation]] = deque()

    async def reserve(self, name: str, micros: int) -> Reservation:
        """Hold what a call can cost at most, of an account. Raises `OverLimit`, or as `Ask` does.

        What is held for calls that have ended is waited for: the keeper is about to write them.
        """
        until = time.monotonic() + SETTLING_SECONDS
        while True:
            try:
                return await self._reserve(name, micros)
            except OverLimit as over:
                if not (over.waits and self._may_settle(name) and time.monotonic() < until):
                    raise
            await asyncio.sleep(AGAIN_SECONDS)

    def _may_settle(self, name: str) -> bool:
        """Say whether anything is given up soon, or was while the database was asked."""
        account = self._accounts.get(name)
        return account is None or account.settled > 0 or account.settling > 0

    async def _reserve(self, name: str, micros: int) -> Reservation:
        self.give_up_written()
        account = self._accounts.get(name)
        if account is None:
            account = self._accounts[name] = Account(name)
        if account.asking is None and self._is_fresh(account):
            if account.fits(micros):
                return account.hold(micros)
            account.refuse_spent(micros)
        waiting = Waiting(micros, asyncio.get_running_loop().create_future())
        account.waiting.append(waiting)
        if account.asking is None:
            account.asking = asyncio.create_task(self._serve(account))
        return await self._held(waiting)

    def settle(self, reservation: Reservation, position: int) -> None:
        """Hold a reservation until the keeper has written what stands before a position."""
        self._settling.append((position, reservation))
        reservation.account.settling += 1

    def give_up(self, reservation: Reservation) -> None:
        """Give up a reservation: its call costs nothing, or its cost is on record."""
        reservation.account.give_up(reservation.micros)

    def give_up_written(self) -> None:
        """Give up the reservations of calls whose cost is on record."""
        if not self._settling:
            return
        position = self._position()
        while self._settling and self._settling[0][0] <= position:
            _, reservation = self._settling.popleft()
            reservation.account.settling -= 1
            self.give_up(reservation)

    def due(self) -> dict[str, int]:
        """Return what is to stand in the database as allotted to accounts, where that is due.

        What lies idle is given back, at once where anything was heard: others may need it. What is
        held for long is said again before it expires. One that has nothing allotted is forgotten.
        """
        self.give_up_written()
        found = {}
        for name, account in list(self._accounts.items()):
            if account.asking is not None:
                continue
            is_idle = time.monotonic() - account.used_at >= IDLE_SECONDS
            is_idle = is_idle or account.news != self._news()
            if is_idle:
                account.allotted = account.reserved
            is_old = self._clock() - account.row_at > EXPIRES_AFTER // 2
            is_due = is_idle and (account.allotted != account.row or account.was_used)
            if is_due or (account.row and is_old):
                account.row, account.row_at = account.allotted, self._clock()
                account.was_used = False
                found[name] = account.row
            if is_idle and not (account.row or account.calls or name in found):
                del self._accounts[name]
        return found

    def not_written(self, names: Iterable[str]) -> None:
        """Take in that what was due does not stand in the database, or that nobody knows."""
        for name in names:
            if (account := self._accounts.get(name)) is not None:
                account.row = UNKNOWN

    @property
    def reserved(self) -> dict[str, int]:
        """What is reserved, by accounts."""
        return {name: each.reserved for name, each in self._accounts.items()}

    def _is_fresh(self, account: Account) -> bool:
        is_recent = time.monotonic() - account.asked_at < self._fresh_seconds
        balance = account.balance
        if balance is None or not is_recent or account.news != self._news():
            return False
        return balance.is_of(self._clock())

    async def _held(self, waiting: Waiting) -> Reservation:
        """Return what a request that waits is given; it may be cancelled meanwhile."""
        try:
            return await asyncio.shield(waiting.done)
        except asyncio.CancelledError:
            waiting.done.add_done_callback(self._not_wanted)
            raise

    def _not_wanted(self, done: "asyncio.Future[Reservation]") -> None:
        if not done.cancelled() and done.exception() is None:
            self.give_up(done.result())

    async def _serve(self, account: Account) -> None:
        """Ask for more until nobody waits."""
        try:
            while account.waiting:
                asked = len(account.waiting)
                await self._ask_for_more(account)
                self._hand_out(account, asked)
        except Exception as error:  # noqa: BLE001 - those who wait have to learn it
            account.forget()
            while account.waiting:
                _fail(account.waiting.popleft(), error)
        finally:
            account.asking = None

    async def _ask_for_more(self, account: Account) -> None:
        news, at, reserved = self._news(), time.monotonic(), account.reserved
        wanted = [each.micros for each in account.waiting]
        balance = await self._ask(account.name, reserved, wanted)
        self.give_up_written()
        account.settled = reserved - account.reserved  # meanwhile
        account.balance, account.allotted = balance, balance.allotted - account.settled
        account.row, account.row_at = balance.allotted, self._clock()
        account.news, account.asked_at = news, at

    def _hand_out(self, account: Account, asked: int) -> None:
        """Give those who wait what fits, in their order; refuse who was asked for in vain."""
        for _ in range(len(account.waiting)):
            waiting = account.waiting.popleft()
            if account.fits(waiting.micros):
                waiting.done.set_result(account.hold(waiting.micros))
            elif asked > 0:
                _fail(waiting, account.over(waiting.micros))
            else:
                account.waiting.append(waiting)
            asked -= 1


def _fail(waiting: Waiting, error: Exception) -> None:
    waiting.done.set_exception(error)
    waiting.done.exception()  # who asked may have left: that is no warning
