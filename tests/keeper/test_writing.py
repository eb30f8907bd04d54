"""Writing what the keeper has read: until the database takes it, and past what it never takes."""

import errno
import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from threading import Event, Thread
from typing import Any

import pytest
from structlog.testing import capture_logs

from aibridge.journal.progress import Progress
from aibridge.keeper import writing as module
from aibridge.keeper.aside import Aside
from aibridge.keeper.keeper import Keeper
from aibridge.keeper.status import StatusFile
from aibridge.recorder.batch import commit
from aibridge.store.record.writer import BatchWriter, OtherKeeperError
from aibridge.store.transfer.checking import disagreements
from tests.databases import locked
from tests.keeper.journals import RULES, answer, keep

ENDLESS = (
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i % 9 + 1 FROM n) SELECT count(*) FROM n"
)
POISON = "poison"


@pytest.fixture(autouse=True)
def _impatient(monkeypatch):
    monkeypatch.setattr(module, "AGAIN_SECONDS", 0.0)
    monkeypatch.setattr(module, "LOCK_SECONDS", 0.01)


@pytest.fixture
def counts(rows):
    """How many rows there are of what one whole call has once."""
    tables = ("user_prompts", "token_usages", "interceptions")
    return lambda: [len(rows(table)) for table in tables]


def away(times: int, end: Callable[[], object]) -> Callable[[], bool]:
    """Return what tells a keeper to end soon after the database is back.

    After several looks it has ``end`` done, which brings the database back.
    """

    def told() -> Iterator[bool]:
        yield from [False] * times
        end()
        yield False
        while True:
            yield True

    return told().__next__


def sums_are_right(database) -> bool:
    with database.read() as connection:
        return list(disagreements(connection)) == []


def test_while_the_database_is_away_calls_wait_in_the_journal_and_are_written_after(
    gateway, root, database, rows, counts
):
    ids = [gateway.call(f"{number}") for number in range(5)]
    with locked(database) as release, capture_logs() as logs:
        keep(root, database, is_over=away(3, release))
    assert [row["id"] for row in rows("interceptions")] == ids
    assert counts() == [5] * 3
    assert [each["event"] for each in logs] == ["database_away", "database_back"]


def test_a_keeper_that_has_to_end_while_the_database_is_away_leaves_all_to_the_next(
    gateway, root, database, rows, counts
):
    gateway.call()
    with locked(database), capture_logs() as logs:
        keep(root, database)
    assert [each["event"] for each in logs] == ["database_away", "journal_left"]
    assert not rows("interceptions")
    keep(root, database)
    assert counts() == [1] * 3


def test_what_is_wrong_with_the_database_is_said_as_long_as_it_is(gateway, root, database):
    said: list[str] = []
    held_up: list[bool] = []
    progress = Progress(gateway.claim.folder)

    def end() -> None:
        said.append(StatusFile(root).read().trouble)
        held_up.append(progress.is_held_up)
        release()

    gateway.call()
    with locked(database) as release, capture_logs():
        keep(root, database, is_over=away(2, end))
    assert (said, held_up) == (["the database is away"], [True])
    assert StatusFile(root).read().trouble == ""
    assert not progress.is_held_up
    assert progress.position == gateway.journal.position
    progress.close()


def test_a_damaged_database_is_said_to_be_damaged(gateway, root, database, counts, monkeypatch):
    def fail(*_: object) -> None:
        error = sqlite3.DatabaseError("database disk image is malformed")
        error.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
        raise error

    said: list[str] = []

    def end() -> None:
        said.append(StatusFile(root).read().trouble)
        monkeypatch.setattr(module, "commit", commit)

    monkeypatch.setattr(module, "commit", fail)
    gateway.call()
    with capture_logs():
        keep(root, database, is_over=away(1, end))
    assert said == ["the database is damaged"]
    assert counts() == [1] * 3


@pytest.mark.parametrize("commits", [True, False])
@pytest.mark.parametrize("times", [1, 2])
def test_a_commit_whose_outcome_nobody_knows_is_settled_by_asking(
    gateway, root, database, counts, monkeypatch, commits, times
):
    fails = iter(range(times))

    def lose_connection(*given: Any) -> Any:
        if next(fails, None) is None:
            return commit(*given)
        if commits:
            commit(*given)
        raise sqlite3.OperationalError("the connection was lost during the commit")

    monkeypatch.setattr(module, "commit", lose_connection)
    call = gateway.begin()
    with capture_logs():
        keep(root, database, is_over=away(times, nullcontext))
        gateway.end(call)
        keep(root, database)
    assert counts() == [1] * 3
    assert sums_are_right(database)


def test_a_call_goes_on_with_one_whose_commit_nobody_had_heard_of(
    gateway, root, database, rows, monkeypatch
):
    """Within the same keeper, which has the beginning in memory as not committed."""

    def lose_connection(*given: Any) -> None:
        monkeypatch.setattr(module, "commit", commit)
        commit(*given)
        gateway.end(call)
        raise sqlite3.OperationalError("the connection was lost during the commit")

    monkeypatch.setattr(module, "commit", lose_connection)
    call = gateway.begin()
    with capture_logs():
        keep(root, database, is_over=away(1, nullcontext))
    assert [row["status"] for row in rows("interceptions")] == ["completed"]
    assert sums_are_right(database)


@pytest.fixture
def _poisoned(monkeypatch):
    """No database takes what has a certain word in it."""
    add = BatchWriter.add

    def refusing(store: BatchWriter, rows: Any) -> None:
        rows = list(rows)
        if POISON in str(rows):
            raise sqlite3.IntegrityError("never")
        add(store, rows)

    monkeypatch.setattr(BatchWriter, "add", refusing)


@pytest.mark.usefixtures("_poisoned")
def test_a_record_that_cannot_be_written_does_not_harm_the_others(gateway, root, database, rows):
    ids = [gateway.call(text) for text in ("One.", POISON, "Two.")]
    with capture_logs() as logs:
        keep(root, database)
    assert [row["id"] for row in rows("interceptions")] == ids
    assert [row["prompt"] for row in rows("user_prompts")] == ["One.", "Two."]
    bare = rows("interceptions")[1]
    assert bare["status"] == "completed"
    assert bare["notes"] == '["the database did not take all of it: never"]'
    assert [(each["event"], each["reason"]) for each in logs] == [("record_set_aside", "never")]
    (aside,) = Aside(root)
    assert aside == (ids[1], "never")
    assert StatusFile(root).read().set_aside == 1


@pytest.mark.usefixtures("_poisoned")
def test_an_end_that_cannot_be_written_leaves_nothing_running(gateway, root, database, rows):
    call = gateway.begin()
    keep(root, database)
    gateway.end(call, answer().replace(b"end_turn", POISON.encode()))
    with capture_logs():
        keep(root, database)
    (row,) = rows("interceptions")
    assert row["status"] != "running"
    assert [row["prompt"] for row in rows("user_prompts")] == ["Hello."]
    assert [each.interception_id for each in Aside(root)] == [call.id]


@pytest.mark.usefixtures("_poisoned")
def test_what_is_set_aside_while_the_database_goes_away_is_so_once(
    gateway, root, database, rows, monkeypatch
):
    tries = iter(range(2))

    def failing(*given: Any) -> Any:
        if next(tries, None) == 1:
            raise sqlite3.OperationalError("away")
        return commit(*given)

    monkeypatch.setattr(module, "commit", failing)
    ids = [gateway.call(text) for text in ("One.", POISON)]
    with capture_logs():
        keep(root, database, is_over=away(1, nullcontext))
    assert [row["id"] for row in rows("interceptions")] == ids
    assert len(Aside(root)) == 1


@pytest.mark.usefixtures("_poisoned")
def test_no_room_to_set_something_aside_holds_it_up_until_there_is(
    gateway, root, database, rows, monkeypatch
):
    write = Aside._write

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    said: list[str] = []

    def end() -> None:
        said.append(StatusFile(root).read().trouble)
        monkeypatch.setattr(Aside, "_write", write)

    monkeypatch.setattr(Aside, "_write", full)
    gateway.call(POISON)
    with capture_logs():
        keep(root, database, is_over=away(2, end))
    assert said == ["a call cannot be set aside: No space left on device"]
    assert len(rows("interceptions")) == len(Aside(root)) == 1


def test_where_another_has_moved_on_in_the_journal_nothing_is_set_aside(
    gateway, root, database, rows, monkeypatch
):
    """As with a database of yesterday put in the place of today's: the next keeper looks again."""
    gateway.call()
    keep(root, database)
    gateway.call()
    position_in = BatchWriter.position_in
    monkeypatch.setattr(BatchWriter, "position_in", lambda *_: None)
    with pytest.raises(OtherKeeperError):
        keep(root, database)
    monkeypatch.setattr(BatchWriter, "position_in", position_in)
    assert not list(Aside(root))
    keep(root, database)
    assert len(rows("interceptions")) == 2


def test_a_transaction_that_takes_too_long_is_broken_off(
    gateway, root, database, counts, monkeypatch
):
    begin = BatchWriter.transaction
    hangs = Event()

    def transaction(store: BatchWriter, *_: object) -> Any:
        monkeypatch.setattr(BatchWriter, "transaction", begin)
        hangs.set()
        cursor: Any = store._link.cursor
        try:
            cursor.execute(ENDLESS)
        finally:
            monkeypatch.setattr(module, "CALL_SECONDS", 1000.0)

    monkeypatch.setattr(BatchWriter, "transaction", transaction)
    monkeypatch.setattr(module, "CALL_SECONDS", 0.0)
    gateway.call()
    keeper = Keeper(root, database, RULES, nullcontext, away(1, nullcontext))

    def look_after() -> None:
        hangs.wait()
        while thread.is_alive():
            keeper.look_after()

    thread = Thread(target=keeper.run)
    with capture_logs() as logs:
        thread.start()
        looking = Thread(target=look_after)
        looking.start()
        thread.join()
        looking.join()
    assert counts() == [1] * 3
    assert [each["event"] for each in logs][-1] == "database_back"


@pytest.mark.parametrize("databases", ["sqlite"], indirect=True, scope="module")
def test_with_its_file_gone_the_database_is_away_until_it_is_put_back(
    gateway, root, database, rows
):
    first = gateway.call()
    keep(root, database)
    elsewhere = database.file.rename(database.file.with_suffix(".away"))
    said: list[str] = []

    def end() -> None:
        said.append(StatusFile(root).read().trouble)
        assert not database.file.exists()
        elsewhere.rename(database.file)

    second = gateway.call()
    with capture_logs():
        keep(root, database, is_over=away(2, end))
    assert said == ["the database's file was deleted or replaced"]
    assert [row["id"] for row in rows("interceptions")] == [first, second]


@pytest.mark.parametrize("databases", ["sqlite"], indirect=True, scope="module")
def test_a_database_that_is_full_is_away(gateway, root, database, rows, monkeypatch):
    pages = iter([1])

    class Full(BatchWriter):
        def __init__(self, *given: Any, **named: Any) -> None:
            super().__init__(*given, **named)
            self._link.cursor.execute(f"PRAGMA max_page_count = {next(pages, 1 << 20)}")

    monkeypatch.setattr(module, "BatchWriter", Full)
    gateway.call("x" * 100_000)
    said: list[str] = []
    with capture_logs():
        keep(
            root,
            database,
            is_over=away(1, lambda: said.append(StatusFile(root).read().trouble)),
        )
    assert said == ["the disk of the database is full"]
    assert [len(row["prompt"]) for row in rows("user_prompts")] == [100_000]
