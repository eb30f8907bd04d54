import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aibridge.journal import entries as reading
from aibridge.journal.entries import Found, entries
from aibridge.journal.format import FRAME_BYTES, HEAD_BYTES, Kind, framed, head
from aibridge.journal.reader import Entry, Gap, Reader
from aibridge.journal.segments import SUFFIX, cut_torn_tail, listed

MARK = b"\x01ark"
CONTENTS = [b"first", b"", b"x" * 300, b"y" * 40, b"last"]


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "CHUNK_BYTES", 64)


def written(*contents: bytes) -> list[bytes]:
    return [b"".join(framed(MARK, Kind.PIECE, [content])) for content in contents]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / f"{0:020}{SUFFIX}"


def found_in(path: Path, content: bytes) -> Iterator[Found]:
    path.write_bytes(head(0, MARK) + content)
    file = os.open(path, os.O_RDONLY)
    try:
        yield from entries(file, MARK, HEAD_BYTES)
    finally:
        os.close(file)


def whole(path: Path, content: bytes) -> list[bytes | None]:
    """Return the contents of the entries, nothing for each damage."""
    return [one.content if one.kind else None for one in found_in(path, content)]


@pytest.mark.parametrize("at", range(FRAME_BYTES + 3))
@pytest.mark.parametrize("bit", [0, 3, 7])
def test_a_flipped_bit_costs_its_entry_and_no_other(path: Path, at: int, bit: int) -> None:
    """Wherever it is in the frame, also in the length of the content."""
    for number in range(len(CONTENTS) - 1):
        before, damaged, after = written(*CONTENTS[:number]), *written(CONTENTS[number]), b""
        after = b"".join(written(*CONTENTS[number + 1 :]))
        if at >= len(damaged):
            continue
        changed = bytearray(damaged)
        changed[at] ^= 1 << bit
        found = whole(path, b"".join(before) + changed + after)
        assert found == [*CONTENTS[:number], None, *CONTENTS[number + 1 :]]


def test_bytes_that_look_like_a_mark_are_none(path: Path) -> None:
    false = b"".join(framed(b"mark", Kind.END, [b"forged"]))
    first, second = written(false + MARK + false + MARK[:2], b"second")
    assert whole(path, first + second) == [false + MARK + false + MARK[:2], b"second"]
    assert whole(path, b"?" + first[1:] + second) == [None, b"second"]


@pytest.mark.parametrize("tail", [b"", b"\0" * 500, b"?" * 200, written(b"half an entry")[0][:-1]])
def test_what_is_behind_the_last_whole_entry_is_not_told_of_but_cut(
    path: Path, tail: bytes
) -> None:
    first, second, third = written(b"first", b"second", b"third")
    content = first + b"?" + second[1:] + third
    assert whole(path, content + tail) == [b"first", None, b"third"]
    (segment,) = listed(path.parent)
    assert cut_torn_tail(segment) == len(tail)
    assert path.read_bytes() == head(0, MARK) + content


@pytest.mark.parametrize("seen", range(1, FRAME_BYTES + 5))
def test_an_entry_that_is_written_while_it_is_looked_at_is_not_taken_for_damaged(
    path: Path, monkeypatch: pytest.MonkeyPatch, seen: int
) -> None:
    """At the first look half of it was there, and at the next one another behind it."""
    sizes, real = [HEAD_BYTES + seen], os.fstat

    class Seen:
        def __init__(self, file: int) -> None:
            self.st_size = sizes.pop() if sizes else real(file).st_size

    monkeypatch.setattr(os, "fstat", Seen)
    assert whole(path, b"".join(written(b"first", b"second"))) in ([b"first", b"second"], [])


def test_nothing_is_read_where_nothing_is_written_yet(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path.write_bytes(head(0, MARK))
    with path.open("rb") as file:
        monkeypatch.delattr(os, "pread")
        assert list(entries(file.fileno(), MARK, HEAD_BYTES)) == []


def test_a_reader_tells_of_damage_once_and_goes_on(path: Path) -> None:
    first, second, third = written(b"first", b"second", b"third")
    path.write_bytes(head(0, MARK) + first + second[:6] + b"\xff" + second[7:])
    reader = Reader(path.parent)
    assert [type(one) for one in reader.read()] == [Entry]
    with path.open("ab") as file:
        file.write(third)
    gap, entry = reader.read()
    assert isinstance(gap, Gap)
    assert (gap.start, gap.position) == (len(first), len(first + second))
    assert isinstance(entry, Entry)
    assert entry.content == b"third"
    reader.close()


@settings(deadline=None, max_examples=50)
@given(st.lists(st.binary(max_size=200), max_size=6), st.binary(max_size=200), st.data())
def test_whatever_is_written_over_a_segment_no_entry_is_made_up(
    contents: list[bytes], noise: bytes, data: st.DataObject
) -> None:
    file = os.memfd_create("segment")
    content = bytearray(head(0, MARK) + b"".join(written(*contents)))
    at = data.draw(st.integers(HEAD_BYTES, len(content)))
    content[at : at + len(noise)] = noise
    os.write(file, content)
    found = [one.content for one in entries(file, MARK, HEAD_BYTES) if one.kind]
    os.close(file)
    left = iter(contents)
    assert all(one in left for one in found)
