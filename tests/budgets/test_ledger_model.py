"""The ledger against a model: whatever happens in whatever order, no limit is passed."""

import asyncio
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import event, select

from aibridge.budgets import accounts
from aibridge.budgets.account import OverLimit, Reservation
from aibridge.budgets.accounts import Accounts
from aibridge.budgets.caps import PERIODS
from aibridge.budgets.ledger import Balance, allot
from aibridge.budgets.periods import Period, month_of, period_of
from aibridge.budgets.spend import UNLIMITED, effective_budgets
from aibridge.contract.words import CapPeriod, CapScope
from aibridge.principals import EVERYONE
from aibridge.store.engine.conditions import inserting
from aibridge.store.engine.database import Database
from aibridge.store.people import budgets, caps, groups
from aibridge.store.people.groups import Group
from aibridge.store.schema.tables import account_spend, daily_usage
from aibridge.store.schema.tables import allotments as allotments_table
from aibridge.store.schema.tables import caps as caps_table
from aibridge.store.usage import allotments
from aibridge.store.usage.allotments import Holder
from tests.builders import ANA, BEN, DAY, START, add_user, uid
from tests.databases import Databases

USERS = (ANA, BEN)
CORE, WEB = (Group(uid(number), f"g{number}", "", START, START, 0) for number in (901, 902))
PROCESSES = 3
ALL = f"group:{EVERYONE}"
NUMBERS = st.integers(0, PROCESSES - 1)
MICROS = st.integers(0, 40)
BATCHES = st.lists(MICROS, min_size=1, max_size=6)
LIMITS = st.sampled_from((0, 1, 50, 100, 150, 200))
PARTS = st.sampled_from((1.0, 1.0, 0.5, 0.0))
"""How much of what was held a call comes to cost."""


@dataclass
class Call:
    """A call under way; ``cost`` once it has ended, and when that was.

    It ``is_free`` of accounts that nothing limited when it began: by those a limit may be passed.
    """

    user: str
    held: int
    is_free: frozenset[str]
    cost: int = 0
    at: int = 0

    def is_in(self, period: Period) -> bool:
        return period.start <= self.at < period.end


@dataclass
class Process:
    """A gateway process, with its journal and how far the keeper has come with it."""

    journal: str
    run: int = 0
    accounts: Accounts = field(init=False)
    calls: list[tuple[Call, list[Reservation]]] = field(default_factory=list)
    written: list[Call] = field(default_factory=list)
    """What stands in the journal behind what the keeper has written."""
    position: int = 0
    committed: int = 0
    gone: list[tuple[int, int]] = field(default_factory=list)
    """Runs whose process is gone, and up to where the keeper has to come to have read them."""

    @property
    def holder(self) -> Holder:
        return Holder(self.journal, self.run)


class Ledger(RuleBasedStateMachine):
    """Users with limits, processes that make calls of theirs, and a keeper of what they cost."""

    database: Database

    def __init__(self) -> None:
        super().__init__()
        self.now = START
        self.news = count(1)
        self.heard: object = 0
        self.ended: list[Call] = []
        """Calls that have ended, on record or not."""
        self.recorded: list[Call] = []
        self.loop = asyncio.new_event_loop()
        with self.database.write() as connection:
            for table in (allotments_table, daily_usage, account_spend, caps_table):
                connection.execute(table.delete())
            for group in (CORE, WEB):
                groups.delete_group(connection, group.id)
                groups.insert_group(connection, group)
            for user in USERS:
                budgets.delete_override(connection, user)
                groups.add_members(connection, CORE.id, [user])
        self.processes = [Process(uid(800 + number)) for number in range(PROCESSES)]
        for process in self.processes:
            self.start(process)

    def teardown(self) -> None:
        """End everything: then nothing is reserved, and the sums are those of the rows."""
        for number, process in enumerate(self.processes):
            while process.calls:
                self.end(number, 6, 1.0)
            self.keep(number, len(process.written))
            self.call_in()
            self.look(number)
        with self.database.read() as connection:
            left = connection.execute(select(allotments_table)).all()
            cost = sum(connection.execute(select(daily_usage.c.cost_micros)).scalars())
        assert left == []
        assert cost == sum(call.cost for call in self.recorded)
        assert len(self.recorded) == len(self.ended)
        self.loop.close()

    def start(self, process: Process) -> None:
        process.accounts = Accounts(
            partial(self.ask, process),
            lambda: self.heard,
            lambda: process.committed,
            lambda: self.now,
        )

    async def ask(
        self, process: Process, account: str, reserved: int, wanted: list[int]
    ) -> Balance:
        with self.database.write_beside(lock_seconds=1.0) as connection:
            return allot(
                connection, account, process.holder, reserved=reserved, wanted=wanted, at=self.now
            )

    def limits(self, account: str) -> list[tuple[int, Period]]:
        """Return the limits of an account, and the periods that they are for now."""
        with self.database.read() as connection:
            if account == ALL:
                found = caps.list_caps(connection, EVERYONE)
                kinds = [(each.spend_limit_micros, CapPeriod(each.period)) for each in found]
                return [(limit, period_of(kind, self.now)) for limit, kind in kinds]
            user = account.removeprefix("user:")
            limit = effective_budgets(connection, [user]).get(user, UNLIMITED).spend_limit_micros
        return [] if limit is None else [(limit, month_of(self.now))]

    def most(self, account: str, period: Period) -> int:
        """Return what an account may come to have spent in a period, but for what was free of it.

        That is what calls have cost that have ended, and the most that those under way can cost.
        """
        under_way = [call for process in self.processes for call, _ in process.calls]
        held = sum(call.held for call in under_way if _counts(call, account))
        cost = sum(
            call.cost for call in self.ended if _counts(call, account) and call.is_in(period)
        )
        return held + cost

    @initialize(limit=LIMITS)
    def begin_with_a_limit(self, limit: int) -> None:
        self.limit_group(CORE, limit)

    @rule(
        number=NUMBERS, user=st.sampled_from(USERS), calls=st.lists(MICROS, min_size=1, max_size=6)
    )
    def admit(self, number: int, user: str, calls: list[int]) -> None:
        for micros in calls:
            self.admit_one(self.processes[number], user, micros)

    def admit_one(self, process: Process, user: str, micros: int) -> None:
        limits = {account: self.limits(account) for account in (f"user:{user}", ALL)}
        held: list[Reservation] = []
        try:
            for account in limits:
                reserving = process.accounts.reserve(account, micros)
                held.append(self.loop.run_until_complete(reserving))
        except OverLimit as over:
            for reservation in held:
                process.accounts.give_up(reservation)
            self.check_refused(over, limits[over.name])
            return
        is_free = frozenset(account for account, found in limits.items() if not found)
        process.calls.append((Call(user, micros, is_free), held))
        for account, found in limits.items():
            for limit, period in found if micros else ():
                assert self.most(account, period) <= limit

    def check_refused(self, over: OverLimit, limits: list[tuple[int, Period]]) -> None:
        """Make sure that a refused call does not fit; one that waits may fit later."""
        assert limits
        least = max(over.micros, 1)
        are_spent = [self.spent(over.name, period) + least > limit for limit, period in limits]
        assert over.waits or any(are_spent)

    def spent(self, account: str, period: Period) -> int:
        """Return what an account has spent in a period, on record or about to be."""
        calls = (call for call in self.ended if account in {ALL, f"user:{call.user}"})
        return sum(call.cost for call in calls if call.is_in(period))

    @precondition(lambda self: any(process.calls for process in self.processes))
    @rule(number=NUMBERS, most=st.integers(1, 6), part=PARTS)
    def end(self, number: int, most: int, part: float) -> None:
        """End calls that cost a part of what was held for them: they may have been cancelled."""
        process = self.processes[number]
        for call, held in process.calls[:most]:
            self.write(process, call, part)
            for reservation in held:
                process.accounts.settle(reservation, process.position)
        del process.calls[:most]

    @rule(number=NUMBERS, user=st.sampled_from(USERS), calls=BATCHES, is_kept=st.booleans())
    def work(self, number: int, user: str, calls: list[int], is_kept: bool) -> None:
        """Make one call after another that costs all that was held, as an agent does."""
        process = self.processes[number]
        for micros in calls:
            self.admit_one(process, user, micros)
            self.end(number, 6, 1.0)
            if is_kept:
                self.keep(number, 6)

    def write(self, process: Process, call: Call, part: float) -> None:
        call.cost, call.at = round(call.held * part), self.now
        self.ended.append(call)
        process.written.append(call)
        process.position += 1

    @rule(number=NUMBERS, calls=st.integers(1, 9))
    def keep(self, number: int, calls: int) -> None:
        """Have the keeper write what some calls cost, and release runs that it has read."""
        process = self.processes[number]
        some, process.written = process.written[:calls], process.written[calls:]
        with self.database.write_beside(lock_seconds=1.0) as connection:
            for call in some:
                self.recorded.append(call)
                _add(connection, call)
        process.committed += len(some)
        while process.gone and process.gone[0][1] <= process.committed:
            run, _ = process.gone.pop(0)
            with self.database.write_beside(lock_seconds=1.0) as connection:
                allotments.release(connection, process.journal, run + 1, self.now)

    @rule(number=NUMBERS, part=PARTS)
    def crash(self, number: int, part: float) -> None:
        """Kill a process whose calls cost a part of what was held; another run of it begins."""
        process = self.processes[number]
        for call, _ in process.calls:
            self.write(process, call, part)
        process.calls = []
        process.gone.append((process.run, process.position))
        process.run += 1
        self.start(process)

    @rule()
    def call_in(self) -> None:
        """Have all processes hear that what lies idle is needed."""
        self.heard = next(self.news)

    @rule(number=NUMBERS)
    def look(self, number: int) -> None:
        """Give back what lies idle."""
        process = self.processes[number]
        if due := process.accounts.due():
            with self.database.write_beside(lock_seconds=1.0) as connection:
                for account, micros in due.items():
                    expires_at = self.now + allotments.EXPIRES_AFTER
                    allotments.put(connection, account, process.holder, micros, expires_at)

    @rule(group=st.sampled_from((CORE, WEB)), limit=LIMITS)
    def limit_group(self, group: Group, limit: int) -> None:
        with self.database.write() as connection:
            budgets.put_group_budget(connection, group.id, limit)
        self.heard = next(self.news)

    @rule(user=st.sampled_from(USERS), limit=st.none() | LIMITS)
    def limit_user(self, user: str, limit: int | None) -> None:
        with self.database.write() as connection:
            if limit is None:
                budgets.delete_override(connection, user)
            else:
                budgets.put_override(connection, user, CORE.id, limit)
        self.heard = next(self.news)

    @rule(kind=st.sampled_from(PERIODS[CapScope.GROUP]), limit=st.none() | LIMITS)
    def cap_all(self, kind: CapPeriod, limit: int | None) -> None:
        """Limit what all users spend together in a period, or lift that."""
        with self.database.write() as connection:
            if limit is not None:
                caps.put_cap(connection, CapScope.GROUP, EVERYONE, kind, limit)
            else:
                for cap in caps.list_caps(connection, EVERYONE):
                    caps.delete_cap(connection, cap.id)
        self.heard = next(self.news)

    @rule(user=st.sampled_from(USERS), is_member=st.booleans())
    def move(self, user: str, is_member: bool) -> None:
        with self.database.write() as connection:
            change = groups.add_members if is_member else groups.remove_members
            change(connection, WEB.id, [user])
        self.heard = next(self.news)

    @rule(days=st.integers(1, 20))
    def pass_days(self, days: int) -> None:
        """Let time pass, into the next month too; what is held is said again before it expires.

        A keeper is not behind for longer than that.
        """
        for number, process in enumerate(self.processes):
            if process.gone:
                self.keep(number, len(process.written))
        self.now += days * DAY
        for number in range(PROCESSES):
            self.look(number)

    @invariant()
    def nothing_is_negative(self) -> None:
        for process in self.processes:
            assert all(micros >= 0 for micros in process.accounts.reserved.values())
        with self.database.read() as connection:
            rows = connection.execute(select(allotments_table.c.micros)).scalars().all()
        assert all(micros > 0 for micros in rows)


def _counts(call: Call, account: str) -> bool:
    """Say whether a call counts against an account, and was not free of it when it was begun."""
    return account not in call.is_free and account in {ALL, f"user:{call.user}"}


def _add(connection: Any, call: Call) -> None:
    names = [column.name for column in daily_usage.columns]
    usage = dict.fromkeys(names, 0) | {
        "initiator_id": call.user,
        "day": call.at // DAY * DAY,
        "group_id": CORE.id,
        "kind_id": 1,
        "cost_micros": call.cost,
    }
    spending = {"account": ALL, "day": usage["day"], "cost_micros": call.cost}
    for table, row in ((daily_usage, usage), (account_spend, spending)):
        adding = inserting(connection, table).values(row)
        sums = {"cost_micros": table.c.cost_micros + call.cost}
        key = list(table.primary_key.columns)
        connection.execute(adding.on_conflict_do_update(index_elements=key, set_=sums))


def _never_sync(connection: Any, _record: object) -> None:
    connection.execute("PRAGMA synchronous=OFF")


def test_no_limit_is_passed_whatever_happens(
    databases: Databases, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(accounts, "SETTLING_SECONDS", 0.0)  # no keeper works meanwhile
    with databases.open() as database:
        if not databases.is_postgresql:  # nothing here is about a disk
            event.listen(database.engine, "connect", _never_sync)
        with database.write() as connection:
            for user, name in zip(USERS, ("ana", "ben"), strict=True):
                add_user(connection, user, name)
            for group in (CORE, WEB):
                groups.insert_group(connection, group)
        machine = type("Machine", (Ledger,), {"database": database})
        run_state_machine_as_test(
            machine,
            settings=settings(
                max_examples=75,
                stateful_step_count=40,
                deadline=None,
                suppress_health_check=list(HealthCheck),
            ),
        )
