import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aibridge.journal import entries as reading
from aibridge.journal.format import FRAME_BYTES, HEAD_BYTES, Kind, framed, head
from aibridge.journal.reader import Entry, Gap, Reader
from aibridge.journal.segments import SUFFIX, create, listed
from tests.journal.journals import writing

BEGIN, PIECE, END = Kind.BEGIN, Kind.PIECE, Kind.END
MARK = b"mark"


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[Reader]:
    reader = Reader(tmp_path)
    yield reader
    reader.close()


def contents(found: Iterator[Entry | Gap]) -> list[Any]:
    """Return what was read: of entries the content, of gaps how many bytes."""
    return [one.content if isinstance(one, Entry) else one.position - one.start for one in found]


def segment(folder: Path, base: int, *entries: bytes) -> Path:
    """Make a segment by hand."""
    path = folder / f"{base:020}{SUFFIX}"
    written = (b"".join(framed(MARK, PIECE, [entry])) for entry in entries)
    path.write_bytes(head(base, MARK) + b"".join(written))
    return path


def test_nothing_is_read_where_there_is_nothing(reader: Reader, tmp_path: Path) -> None:
    assert contents(reader.read()) == []
    (tmp_path / f"{0:020}{SUFFIX}").write_bytes(head(0, MARK)[:7])
    assert contents(reader.read()) == []
    (tmp_path / "notes.txt").write_text("x")
    (tmp_path / f"1{SUFFIX}").write_text("x")
    assert contents(reader.read()) == []


def test_what_is_written_is_read_in_its_order_with_its_kind(tmp_path: Path, reader: Reader) -> None:
    with writing(tmp_path) as journal:
        positions = [
            journal.append(BEGIN, b"who", b" asks"),
            journal.append(PIECE),
            journal.append(END, b"how"),
        ]
        journal.settle()
        assert list(reader.read()) == [
            Entry(BEGIN, b"who asks", positions[0]),
            Entry(PIECE, b"", positions[1]),
            Entry(END, b"how", positions[2]),
        ]
        assert list(reader.read()) == []
        journal.append(END, b"more")
        journal.settle()
        assert contents(reader.read()) == [b"more"]


def test_a_reader_goes_on_behind_a_position(tmp_path: Path) -> None:
    with writing(tmp_path, segment_bytes=30) as journal:
        positions = [journal.append(PIECE, bytes([n]) * 20) for n in range(10)]
        journal.settle()
    for number, position in enumerate(positions):
        reader = Reader(tmp_path, position)
        found = contents(reader.read())
        assert found == [bytes([n]) * 20 for n in range(number + 1, 10)]
        reader.close()


def test_a_reader_whose_segments_are_gone_begins_with_the_oldest(tmp_path: Path) -> None:
    with writing(tmp_path, segment_bytes=30) as journal:
        for n in range(6):
            journal.append(PIECE, bytes([n]) * 40)
            journal.settle()
    first, second, *_ = listed(tmp_path)
    first.path.unlink()
    second.path.unlink()
    reader = Reader(tmp_path)
    assert contents(reader.read()) == [bytes([n]) * 40 for n in range(2, 6)]
    reader.close()


def test_an_entry_that_is_not_whole_yet_is_read_when_it_is(tmp_path: Path, reader: Reader) -> None:
    path = segment(tmp_path, 0, b"first")
    whole = b"".join(framed(MARK, PIECE, [b"second"]))
    for length in range(len(whole)):
        written = path.read_bytes()
        path.write_bytes(written + whole[:length])
        assert contents(reader.read()) == ([b"first"] if length == 0 else [])
        path.write_bytes(written)
    path.write_bytes(path.read_bytes() + whole)
    assert contents(reader.read()) == [b"second"]


def test_an_entry_may_be_larger_than_what_is_read_at_once(
    tmp_path: Path, reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "CHUNK_BYTES", 16)
    entries = [b"x" * 100, b"", b"y" * 3, b"z" * 17, b"-" * 16]
    segment(tmp_path, 0, *entries)
    assert contents(reader.read()) == entries


def test_a_damaged_entry_is_a_gap_and_holds_up_no_other(tmp_path: Path, reader: Reader) -> None:
    path = segment(tmp_path, 0, b"first", b"second", b"third")
    path.write_bytes(path.read_bytes().replace(b"second", b"seCond"))
    first, gap, third = reader.read()
    assert isinstance(gap, Gap)
    assert (gap.start, gap.position) == (first.position, third.position - FRAME_BYTES - 5)
    assert "damaged" in gap.reason


def test_what_a_segment_lacks_before_the_next_of_its_run_is_a_gap(
    tmp_path: Path, reader: Reader
) -> None:
    path = segment(tmp_path, 0, b"first", b"lost")
    path.write_bytes(path.read_bytes()[:-2])
    segment(tmp_path, 100, b"later")
    first, gap, later = reader.read()
    assert isinstance(gap, Gap)
    assert (gap.start, gap.position) == (first.position, 100)
    assert isinstance(later, Entry)
    assert later.content == b"later"


def test_between_runs_there_is_no_gap(tmp_path: Path, reader: Reader) -> None:
    for text in (b"one", b"two", b"three"):
        with writing(tmp_path) as journal:
            journal.append(PIECE, text)
            journal.settle()
    found = list(reader.read())
    assert contents(iter(found)) == [b"one", b"two", b"three"]
    assert [one.position for one in found] == sorted(one.position for one in found)


def test_a_tail_of_zeros_is_no_entry(tmp_path: Path, reader: Reader) -> None:
    path = segment(tmp_path, 0, b"first")
    path.write_bytes(path.read_bytes() + bytes(500))
    assert contents(reader.read()) == [b"first"]


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    runs=st.lists(st.lists(st.binary(max_size=50), max_size=6), max_size=4),
    segment_bytes=st.integers(1, 200),
    chunk=st.integers(FRAME_BYTES, 64),
    steps=st.data(),
)
def test_whatever_is_written_is_read_once_and_in_order(
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
    runs: list[list[bytes]],
    segment_bytes: int,
    chunk: int,
    steps: st.DataObject,
) -> None:
    """Also by a reader that reads now and then, or begins anew behind what it has read."""
    monkeypatch.setattr(reading, "CHUNK_BYTES", chunk)
    folder = tmp_path_factory.mktemp("journal")
    reader, found = Reader(folder), []
    for run in runs:
        with writing(folder, segment_bytes=segment_bytes) as journal:
            for entry in run:
                journal.append(PIECE, entry)
                if steps.draw(st.booleans()):
                    journal.settle()
                if steps.draw(st.booleans()):
                    found += contents(reader.read())
                if steps.draw(st.booleans()):
                    reader.close()
                    reader = Reader(folder, reader.position)
    found += contents(reader.read())
    reader.close()
    assert found == [entry for run in runs for entry in run]
    assert all(one.size >= HEAD_BYTES for one in listed(folder))


def test_a_segment_that_never_came_to_have_a_head_is_a_gap_like_any_other(
    tmp_path: Path, reader: Reader
) -> None:
    segment(tmp_path, 0, b"first")
    first = next(reader.read())
    empty = tmp_path / f"{first.position:020}{SUFFIX}"
    empty.write_bytes(head(first.position, MARK)[:9])
    assert contents(reader.read()) == []
    segment(tmp_path, 100, b"later")
    assert contents(reader.read()) == [100 - first.position, b"later"]
    anew = Reader(tmp_path, first.position)
    assert contents(anew.read()) == [100 - first.position, b"later"]
    anew.close()


def test_a_segment_that_is_begun_anew_is_read_from_its_new_beginning(
    tmp_path: Path, reader: Reader
) -> None:
    created, file = create(tmp_path, 0, MARK)
    os.close(file)
    assert contents(reader.read()) == []
    again, file = create(tmp_path, 0, MARK)
    assert again == created
    os.write(file, b"".join(framed(MARK, PIECE, [b"first"])))
    os.close(file)
    assert contents(reader.read()) == [b"first"]
