import re
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aibridge.dialects.sse import EventStream


def parse(stream: bytes, *cuts: int, limit: int = 4 << 20) -> list[tuple[str, bytes]]:
    events = EventStream(limit=limit)
    edges = [0, *sorted(min(cut, len(stream)) for cut in cuts), len(stream)]
    chunks = [stream[a:b] for a, b in pairwise(edges)]
    return [(event.name, event.data) for chunk in chunks for event in events.feed(chunk)]


def naive(stream: bytes) -> list[tuple[str, bytes]]:
    """The algorithm of the standard, line by line and byte by byte."""
    found: list[tuple[str, bytes]] = []
    name, line = b"", b""
    data: list[bytes] = []
    stream = stream.removeprefix(b"\xef\xbb\xbf")
    position = 0
    while position < len(stream):
        byte = stream[position : position + 1]
        position += 1
        if byte not in b"\r\n":
            line += byte
            continue
        if byte == b"\r" and stream[position : position + 1] == b"\n":
            position += 1
        if not line:
            if data:
                found.append((name.decode("utf-8", "replace"), b"\n".join(data)))
            name, data = b"", []
        elif line.partition(b":")[0] == b"data":
            data.append(line.partition(b":")[2].removeprefix(b" "))
        elif line.partition(b":")[0] == b"event":
            name = line.partition(b":")[2].removeprefix(b" ")
        line = b""
    return found


@pytest.mark.parametrize(
    ("stream", "expected"),
    [
        pytest.param(b"data: a\n\n", [("", b"a")], id="data alone"),
        pytest.param(b"event: x\ndata: a\n\n", [("x", b"a")], id="a name"),
        pytest.param(b"data: a\r\n\r\n", [("", b"a")], id="CRLF"),
        pytest.param(b"data: a\r\rdata: b\r\r", [("", b"a"), ("", b"b")], id="CR"),
        pytest.param(b"data: a\ndata:b\ndata\n\n", [("", b"a\nb\n")], id="several data lines"),
        pytest.param(b"data:a\n\n", [("", b"a")], id="no space"),
        pytest.param(b"data:  a\n\n", [("", b" a")], id="only one space goes"),
        pytest.param(b"data:\n\n", [("", b"")], id="empty data"),
        pytest.param(b": hello\n\n", [], id="a comment"),
        pytest.param(b"event: x\n\n", [], id="no data"),
        pytest.param(b"database: a\n\n", [], id="an unknown field"),
        pytest.param(b"id: 1\nretry: 5\ndata: a\n\n", [("", b"a")], id="id and retry"),
        pytest.param(b"\xef\xbb\xbfdata: a\n\n", [("", b"a")], id="a BOM"),
        pytest.param(b"\n\n\ndata: a\n\n", [("", b"a")], id="blank lines before"),
        pytest.param(b"data: a\n", [], id="no blank line yet"),
        pytest.param(b"data: a\ndata: b\r\n\r\n", [("", b"a\nb")], id="mixed line ends"),
    ],
)
def test_events_are_parsed_by_the_standard(stream, expected):
    assert parse(stream) == expected == naive(stream)


PIECES = st.sampled_from(
    [
        b"data",
        b"event",
        b":",
        b" ",
        b"\n",
        b"\r",
        b"\r\n",
        b"\n\n",
        b"x",
        b"\xef\xbb\xbf",
        b"data: y",
    ]
)
STREAMS = st.lists(PIECES, max_size=40).map(b"".join)


@given(STREAMS, st.lists(st.integers(0, 200), max_size=8))
def test_any_chunking_gives_what_the_standard_says(stream, cuts):
    assert parse(stream, *cuts) == naive(stream)


@given(STREAMS, st.lists(st.integers(0, 200), max_size=8), st.integers(1, 20))
def test_long_events_are_skipped_however_they_are_cut(stream, cuts, limit):
    found = parse(stream, *cuts, limit=limit)
    expected = iter(naive(stream))
    assert all(event in expected for event in found)


def test_places_tell_where_to_cut_the_chunk():
    events = EventStream()
    first, second = b": hi\n\ndata: a\n\ndata: b", b"c\n\ndata: d\n\nda"
    (one,) = events.feed(first)
    assert first[one.start : one.end] == b"data: a\n\n"
    assert events.pending == len(b"data: b")
    two, three = events.feed(second)
    assert (two.start, second[: two.end]) == (-len(b"data: b"), b"c\n\n")
    assert second[three.start : three.end] == b"data: d\n\n"
    assert events.pending == len(b"da")


@pytest.mark.parametrize("ends", [b"\n", b"\r\n"])
@pytest.mark.parametrize("size", [1, 7, 1000])
def test_an_event_over_the_limit_is_noted_and_the_next_one_is_read(ends, size):
    stream = ends.join([b"data: " + b"x" * 300, b"", b"data: next", b"", b""])
    events = EventStream(limit=100)
    chunks = [stream[start : start + size] for start in range(0, len(stream), size)]
    found = [event for chunk in chunks for event in events.feed(chunk)]
    assert [event.data for event in found] == [b"next"]
    assert events.notes == ["an event of more than 100 bytes was skipped"]
    assert events.pending == 0


def test_memory_stays_bounded_while_an_event_is_too_long():
    events = EventStream(limit=100)
    for _ in range(50):
        assert events.feed(b"x" * 1000) == []
    assert len(events._held) < 100
    assert events.pending == 50_000
    (event,) = events.feed(b"\n\ndata: a\n\n")
    assert (event.start, event.end) == (2, 11)


def test_what_is_skipped_is_not_given_except_the_first():
    events = EventStream(re.compile(rb"(?:data: skip\n\n)*+"))
    stream = b"data: skip\n\ndata: skip\n\ndata: a\n\ndata: skip\n\ndata: b\n\ndata: skip\n\n"
    found = events.feed(stream)
    assert [event.data for event in found] == [b"skip", b"a", b"b"]
    assert [stream[event.start : event.end] for event in found][1] == b"data: a\n\n"
    assert events.pending == 0


def test_nothing_is_given_at_the_end_of_an_event_that_is_too_long():
    events = EventStream(limit=10)
    assert events.feed(b"data: " + b"x" * 20) == []
    assert events.finish() == []


@pytest.mark.parametrize("rest", [b"data: [DONE]", b"data: [DONE]\n", b"data: [DONE]\r\n"])
def test_an_event_without_its_blank_line_is_given_at_the_end(rest):
    events = EventStream()
    assert events.feed(rest) == []
    assert [event.data for event in events.finish()] == [b"[DONE]"]
    assert events.finish() == []


@pytest.mark.parametrize("ends", [b"\n", b"\r", b"\r\n", b"\n\r"])
@pytest.mark.parametrize("size", [1000, 100_000])
def test_any_number_of_blank_lines_is_passed_over_at_once(ends, size):
    """They were taken for as many events, each of them taken apart."""
    events = EventStream()
    stream = ends * 50_000 + b"data: a\n\n"
    chunks = [stream[start : start + size] for start in range(0, len(stream), size)]
    found = [event for chunk in chunks for event in events.feed(chunk)]
    assert [event.data for event in found] == [b"a"]
    assert events.blocks <= len(chunks) + 1


def test_an_event_of_too_many_lines_is_skipped_and_the_next_is_read():
    events = EventStream()
    found = events.feed(b"data:\n" * 10_001 + b"\ndata: a\n\n" + b"data:\n" * 10_000 + b"\n")
    assert [event.data for event in found] == [b"a", b"\n" * 9999]
    assert events.notes == ["an event of more than 10000 lines was skipped"]
