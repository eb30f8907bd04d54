"""Waiting for a keeper, which is played here by its file beside each journal."""

import os
from collections.abc import Iterator
from pathlib import Path
from threading import Thread

import pytest

from aibridge.journal.bell import Bell
from aibridge.journal.catching_up import BELL, CatchingUp, ends
from aibridge.journal.format import Kind
from aibridge.journal.progress import NAME, Progress, seen_in
from aibridge.journal.reader import Reader
from aibridge.journal.segments import create, listed
from tests.journal.journals import PATIENCE, writing

MOMENT = 0.01


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A folder with two journals, which nobody has followed yet."""
    for number in (1, 2):
        with writing(tmp_path / str(number)) as journal:
            assert journal.kept(Kind.BEGIN, b"a call")
    return tmp_path


@pytest.fixture
def keepers(root: Path) -> Iterator[list[Progress]]:
    """What the keeper says of each of them: that it lives, and has read nothing yet."""
    keepers = [Progress(root / number) for number in ("1", "2")]
    for keeper in keepers:
        keeper.beat(is_away=False)
    yield keepers
    for keeper in keepers:
        keeper.close()


def tell_all(keepers: list[Progress], root: Path) -> None:
    for keeper, end in zip(keepers, ends(root).values(), strict=True):
        keeper.tell(end)


def test_nothing_is_waited_for_where_there_is_no_journal(tmp_path: Path) -> None:
    assert CatchingUp(tmp_path / "journal").wait(0)


def test_all_journals_are_waited_for(root: Path, keepers: list[Progress]) -> None:
    tell_all(keepers, root)
    assert CatchingUp(root).wait(0)
    keepers[0].tell(0)
    assert not CatchingUp(root).wait(MOMENT)


def test_who_waits_rings_for_the_keeper_and_goes_on_once_it_has_come_there(
    root: Path, keepers: list[Progress]
) -> None:
    found: list[bool] = []
    waiting = Thread(target=lambda: found.append(CatchingUp(root).wait(PATIENCE)))
    bell = Bell(root / BELL)
    waiting.start()
    assert bell.wait(PATIENCE)
    tell_all(keepers, root)
    waiting.join(PATIENCE)
    bell.close()
    assert found == [True]


def test_what_comes_later_is_not_waited_for(root: Path, keepers: list[Progress]) -> None:
    asked = ends(root)
    tell_all(keepers, root)
    with writing(root / "2") as journal:
        assert journal.kept(Kind.BEGIN, b"another call")
    assert CatchingUp(root).wait_for(asked, 0)
    assert not CatchingUp(root).wait(MOMENT)


def test_a_journal_that_the_keeper_has_not_found_yet_is_waited_for(root: Path) -> None:
    found: list[bool] = []
    waiting = Thread(target=lambda: found.append(CatchingUp(root).wait(PATIENCE)))
    bell = Bell(root / BELL)
    waiting.start()
    assert bell.wait(PATIENCE)
    keepers = [Progress(root / number) for number in ("1", "2")]
    tell_all(keepers, root)
    waiting.join(PATIENCE)
    assert found == [True]
    bell.close()
    for one in keepers:
        one.close()


@pytest.mark.parametrize("trouble", ["the database is away", "the keeper is gone"])
def test_nothing_is_waited_for_that_will_not_come(
    root: Path, keepers: list[Progress], trouble: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would take longer than the tests may, were it waited for."""
    if trouble == "the keeper is gone":
        monkeypatch.setattr("aibridge.journal.progress.STALE_SECONDS", -1.0)
    else:
        for keeper in keepers:
            keeper.beat(is_away=True)
    assert not CatchingUp(root).wait(1e9)


def test_who_waits_makes_no_files(root: Path) -> None:
    """A command may be run by another user than the keeper, which could not write them then."""
    before = sorted(root.rglob("*"))
    assert not CatchingUp(root).wait(MOMENT)
    assert sorted(root.rglob("*")) == before


@pytest.mark.parametrize("content", [b"", b"\1\2\3"])
def test_a_file_that_is_about_to_be_made_says_nothing_yet(tmp_path: Path, content: bytes) -> None:
    (tmp_path / NAME).write_bytes(content)
    seen = seen_in(tmp_path)
    assert not seen.is_followed


def test_what_the_keeper_says_is_seen_from_elsewhere(root: Path, keepers: list[Progress]) -> None:
    keepers[0].tell(1 << 41)
    seen = seen_in(root / "1")
    assert (seen.position, seen.is_followed, seen.is_held_up) == (1 << 41, True, False)
    assert seen_in(root / "2").position == 0


def test_a_segment_that_was_begun_and_has_nothing_is_waited_for_by_nobody(tmp_path: Path) -> None:
    """So is one that is made in trouble: no entry stands where it begins."""
    with writing(tmp_path / "1") as journal:
        assert journal.kept(Kind.BEGIN, b"x")
        end = journal.position
    os.close(create(tmp_path / "1", end + 1000, b"mark")[1])
    assert ends(tmp_path) == {tmp_path / "1": end}
    with listed(tmp_path / "1")[0].path.open("ab") as file:
        file.write(b"torn")
    reader = Reader(tmp_path / "1")
    *_, gap = reader.read()
    reader.close()
    assert ends(tmp_path)[tmp_path / "1"] <= gap.position
