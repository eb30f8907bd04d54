"""The recorder and its writer: what was promised is committed, together where that can be."""

import asyncio
import threading
from typing import Any

import pytest
from structlog.testing import capture_logs

from aibridge.recorder import intake as intakes
from aibridge.recorder import writer as writers
from aibridge.recorder.intake import MAX_BATCH, Intake
from aibridge.recorder.outage import Outage
from aibridge.recorder.recorder import MAX_WAITING, Recorder, RecorderUnavailable
from aibridge.recorder.ticket import RecordingError, Ticket
from aibridge.recorder.writer import Writer
from tests.builders import indexed_words
from tests.databases import locked
from tests.recorder.facts import end, facts, start

LONG = 20.0
NOT_TEXT = "\ud800"
"""Half a surrogate pair: no database takes it."""


@pytest.fixture
async def recorder(database):
    recorder = Recorder(database, patience_seconds=LONG)
    yield recorder
    await recorder.close()


class Waiting:
    """A writer without an event loop, and what it tells of its tickets."""

    def __init__(self, database, *, patience: float = LONG) -> None:
        self.batches: list[tuple[list[Ticket], RecordingError | None]] = []
        self._told = threading.Condition()
        self.intake = Intake()
        self.writer = Writer(
            database, self.intake, Outage(), self._settled, patience_seconds=patience
        )

    def _settled(self, tickets: list[Ticket], error: RecordingError | None) -> None:
        with self._told:
            self.batches.append((tickets, error))
            self._told.notify_all()

    def told(self, batches: int) -> None:
        with self._told:
            assert self._told.wait_for(lambda: len(self.batches) >= batches, LONG)


@pytest.fixture
async def waiting(database):
    waiting = Waiting(database)
    yield waiting
    if waiting.writer._thread.is_alive():
        waiting.writer.stop()
        await asyncio.to_thread(waiting.writer.join)


def ticket(*, over: bool = False, **more: Any) -> Ticket:
    loop = asyncio.get_running_loop()
    made = Ticket(start(**more), started=loop.create_future(), ended=loop.create_future())
    made.end = end() if over else None
    return made


def indexed(database) -> set[str]:
    with database.read() as connection:
        return {id_ for id_, *_ in indexed_words(connection)}


async def test_a_start_and_its_end_are_committed_in_turn(recorder, database, rows):
    begun = recorder.start(start())
    await recorder.started(begun)
    (row,) = rows("interceptions")
    assert (row["status"], row["ended_at"]) == ("running", None)
    assert len(rows("user_prompts")) == 1
    assert not rows("sessions")
    assert not indexed(database)
    recorder.finish(begun, end())
    await recorder.ended(begun)
    (row,) = rows("interceptions")
    assert row["status"] == "completed"
    assert indexed(database) == {row["id"]}
    assert len(rows("token_usages")) == len(rows("sessions")) == 1
    assert rows("user_prompts")[0]["provider_response_id"] == "msg-1"


async def test_what_is_committed_already_is_not_waited_for(recorder):
    begun = recorder.start(start())
    recorder.finish(begun, end())
    await recorder.ended(begun)
    await recorder.started(begun)
    await recorder.ended(begun)


async def test_only_the_first_end_counts(recorder, rows):
    begun = recorder.start(start())
    recorder.finish(begun, end(http_status=200))
    recorder.finish(begun, end(http_status=500))
    await recorder.ended(begun)
    recorder.finish(begun, end(http_status=500))
    other = recorder.start(start())
    await recorder.started(other)
    assert [row["http_status"] for row in rows("interceptions")] == [200, None]
    assert rows("sessions")[0]["interceptions"] == 1


async def test_what_waits_is_written_together(waiting, rows):
    for number in range(MAX_BATCH + 100):
        waiting.intake.put(ticket(over=number % 2 == 0))
    waiting.writer.begin()
    await asyncio.to_thread(waiting.told, 2)
    assert [len(tickets) for tickets, _ in waiting.batches] == [MAX_BATCH, 100]
    assert len(rows("interceptions")) == MAX_BATCH + 100
    assert len(rows("token_usages")) == (MAX_BATCH + 100) // 2


async def test_a_start_that_has_ended_meanwhile_is_written_once(waiting, rows):
    both = ticket(over=True)
    waiting.intake.put(both)
    waiting.intake.put(both)
    waiting.writer.begin()
    await asyncio.to_thread(waiting.told, 1)
    assert len(waiting.batches) == 1
    assert [row["status"] for row in rows("interceptions")] == ["completed"]
    assert len(rows("token_usages")) == 1


async def test_nobody_lingers_when_all_wait(recorder, monkeypatch):
    monkeypatch.setattr(intakes, "LINGER_SECONDS", LONG)
    for _ in range(3):
        begun = [recorder.start(start()) for _ in range(4)]
        async with asyncio.timeout(LONG / 2):
            await asyncio.gather(*map(recorder.started, begun))
            for each in begun:
                recorder.finish(each, end())
            await asyncio.gather(*map(recorder.ended, begun))
    assert recorder._open == 0


async def test_who_stops_waiting_is_not_counted_any_more(recorder):
    begun = recorder.start(start())
    await recorder.started(begun)
    recorder.finish(begun, end())
    waiting = asyncio.create_task(recorder.ended(begun))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    other = recorder.start(start())
    recorder.finish(other, end())
    await recorder.ended(other)
    assert (recorder._open, recorder._waiting) == (0, 0)


POISON: dict[str, dict[str, Any]] = {
    "what is no text": {"prompt": NOT_TEXT},
    "a number that is too large": {"request_bytes": 1 << 70},
    "a value of no type": {"user_agent": object()},
    "what is no JSON": {"metadata": {"x": object()}},
}


@pytest.mark.parametrize("poison", POISON)
async def test_a_record_that_cannot_be_written_does_not_harm_the_others(waiting, rows, poison):
    good = [ticket(over=True) for _ in range(5)]
    bad = ticket(**POISON[poison])
    for each in (*good[:2], bad, *good[2:]):
        waiting.intake.put(each)
    with capture_logs() as logs:
        waiting.writer.begin()
        await asyncio.to_thread(waiting.told, 6)
    failed = [tickets for tickets, error in waiting.batches if error is not None]
    assert failed == [[bad]]
    assert [row["id"] for row in rows("interceptions")] == sorted(each.start.id for each in good)
    assert [entry["event"] for entry in logs] == ["record_not_written"]
    later = ticket()
    waiting.intake.put(later)
    await asyncio.to_thread(waiting.told, 7)
    assert waiting.batches[-1] == ([later], None)
    assert not waiting.writer.fails


async def test_an_id_that_is_there_already_is_refused_alone(waiting, rows):
    first, again, third = ticket(id="same"), ticket(id="same"), ticket()
    for each in (first, again, third):
        waiting.intake.put(each)
    with capture_logs():
        waiting.writer.begin()
        await asyncio.to_thread(waiting.told, 3)
    assert [error is None for _, error in waiting.batches] == [True, False, True]
    assert len(rows("interceptions")) == 2


async def test_an_end_that_cannot_be_written_leaves_its_start(recorder, rows):
    begun = recorder.start(start())
    await recorder.started(begun)
    with capture_logs():
        recorder.finish(begun, end(error_message=NOT_TEXT))
        with pytest.raises(RecordingError):
            await recorder.ended(begun)
    await recorder.started(begun)
    assert [row["status"] for row in rows("interceptions")] == ["running"]
    assert not rows("sessions")
    assert recorder._open == 0


async def test_a_locked_database_is_tried_again(recorder, database, rows, monkeypatch):
    delayed = Log()
    monkeypatch.setattr(writers, "_log", delayed)
    with locked(database):
        promise = asyncio.create_task(recorder.started(recorder.start(start())))
        await asyncio.to_thread(delayed.warned.wait, LONG)
        assert not promise.done()
        with pytest.raises(RecorderUnavailable):
            recorder.start(start())
    await promise
    assert len(rows("interceptions")) == 1


class Log:
    def __init__(self) -> None:
        self.warned = threading.Event()

    def warning(self, event: str, *, error: str = "") -> None:
        known = {"database is locked", "canceling statement due to lock timeout"}
        assert (event == "database_back" and not error) or (
            event == "database_away" and error in known
        )
        self.warned.set()


async def test_patience_has_an_end(database, rows):
    recorder = Recorder(database, patience_seconds=0.05)
    with locked(database), capture_logs() as logs:
        begun = recorder.start(start())
        with pytest.raises(RecordingError, match="could not be written"):
            await recorder.started(begun)
    assert logs[-1]["event"] == "record_not_written"
    await recorder.close()
    assert rows("interceptions") == []


async def test_a_database_that_is_back_is_found_without_a_record_to_write(
    database, rows, monkeypatch
):
    back = threading.Event()
    look = Writer._takes_transactions

    def looked(writer: Writer) -> bool:
        found = look(writer)
        if found:
            back.set()
        return found

    monkeypatch.setattr(Writer, "_takes_transactions", looked)
    monkeypatch.setattr(writers, "PROBE_SECONDS", 0.01)
    recorder = Recorder(database, patience_seconds=0.05)
    with locked(database), capture_logs():
        begun = recorder.start(start())
        with pytest.raises(RecordingError):
            await recorder.started(begun)
    assert await asyncio.to_thread(back.wait, LONG)
    await recorder.close()  # the flag is the thread's: it is down once the thread is
    assert recorder.ready
    assert rows("interceptions") == []


async def test_an_end_whose_start_was_given_up_is_written_whole(database, rows):
    recorder = Recorder(database, patience_seconds=0.05)
    with locked(database), capture_logs():
        begun = recorder.start(start())
        with pytest.raises(RecordingError):
            await recorder.started(begun)
    recorder.finish(begun, end())
    await recorder.ended(begun)
    assert [row["status"] for row in rows("interceptions")] == ["completed"]
    await recorder.close()


async def test_too_many_waiting_records_are_refused(recorder, rows, monkeypatch):
    monkeypatch.setattr(recorder._intake, "waiting", lambda: MAX_WAITING)
    await recorder.started(recorder.start(start()))
    monkeypatch.setattr(recorder._intake, "waiting", lambda: MAX_WAITING + 1)
    with pytest.raises(RecorderUnavailable):
        recorder.start(start())
    assert len(rows("interceptions")) == 1


async def test_closing_writes_what_was_accepted(database, rows):
    recorder = Recorder(database, patience_seconds=LONG)
    begun = [recorder.start(start()) for _ in range(MAX_BATCH + 50)]
    for each in begun[:100]:
        recorder.finish(each, end())
    await recorder.close()
    statuses = [row["status"] for row in rows("interceptions")]
    assert (len(statuses), statuses.count("completed")) == (MAX_BATCH + 50, 100)
    await asyncio.gather(*map(recorder.started, begun))


async def test_closing_a_recorder_does_not_wait_for_a_locked_database(database):
    recorder = Recorder(database, patience_seconds=600.0)
    with locked(database), capture_logs():
        begun = recorder.start(start())
        await recorder.close()
        with pytest.raises(RecordingError):
            await recorder.started(begun)


async def test_a_request_finds_its_thread(recorder, rows):
    async def call(**more: Any) -> Ticket:
        calls = more.pop("calls", ())
        prompt = None if "tool_result_ids" in more else "Hello."
        begun: Ticket = recorder.start(start(prompt=prompt, **more))
        recorder.finish(begun, end(facts=facts(*calls)))
        await recorder.ended(begun)
        return begun

    first = await call(calls=("a", "b"))
    second = await call(calls=("c",), tool_result_ids=("a", "b"))
    third = await call(tool_result_ids=("a", "b", "c"))
    stranger = await call(tool_result_ids=("a",), initiator_id="somebody-else")
    unknown = await call(tool_result_ids=("z",))
    other = await call(tool_result_ids=("a",), client_session_id="another")
    found = {row["id"]: row for row in rows("interceptions")}
    parents = {
        each.start.id: (
            found[each.start.id]["thread_parent_id"],
            found[each.start.id]["thread_root_id"],
            found[each.start.id]["session_id"],
        )
        for each in (first, second, third, stranger, unknown, other)
    }
    root = first.start.id
    assert parents == {
        root: (None, None, root),
        second.start.id: (root, root, root),
        third.start.id: (second.start.id, root, root),
        stranger.start.id: (None, None, stranger.start.id),
        unknown.start.id: (None, None, unknown.start.id),
        other.start.id: (None, None, "another"),
    }


async def test_a_call_that_the_provider_runs_itself_is_nobodys_parent(recorder, rows):
    for _ in range(2):
        begun = recorder.start(start(tool_result_ids=("",)))
        recorder.finish(begun, end(facts=facts("")))
        await recorder.ended(begun)
    assert [row["thread_parent_id"] for row in rows("interceptions")] == [None, None]
