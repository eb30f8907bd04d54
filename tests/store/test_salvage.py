"""Of a damaged spool all is taken over that can still be read, and the file is kept as it was."""

import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from aibridge.store import salvage
from aibridge.store.salvage import sound_entries
from aibridge.store.spool import PAGE_BYTES, Entry, Spool
from aibridge.store.spools import open_spool

MIB = 1 << 20
NUMBER = 400


@pytest.fixture
def path(tmp_path):
    """A spool with entries of about four to a page, all of which are in the file itself."""
    path = tmp_path / "spool.db"
    with closing(Spool(path, max_bytes=8 * MIB)) as spool:
        spool.append([Entry(f"i-{n:03}", n % 2 == 1, b"%900d" % n) for n in range(NUMBER)])
        spool._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return path


def overwrite(path: Path, first: int, number: int) -> None:
    with path.open("r+b") as file:
        file.seek(first * PAGE_BYTES)
        file.write(os.urandom(number * PAGE_BYTES))


def pages(path: Path) -> int:
    return path.stat().st_size // PAGE_BYTES


def change(path: Path, sql: str) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(sql)


def riddle(path: Path) -> None:
    for page in range(20, pages(path), 10):
        overwrite(path, page, 1)


DAMAGES: dict[str, tuple[Callable[[Path], object], int]] = {
    "one page in the middle": (lambda path: overwrite(path, pages(path) // 2, 1), NUMBER * 9 // 10),
    "pages here and there": (riddle, NUMBER // 2),
    "the second half": (lambda path: overwrite(path, pages(path) // 2, pages(path)), NUMBER // 4),
    "cut off": (lambda path: os.truncate(path, pages(path) // 2 * PAGE_BYTES), NUMBER // 4),
}
damages = pytest.mark.parametrize(("damage", "least"), DAMAGES.values(), ids=list(DAMAGES))


@damages
def test_what_can_be_read_is_taken_over_in_its_order(path, damage, least):
    damage(path)
    before = path.read_bytes()
    with capture_logs() as logs, closing(open_spool(path.parent, max_bytes=8 * MIB)) as spool:
        kept = spool.first(NUMBER)
    assert least <= len(kept) < NUMBER
    numbers = [int(each.body) for each in kept]
    assert numbers == sorted(set(numbers))
    assert [(each.interception_id, each.ended) for each in kept] == [
        (f"i-{n:03}", n % 2 == 1) for n in numbers
    ]
    assert all(each.is_sound for each in kept)
    assert [line["recovered"] for line in logs] == [len(kept)]
    assert path.with_name("spool.db.broken-0").read_bytes() == before


def test_what_is_whole_is_read_whole(path):
    assert [int(each.body) for each in sound_entries(path)] == list(range(NUMBER))


def test_entries_that_are_not_what_was_appended_are_left(path):
    change(path, "UPDATE entries SET body = x'00' WHERE number % 4 = 0")
    assert len(list(sound_entries(path))) == NUMBER * 3 // 4


@pytest.mark.parametrize(
    "sql",
    [
        "DROP TABLE entries",
        "UPDATE sqlite_sequence SET seq = 'x'",
        "UPDATE sqlite_sequence SET seq = 9223372036854775807",
    ],
)
def test_whatever_stands_in_it_nothing_is_raised(path, sql, monkeypatch):
    monkeypatch.setattr(salvage, "MOST_FAILURES", 1000)
    change(path, sql)
    overwrite(path, pages(path) - 1, 1)
    assert len(list(sound_entries(path))) < NUMBER


def test_looking_for_the_rest_has_an_end(path, monkeypatch):
    monkeypatch.setattr(salvage, "MOST_FAILURES", 3)
    overwrite(path, pages(path) // 2, 1)
    assert 0 < len(list(sound_entries(path))) < NUMBER // 2


def test_garbage_has_nothing(tmp_path):
    for text in (b"", b"nothing" * 1000, b"SQLite format 3\0" + b"?" * 9000):
        (tmp_path / "spool.db").write_bytes(text)
        assert list(sound_entries(tmp_path / "spool.db")) == []
    assert list(sound_entries(tmp_path / "absent.db")) == []


def test_what_does_not_go_in_any_more_stays_where_it_is(path):
    overwrite(path, pages(path) // 2, 1)
    with capture_logs() as logs, closing(open_spool(path.parent, max_bytes=MIB // 4)) as spool:
        assert spool.waiting == logs[0]["recovered"] < NUMBER // 2


def test_a_file_of_another_program_is_kept_under_another_name(tmp_path):
    change(tmp_path / "spool.db", "CREATE TABLE entries (a)")
    with capture_logs() as logs, closing(open_spool(tmp_path, max_bytes=MIB)) as spool:
        spool.append([Entry("a", True, b"body")])
    assert "another program" in logs[0]["error"]
    assert (tmp_path / "spool.db.broken-0").exists()
