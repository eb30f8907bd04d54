import asyncio
import errno
import os
import threading
from pathlib import Path
from typing import Any

import pytest

from aibridge.journal.format import Kind
from aibridge.journal.progress import Progress
from aibridge.journal.reader import Entry, Reader
from aibridge.journal.waiting import Durability
from aibridge.journal.writer import Journal
from tests.journal.journals import Settled

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


@pytest.fixture
async def committed(tmp_path: Path) -> Any:
    """How far the keeper of a database has come, which is at work."""
    progress = Progress(tmp_path)
    progress.beat(is_away=False)
    yield progress
    progress.close()


@pytest.fixture
async def kept(tmp_path: Path, committed: Progress) -> Any:
    """A journal whose entries are safe once they are in the database."""
    durability = Durability(asyncio.get_running_loop(), committed)
    journal = Settled(tmp_path)
    durability.follow(journal)
    yield journal, durability
    journal.close()


@pytest.mark.parametrize("how", ["committed", "away"])
async def test_what_is_to_be_in_the_database_is_waited_for_while_that_takes_anything(
    kept: tuple[Settled, Durability], committed: Progress, how: str
) -> None:
    journal, durability = kept
    start = journal.position
    middle, end = journal.append(Kind.BEGIN, b"x"), journal.append(Kind.END, b"x")
    await asyncio.to_thread(journal.settle)
    first, last = (asyncio.ensure_future(durability.until(start, one)) for one in (middle, end))
    await asyncio.sleep(0)
    assert not first.done()
    committed.tell(middle)
    async with asyncio.timeout(PATIENCE):
        assert await first
        assert not last.done()
        if how == "away":
            committed.beat(is_away=True)
        else:
            committed.tell(end)
        assert await last


async def test_what_the_disk_has_lost_is_told_though_no_keeper_will_ever_come_to_it(
    kept: tuple[Settled, Durability], monkeypatch: pytest.MonkeyPatch
) -> None:
    journal, durability = kept
    monkeypatch.setattr(os, "fdatasync", _broken)
    start = journal.position
    async with asyncio.timeout(PATIENCE):
        assert not await durability.until(start, journal.append(Kind.BEGIN, b"x"))


async def test_on_the_disk_it_has_to_be_in_any_case(
    kept: tuple[Settled, Durability], committed: Progress, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The keeper reads what is not synced yet."""
    journal, durability = kept
    may_go = threading.Event()
    monkeypatch.setattr(os, "fdatasync", lambda _file: may_go.wait(PATIENCE))
    start = journal.position
    outcomes: list[bool] = []
    end = journal.append(Kind.BEGIN, b"x")
    committed.tell(end)
    durability.when(start, end, outcomes.append)
    assert outcomes == []
    may_go.set()
    async with asyncio.timeout(PATIENCE):
        assert await durability.until(start, end)
    assert outcomes == [True]


async def test_what_nobody_waits_for_is_written_with_what_comes_soon_after_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("aibridge.journal.writer.LAZY_SECONDS", 3600.0)
    loop = asyncio.get_running_loop()
    durability = Durability(loop)
    journal = Journal(tmp_path, durability.told, loop=loop)
    durability.follow(journal)
    start = journal.position
    first = journal.append(Kind.BEGIN, b"x")
    await asyncio.sleep(0.05)
    assert journal.durable == start
    second = journal.append(Kind.END, b"y")
    async with asyncio.timeout(PATIENCE):
        assert await durability.until(start, second)
    assert journal.holds(start, first)
    journal.close()


async def test_what_nobody_waits_for_is_written_all_the_same(tmp_path: Path) -> None:
    written = asyncio.Event()
    loop = asyncio.get_running_loop()

    def told() -> None:
        loop.call_soon_threadsafe(written.set)

    journal = Journal(tmp_path, told, loop=loop)
    for _ in range(3):
        written.clear()
        position = journal.append(Kind.BEGIN, b"x")
        async with asyncio.timeout(PATIENCE):
            await written.wait()
        assert journal.durable == position
    journal.append(Kind.BEGIN, b"x")
    journal.close()
    assert journal.durable == journal.position


async def test_what_nobody_waits_for_is_not_lost_where_another_segment_begins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("aibridge.journal.writer.LAZY_SECONDS", 3600.0)
    monkeypatch.setattr("aibridge.journal.writer.SEGMENT_SECONDS", 0.05)
    written = asyncio.Event()
    loop = asyncio.get_running_loop()

    def told() -> None:
        if lazy.durable == lazy.position:
            loop.call_soon_threadsafe(written.set)

    lazy = Journal(tmp_path, told, loop=loop)
    start, end = lazy.position, lazy.append(Kind.BEGIN, b"x")
    async with asyncio.timeout(PATIENCE):
        await written.wait()
    assert lazy.holds(start, end)
    lazy.close()
    reader = Reader(tmp_path)
    assert [entry.content for entry in reader.read() if isinstance(entry, Entry)] == [b"x"]
    reader.close()
