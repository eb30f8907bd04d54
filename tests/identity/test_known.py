"""Tokens that PostgreSQL has told of: asked once, heard of when they change, good in an outage."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Sequence

import pytest
from sqlalchemy.exc import OperationalError

from aibridge.identity import known as module
from aibridge.identity.known import IdentityUnavailable, KnownTokens
from aibridge.store.people.grants import Grant

LONG = 20.0


class Asked:
    """A database of tokens: what it was asked, and whether it answers."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.times = 0
        self.is_there = True
        self.holders: dict[str, str] = {"one": "ana", "two": "ben"}
        self.go = threading.Event()
        self.go.set()
        self.begun = threading.Event()

    def find_many(self, token_ids: Sequence[str]) -> dict[str, Grant]:
        self.asked += token_ids
        self.times += 1
        found = {id_: self.holders[id_] for id_ in token_ids if id_ in self.holders}
        self.begun.set()
        assert self.go.wait(LONG)
        if not self.is_there:
            raise OperationalError("", None, Exception("gone"))
        return {id_: ("", None, "", "active", who, who, "", False) for id_, who in found.items()}

    def break_off(self) -> None:
        self.is_there = False
        self.go.set()

    def close(self) -> None:
        pass


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(module, "time", clock)
    return clock


@pytest.fixture
def asked() -> Asked:
    return Asked()


@pytest.fixture
async def known(asked: Asked, clock: Clock) -> AsyncIterator[KnownTokens]:
    known = KnownTokens(asked, outage_seconds=900)  # type: ignore[arg-type]
    known.listen()
    yield known
    known.close()


async def test_what_is_known_is_not_asked_again_while_changes_are_heard_of(
    known: KnownTokens, asked: Asked
) -> None:
    for _ in range(3):
        grant = await known.find("one")
        assert grant is not None
        assert grant[4] == "ana"
    assert await known.find("none") is None
    assert await known.find("none") is None
    assert asked.asked == ["one", "none", "none"]


@pytest.mark.parametrize(
    ("change", "again"),
    [
        (lambda known: known.hear("token one"), ["one", "two"]),
        (lambda known: known.hear("token two"), ["one", "two"]),
        (lambda known: known.hear("user ana"), ["one", "two"]),
        (lambda known: known.hear(), []),
        (lambda known: known.forget("token", "one"), ["one", "two"]),
        (lambda known: known.deafen(), ["one", "two"]),
        (lambda known: known.listen(), ["one", "two"]),
    ],
)
async def test_after_a_change_the_database_is_asked_again(
    known: KnownTokens, asked: Asked, change: Callable[[KnownTokens], None], again: list[str]
) -> None:
    for token in ("one", "two"):
        await known.find(token)
    asked.asked.clear()
    change(known)
    for token in ("one", "two"):
        await known.find(token)
    assert asked.asked == again


@pytest.mark.parametrize("seconds", [module.DEAF_SECONDS, module.FRESH_SECONDS])
async def test_who_hears_nothing_asks_again(
    known: KnownTokens, asked: Asked, clock: Clock, seconds: float
) -> None:
    await known.find("one")
    clock.now += seconds
    if seconds == module.FRESH_SECONDS:
        known.hear()
    await known.find("one")
    assert asked.asked == ["one", "one"]


async def test_in_an_outage_known_tokens_work_for_a_bounded_time(
    known: KnownTokens, asked: Asked, clock: Clock
) -> None:
    await known.find("one")
    clock.now += 10_000
    known.hear()  # it was listened to until now, with nothing to hear about the token
    asked.is_there = False
    clock.now += 899
    assert await known.find("one")
    with pytest.raises(IdentityUnavailable):
        await known.find("two")
    clock.now += 2
    with pytest.raises(IdentityUnavailable):
        await known.find("one")
    asked.is_there = True
    clock.now += module.AGAIN_SECONDS
    assert await known.find("one")


async def test_in_an_outage_known_tokens_do_not_wait_for_the_database_each_time(
    known: KnownTokens, asked: Asked, clock: Clock
) -> None:
    await known.find("one")
    asked.is_there = False
    clock.now += module.DEAF_SECONDS
    for _ in range(5):
        assert await known.find("one")
    assert asked.asked == ["one", "one"]
    clock.now += module.AGAIN_SECONDS
    assert await known.find("one")
    assert asked.asked == ["one"] * 3


@pytest.mark.parametrize("news", ["token one", "user ana"])
async def test_what_was_heard_of_before_an_outage_counts_in_it(
    known: KnownTokens, asked: Asked, news: str
) -> None:
    for token in ("one", "two"):
        await known.find(token)
    known.hear(news)
    asked.is_there = False
    assert await known.find("two")
    with pytest.raises(IdentityUnavailable):
        await known.find("one")


async def test_after_an_outage_all_are_asked_about_at_once(
    known: KnownTokens, asked: Asked
) -> None:
    for token in ("one", "two"):
        await known.find(token)
    known.deafen()
    del asked.holders["one"]
    known.listen()
    assert await known.find("two")
    assert asked.times == 3
    asked.is_there = False
    assert await known.find("two")
    with pytest.raises(IdentityUnavailable):
        await known.find("one")


async def test_a_change_during_a_look_up_is_not_lost(known: KnownTokens, asked: Asked) -> None:
    asked.go.clear()
    looking = asyncio.create_task(known.find("one"))
    await asyncio.to_thread(asked.begun.wait, LONG)
    asked.holders.clear()
    known.hear("token one")
    asked.go.set()
    assert await looking  # it began before the change
    assert await known.find("one") is None


async def test_who_asks_after_a_change_is_not_answered_from_before_it(
    known: KnownTokens, asked: Asked
) -> None:
    asked.go.clear()
    before = asyncio.create_task(known.find("one"))
    await asyncio.to_thread(asked.begun.wait, LONG)
    asked.holders.clear()
    after = asyncio.create_task(known.find("one"))
    await asyncio.sleep(0)
    asked.go.set()
    assert await before
    assert await after is None


async def test_those_who_ask_meanwhile_share_one_look_up(known: KnownTokens, asked: Asked) -> None:
    asked.holders |= {str(number): "ana" for number in range(600)}
    asked.go.clear()
    looking = [asyncio.create_task(known.find("one"))]
    await asyncio.to_thread(asked.begun.wait, LONG)
    looking += [asyncio.create_task(known.find(str(number))) for number in range(600)]
    looking += [asyncio.create_task(known.find("7")) for _ in range(10)]
    await asyncio.sleep(0)
    looking.pop().cancel()
    asked.go.set()
    assert all(await asyncio.gather(*looking))
    assert asked.times == 3
    assert len(asked.asked) == 601


async def test_a_database_that_stalls_holds_nobody_up(
    known: KnownTokens, asked: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    await known.find("one")
    monkeypatch.setattr(module, "LOOK_UP_SECONDS", 0.05)
    monkeypatch.setattr(asked, "break_off", lambda: None)
    asked.go.clear()
    for _ in range(3):
        with pytest.raises(IdentityUnavailable):
            await known.find("two")
    assert asked.times == 2
    assert await known.find("one")
    asked.go.set()


async def test_no_more_are_kept_than_there_is_room_for(
    known: KnownTokens, asked: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_KNOWN", 10)
    asked.holders = {str(number): "ana" for number in range(30)}
    for token in asked.holders:
        await known.find(token)
    await known.find("29")
    await known.find("0")
    assert len(asked.asked) == 31
    assert len(known._known) == 10
