"""Keeping what calls spend within limits: each reserves the most that it can cost.

It is about calls with a configured key: what somebody's own key is charged is nobody else's.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal

import structlog

from aibridge.budgets.accounts import FRESH_SECONDS, Accounts, OverLimit, Reservation
from aibridge.budgets.money import dollars
from aibridge.gateway.budget_store import BudgetStore, BudgetsUnavailable
from aibridge.gateway.call import NO_USAGE, Call
from aibridge.gateway.large import LargeReads
from aibridge.gateway.refusal import Refusal
from aibridge.gateway.request_cost import read
from aibridge.ids import moment
from aibridge.prices.cost import Unpriced
from aibridge.reading.weight import weight_of
from aibridge.store.people.groups import EVERYONE

LOOK_SECONDS = 1.0
"""How often it is looked what lies idle: others may need it."""
CHECKED_SECONDS = 1.0
"""How old what was spent may be by which calls are let begin that reserve nothing."""
RETRY_SECONDS = 5
"""When a client may try again whose calls under way leave no room for another."""
REMAINING = b"x-ai-bridge-budget-remaining-micros"
_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class SpendingRules:
    """How limits are kept.

    To ``reserve`` is to let no call begin whose cost may not fit; to ``check`` lets calls begin
    while anything is left; to ``observe`` refuses none, and logs what would have been.
    ``refuse_unpriced`` is whether calls are refused whose cost nobody knows.
    """

    mode: Literal["reserve", "check", "observe"] = "reserve"
    refuse_unpriced: bool = True
    max_body_bytes: int = 32 << 20


class Spending:
    """Admits calls of users with a limit. Belongs to an event loop.

    ``news`` returns another object after each change of limits that was heard of, ``position`` up
    to where the keeper has written the process's journal.
    """

    def __init__(
        self,
        store: BudgetStore,
        rules: SpendingRules,
        news: Callable[[], object],
        position: Callable[[], int],
    ) -> None:
        self._store = store
        self._rules = rules
        fresh = CHECKED_SECONDS if rules.mode == "check" else FRESH_SECONDS
        self._accounts = Accounts(store.allot, news, position, fresh_seconds=fresh)
        self._under_way: dict[int, Reservation] = {}

    async def admit(self, call: Call, reads: LargeReads) -> None:
        """Reserve what a call can cost at most; say on it whom it is charged to.

        Raises `Refusal`, or `BudgetsUnavailable`.
        """
        if not call.is_centralized:
            return
        if not (call.person.is_limited and call.route.calls_model):
            call.group_id = EVERYONE
            return
        if call.may_lack_usage and self._rules.mode != "observe":
            raise Refusal(400, NO_USAGE)
        micros = await self._most(call, reads)
        try:
            call.reservation = await self._accounts.reserve(call.person.user_id, micros)
        except OverLimit as over:
            if self._rules.mode != "observe":
                raise _refusal(over) from over
            _log.warning("budget_would_refuse", user=call.person.username, micros=micros)
            call.group_id = over.standing.budget.group_id
            return
        account = call.reservation.account
        call.group_id = account.budget.group_id
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
                    try:
                        await self._store.put(due)
                    except BudgetsUnavailable as error:
                        _log.warning("allotments_not_written", error=str(error))

    def close(self) -> None:
        """Give back all but what is reserved."""
        self._store.close(self._accounts.reserved)

    async def _most(self, call: Call, reads: LargeReads) -> int:
        """Return the most that a call can cost. Raises `Refusal` where that is not known."""
        compressed = b"content-encoding" in call.request.headers
        weight = weight_of(len(call.body), compressed=compressed)
        limit = self._rules.max_body_bytes
        asked, size = await reads.call(call.person.user_id, weight, read, call, limit)
        if asked is None:
            text = "AI Bridge cannot read the model of this request, and you have a budget."
            raise Refusal(400, text)
        costs = await self._store.costs()
        cost = costs.most(call.target.provider, asked, size)
        reserves, refuses = self._rules.mode == "reserve", self._rules.mode != "observe"
        if not isinstance(cost, Unpriced):
            return cost.micros if reserves else 0
        if self._rules.refuse_unpriced and refuses:
            parts = ", ".join(cost.parts)
            raise Refusal(
                403,
                f"AI Bridge does not know what this request may cost ({parts}), and you have a "
                "budget. Please use another model, or ask an administrator to set its price.",
            )
        return cost.at_least if reserves else 0


def _refusal(over: OverLimit) -> Refusal:
    """Say that a budget does not do, with all that there is to know of it."""
    standing = over.standing
    limit, ends = standing.budget.spend_limit_micros or 0, moment(standing.period.end)
    held = standing.others + over.reserved
    remaining = (REMAINING, b"%d" % max(0, limit - standing.spent - held))
    costs = f"this request may cost up to US{dollars(over.micros)}"
    if over.waits:
        text = (
            f"AI budget of US{dollars(limit)}: US{dollars(held)} of it is held for calls under "
            f"way, and {costs}. Please try again when they have ended."
        )
        return Refusal(429, text, headers=(remaining, (b"retry-after", b"%d" % RETRY_SECONDS)))
    text = (
        f"AI budget of US{dollars(limit)} exceeded: US{dollars(standing.spent)} is spent, and "
        f"{costs}. It is for a month, and begins anew on {ends:%Y-%m-%d} (UTC). "
        "Please contact an administrator for more details."
    )
    return Refusal(403, text, headers=(remaining,))
