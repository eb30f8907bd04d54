"""Keeping what calls spend within limits: each reserves the most that it can cost.

It is about calls with a configured key: what somebody's own key is charged is nobody else's.
"""

import asyncio
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal

import structlog

from aibridge.agents import BUILT_IN, Agents
from aibridge.budgets.account import OverLimit, Reservation
from aibridge.budgets.account_limits import Charged, Limit
from aibridge.budgets.accounts import FRESH_SECONDS, Accounts
from aibridge.budgets.money import dollars
from aibridge.contract.words import CapPeriod
from aibridge.gateway.budget_store import BudgetStore
from aibridge.gateway.call import NO_USAGE, Call
from aibridge.gateway.headers import REMAINING
from aibridge.gateway.large import LargeReads
from aibridge.gateway.refusal import Refusal
from aibridge.gateway.request_cost import read
from aibridge.ids import moment
from aibridge.prices.cost import Unpriced
from aibridge.principals import EVERYONE
from aibridge.reading.weight import weight_of
from aibridge.store.schema.accounts import GROUP, SESSION, TOKEN, USER, AccountName, parse_name

LOOK_SECONDS = 1.0
"""How often it is looked what lies idle: others may need it."""
CHECKED_SECONDS = 1.0
"""How old what was spent may be by which calls are let begin that reserve nothing."""
RETRY_SECONDS = 5
"""When a client may try again whose calls under way leave no room for another."""

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
    to where the keeper has written the process's journal. ``agents`` tell the session of a call.
    """

    def __init__(
        self,
        store: BudgetStore,
        rules: SpendingRules,
        news: Callable[[], object],
        position: Callable[[], int],
        agents: Agents = BUILT_IN,
    ) -> None:
        self._agents = agents
        self._store = store
        self._rules = rules
        fresh = CHECKED_SECONDS if rules.mode == "check" else FRESH_SECONDS
        self._accounts = Accounts(store.allot, news, position, fresh_seconds=fresh)
        self._under_way: dict[int, tuple[Reservation, ...]] = {}

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
        held: list[Reservation] = []
        try:
            await self._reserve(call, micros, held)
        except OverLimit as over:
            self._give_up(held)
            if self._rules.mode != "observe":
                raise _refusal(over) from over
            limited = {"user": call.person.username, "account": over.name}
            _log.warning("budget_would_refuse", **limited, micros=micros)
            return
        except BaseException:
            self._give_up(held)
            raise
        call.reservations = tuple(held)
        left = [each.account.remaining for each in held if each.account.remaining is not None]
        if left:
            call.answer_headers = ((REMAINING, b"%d" % min(left)),)

    async def _reserve(self, call: Call, micros: int, held: list[Reservation]) -> None:
        """Hold so much of each account that a call counts against. Raises `OverLimit`."""
        person = call.person
        try:
            own = AccountName(USER, person.user_id).text
            held.append(await self._accounts.reserve(own, micros))
        except OverLimit as over:
            call.group_id = over.balance.charged.group_id
            raise
        balance = held[0].account.balance
        charged = Charged() if balance is None else balance.charged
        call.group_id = charged.group_id
        session_id = None
        if charged.sessions:
            session_id = self._agents.identify(call.request.headers, {}).session_id
        for name in charged.accounts(person.user_id, person.token_id, session_id):
            held.append(await self._accounts.reserve(name, micros))  # noqa: PERF401 - given up

    def _give_up(self, held: Iterable[Reservation]) -> None:
        for reservation in held:
            self._accounts.give_up(reservation)

    def begin(self, number: int, call: Call) -> None:
        """Hold a call's reservations, by its number in the log."""
        if call.reservations:
            self._under_way[number] = call.reservations
            call.reservations = ()

    def end(self, number: int, position: int) -> None:
        """Take in where the end of a call stands in the log."""
        for reservation in self._under_way.pop(number, ()):
            self._accounts.settle(reservation, position)

    def let_go(self, call: Call) -> None:
        """Give up the reservations of a call that was not begun."""
        held, call.reservations = call.reservations, ()
        self._give_up(held)

    async def look_after(self) -> None:
        """Give back now and then what lies idle, and keep what is held, until cancelled."""
        with suppress(asyncio.CancelledError):
            while True:
                await asyncio.sleep(LOOK_SECONDS)
                if due := self._accounts.due():
                    try:
                        await self._store.put(due)
                    except Exception as error:  # noqa: BLE001 - it is tried again
                        self._accounts.not_written(due)
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
    """Say that a limit does not do, with all that there is to know of it."""
    balance, limit = over.balance, over.balance.tightest
    assert limit is not None  # noqa: S101 - else nothing is over it
    held = balance.others + over.reserved
    remaining = (REMAINING, b"%d" % max(0, limit.left - held))
    costs = f"this request may cost up to US{dollars(over.micros)}"
    what = f"AI budget of US{dollars(limit.micros)}{_OF[parse_name(over.name).kind]}"
    if over.waits:
        text = (
            f"{what}: US{dollars(held)} of it is held for calls under way, and {costs}. "
            "Please try again when they have ended."
        )
        return Refusal(429, text, headers=(remaining, (b"retry-after", b"%d" % RETRY_SECONDS)))
    text = (
        f"{what} exceeded: US{dollars(limit.spent)} is spent, and {costs}.{_ending(limit)} "
        "Please contact an administrator for more details."
    )
    return Refusal(403, text, headers=(remaining,))


_OF = {
    USER: "",
    GROUP: " of your group together",
    TOKEN: " of this token",
    SESSION: " of a session",
}


def _ending(limit: Limit) -> str:
    """Say for how long a limit is, and when that begins anew."""
    ends = "" if limit.kind is CapPeriod.TOTAL else f"{moment(limit.period.end):%Y-%m-%d} (UTC)"
    match limit.kind:
        case CapPeriod.TOTAL:
            return ""
        case CapPeriod.ROLLING:
            return f" It is for the last 30 days: some of it may be free again on {ends}."
        case kind:
            return f" It is for a {kind}, and begins anew on {ends}."
