"""The keeper: what the journals have is on record, each call once, whatever ends when."""

import os
import shutil
import stat
import sys
from functools import cache
from itertools import count
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
from sqlalchemy import func, select
from structlog.testing import capture_logs

from aibridge.journal import progress
from aibridge.journal.catching_up import CatchingUp
from aibridge.journal.folders import claim, is_claimed
from aibridge.journal.segments import listed
from aibridge.keeper import following, tidying
from aibridge.keeper import keeper as keepers
from aibridge.recorder import batch
from aibridge.store.engine.database import Database
from aibridge.store.engine.sqlite import SQLiteLink
from aibridge.store.record import writer as writers
from aibridge.store.record.statements import Statements
from aibridge.store.schema import tables as schema
from aibridge.store.transfer.checking import disagreements
from tests.keeper.journals import Gateway, answer, keep, process_of


def test_a_call_is_written_when_it_begins_and_when_it_ends(gateway, root, database, rows):
    call = gateway.begin("Mend it.")
    keep(root, database)
    (row,) = rows("interceptions")
    assert (row["id"], row["status"], row["ended_at"]) == (call.id, "running", None)
    half = answer("call-1")
    gateway.piece(call, half[:20])
    gateway.end(call, half[20:])
    keep(root, database)
    (row,) = rows("interceptions")
    assert (row["status"], row["stop_reason"]) == ("completed", "tool_use")
    assert [row["prompt"] for row in rows("user_prompts")] == ["Mend it."]
    assert [row["provider_tool_call_id"] for row in rows("tool_usages")] == ["call-1"]
    assert [row["input_tokens"] for row in rows("token_usages")] == [1]


def test_what_is_on_record_is_not_read_again(gateway, root, database, rows):
    gateway.call()
    for _ in range(3):
        keep(root, database)
    assert len(rows("interceptions")) == len(rows("user_prompts")) == len(rows("sessions")) == 1


def test_what_a_process_that_is_gone_had_under_way_is_closed_as_interrupted(root, database, rows):
    gone = Gateway(root)
    gone.begin()
    keep(root, database)
    gone.stop()
    keep(root, database)
    assert [row["error_type"] for row in rows("interceptions")] == ["interrupted"]
    assert [row["interceptions"] for row in rows("sessions")] == [1]


def test_so_is_it_where_another_has_the_journal_and_nothing_to_write(root, database, rows):
    gone = Gateway(root)
    gone.begin()
    keep(root, database)
    gone.stop()
    again = Gateway(root)
    assert again.claim.folder == gone.claim.folder
    keep(root, database)
    assert [row["error_type"] for row in rows("interceptions")] == ["interrupted"]
    again.stop()


def test_what_a_process_writes_last_of_all_is_read_before_it_counts_as_gone(
    root, database, rows, monkeypatch
):
    """It may end, and be gone, between a look at its journal and one at its lock."""
    process = Gateway(root)
    call = process.begin()

    def ends_just_now(folder: Any) -> bool:
        if not process.journal._is_closing:
            process.end(call)
            process.stop()
        return is_claimed(folder)

    monkeypatch.setattr(following, "is_claimed", ends_just_now)
    keep(root, database)
    assert [row["status"] for row in rows("interceptions")] == ["completed"]


def test_what_is_waited_for_is_no_more_than_was_written(root, database):
    for _ in range(2):
        with process_of(root) as process:
            process.call()
        keep(root, database)
    with process_of(root):
        assert CatchingUp(root).wait(0.0)


def test_all_files_of_the_record_are_for_its_owner_alone(root, database):
    usual = os.umask(0)
    try:
        with process_of(root) as process:
            process.call()
            keep(root, database)
    finally:
        os.umask(usual)
    found = {path.relative_to(root): stat.S_IMODE(path.stat().st_mode) for path in root.rglob("*")}
    assert {len(path.parts) for path in found} == {1, 2}
    assert {mode for path, mode in found.items() if mode not in {0o600, 0o700}} == set()


class Killed(BaseException):
    """As if the process had been killed here."""


class Kill:
    """Kills at a step with a number, counted from 1.

    Steps are calls and returns of the keeper's own functions, and of those around a commit.
    """

    def __init__(self, number: int) -> None:
        self._left = number

    def __call__(self, frame: FrameType, event: str, _: object) -> None:
        code = frame.f_code
        is_step = code.co_filename in PLACES or code in FUNCTIONS
        if is_step and event in {"call", "return"}:
            self._left -= 1
            if not self._left:
                raise Killed


PLACES = frozenset(module.__file__ for module in (keepers, progress))
FUNCTIONS = frozenset(
    function.__code__
    for function in (
        SQLiteLink.transaction.__wrapped__,  # type: ignore[attr-defined]
        SQLiteLink._check_file,
        tidying.remove_passed,
        batch.Written.note,
    )
)


def kept(root: Path, database: Database, kill_at: int) -> bool:
    """Have a keeper killed at a step of its work, and say whether it came to that step."""
    monitored = sys.getprofile()
    sys.setprofile(Kill(kill_at))
    try:
        keep(root, database)
    except Killed:
        return True
    finally:
        sys.setprofile(monitored)
    return False


def test_a_gap_in_a_journal_is_logged_once(gateway, root, database):
    open_ = gateway.begin("It may lose a part.")
    gateway.call("Damaged.")
    (segment,) = listed(gateway.claim.folder)
    content = segment.path.read_bytes()
    segment.path.write_bytes(content.replace(b"Damaged.", b"damaged."))
    with capture_logs() as logs:
        keep(root, database)
        keep(root, database)  # it begins with what is open, and so before the gap
    gaps = [line for line in logs if line["event"] == "journal_gap"]
    assert [line["reason"] for line in gaps] == ["it is damaged"]
    gateway.end(open_)


@pytest.mark.parametrize("databases", ["sqlite"], indirect=True, scope="module")
def test_killed_between_any_two_steps_it_is_followed_by_one_that_writes_each_call_once(
    databases, root, tmp_path, monkeypatch
):
    monkeypatch.setattr(keepers, "MOST_ENTRIES", 4)
    monkeypatch.setattr(writers, "Statements", cache(Statements))  # making them takes longest
    with process_of(root, segment_bytes=1000) as process:
        expected = story(process)
    for step in count(1):
        copy = shutil.copytree(root, tmp_path / str(step) / "journal")
        held = claim(copy)  # as if the process went on
        with databases.open() as database:
            was_killed = kept(copy, database, step)
            keep(copy, database)
            assert found(database) == expected
            with database.read() as connection:
                assert list(disagreements(connection)) == []
        held.close()
        if not was_killed:
            break


def story(process: Gateway) -> list[tuple[str, str, str | None, int, int]]:
    """Write calls that begin, end and go on with others; return them as `found` does."""
    first = process.begin("First.")
    second = process.call("Second.", "call-1")
    third = process.call(after="call-1")
    process.end(first)
    last = process.begin("Last.")
    return [
        (first.id, "completed", None, 1, 1),
        (second, "completed", None, 1, 1),
        (third, "completed", second, 0, 1),
        (last.id, "running", None, 1, 0),
    ]


def found(database: Database) -> list[tuple[str, str, str | None, int, int]]:
    """Return each call with its status, its parent, and how many prompts and usages it has."""
    prompts, usages = (
        select(func.count()).where(table.c.interception_id == schema.interceptions.c.id)
        for table in (schema.user_prompts, schema.token_usages)
    )
    c = schema.interceptions.c
    rows = select(
        c.id, c.status, c.thread_parent_id, prompts.scalar_subquery(), usages.scalar_subquery()
    )
    with database.read() as connection:
        return [tuple(row) for row in connection.execute(rows.order_by(c.id))]


def test_where_the_disk_was_set_back_what_is_new_is_written_and_nothing_twice(root, database, rows):
    """As by a snapshot of the machine, while the database is another's and goes on."""
    first = Gateway(root)
    before = [first.call("Before."), first.begin("Under way.").id]
    first.stop()
    keep(root, database)
    snapshot = root.with_name("snapshot")
    shutil.copytree(root, snapshot, symlinks=True, ignore=lambda *_: ["bell"])
    second = Gateway(root)
    lost = [second.call(f"Lost on the disk, number {number}.") for number in range(20)]
    second.stop()
    keep(root, database)
    shutil.rmtree(root)
    snapshot.rename(root)
    third = Gateway(root)
    new = [third.call(f"New, number {number}.") for number in range(5)]
    with capture_logs() as logs:
        keep(root, database)
    third.stop()
    assert [each["event"] for each in logs] == ["journal_set_back"]
    found = {row["id"]: row["status"] for row in rows("interceptions")}
    assert found == dict.fromkeys([*before, *lost, *new], "completed") | {before[1]: "failed"}
    assert len(rows("user_prompts")) == len(rows("interceptions"))


def test_a_journal_of_which_the_database_knows_nothing_is_not_written_twice(
    gateway, root, database, rows
):
    """Its row was lost, or the database is a copy that was made without it."""
    ids = [gateway.call() for _ in range(3)]
    keep(root, database)
    with database.write() as connection:
        connection.exec_driver_sql("DELETE FROM journals")
    ids.append(gateway.call())
    keep(root, database)
    assert [row["id"] for row in rows("interceptions")] == ids
    assert len(rows("user_prompts")) == len(ids)
