"""The chore of retention: it purges again and again, waits troubles out, and stops at once."""

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from queue import Queue
from threading import Event
from typing import Any

import pytest
from structlog.testing import capture_logs

from aibridge.durations import microseconds
from aibridge.ids import now
from aibridge.recorder import retention
from aibridge.recorder.batch import commit
from aibridge.recorder.clock import Clock
from aibridge.recorder.pending import Pending
from aibridge.recorder.retention import purge_once, purge_regularly
from aibridge.store.engine.database import Database
from aibridge.store.record.writer import BatchWriter
from aibridge.store.transfer import purging
from aibridge.store.transfer.checking import disagreements
from aibridge.store.transfer.purging import Purged
from tests.databases import address, locked
from tests.recorder.facts import end, start

DAY = timedelta(days=1)
LONG_AGO = now() - 10 * 86_400 * 1_000_000
GIVE_UP = 20


def calls(count: int, *, sessions: int = 3, at: int = LONG_AGO) -> list[Pending]:
    return [
        Pending(
            start(client_session_id=f"s{number % sessions}", started_at=at), end(ended_at=at + 1)
        )
        for number in range(count)
    ]


def write(database: Database, items: list[Pending]) -> None:
    writer = BatchWriter(database, session_pause=microseconds(None))
    commit(writer, items).note()
    writer.close()


def yesterday() -> datetime:
    return datetime.now(UTC) - DAY


@pytest.fixture
def times(monkeypatch: pytest.MonkeyPatch) -> Queue[Purged]:
    """Have purges follow each other quickly; what each purged is put here."""
    queue, purge = Queue[Purged](), retention.purge_once
    monkeypatch.setattr(retention, "purge_once", lambda *these: queue.put(purge(*these)))
    for name in ("FIRST_SECONDS", "EVERY_SECONDS", "AWAY_SECONDS"):
        monkeypatch.setattr(retention, name, 0.001)
    return queue


async def until(times: Queue[Purged], wanted: Purged) -> None:
    while await asyncio.to_thread(times.get, timeout=GIVE_UP) != wanted:
        pass


async def test_what_is_old_goes_again_and_again_with_a_line_each(
    database: Database, rows: Any, times: Queue[Purged]
) -> None:
    write(database, calls(5))
    write(database, calls(1, at=now()))
    with capture_logs() as logs:
        chore = asyncio.create_task(purge_regularly(database, DAY))
        await until(times, Purged(2, 5))
        write(database, calls(9, sessions=9)[7:])
        await until(times, Purged(2, 2))
        chore.cancel()
        await chore
    told = [(one["event"], one["sessions"], one["interceptions"]) for one in logs]
    assert told == [("records_purged", 2, 5), ("records_purged", 2, 2)]
    assert [row["id"] for row in rows("sessions")] == ["s0"]


async def test_where_everything_is_kept_nothing_goes(
    database: Database, rows: Any, times: Queue[Purged]
) -> None:
    write(database, calls(5))
    await asyncio.wait_for(purge_regularly(database, None), GIVE_UP)
    assert times.empty()
    assert len(rows("interceptions")) == 5


async def test_not_all_there_is_goes_at_once_as_a_clock_may_be_wrong(
    database: Database, rows: Any, times: Queue[Purged], monkeypatch: pytest.MonkeyPatch
) -> None:
    write(database, calls(5))
    asked, believes = Queue[bool](), Clock.is_believed

    def is_believed(clock: Clock) -> bool:
        asked.put(believes(clock))
        return believes(clock)

    monkeypatch.setattr(Clock, "is_believed", is_believed)
    chore = asyncio.create_task(purge_regularly(database, DAY))
    for _ in range(2):
        assert await asyncio.to_thread(asked.get, timeout=GIVE_UP) is False
    chore.cancel()
    await chore
    assert times.empty()
    assert len(rows("interceptions")) == 5


async def test_trouble_with_the_database_is_waited_out(
    database: Database, rows: Any, times: Queue[Purged], monkeypatch: pytest.MonkeyPatch
) -> None:
    write(database, calls(5))
    write(database, calls(1, at=now()))
    refused = Event()
    monkeypatch.setattr(retention, "AWAY_SECONDS", 0.01)
    monkeypatch.setattr(purging, "LOCK_SECONDS", 0.01)

    def told(_: object) -> str:
        refused.set()
        return "locked"

    monkeypatch.setattr(retention, "said", told)
    with capture_logs() as logs, locked(database) as release:
        chore = asyncio.create_task(purge_regularly(database, DAY))
        assert await asyncio.to_thread(refused.wait, GIVE_UP)
        assert len(rows("interceptions")) == 6
        release()
        await until(times, Purged(2, 5))
        chore.cancel()
        await chore
    assert [one["event"] for one in logs] == ["purge_put_off", "records_purged"]
    assert len(rows("interceptions")) == 1


def test_what_goes_wrong_is_logged_and_nothing_else(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(database, calls(1))
    monkeypatch.setattr(purging, "remove", lambda *_: 1 / 0)
    with capture_logs() as logs:
        assert purge_once(database, yesterday(), Event()) == Purged()
    assert [one["event"] for one in logs] == ["purge_failed"]


def test_nothing_to_purge_is_no_news(database: Database) -> None:
    with capture_logs() as logs:
        assert purge_once(database, yesterday(), Event()) == Purged()
    assert logs == []


async def test_a_stop_waits_for_one_batch_at_most(
    database: Database, rows: Any, times: Queue[Purged], monkeypatch: pytest.MonkeyPatch
) -> None:
    write(database, calls(200, sessions=100))
    write(database, calls(1, at=now()))
    begun, batch = Event(), purging.Purge.step

    def step(walk: purging.Purge) -> Purged | None:
        gone = batch(walk)
        begun.set()
        return gone

    monkeypatch.setattr(purging.Purge, "step", step)
    monkeypatch.setattr(purging, "SHORTEST_PAUSE", 60.0)
    chore = asyncio.create_task(purge_regularly(database, DAY))
    assert await asyncio.to_thread(begun.wait, GIVE_UP)
    chore.cancel()
    await asyncio.wait_for(chore, GIVE_UP)
    assert len(rows("interceptions")) > 100


async def test_a_stop_does_not_wait_for_a_batch_that_hangs(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "FIRST_SECONDS", 0.0)
    monkeypatch.setattr(retention, "STOP_SECONDS", 0.01)
    begun, go_on = Event(), Event()

    def hang(_: purging.Purge) -> None:
        begun.set()
        go_on.wait()

    monkeypatch.setattr(purging.Purge, "step", hang)
    chore = asyncio.create_task(purge_regularly(database, DAY))
    assert await asyncio.to_thread(begun.wait, GIVE_UP)
    chore.cancel()
    await asyncio.wait_for(chore, GIVE_UP)
    go_on.set()


def test_several_that_purge_and_write_at_once_harm_nothing(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Writers go on with sessions that are due, while two purges look for them."""
    monkeypatch.setattr(retention, "AWAY_SECONDS", 0.001)
    monkeypatch.setattr(purging, "SHORTEST_PAUSE", 0.0)
    write(database, calls(60, sessions=20))
    over = Event()

    def go_on(number: int) -> None:
        with connected(database) as mine:
            writer = BatchWriter(mine, lock_seconds=GIVE_UP)
            for turn in range(20):
                items = calls(6, sessions=6, at=now() if turn % 2 else LONG_AGO)
                commit(writer, items[number:] + items[:number]).note()
            writer.close()

    def purge() -> None:
        with connected(database) as mine:
            while not over.is_set():
                purge_once(mine, yesterday(), over)

    with capture_logs() as logs, ThreadPoolExecutor(5) as pool:
        purges = [pool.submit(purge) for _ in range(2)]
        writers = [pool.submit(go_on, number) for number in range(3)]
        try:
            for writer in writers:
                writer.result()
        finally:
            over.set()
        for one in purges:
            one.result()
    assert {one["event"] for one in logs} <= {"records_purged", "purge_put_off"}
    with database.read() as connection:
        assert list(disagreements(connection)) == []


@contextmanager
def connected(database: Database) -> Iterator[Database]:
    """Yield the database once more, as another process would have it."""
    mine = Database(address(database))
    yield mine
    mine.close()
