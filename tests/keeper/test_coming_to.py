"""How far the keeper says it has come, which lists of the record wait for."""

import os
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from aibridge.journal.catching_up import ends
from aibridge.journal.contents import Begun, begin_parts
from aibridge.journal.folders import claim, id_of
from aibridge.journal.format import RUN_BYTES, Kind
from aibridge.journal.segments import create, listed
from aibridge.keeper.calls import Calls
from aibridge.keeper.following import Followed
from tests.journal.journals import writing

BEGUN = Begun("an id", 1, "ana", "token", "anthropic", "a", "/v1", "messages", "byok", "…", [], 2)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A journal with a call, which no process has any more."""
    with closing(claim(tmp_path)) as claimed, writing(claimed.folder) as journal:
        assert journal.kept(Kind.BEGIN, *begin_parts(BEGUN, b"{}"))
    return claimed.folder


@pytest.fixture
def followed(folder: Path) -> Iterator[Followed]:
    with closing(Followed(folder, id_of(folder), None)) as followed:
        yield followed


def end_of(folder: Path) -> int:
    return ends(folder.parent)[folder]


def take_all(followed: Followed) -> None:
    followed.fill()
    while followed.ahead:
        followed.applied = followed.ahead.popleft().position


def test_what_was_read_and_not_taken_is_not_come_to(followed: Followed, folder: Path) -> None:
    followed.fill()
    assert followed.come_to == 0
    take_all(followed)
    assert followed.come_to == end_of(folder)


def test_a_segment_in_which_nothing_is_yet_holds_nobody_up(
    followed: Followed, folder: Path
) -> None:
    segment, file = create(folder, RUN_BYTES, b"mark")
    os.close(file)
    take_all(followed)
    assert followed.come_to == segment.base > end_of(folder)


def test_what_a_process_has_left_open_is_closed_once_the_next_one_has_begun(
    followed: Followed, folder: Path
) -> None:
    with closing(claim(folder.parent)):
        followed.fill()
        calls = Calls()
        (open_,) = calls.take(followed, followed.ahead.popleft())
        assert calls.close_gone(followed) == []  # who has the journal may be who has begun it
        with writing(folder):
            followed.fill()
            assert calls.close_gone(followed) == [open_]
            assert calls.close_gone(followed) == []


def test_an_entry_that_a_killed_process_has_left_half_written_holds_nobody_up(
    followed: Followed, folder: Path
) -> None:
    with listed(folder)[-1].path.open("ab") as segment:
        segment.write(b"half an entry")
    take_all(followed)
    assert followed.come_to < end_of(folder)
    with closing(claim(folder.parent)):  # its process may go on writing it
        followed.pass_torn_end()
        assert followed.come_to < end_of(folder)
    followed.pass_torn_end()
    assert followed.come_to == end_of(folder)
