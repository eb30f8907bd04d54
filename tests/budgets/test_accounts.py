"""What a gateway process does with its accounts while the database is asked."""

import asyncio

import pytest

from aibridge.budgets import accounts as module
from aibridge.budgets.account import OverLimit
from aibridge.budgets.account_limits import Limit
from aibridge.budgets.accounts import Accounts
from aibridge.budgets.ledger import Balance, to_allot
from aibridge.budgets.periods import period_of
from aibridge.contract.words import CapPeriod
from tests.builders import DAY, START


class Asked:
    """A database in which nothing but this process spends of a limit; it answers when told to."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.spent = 0
        self.now = START
        self.position = 0
        self.may_answer = asyncio.Event()
        self.may_answer.set()
        self.is_asked = asyncio.Event()
        self.times = 0

    async def ask(self, _account: str, reserved: int, wanted: list[int]) -> Balance:
        self.times += 1
        limit = Limit(self.limit, self.spent, CapPeriod.DAY, period_of(CapPeriod.DAY, self.now))
        balance = Balance((limit,), 0, 0)
        assert balance.room is not None
        allotted = to_allot(balance.room, reserved, wanted)
        self.is_asked.set()
        await self.may_answer.wait()
        return balance._replace(allotted=allotted)

    def accounts(self) -> Accounts:
        return Accounts(self.ask, lambda: 0, lambda: self.position, lambda: self.now)


@pytest.fixture(autouse=True)
def nobody_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SETTLING_SECONDS", 0.0)


def test_who_leaves_while_the_database_is_asked_holds_nothing() -> None:
    async def scenario() -> None:
        asked = Asked(100)
        asked.may_answer.clear()
        accounts = asked.accounts()
        request = asyncio.create_task(accounts.reserve("a", 60))
        await asked.is_asked.wait()
        request.cancel()
        with pytest.raises(asyncio.CancelledError):
            await request
        asked.may_answer.set()
        for _ in range(10):
            await asyncio.sleep(0)
        assert (await accounts.reserve("a", 100)).micros == 100

    asyncio.run(scenario())


def test_what_is_given_up_while_the_database_is_asked_is_not_allotted_twice() -> None:
    async def scenario() -> None:
        asked = Asked(100)
        accounts = asked.accounts()
        first = await accounts.reserve("a", 60)
        asked.may_answer.clear()
        asked.is_asked.clear()
        second = asyncio.create_task(accounts.reserve("a", 40))
        await asked.is_asked.wait()
        accounts.settle(first, 1)
        asked.position = 1  # its cost, all that was held, is on record since the database looked
        accounts.give_up_written()
        asked.may_answer.set()
        assert (await second).micros == 40
        asked.spent = 60
        with pytest.raises(OverLimit):
            await accounts.reserve("a", 1)

    asyncio.run(scenario())


def test_another_period_is_asked_about() -> None:
    async def scenario() -> None:
        asked = Asked(100)
        accounts = asked.accounts()
        await accounts.reserve("a", 1)
        await accounts.reserve("a", 1)
        assert asked.times == 1
        asked.now += DAY
        await accounts.reserve("a", 1)
        assert asked.times == 2

    asyncio.run(scenario())


def test_what_could_not_be_given_back_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> None:
        accounts = Asked(100).accounts()
        accounts.give_up(await accounts.reserve("a", 10))
        monkeypatch.setattr(module, "IDLE_SECONDS", 0.0)
        assert accounts.due() == {"a": 0}
        accounts.not_written(["a"])
        assert accounts.due() == {"a": 0}
        assert accounts.due() == {}

    asyncio.run(scenario())
