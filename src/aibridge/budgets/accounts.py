"""The accounts of a gateway process: what it may spend for users with a limit, in memory.

A request reserves what it can cost at most of what the process is allotted. Where that does not do
the database is asked for more, once for all requests of the user that wait. A reservation is given
up when the keeper has written the call's cost, which then counts instead.
"""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable
from typing import NamedTuple

from aibridge.budgets.effective import EffectiveBudget
from aibridge.budgets.ledger import Standing
from aibridge.budgets.spend import UNLIMITED
from aibridge.ids import now
from aibridge.store.usage.allotments import EXPIRES_AFTER

FRESH_SECONDS = 60.0
"""How long a user's limit is taken for what it was, be it that no change is heard of."""
IDLE_SECONDS = 60.0
"""How long what is allotted to a user may lie idle, unless other processes need it."""


class Reservation(NamedTuple):
    """What a call can cost at most, in micro-dollars, held of a user's account."""

    account: "Account"
    micros: int


class OverLimit(Exception):
    """A request does not fit into what is left of a limit.

    ``waits`` says that it may once calls under way have ended: what they can cost is held for them.
    """

    def __init__(self, standing: Standing, micros: int, reserved: int) -> None:
        super().__init__("over the limit")
        self.standing = standing
        self.micros = micros
        self.reserved = reserved
        limit = standing.budget.spend_limit_micros or 0
        self.waits = standing.spent + max(micros, 1) <= limit


SETTLING_SECONDS = 1.0
"""How long a request waits for what is held for calls that have ended, and are not written yet."""
AGAIN_SECONDS = 0.05

UNKNOWN = -1
"""Stands for what the database has of an account where that is not known."""

Ask = Callable[[str, int, list[int]], Awaitable[Standing]]
"""Allots more to this process: given a user's id, what is reserved, and what requests want."""


class _Waiting(NamedTuple):
    micros: int
    done: "asyncio.Future[Reservation]"


class Account:
    """What this process may spend for a user."""

    __slots__ = (
        "allotted",
        "asked_at",
        "asking",
        "news",
        "reserved",
        "row",
        "row_at",
        "settled",
        "standing",
        "used_at",
        "waiting",
    )

    def __init__(self) -> None:
        self.standing: Standing | None = None
        """How the user stood when the database was asked last."""
        self.allotted = 0
        """What may be spent, without what was held for calls whose cost is on record by now."""
        self.reserved = 0
        """How much of what is allotted is held for calls."""
        self.settled = 0
        """What was given up since the database was asked last."""
        self.row = 0
        """What the database has as allotted, which is never less."""
        self.row_at = 0
        self.used_at = 0.0
        """When anything was reserved last."""
        self.news: object = None
        self.asked_at = 0.0
        self.asking: asyncio.Task[None] | None = None
        self.waiting: deque[_Waiting] = deque()

    @property
    def remaining(self) -> int:
        """What is left of the limit, as far as this process knows."""
        standing = self.standing
        if standing is None or standing.room is None:
            return 0
        return max(0, standing.room - self.settled - self.reserved)

    @property
    def budget(self) -> EffectiveBudget:
        """What applies to the user, by what was last asked for."""
        return UNLIMITED if self.standing is None else self.standing.budget

    @property
    def has_limit(self) -> bool:
        """Whether anything limits the user."""
        return self.standing is not None and self.standing.room is not None

    def refuse_spent(self, micros: int) -> None:
        """Raise `OverLimit` where too much is spent, which does not become less."""
        if self.standing is not None and self.has_limit:
            over = OverLimit(self.standing, micros, self.reserved)
            if not over.waits:
                raise over

    def hold(self, micros: int) -> Reservation:
        """Hold a part of what is allotted, which is at least as much where there is a limit."""
        if not self.has_limit:
            self.allotted += micros
        self.reserved += micros
        self.used_at = time.monotonic()
        return Reservation(self, micros)

    def give_up(self, micros: int) -> None:
        """Hold so much no more: the call's cost, if there is any, is on record instead."""
        self.reserved -= micros
        self.allotted -= micros
        self.settled += micros

    def forget(self) -> None:
        """Take nothing for known any more: what was asked for may yet be written, or not."""
        self.standing = None
        self.row = UNKNOWN

    def fits(self, micros: int) -> bool:
        """Say whether a request may be made by what is known."""
        standing = self.standing
        if standing is None:
            return False
        if standing.room is None:
            return True
        limit = standing.budget.spend_limit_micros or 0
        is_left = standing.spent + max(micros, 1) <= limit
        return is_left and self.reserved + micros <= self.allotted


class Accounts:
    """The accounts of all users with a limit. Belongs to an event loop.

    ``news`` returns another object after each change of limits that was heard of, ``position`` up
    to where the keeper has written the process's journal, and ``clock`` the time in microseconds.
    How a user stands is asked anew after ``fresh_seconds``.
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

    async def reserve(self, user_id: str, micros: int) -> Reservation:
        """Hold what a call of a user can cost at most. Raises `OverLimit`, or as `Ask` does.

        What is held for calls that have ended is waited for: the keeper is about to write them.
        """
        until = time.monotonic() + SETTLING_SECONDS
        while True:
            try:
                return await self._reserve(user_id, micros)
            except OverLimit as over:
                if not (over.waits and self._may_settle(user_id) and time.monotonic() < until):
                    raise
            await asyncio.sleep(AGAIN_SECONDS)

    def _may_settle(self, user_id: str) -> bool:
        """Say whether anything is given up soon, or was while the database was asked."""
        account = self._accounts.get(user_id)
        if account is None or account.settled:
            return True
        return any(reservation.account is account for _, reservation in self._settling)

    async def _reserve(self, user_id: str, micros: int) -> Reservation:
        self.give_up_written()
        account = self._accounts.get(user_id)
        if account is None:
            account = self._accounts[user_id] = Account()
        if account.asking is None and self._is_fresh(account):
            if account.fits(micros):
                return account.hold(micros)
            account.refuse_spent(micros)
        waiting = _Waiting(micros, asyncio.get_running_loop().create_future())
        account.waiting.append(waiting)
        if account.asking is None:
            account.asking = asyncio.create_task(self._serve(user_id, account))
        return await self._held(waiting)

    def settle(self, reservation: Reservation, position: int) -> None:
        """Hold a reservation until the keeper has written what stands before a position."""
        self._settling.append((position, reservation))

    def give_up(self, reservation: Reservation) -> None:
        """Give up a reservation: its call costs nothing, or its cost is on record."""
        reservation.account.give_up(reservation.micros)

    def give_up_written(self) -> None:
        """Give up the reservations of calls whose cost is on record."""
        if not self._settling:
            return
        position = self._position()
        while self._settling and self._settling[0][0] <= position:
            self.give_up(self._settling.popleft()[1])

    def due(self) -> dict[str, int]:
        """Return what is to stand in the database as allotted to users, where that is due.

        What lies idle is given back, at once where anything was heard: others may need it. What is
        held for long is said again before it expires. Who has nothing allotted is forgotten.
        """
        self.give_up_written()
        found = {}
        for user_id, account in list(self._accounts.items()):
            if account.asking is not None:
                continue
            is_idle = time.monotonic() - account.used_at >= IDLE_SECONDS
            is_idle = is_idle or account.news != self._news()
            if is_idle:
                account.allotted = account.reserved
            is_old = self._clock() - account.row_at > EXPIRES_AFTER // 2
            is_due = account.allotted != account.row and is_idle
            if is_due or (account.row and is_old):
                account.row, account.row_at = account.allotted, self._clock()
                found[user_id] = account.row
            if is_idle and not account.row:
                del self._accounts[user_id]
        return found

    @property
    def reserved(self) -> dict[str, int]:
        """What is reserved, by users."""
        return {user_id: each.reserved for user_id, each in self._accounts.items()}

    def _is_fresh(self, account: Account) -> bool:
        is_recent = time.monotonic() - account.asked_at < self._fresh_seconds
        standing = account.standing
        if standing is None or not is_recent or account.news != self._news():
            return False
        return standing.period.start <= self._clock() < standing.period.end

    async def _held(self, waiting: _Waiting) -> Reservation:
        """Return what a request that waits is given; it may be cancelled meanwhile."""
        try:
            return await asyncio.shield(waiting.done)
        except asyncio.CancelledError:
            waiting.done.add_done_callback(self._not_wanted)
            raise

    def _not_wanted(self, done: "asyncio.Future[Reservation]") -> None:
        if not done.cancelled() and done.exception() is None:
            self.give_up(done.result())

    async def _serve(self, user_id: str, account: Account) -> None:
        """Ask for more until nobody waits."""
        try:
            while account.waiting:
                asked = len(account.waiting)
                await self._ask_for_more(user_id, account)
                self._hand_out(account, asked)
        except Exception as error:  # noqa: BLE001 - those who wait have to learn it
            account.forget()
            while account.waiting:
                _fail(account.waiting.popleft(), error)
        finally:
            account.asking = None

    async def _ask_for_more(self, user_id: str, account: Account) -> None:
        news, at, reserved = self._news(), time.monotonic(), account.reserved
        wanted = [each.micros for each in account.waiting]
        standing = await self._ask(user_id, reserved, wanted)
        self.give_up_written()
        account.settled = reserved - account.reserved  # meanwhile
        account.standing, account.allotted = standing, standing.allotted - account.settled
        account.row, account.row_at = standing.allotted, self._clock()
        account.news, account.asked_at = news, at

    def _hand_out(self, account: Account, asked: int) -> None:
        """Give those who wait what fits, in their order; refuse who was asked for in vain."""
        for _ in range(len(account.waiting)):
            waiting = account.waiting.popleft()
            if account.fits(waiting.micros):
                waiting.done.set_result(account.hold(waiting.micros))
            elif asked > 0:
                assert account.standing is not None  # noqa: S101 - it was just asked for
                _fail(waiting, OverLimit(account.standing, waiting.micros, account.reserved))
            else:
                account.waiting.append(waiting)
            asked -= 1


def _fail(waiting: _Waiting, error: Exception) -> None:
    waiting.done.set_exception(error)
    waiting.done.exception()  # who asked may have left: that is no warning
