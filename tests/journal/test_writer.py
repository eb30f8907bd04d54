import errno
import os
import stat
import threading
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from aibridge.journal import writer as writers
from aibridge.journal.format import FRAME_BYTES, HEAD_BYTES, FormatError, Kind, head
from aibridge.journal.progress import Progress
from aibridge.journal.reader import Entry, Reader
from aibridge.journal.segments import SUFFIX, listed
from aibridge.journal.writer import Journal, JournalFull
from tests.journal.journals import writing

BEGIN, PIECE, END = Kind.BEGIN, Kind.PIECE, Kind.END


def read(folder: Path) -> list[Any]:
    """Return the contents of all entries there are, and `None` for each gap."""
    reader = Reader(folder)
    found = [one.content if isinstance(one, Entry) else None for one in reader.read()]
    reader.close()
    return found


def fill(journal: Journal) -> None:
    for _ in range(1000):
        journal.append(BEGIN, b"x" * 100)


def test_what_was_taken_is_on_the_disk_once_its_position_is_durable(tmp_path: Path) -> None:
    with writing(tmp_path) as journal:
        assert journal.durable == journal.position
        assert journal.kept(BEGIN, b"a", b"b")
        assert read(tmp_path) == [b"ab"]
        assert not journal.holds(0, journal.position + 1)


def test_closing_writes_what_was_taken_and_takes_no_more(tmp_path: Path) -> None:
    with writing(tmp_path) as journal:
        for n in range(100):
            journal.append(PIECE, b"%d" % n)
    assert read(tmp_path) == [b"%d" % n for n in range(100)]
    with pytest.raises(JournalFull, match="closed"):
        journal.append(BEGIN, b"x")


def test_entries_that_come_together_are_synced_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    syncs: list[int] = []
    may_go = threading.Event()

    def fdatasync(file: int) -> None:
        syncs.append(file)
        assert may_go.wait(20)

    monkeypatch.setattr(os, "fdatasync", fdatasync)
    with writing(tmp_path) as journal:
        for _ in range(500):
            journal.append(PIECE, b"x" * 100)
        may_go.set()
        journal.settle()
    assert len(syncs) <= 3
    assert len(read(tmp_path)) == 500


def test_only_the_owner_can_read_it(tmp_path: Path) -> None:
    folder = tmp_path / "journal"
    with writing(folder) as journal:
        journal.kept(BEGIN, b"secret")
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    (segment,) = listed(folder)
    assert stat.S_IMODE(segment.path.stat().st_mode) == 0o600


def test_segments_are_of_bounded_size(tmp_path: Path) -> None:
    with writing(tmp_path, segment_bytes=100) as journal:
        for _ in range(20):
            journal.kept(PIECE, b"x" * 40)
    sizes = [segment.size for segment in listed(tmp_path)]
    assert len(sizes) > 5
    assert max(sizes) < HEAD_BYTES + 100 + FRAME_BYTES + 40


def test_positions_grow_from_run_to_run_whatever_is_gone(tmp_path: Path) -> None:
    before = -1
    for _ in range(3):
        with writing(tmp_path) as journal:
            assert journal.position > before
            journal.kept(PIECE, b"x")
            before = journal.position
        for segment in listed(tmp_path)[:-1]:
            segment.path.unlink()


@pytest.mark.parametrize("lost", range(1, FRAME_BYTES + 6))
def test_a_torn_tail_is_cut_at_the_start_and_said(tmp_path: Path, lost: int) -> None:
    with writing(tmp_path) as journal:
        journal.kept(PIECE, b"whole")
        journal.kept(PIECE, b"torn!")
    (segment,) = listed(tmp_path)
    os.truncate(segment.path, segment.size - lost)
    with capture_logs() as logs, writing(tmp_path) as journal:
        journal.kept(PIECE, b"later")
    told = [(one["event"], one["bytes"]) for one in logs]
    torn = FRAME_BYTES + 5 - lost
    assert told == ([("journal_tail_cut", torn)] if torn else [])
    assert read(tmp_path) == [b"whole", b"later"]


def test_a_segment_of_another_release_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / f"{0:020}{SUFFIX}"
    path.write_bytes(b"aibj\x07" + head(0, b"mark")[5:] + b"whatever")
    before = path.read_bytes()
    with pytest.raises(FormatError, match="version 7"), writing(tmp_path):
        pass
    assert path.read_bytes() == before


def test_a_full_journal_refuses_calls_that_begin_and_takes_the_ends_of_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writers, "AGAIN_SECONDS", 0.0)
    with writing(tmp_path, max_bytes=16_000, segment_bytes=1000) as journal:
        with pytest.raises(JournalFull, match="has its 16000 bytes, and waits to be read"):
            fill(journal)
        journal.settle()
        for _ in range(5):
            assert journal.kept(END, b"y" * 100)
        with pytest.raises(JournalFull):
            journal.append(END, b"z" * 16_000)
        listed(tmp_path)[0].path.unlink()
        assert journal.kept(BEGIN, b"there is room again")


def test_a_journal_with_little_room_has_it_again_once_its_older_segments_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writers, "AGAIN_SECONDS", 0.0)
    with writing(tmp_path, max_bytes=16_000) as journal:
        for _ in range(1000):
            journal.kept(BEGIN, b"x" * 100)
            for segment in listed(tmp_path)[:-1]:
                segment.path.unlink()


@pytest.mark.parametrize("call", ["writev", "fdatasync"])
def test_what_the_disk_does_not_take_has_failed_and_the_next_segment_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    real, fails = getattr(os, call), threading.Event()

    def failing(*arguments: Any) -> Any:
        if fails.is_set():
            raise OSError(errno.EIO, "it is broken")
        return real(*arguments)

    monkeypatch.setattr(os, call, failing)
    monkeypatch.setattr(writers, "AGAIN_SECONDS", 1000.0)
    with writing(tmp_path) as journal:
        assert journal.kept(BEGIN, b"before")
        start = journal.position
        fails.set()
        with capture_logs() as logs:
            assert not journal.kept(PIECE, b"lost")
            assert not journal.kept(PIECE, b"lost too")
        assert {one["event"] for one in logs} == {"journal_not_written"}
        assert journal.failed == [(start, journal.position)]
        with pytest.raises(JournalFull, match="it is broken"):
            journal.append(BEGIN, b"refused")
        fails.clear()
        assert journal.kept(END, b"after")
        assert journal.kept(BEGIN, b"as before")
        assert journal.holds(0, start)
        assert not journal.holds(0, journal.position)
        assert journal.holds(journal.failed[-1][1], journal.position)
    found = read(tmp_path)
    assert found[0] == b"before"
    assert found[-2:] == [b"after", b"as before"]
    assert None in found or call == "fdatasync"


def full(*_: Any) -> Any:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_run_says_at_once_that_the_earlier_ones_are_over(tmp_path: Path) -> None:
    for _ in range(3):
        with writing(tmp_path):
            (segment,) = listed(tmp_path)
    assert (segment.run, segment.size) == (2, HEAD_BYTES)


def test_where_no_segment_can_be_made_nothing_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writers, "create", full)
    with writing(tmp_path) as journal:
        with capture_logs():
            assert not journal.takes_beginnings
            assert not journal.kept(PIECE, b"lost")
        monkeypatch.undo()
        assert journal.kept(END, b"kept")
    assert read(tmp_path)[-1] == b"kept"


@pytest.mark.parametrize("call", ["writev", "fdatasync", "fsync"])
def test_in_trouble_it_is_tried_now_and_then_whether_a_segment_can_be_begun(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    """Also where a sync of the segment fails that is made to try it."""
    monkeypatch.setattr(writers, "AGAIN_SECONDS", 0.001)
    with writing(tmp_path) as journal:
        with monkeypatch.context() as patch, capture_logs():
            for each in ("writev", call):
                patch.setattr(os, each, full)
            assert not journal.kept(BEGIN, b"lost")
            told = journal.told
            journal.wait_for(lambda: journal.told > told + 3 or not journal.is_in_trouble)
            assert journal.takes_beginnings is (call == "writev")
        journal.wait_for(lambda: journal.takes_beginnings)
        assert journal.kept(BEGIN, b"kept")
    assert read(tmp_path)[-1] == b"kept"


@pytest.mark.parametrize("what", ["deleted", "replaced"])
def test_a_segment_that_was_deleted_or_replaced_takes_nothing(tmp_path: Path, what: str) -> None:
    with writing(tmp_path) as journal:
        assert journal.kept(BEGIN, b"before")
        (segment,) = listed(tmp_path)
        whole = segment.path.read_bytes()
        segment.path.unlink()
        if what == "replaced":
            segment.path.write_bytes(whole)
        with capture_logs() as logs:
            assert not journal.kept(PIECE, b"lost")
        assert [one["event"] for one in logs] == ["journal_not_written"]
        assert journal.kept(END, b"in another one")
    assert read(tmp_path)[-1] == b"in another one"


def test_whatever_goes_wrong_in_writing_those_who_wait_learn_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> Any:
        raise MemoryError

    with writing(tmp_path) as journal:
        with monkeypatch.context() as patch, capture_logs():
            patch.setattr(os, "writev", fail)
            assert not journal.kept(BEGIN, b"lost")
        assert journal.kept(END, b"kept")


def test_after_all_segments_were_deleted_nothing_new_is_taken_for_something_old(
    tmp_path: Path,
) -> None:
    with writing(tmp_path) as journal:
        journal.kept(PIECE, b"x" * 100)
        with closing(Progress(tmp_path)) as progress:
            progress.tell(journal.position)
        before = journal.position
    for segment in listed(tmp_path):
        segment.path.unlink()
    with writing(tmp_path) as journal:
        assert journal.position > before


def test_after_an_hour_another_segment_begins_where_nothing_comes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So what the database has can go: nobody's prompts stay here for ever."""
    monkeypatch.setattr(writers, "SEGMENT_SECONDS", 0.05)
    with writing(tmp_path) as journal:
        assert journal.kept(BEGIN, b"first")
        journal.wait_for(lambda: len(listed(tmp_path)) == 2)
        assert journal.kept(END, b"second")
    assert read(tmp_path) == [b"first", b"second"]


def test_so_it_does_where_something_always_comes(tmp_path: Path) -> None:
    with writing(tmp_path) as journal:
        assert journal.kept(BEGIN, b"first")
        journal._segment_until = 0.0
        assert journal.kept(END, b"second")
        assert journal.kept(BEGIN, b"third")
        assert len(listed(tmp_path)) == 2
    assert read(tmp_path) == [b"first", b"second", b"third"]


def test_an_hour_in_which_nothing_came_makes_no_segment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writers, "SEGMENT_SECONDS", 0.001)
    with writing(tmp_path) as journal:
        told = journal.told
        journal.wait_for(lambda: journal.told > told + 5)
        assert len(listed(tmp_path)) == 1
