"""The spool: what is appended stays, in its order, checked, bounded, and in one process's hands."""

import errno
import os
import sqlite3
import stat
import subprocess
import sys
from contextlib import closing
from typing import IO, cast

import pytest
from structlog.testing import capture_logs

from aibridge.store import spool as spools
from aibridge.store.spool import (
    FIRST_BYTES,
    PAGE_BYTES,
    SMALL_PAGES,
    Entry,
    Spool,
    SpoolBroken,
    SpoolError,
    SpoolTaken,
)
from aibridge.store.spools import open_spool

MIB = 1 << 20


@pytest.fixture
def path(tmp_path):
    return tmp_path / "data" / "spool.db"


@pytest.fixture
def spool(path):
    with closing(Spool(path, max_bytes=MIB)) as spool:
        yield spool


def entry(name: str = "a", body: bytes = b"body", *, ended: bool = True) -> Entry:
    return Entry(name, ended, body)


def bodies(spool: Spool) -> list[bytes]:
    return [kept.body for kept in spool.first(1000)]


def test_entries_come_back_in_their_order_until_they_are_removed(spool):
    spool.append([entry("b", b"1", ended=False), entry("a", b"2")])
    spool.append([entry("b", b"3")])
    kept = spool.first(10)
    assert [each[1:3] for each in kept] == [("b", False), ("a", True), ("b", True)]
    assert [each.body for each in kept] == [b"1", b"2", b"3"]
    assert all(each.is_sound for each in kept)
    assert spool.waiting == 3
    spool.remove([kept[0].number, kept[2].number])
    assert (bodies(spool), spool.waiting) == ([b"2"], 1)


def test_a_number_is_never_given_twice(spool):
    spool.append([entry()])
    (first,) = spool.first(1)
    spool.remove([first.number])
    spool.append([entry()])
    assert spool.first(1)[0].number > first.number


def test_entries_are_there_for_the_next_who_opens_the_spool(path, spool):
    spool.append([entry("a", b"1"), entry("b", b"2", ended=False)])
    spool.set_aside([spool.first(1)[0].number], "why")
    spool.close()
    with closing(Spool(path, max_bytes=MIB)) as again:
        assert (bodies(again), again.waiting, again.damaged) == ([b"2"], 1, 1)
        assert [kept.interception_id for kept in again.without_end()] == ["b"]
        assert (again.has("a"), again.has("b")) == (False, True)


def test_it_is_for_its_owner_alone(path, spool):
    spool.append([entry()])
    for file in path.parent.iterdir():
        assert stat.S_IMODE(file.stat().st_mode) == 0o600, file
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_only_starts_whose_end_is_missing_are_without_end(spool):
    spool.append([entry("a", ended=False), entry("b", ended=False), entry("c")])
    spool.append([entry("a")])
    assert [kept.interception_id for kept in spool.without_end()] == ["b"]


@pytest.mark.parametrize(
    "change", ["body = x'00' || body", "interception_id = 'b'", "checksum = zeroblob(16)"]
)
def test_an_entry_that_was_changed_is_not_sound(path, spool, change):
    spool.append([entry("a", b"1"), entry("c", b"2")])
    spool.close()
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(f"UPDATE entries SET {change} WHERE number = 1")  # noqa: S608
    with closing(Spool(path, max_bytes=MIB)) as again:
        assert [kept.is_sound for kept in again.first(10)] == [False, True]


def test_what_is_set_aside_is_kept_with_the_reason(path, spool):
    spool.append([entry("a", b"1"), entry("b", b"2")])
    spool.set_aside([1], "it is damaged")
    assert (bodies(spool), spool.waiting, spool.damaged) == ([b"2"], 1, 1)
    with closing(sqlite3.connect(path)) as connection:
        found = connection.execute("SELECT interception_id, body, reason FROM damaged").fetchall()
    assert found == [("a", b"1", "it is damaged")]


def test_few_large_entries_are_read_at_once_but_always_one(path):
    with closing(Spool(path, max_bytes=FIRST_BYTES * 8)) as spool:
        spool.append([entry("a", bytes(FIRST_BYTES + 1)), entry("b"), entry("c")])
        assert len(spool.first(10)) == 1
        spool.remove([1])
        assert len(spool.first(10)) == 2


def fill(spool: Spool) -> int:
    """Append until nothing more goes in, and return how many starts would have gone in."""
    starts = 0
    large = [entry("a", bytes(10_000))]
    while spool.has_room():
        starts += spool.takes_starts
        spool.append(large)
    with pytest.raises(SpoolError, match="full"):
        spool.append(large * 3)
    return starts


def test_it_never_grows_past_its_bound_and_keeps_room_for_ends(path, spool):
    starts = fill(spool)
    assert 0 < starts < spool.waiting
    assert path.stat().st_size <= MIB
    assert not spool.takes_starts
    assert not spool.has_room()
    assert len(bodies(spool)) == spool.waiting  # what did not go in is not counted
    spool.remove([kept.number for kept in spool.first(50)])
    assert spool.takes_starts
    assert spool.has_room()
    assert fill(spool) > 0


def test_a_disk_that_is_full_is_trouble_of_the_spool(path):
    with closing(Spool(path, max_bytes=64 * MIB)) as spool:
        spool._connection.execute(f"PRAGMA max_page_count={spool._pages + 2}")
        with pytest.raises(SpoolError, match="full"):
            spool.append([entry("a", bytes(PAGE_BYTES * 10))])
        assert spool.waiting == 0
        assert not spool.has_room()
        spool._connection.execute("PRAGMA max_page_count=1000000")
        assert spool.has_room()
        spool.append([entry()])


def test_a_disk_without_room_is_found_where_the_file_has_some(spool, monkeypatch):
    def full(_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    spool.append([entry("a", bytes(PAGE_BYTES * 20))])
    spool.remove([1])
    assert spool.has_room()
    monkeypatch.setattr(spools, "check_room", full)
    assert not spool.has_room()


@pytest.mark.parametrize("suffix", ["", "-wal"])
def test_a_file_that_was_deleted_takes_nothing(path, spool, suffix):
    spool.append([entry()])
    path.with_name(path.name + suffix).unlink()
    with pytest.raises(SpoolError, match="deleted or replaced"):
        spool.append([entry()])
    with pytest.raises(SpoolError, match="deleted or replaced"):
        spool.remove([1])
    assert (spool.waiting, spool.has_room()) == (1, False)


def test_a_file_that_is_put_back_is_used_again(path, spool):
    elsewhere = path.rename(path.with_suffix(".away"))
    with pytest.raises(SpoolError):
        spool.append([entry()])
    elsewhere.rename(path)
    spool.append([entry()])
    assert spool.has_room()


def test_an_empty_spool_gives_the_disk_back(path):
    with closing(Spool(path, max_bytes=64 * MIB)) as spool:
        spool.append([entry("a", bytes(MIB)) for _ in range(4)])
        large = path.stat().st_size
        spool.shrink()
        assert path.stat().st_size >= large
        spool.remove([kept.number for kept in spool.first(10)])
        spool.shrink()
        assert path.stat().st_size < SMALL_PAGES * PAGE_BYTES
        spool.append([entry()])
        assert bodies(spool) == [b"body"]


def test_nobody_else_may_open_it(path, spool):
    with pytest.raises(SpoolTaken):
        Spool(path, max_bytes=MIB)
    spool.close()
    Spool(path, max_bytes=MIB).close()


@pytest.mark.parametrize("text", [b"this is no database" * 300, b"SQLite format 3\0" + b"?" * 9000])
def test_a_file_that_is_no_spool_is_broken(path, text):
    path.parent.mkdir()
    path.write_bytes(text)
    with pytest.raises(SpoolBroken):
        Spool(path, max_bytes=MIB)


def test_a_folder_that_cannot_be_is_said(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(SpoolError, match="cannot make the spool"):
        Spool(tmp_path / "file" / "spool.db", max_bytes=MIB)


def test_each_process_gets_a_spool_of_its_own(tmp_path):
    code = f"""if True:
        from pathlib import Path
        from aibridge.store.spools import open_spool
        spool = open_spool(Path({str(tmp_path)!r}), max_bytes={MIB})
        print(spool.path.name, flush=True)
        input()
    """
    first, second = (
        subprocess.Popen(
            [sys.executable, "-c", code],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ},
        )
        for _ in range(2)
    )
    names = {cast("IO[str]", process.stdout).readline().strip() for process in (first, second)}
    assert names == {"spool.db", "spool-2.db"}
    for process in (first, second):
        process.communicate("\n", timeout=30)


def test_what_a_process_that_is_gone_left_behind_is_taken_over(tmp_path):
    first = open_spool(tmp_path, max_bytes=MIB)
    second = open_spool(tmp_path, max_bytes=MIB)
    third = open_spool(tmp_path, max_bytes=MIB)
    second.append([entry("a", b"1", ended=False), entry("a", b"2")])
    third.append([entry("b", b"3")])
    first.close()
    second.close()
    with closing(open_spool(tmp_path, max_bytes=MIB)) as spool:
        assert spool.path.name == "spool.db"
        kept = spool.first(10)
        assert [each.body for each in kept] == [b"1", b"2"]
        assert all(each.is_sound for each in kept)
        assert [each.ended for each in kept] == [False, True]
        assert bodies(third) == [b"3"]  # somebody still has it
        assert not second.path.exists()
    third.close()


def test_damaged_entries_of_others_stay_where_they_are(tmp_path):
    first = open_spool(tmp_path, max_bytes=MIB)
    second = open_spool(tmp_path, max_bytes=MIB)
    second.append([entry("a", b"1"), entry("b", b"2")])
    second.set_aside([1], "damaged")
    first.close()
    second.close()
    with closing(open_spool(tmp_path, max_bytes=MIB)) as spool:
        assert bodies(spool) == [b"2"]
    with closing(Spool(second.path, max_bytes=MIB)) as second:
        assert (second.waiting, second.damaged) == (0, 1)


def test_a_broken_file_is_kept_under_another_name(tmp_path):
    for _ in range(2):
        (tmp_path / "spool.db").write_bytes(b"nothing" * 1000)
        with capture_logs() as logs, closing(open_spool(tmp_path, max_bytes=MIB)) as spool:
            spool.append([entry()])
        assert [line["event"] for line in logs] == ["spool_broken"]
    kept = sorted(tmp_path.glob("spool.db.broken-?"))
    assert [file.read_bytes() for file in kept] == [b"nothing" * 1000] * 2
