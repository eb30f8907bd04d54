"""The database is away: records are spooled, and replayed in order and once when it is back."""

import asyncio
import sqlite3
import threading
from collections import Counter
from contextlib import closing
from dataclasses import replace
from typing import Any, cast

import pytest
from structlog.testing import capture_logs

from aibridge.recorder import outage as outages
from aibridge.recorder import recorder as recorders
from aibridge.recorder import replay as replays
from aibridge.recorder import spooler as spoolers
from aibridge.recorder import writer as writers
from aibridge.recorder.batch import commit
from aibridge.recorder.recorder import Recorder, RecorderUnavailable
from aibridge.recorder.records import End
from aibridge.recorder.recovery import close_interrupted
from aibridge.recorder.ticket import RecordingError
from aibridge.store.spool import Spool, SpoolError
from aibridge.store.writing import BatchWriter
from tests.builders import indexed_words
from tests.databases import locked
from tests.recorder.facts import end, start
from tests.recorder.spooling import LONG, Turns, whole

MIB = 1 << 20
NOT_TEXT = "\ud800"
ENDLESS = (
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i % 9 + 1 FROM n) SELECT count(*) FROM n"
)
DAMAGED_ENDS = """CREATE TRIGGER damaged_ends AFTER INSERT ON entries WHEN NEW.ended BEGIN
    UPDATE entries SET body = x'00' WHERE number = NEW.number;
END"""
"""Damage every end as it comes: the replay may have read it a moment later."""
TABLES = ("interceptions", "user_prompts", "token_usages", "tool_usages", "model_thoughts")


@pytest.fixture
def spool(tmp_path):
    with closing(Spool(tmp_path / "spool.db", max_bytes=MIB)) as spool:
        yield spool


@pytest.fixture(autouse=True)
def _impatient(monkeypatch):
    monkeypatch.setattr(writers, "PROBE_SECONDS", 0.02)
    monkeypatch.setattr(writers, "LOCK_SECONDS", 0.01)
    monkeypatch.setattr(recorders, "LOOK_SECONDS", 0.02)
    monkeypatch.setattr(spoolers, "WATCH_SECONDS", 0.02)
    monkeypatch.setattr(spoolers, "ROOM_SECONDS", 0.0)


@pytest.fixture
async def recorder(database, spool):
    recorder = Recorder(database, spool, patience_seconds=0.05)
    yield recorder
    await recorder.close()


@pytest.fixture
async def turns(recorder):
    return Turns(recorder)


@pytest.fixture
def counts(rows):
    """How many rows there are of what one whole interception has once."""
    return lambda: [len(rows(table)) for table in TABLES if table != "tool_usages"]


async def test_records_are_kept_while_the_database_is_locked_and_replayed_after(
    recorder, turns, database, spool, rows, counts
):
    first = await whole(recorder)
    with capture_logs() as logs:
        with locked(database):
            spooled = [await whole(recorder) for _ in range(20)]
            assert recorder.ready
            assert recorder.spooled == spool.waiting == 40
            assert len(rows("interceptions")) == 1
        await turns.until(away=False)
    last = await whole(recorder)
    ids = [each.start.id for each in (first, *spooled, last)]
    assert [row["id"] for row in rows("interceptions")] == ids
    assert {row["status"] for row in rows("interceptions")} == {"completed"}
    assert counts() == [22] * 4
    assert sum(row["interceptions"] for row in rows("sessions")) == 22
    assert recorder.spooled == 0
    assert [entry["event"] for entry in logs] == ["database_away", "database_back"]
    assert (logs[1]["spooled"], logs[1]["replayed"]) == (40, 40)


async def test_an_answer_that_began_before_the_outage_ends_in_it(recorder, turns, database, rows):
    begun = recorder.start(start())
    await recorder.started(begun)
    with locked(database):
        recorder.finish(begun, end())
        await recorder.ended(begun)
        assert [row["status"] for row in rows("interceptions")] == ["running"]
    await turns.until(away=False)
    assert [row["status"] for row in rows("interceptions")] == ["completed"]
    assert rows("user_prompts")[0]["provider_response_id"] == "msg-1"


async def test_an_answer_that_began_in_the_outage_ends_after_it(
    recorder, turns, database, rows, counts
):
    with locked(database):
        begun = recorder.start(start())
        await recorder.started(begun)
    await turns.until(away=False)
    assert [row["status"] for row in rows("interceptions")] == ["running"]
    recorder.finish(begun, end())
    await recorder.ended(begun)
    assert [row["status"] for row in rows("interceptions")] == ["completed"]
    assert counts() == [1] * 4


async def test_after_trouble_the_provider_is_not_asked_before_the_start_is_committed(
    recorder, turns, database
):
    untroubled = recorder.start(start())
    await recorder.admitted(untroubled)
    assert not untroubled.started.done()
    with locked(database):
        first = recorder.start(start())
        await recorder.admitted(first)
        await recorder.started(first)
        spooled = recorder.start(start())
        await recorder.admitted(spooled)
        assert spooled.started.done()
    await turns.until(away=False)
    assert recorder._outage.is_doubtful  # nothing but what waited was committed
    committed = recorder.start(start())
    await recorder.admitted(committed)
    assert committed.started.done()
    last = recorder.start(start())
    await recorder.admitted(last)
    assert not last.started.done()


async def test_what_finds_no_place_is_not_admitted_though_there_seemed_to_be_room(
    recorder, database, spool, monkeypatch
):
    """A full disk takes a page or two in files that are there, and not the next."""

    def append(_: object) -> None:
        raise SpoolError("full")

    monkeypatch.setattr(spool, "append", append)
    with locked(database):
        with pytest.raises(RecordingError):
            await recorder.started(recorder.start(start()))
        monkeypatch.setattr(spoolers.Spooler, "takes_starts", True)
        for _ in range(5):
            with pytest.raises(RecorderUnavailable):
                await recorder.admitted(recorder.start(start()))


async def test_a_database_without_room_stays_away_until_it_has_some(
    recorder, turns, database, monkeypatch
):
    tried, again = threading.Event(), threading.Event()

    def no_room() -> None:
        (again if tried.is_set() else tried).set()
        raise sqlite3.OperationalError("no room on the disk")

    with monkeypatch.context() as patched:
        patched.setattr(database, "check_room", no_room)
        with locked(database):
            await whole(recorder)
        assert await asyncio.to_thread(again.wait, LONG)
        assert recorder.is_away
    await turns.until(away=False)
    await whole(recorder)


@pytest.mark.parametrize("databases", ["sqlite"], indirect=True, scope="module")
async def test_with_its_file_gone_the_database_is_away_until_it_is_put_back(
    recorder, turns, database, rows
):
    first = await whole(recorder)
    with capture_logs() as logs:
        elsewhere = database.file.rename(database.file.with_suffix(".away"))
        assert "deleted or replaced" in recorder.trouble  # before anything is written
        spooled = [await whole(recorder) for _ in range(3)]
        assert (recorder.is_away, recorder.ready, recorder.spooled) == (True, True, 6)
        assert not database.file.exists()
        elsewhere.rename(database.file)
        await turns.until(away=False)
    last = await whole(recorder)
    assert not recorder.trouble
    ids = [each.start.id for each in (first, *spooled, last)]
    assert [row["id"] for row in rows("interceptions")] == ids
    assert [entry["event"] for entry in logs] == ["database_away", "database_back"]
    assert "deleted or replaced" in logs[0]["error"]


@pytest.mark.parametrize("databases", ["sqlite"], indirect=True, scope="module")
async def test_without_a_spool_nothing_is_taken_while_the_file_is_gone(database, rows):
    recorder = Recorder(database, patience_seconds=0.0)
    await whole(recorder)
    elsewhere = database.file.rename(database.file.with_suffix(".away"))
    with pytest.raises(RecordingError):
        await whole(recorder)
    with pytest.raises(RecorderUnavailable):
        recorder.start(start())
    elsewhere.rename(database.file)
    await recorder.close()
    assert len(rows("interceptions")) == 1


async def test_a_damaged_database_is_said_to_be_damaged(recorder, turns, monkeypatch):
    def fail(*_: object) -> None:
        error = sqlite3.DatabaseError("database disk image is malformed")
        error.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
        raise error

    assert not recorder.trouble
    with monkeypatch.context() as patched:
        patched.setattr(writers, "commit", fail)
        patched.setattr(replays, "commit", fail)
        await whole(recorder)
        assert recorder.trouble == "the database is damaged"
    await turns.until(away=False)
    assert not recorder.trouble


@pytest.mark.parametrize("databases", ["sqlite"], indirect=True, scope="module")
async def test_a_database_that_is_full_is_away(recorder, turns, database, rows):
    await whole(recorder)
    with capture_logs() as logs:
        await asyncio.to_thread(fill, recorder, database)
        await whole(recorder, prompt="x" * 100_000)
        assert recorder.spooled == 2
        assert [row["prompt"] for row in rows("user_prompts")] == ["Hello."]
        await asyncio.to_thread(fill, recorder, database, pages=1 << 20)
        await turns.until(away=False)
    assert "full" in logs[0]["error"]
    assert [len(row["prompt"]) for row in rows("user_prompts")] == [6, 100_000]


def fill(recorder: Recorder, database: Any, pages: int = 1) -> None:
    """Let no connection of the writer's take more pages than the database has."""
    store = BatchWriter(database, lock_seconds=0.01)
    store._link.cursor.execute(f"PRAGMA max_page_count = {pages}")
    recorder._writer._disconnect = lambda: None  # type: ignore[method-assign]
    recorder._writer._store = store


async def test_threads_are_found_at_the_replay(recorder, turns, database, rows):
    first = await whole(recorder, "a")
    with locked(database):
        second = await whole(recorder, "b", tool_result_ids=("a",), prompt=None)
        third = await whole(recorder, "c", tool_result_ids=("a", "b"), prompt=None)
        other = await whole(
            recorder, tool_result_ids=("b",), prompt=None, initiator_id="somebody-else"
        )
    await turns.until(away=False)
    fourth = await whole(recorder, tool_result_ids=("a", "b", "c"), prompt=None)
    parents = {row["id"]: row["thread_parent_id"] for row in rows("interceptions")}
    assert parents == {
        first.start.id: None,
        second.start.id: first.start.id,
        third.start.id: second.start.id,
        fourth.start.id: third.start.id,
        other.start.id: None,
    }
    roots = {row["thread_root_id"] for row in rows("interceptions")}
    assert roots == {None, first.start.id}
    assert {row["interceptions"] for row in rows("sessions")} == {4, 1}


async def test_new_records_come_after_older_ones_of_the_spool(recorder, turns, database, rows):
    """However the replay and new records meet: a loop goes on through the end of the outage."""
    calls = 0
    with locked(database):
        for calls in range(1, 40):
            await whole(recorder, f"c{calls}", tool_result_ids=(f"c{calls - 1}",), prompt=None)
    while recorder._outage.is_on:
        calls += 1
        await whole(recorder, f"c{calls}", tool_result_ids=(f"c{calls - 1}",), prompt=None)
    await turns.until(away=False)
    ids = [row["id"] for row in rows("interceptions")]
    assert len(ids) == calls
    parents = [row["thread_parent_id"] for row in rows("interceptions")]
    assert parents == [None, *ids[:-1]]


async def test_what_a_crash_left_on_the_spool_after_its_commit_is_not_written_again(
    recorder, turns, database, spool, rows, counts, monkeypatch
):
    removed = spool.remove
    failed = threading.Event()

    def remove(numbers: list[int]) -> None:
        if not failed.is_set():
            failed.set()
            raise SpoolError("as if the process had ended here")
        removed(numbers)

    monkeypatch.setattr(spool, "remove", remove)
    with capture_logs() as logs:
        with locked(database):
            for number in range(5):
                await whole(recorder, f"c{number}")
        await turns.until(away=False)
    assert failed.is_set()
    assert "replay_failed" in [entry["event"] for entry in logs]
    assert counts() == [5] * 4
    assert len(rows("tool_usages")) == 5
    assert [row["interceptions"] for row in rows("sessions")] == [1] * 5


@pytest.mark.parametrize("over", [True, False])
async def test_a_commit_whose_outcome_nobody_knows_is_settled_by_asking(
    recorder, turns, rows, counts, monkeypatch, over
):

    def lose_connection(store: BatchWriter, batch: Any) -> None:
        commit(store, batch)
        raise sqlite3.OperationalError("the connection was lost during the commit")

    begun = recorder.start(start())
    await recorder.started(begun)
    monkeypatch.setattr(writers, "commit", lose_connection)
    if over:
        recorder.finish(begun, end())
        await recorder.ended(begun)
    other = recorder.start(start())
    await recorder.started(other)
    monkeypatch.setattr(writers, "commit", commit)
    await turns.until(away=False)
    for each in (begun, other):
        recorder.finish(each, end())
        await recorder.ended(each)
    assert counts() == [2] * 4
    assert [row["interceptions"] for row in rows("sessions")] == [1, 1]
    assert {row["status"] for row in rows("interceptions")} == {"completed"}


async def test_a_commit_that_failed_and_was_one_is_not_repeated_when_it_is_tried_again(
    recorder, counts, monkeypatch
):

    def fail_once(store: BatchWriter, batch: Any) -> None:
        monkeypatch.setattr(writers, "commit", commit)
        commit(store, batch)
        raise sqlite3.OperationalError("the connection was lost during the commit")

    monkeypatch.setattr(writers, "commit", fail_once)
    recorder._writer._patience = LONG
    with capture_logs() as logs:
        await whole(recorder)
    assert counts() == [1] * 4
    assert not logs


@pytest.mark.parametrize("commits", [True, False])
async def test_a_database_that_hangs_holds_nobody_up(
    recorder, turns, rows, counts, monkeypatch, commits
):
    """What the writer has in hand is taken from it, and may yet be written by it: not twice."""
    monkeypatch.setattr(outages, "HOLD_SECONDS", 0.05)
    hanging, go = threading.Event(), threading.Event()

    def hang(store: BatchWriter, batch: Any) -> Any:
        hanging.set()
        assert go.wait(LONG)
        if not commits:
            raise sqlite3.OperationalError("the connection was closed")
        return commit(store, batch)

    monkeypatch.setattr(writers, "commit", hang)
    with capture_logs() as logs:
        begun = await whole(recorder)
        assert await asyncio.to_thread(hanging.wait, LONG)
        assert rows("interceptions") == []
        later = await whole(recorder)
        monkeypatch.setattr(writers, "commit", commit)
        go.set()
        await turns.until(away=False)
    assert [row["id"] for row in rows("interceptions")] == [begun.start.id, later.start.id]
    assert counts() == [2] * 4
    assert [entry["event"] for entry in logs] == ["database_away", "database_back"]
    assert "no answer" in logs[0]["error"]


async def test_a_replay_that_hangs_holds_nobody_up(recorder, turns, database, counts, monkeypatch):
    monkeypatch.setattr(outages, "HOLD_SECONDS", 0.05)
    hanging, go = threading.Event(), threading.Event()

    def hang(store: BatchWriter, batch: Any) -> Any:
        hanging.set()
        assert go.wait(LONG)
        return commit(store, batch)

    monkeypatch.setattr(replays, "commit", hang)
    with locked(database):
        await whole(recorder)
    assert await asyncio.to_thread(hanging.wait, LONG)
    for _ in range(5):
        await whole(recorder)
    assert recorder.spooled > 10
    go.set()
    await turns.until(away=False)
    assert counts() == [6] * 4


async def test_a_transaction_that_takes_too_long_is_broken_off(database, spool, rows, monkeypatch):
    monkeypatch.setattr(outages, "HOLD_SECONDS", 0.05)
    monkeypatch.setattr(writers, "CALL_SECONDS", 0.1)
    monkeypatch.setattr(recorders, "LOOK_SECONDS", 0.05)
    begin = BatchWriter.transaction

    def transaction(store: BatchWriter, _server_id: int | None) -> Any:
        monkeypatch.setattr(BatchWriter, "transaction", begin)
        cursor: Any = store._link.cursor
        try:
            cursor.execute(ENDLESS)
        finally:
            monkeypatch.setattr(writers, "CALL_SECONDS", LONG)

    monkeypatch.setattr(BatchWriter, "transaction", transaction)
    recorder = Recorder(database, spool)
    with capture_logs() as logs:
        begun = await whole(recorder)
        await Turns(recorder).until(away=False)
    await recorder.close()
    assert [row["id"] for row in rows("interceptions")] == [begun.start.id]
    assert logs[-1]["event"] == "database_back"


async def leave_on_spool(database, spool, number: int) -> list[str]:
    """Have interceptions wait on the spool for the next recorder, and return their ids."""
    recorder = Recorder(database, spool, patience_seconds=0.05)
    with locked(database), capture_logs():
        left = [await whole(recorder) for _ in range(number)]
        await recorder.close()
    return [each.start.id for each in left]


async def replay(database, spool) -> None:
    recorder = Recorder(database, spool)
    await Turns(recorder).until(away=False)
    await recorder.close()


async def test_a_damaged_entry_is_set_aside_and_holds_up_nobody(database, spool, rows):
    first, second, third = await leave_on_spool(database, spool, 3)
    with spool._transaction():
        damage = "UPDATE entries SET body = body || 'x' WHERE interception_id = ?"
        spool._connection.execute(damage, (second,))
    with capture_logs() as logs:
        await replay(database, spool)
    assert [row["id"] for row in rows("interceptions")] == [first, third]
    aside = [entry for entry in logs if entry["event"] == "record_set_aside"]
    assert [entry["interception"] for entry in aside] == [second] * 2
    assert "checksum" in aside[0]["reason"]
    assert (spool.damaged, spool.waiting) == (2, 0)


async def test_an_end_is_whole_though_its_start_is_damaged(database, spool, rows):
    await leave_on_spool(database, spool, 1)
    with spool._transaction():
        spool._connection.execute("UPDATE entries SET body = x'00' WHERE NOT ended")
    with capture_logs():
        await replay(database, spool)
    assert [row["status"] for row in rows("interceptions")] == ["completed"]
    assert spool.damaged == 1


@pytest.mark.parametrize("begun_on_spool", [False, True])
async def test_what_loses_its_end_to_damage_is_closed_as_interrupted(
    database, spool, rows, begun_on_spool
):
    first = Recorder(database, spool, patience_seconds=0.05)
    lost = first.start(start())
    if not begun_on_spool:
        await first.started(lost)
    with locked(database), capture_logs():
        await first.started(lost)
        under_way = first.start(start())
        await first.started(under_way)
        with spool._transaction():
            spool._connection.execute(DAMAGED_ENDS)
        first.finish(lost, end())
        await first.ended(lost)
    await Turns(first).until(away=False)
    assert [row["status"] for row in rows("interceptions")] == ["failed", "running"]
    assert rows("interceptions")[0]["error_type"] == "interrupted"
    first.finish(under_way, end())
    await first.ended(under_way)
    assert [row["status"] for row in rows("interceptions")] == ["failed", "completed"]
    assert sum(row["interceptions"] for row in rows("sessions")) == 2
    assert spool.damaged == 1
    await first.close()


async def test_an_end_that_the_database_never_takes_leaves_nothing_running(
    recorder, turns, database, rows
):
    begun = recorder.start(start())
    await recorder.started(begun)
    with capture_logs() as logs:
        with locked(database):
            recorder.finish(begun, end(response_bytes=1 << 63))
            await recorder.ended(begun)
        await turns.until(away=False)
    assert "record_set_aside" in [entry["event"] for entry in logs]
    assert [row["error_type"] for row in rows("interceptions")] == ["interrupted"]


async def test_what_the_database_never_takes_is_set_aside_with_the_reason(
    recorder, turns, database, spool, rows, monkeypatch
):
    place = BatchWriter.by_call

    def by_call(store: BatchWriter, initiator_id: str, call_id: str, session: str | None) -> Any:
        if call_id == "poison":
            raise sqlite3.IntegrityError("never")
        return place(store, initiator_id, call_id, session)

    monkeypatch.setattr(BatchWriter, "by_call", by_call)
    with capture_logs() as logs:
        with locked(database):
            good = [await whole(recorder) for _ in range(3)]
            await whole(recorder, tool_result_ids=("poison",))
            good += [await whole(recorder) for _ in range(3)]
        await turns.until(away=False)
    assert [row["id"] for row in rows("interceptions")] == [each.start.id for each in good]
    aside = [entry for entry in logs if entry["event"] == "record_set_aside"]
    assert {entry["reason"] for entry in aside} == {"never"}
    assert recorder.set_aside == 2


@pytest.mark.parametrize("more", [{"prompt": NOT_TEXT}, {"request_bytes": 1 << 70}])
async def test_what_cannot_be_spooled_does_not_harm_the_others(
    recorder, turns, database, rows, more
):
    with capture_logs() as logs:
        with locked(database):
            first = await whole(recorder)
            bad, good = recorder.start(start(**more)), recorder.start(start())
            with pytest.raises(RecordingError):
                await recorder.started(bad)
            await recorder.started(good)
        await turns.until(away=False)
    assert [row["id"] for row in rows("interceptions")] == [first.start.id, good.start.id]
    assert "record_not_written" in [entry["event"] for entry in logs]


async def test_a_full_spool_refuses_starts_but_takes_ends(recorder, turns, database, rows):
    with capture_logs() as logs:
        with locked(database):
            begun = [recorder.start(start())]
            await recorder.started(begun[0])
            while recorder.ready:
                begun.append(recorder.start(start(prompt="x" * 50_000)))
                await recorder.started(begun[-1])
            with pytest.raises(RecorderUnavailable):
                recorder.start(start())
            recorder.finish(begun[0], end())
            await recorder.ended(begun[0])
        await turns.until(away=False)
    assert recorder.ready
    assert len(rows("interceptions")) == len(begun)
    assert rows("interceptions")[0]["status"] == "completed"
    full = [entry["event"] for entry in logs if entry["event"].startswith("spool")]
    assert full == ["spool_full", "spool_has_room"]


async def test_what_can_be_written_nowhere_has_no_end_until_there_is_room(
    recorder, turns, database, spool, rows, counts, monkeypatch
):
    """Its client was told that there is none; what was seen is on record all the same."""
    room = threading.Event()

    def full(entries: Any) -> None:
        raise SpoolError("the disk is full")

    with capture_logs() as logs:
        with locked(database):
            begun = recorder.start(start())
            await recorder.started(begun)
            append = spool.append
            monkeypatch.setattr(spool, "append", full)
            monkeypatch.setattr(spool, "has_room", room.is_set)
            recorder.finish(begun, end())
            with pytest.raises(RecordingError, match="disk is full"):
                await recorder.ended(begun)
            with pytest.raises(RecorderUnavailable):
                recorder.start(start())
            monkeypatch.setattr(spool, "append", append)
            room.set()
            async with asyncio.timeout(LONG):
                while not recorder.ready:
                    await asyncio.to_thread(recorder._spooler._look_for_room)
            await whole(recorder)
        await turns.until(away=False)
        async with asyncio.timeout(LONG):
            while rows("interceptions")[0]["status"] == "running":  # noqa: ASYNC110 - the database tells nobody
                await asyncio.sleep(0.01)
    assert [row["status"] for row in rows("interceptions")] == ["completed", "completed"]
    assert counts() == [2] * 4
    events = [entry["event"] for entry in logs]
    assert events == ["database_away", "spool_full", "spool_has_room", "database_back"]


async def test_closing_in_an_outage_keeps_everything_on_the_spool(database, spool, rows, counts):
    recorder = Recorder(database, spool, patience_seconds=0.05)
    with locked(database), capture_logs():
        await whole(recorder)
        begun = [recorder.start(start()) for _ in range(600)]
        for each in begun[:300]:
            recorder.finish(each, end())
        await recorder.close()
        await asyncio.gather(*map(recorder.started, begun), *map(recorder.ended, begun[:300]))
        assert rows("interceptions") == []
    with capture_logs() as logs:
        await replay(database, spool)
    statuses = [row["status"] for row in rows("interceptions")]
    assert (len(statuses), statuses.count("completed")) == (601, 301)
    assert "earlier run" in logs[0]["error"]


async def test_closing_does_not_wait_for_a_database_that_hangs(database, spool, monkeypatch):
    monkeypatch.setattr(outages, "HOLD_SECONDS", 0.05)
    monkeypatch.setattr(writers, "STOP_SECONDS", 0.1)
    go = threading.Event()

    def hang(*_: object) -> None:
        assert go.wait(LONG)
        raise sqlite3.OperationalError("closed")

    monkeypatch.setattr(writers, "commit", hang)
    recorder = Recorder(database, spool)
    with capture_logs():
        begun = recorder.start(start())
        await recorder.close()
    await recorder.started(begun)
    assert spool.waiting == 1
    go.set()
    await asyncio.to_thread(recorder._writer._thread.join, LONG)


async def test_what_a_crash_left_open_on_the_spool_is_closed_as_interrupted(
    database, spool, rows, counts
):
    first = Recorder(database, spool, patience_seconds=0.05)
    before = first.start(start(prompt="began before the outage, and ended in it"))
    await first.started(before)
    lost = first.start(start(prompt="began before the outage"))
    await first.started(lost)
    with locked(database), capture_logs():
        ended, open_ = await whole(first), first.start(start())
        await first.started(open_)
        first.finish(before, end())
        await first.ended(before)
        await first.close()  # all that a kill leaves: what was promised is on the spool
    assert close_interrupted(database, spool) == 2
    assert close_interrupted(database, spool) == 0
    await replay(database, spool)
    found = {row["id"]: (row["status"], row["error_type"]) for row in rows("interceptions")}
    assert found == {
        before.start.id: ("completed", ""),
        lost.start.id: ("failed", "interrupted"),
        ended.start.id: ("completed", ""),
        open_.start.id: ("failed", "interrupted"),
    }
    assert [row["interceptions"] for row in rows("sessions")] == [1] * 4


@pytest.mark.parametrize("again", [False, True], ids=["", "replayed-twice"])
async def test_an_end_on_the_spool_replaces_one_that_nobody_saw(
    database, spool, rows, monkeypatch, again
):
    """A bridge elsewhere took this one for gone, and closed what it had under way."""
    first = Recorder(database, spool, patience_seconds=0.05)
    twin = await whole(first, "call", client_session_id="twin")
    lost = first.start(start(client_session_id="lost", started_at=twin.start.started_at))
    other = first.start(start(client_session_id="lost"))
    await asyncio.gather(first.started(lost), first.started(other))
    with locked(database), capture_logs():
        first.finish(lost, replace(cast("End", twin.end)))
        await first.ended(lost)
        await first.close()
    assert close_interrupted(database) == 2
    before = sessions(rows)
    if again:
        removed = spool.remove
        fails = iter([True])
        monkeypatch.setattr(
            spool, "remove", lambda numbers: fail() if next(fails, False) else removed(numbers)
        )
    with capture_logs() as logs:
        await replay(database, spool)
    assert not [entry for entry in logs if entry["event"] == "record_set_aside"]
    found = {row["id"]: row for row in rows("interceptions")}
    own = {"id", "session_id", "client_session_id"}
    assert {name: found[lost.start.id][name] for name in found[lost.start.id].keys() - own} == {
        name: found[twin.start.id][name] for name in found[twin.start.id].keys() - own
    }
    assert found[other.start.id]["error_type"] == "interrupted"
    for table in TABLES[2:]:
        ids = sorted(row["interception_id"] for row in rows(table))
        assert ids == sorted([twin.start.id, lost.start.id])
    after = sessions(rows)
    assert (before["lost"]["interceptions"], after["lost"]["interceptions"]) == (2, 2)
    assert after["lost"]["threads"] == 2
    assert after["lost"]["tokens"] == after["twin"]["tokens"] > 0
    kinds = {(row["session_id"], row["kind_id"]) for row in rows("session_kinds")}
    assert kinds == {(row["session_id"], row["kind_id"]) for row in found.values()}
    counted = {row["kind_id"]: row["interceptions"] for row in rows("initiator_kinds")}
    assert counted == Counter(row["kind_id"] for row in found.values())
    with database.read() as connection:
        words = {(id_, word) for id_, _, word, _ in indexed_words(connection)}
    assert (lost.start.id, "bash") in words
    assert (lost.start.id, "interrupted") not in words
    assert (other.start.id, "interrupted") in words


@pytest.mark.parametrize("others", [0, 1])
async def test_no_kind_is_left_that_nothing_is_of_when_an_end_is_taken_back(
    database, spool, rows, others
):
    first = Recorder(database, spool, patience_seconds=0.05)
    lost, *stay = [first.start(start(model="m-lost")) for _ in range(1 + others)]
    await asyncio.gather(*(first.started(each) for each in (lost, *stay)))
    with locked(database), capture_logs():
        first.finish(lost, end())
        await first.ended(lost)
        await first.close()
    assert close_interrupted(database) == 1 + others
    with capture_logs():
        await replay(database, spool)
    assert rows("interceptions")[0]["status"] == "completed"
    counted = [(row["kind_id"], row["interceptions"]) for row in rows("initiator_kinds")]
    kinds = Counter(row["kind_id"] for row in rows("interceptions"))
    assert sorted(counted) == sorted(kinds.items())


def fail() -> None:
    raise SpoolError("as if the process had ended here")


def sessions(rows) -> dict[str, dict[str, Any]]:
    return {row["id"]: row for row in rows("sessions")}


async def test_an_entry_is_read_as_it_was_handed_over(recorder, turns, database, rows):
    """What the record shows does not depend on whether it came by way of the spool."""
    more = {"prompt": "Ä\n☃", "metadata": {"k": [1, None]}, "edits": ["e"], "client": None}
    await whole(recorder, "a", **more)
    with locked(database):
        await whole(recorder, "a", **more)
    await turns.until(away=False)
    own = {"id", "interception_id", "session_id", "started_at", "ended_at", "created_at"}
    for table in TABLES:
        direct, spooled = (
            {name: value for name, value in row.items() if name not in own} for row in rows(table)
        )
        assert direct == spooled


async def test_only_one_pause_is_taken_by_the_first_who_meet_an_outage(recorder, database):
    """Later ones do not wait for the database at all: the writer is left to find out."""
    with locked(database):
        await whole(recorder)
        tried = recorder._writer._persist
        recorder._writer._persist = lambda batch: pytest.fail(f"tried {batch}")
        for _ in range(20):
            await whole(recorder)
        recorder._writer._persist = tried
