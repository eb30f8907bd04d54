import asyncio
import errno
import os
import threading
from pathlib import Path
from typing import Any

import pytest

from aibridge.journal.format import Kind
from aibridge.journal.waiting import Durability
from aibridge.journal.writer import Journal

PATIENCE = 20


@pytest.fixture
async def durability() -> Durability:
    return Durability(asyncio.get_running_loop())


@pytest.fixture
def journal(tmp_path: Path, durability: Durability) -> Any:
    journal = Journal(tmp_path, durability.told)
    durability.follow(journal)
    yield journal
    journal.close()


async def test_what_is_on_the_disk_is_told_and_what_is_there_already_at_once(
    journal: Journal, durability: Durability
) -> None:
    start = journal.position
    end = journal.append(Kind.BEGIN, b"x")
    async with asyncio.timeout(PATIENCE):
        assert await durability.until(start, end)
    told: list[bool] = []
    durability.when(start, end, told.append)
    assert told == [True]


async def test_those_who_wait_are_told_in_the_order_of_their_ends(
    journal: Journal, durability: Durability, monkeypatch: pytest.MonkeyPatch
) -> None:
    may_go, told = threading.Event(), []
    done = asyncio.Event()
    monkeypatch.setattr(os, "fdatasync", lambda _file: may_go.wait(PATIENCE))
    start = journal.position
    ends = [journal.append(Kind.PIECE, b"x") for _ in range(5)]

    def tell(number: int) -> Any:
        def then(is_durable: bool) -> None:
            told.append((number, is_durable))
            if len(told) == len(ends):
                done.set()

        return then

    for number in (3, 0, 4, 1, 2):
        durability.when(start, ends[number], tell(number))
    await asyncio.sleep(0)
    assert told == []
    may_go.set()
    async with asyncio.timeout(PATIENCE):
        await done.wait()
    assert told == [(number, True) for number in range(5)]


async def test_who_waits_for_what_is_lost_learns_that_and_others_do_not(
    journal: Journal, durability: Durability, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = journal.position
    async with asyncio.timeout(PATIENCE):
        kept = journal.append(Kind.BEGIN, b"kept")
        assert await durability.until(first, kept)
        with monkeypatch.context() as patch:
            patch.setattr(os, "fdatasync", _broken)
            lost = journal.append(Kind.PIECE, b"lost")
            assert not await durability.until(kept, lost)
        end = journal.append(Kind.END, b"end")
        assert not await durability.until(first, end)
        assert await durability.until(lost, end)


def _broken(_file: int) -> None:
    raise OSError(errno.EIO, "it is broken")


async def test_who_gave_up_waiting_disturbs_nobody(
    journal: Journal, durability: Durability, monkeypatch: pytest.MonkeyPatch
) -> None:
    may_go = threading.Event()
    monkeypatch.setattr(os, "fdatasync", lambda _file: may_go.wait(PATIENCE))
    start = journal.position
    end = journal.append(Kind.BEGIN, b"x")
    left, stays = (asyncio.create_task(durability.until(start, end)) for _ in range(2))
    await asyncio.sleep(0)
    left.cancel()
    may_go.set()
    async with asyncio.timeout(PATIENCE):
        assert await stays
    assert left.cancelled()


async def test_a_journal_may_end_after_its_loop(tmp_path: Path) -> None:
    loop = asyncio.new_event_loop()
    durability = Durability(loop)
    journal = Journal(tmp_path, durability.told)
    durability.follow(journal)
    loop.close()
    journal.append(Kind.END, b"x")
    journal.close()
    assert journal.durable == journal.position
