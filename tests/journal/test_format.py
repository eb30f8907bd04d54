from zlib import crc32

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aibridge.journal import format as formats
from aibridge.journal.format import (
    FRAME_BYTES,
    HEAD_BYTES,
    FormatError,
    Kind,
    frame,
    framed,
    head,
    head_of,
)

MARK = b"mark"


@given(st.integers(0, (1 << 64) - 1))
def test_a_head_says_where_its_segment_begins(base: int) -> None:
    assert len(head(base, MARK)) == HEAD_BYTES
    assert head_of(head(base, MARK) + b"more") == (base, MARK)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "shorter than its head"),
        (head(7, MARK)[:-1], "shorter than its head"),
        (b"SQLite format 3\0\x10\0\x01\x01", "no journal"),
        (b"aibj\x02" + head(7, MARK)[5:], "has version 2, and this release knows 1"),
    ],
)
def test_a_head_that_is_none_says_why(content: bytes, why: str) -> None:
    with pytest.raises(FormatError, match=why):
        head_of(content)


def test_the_bytes_are_those_that_are_documented() -> None:
    assert head(258, MARK) == b"aibj\x01\0\0\0\x02\x01\0\0\0\0\0\0mark"
    written = b"".join(framed(MARK, Kind.PIECE, [b"a", b"", b"bc"]))
    assert written == b"mark\x03\0\0\0" + crc32(b"\x02abc").to_bytes(4, "little") + b"\x02abc"


@given(st.sampled_from(Kind), st.lists(st.binary(max_size=40), max_size=4))
def test_an_entry_has_the_content_that_it_was_written_with(kind: Kind, parts: list[bytes]) -> None:
    content = b"".join(parts)
    written = b"".join(framed(MARK, kind, parts))
    assert len(written) == FRAME_BYTES + len(content)
    found = frame(b"x" + written, 1)
    assert (found.length, found.kind) == (len(content), kind)
    assert found.has(content)


@given(st.binary(min_size=1, max_size=60), st.data())
def test_no_changed_bit_passes(content: bytes, data: st.DataObject) -> None:
    written = bytearray(b"".join(framed(MARK, Kind.END, [content])))
    at = data.draw(st.integers(8, len(written) - 1))
    written[at] ^= 1 << data.draw(st.integers(0, 7))
    assert not frame(written, 0).has(written[FRAME_BYTES:])


def test_an_entry_that_is_too_large_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(formats, "MAX_CONTENT", 5)
    assert framed(MARK, Kind.BEGIN, [b"abc", b"de"])
    with pytest.raises(ValueError, match="an entry may have 5 bytes"):
        framed(MARK, Kind.BEGIN, [b"abc", b"def"])
