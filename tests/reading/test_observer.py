"""Observers say what of an answer may pass, and what has to wait; what fails in one is a note."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from aibridge.dialects import DIALECTS
from aibridge.dialects.answers.reading import AnswerReader
from aibridge.practice import Part, Turn, Usage, chat, messages, responses
from aibridge.practice.answer import compose
from aibridge.providers.types import Dialect
from aibridge.reading.answer import observe
from aibridge.reading.answer.editing import EditingObserver
from aibridge.reading.answer.whole import WholeObserver
from tests.gateway import samples

UNREAD = "the answer could not be read"
SSE = {b"content-type": b"text/event-stream"}
dialects = pytest.mark.parametrize("dialect", samples.DIALECTS)


def fail(*_: object, **__: object) -> None:
    raise RecursionError("a reader's own fault")


def test_an_editor_that_fails_lets_everything_go_on(monkeypatch):
    """Also what it held back until then."""
    observer = EditingObserver()
    assert observer.feed(b"data: {", last=False) == (b"", b"")
    monkeypatch.setattr(observer._reader, "event", fail)
    with capture_logs():
        assert observer.feed(b"}\n\ndata: [DO", last=False) == (b"data: {}\n\ndata: [DO", b"")
    assert observer.feed(samples.USAGE_CHUNK, last=True) == (samples.USAGE_CHUNK, b"")
    assert observer.facts().notes == [UNREAD]


@dialects
def test_only_the_last_event_is_held_back(dialect):
    *before, last = samples.EVENTS[dialect]
    for together in (True, False):
        observer = observe(Dialect(dialect), 200, SSE)
        if together:
            first, held = observer.feed(b"".join([*before, last]), last=False)
        else:
            first, _ = observer.feed(b"".join(before), last=False)
            nothing, held = observer.feed(last, last=False)
            assert nothing == b""
        assert (first, held) == (b"".join(before), last)


@dialects
def test_a_last_event_in_two_pieces_is_held_back_as_far_as_it_can_be(dialect):
    *before, last = samples.EVENTS[dialect]
    observer = observe(Dialect(dialect), 200, SSE)
    assert observer.feed(b"".join(before) + last[:7], last=False)[1] == b""
    assert observer.feed(last[7:], last=False) == (b"", last[7:])


@pytest.mark.parametrize("encoding", samples.ENCODINGS)
@dialects
def test_all_that_holds_a_packed_end_is_held_back(dialect, encoding):
    observer = observe(Dialect(dialect), 200, SSE | {b"content-encoding": encoding.encode()})
    packed = samples.body(dialect, stream=True, encoding=encoding)
    assert observer.feed(packed, last=True) == (b"", packed)
    assert observer.facts().ended


@pytest.mark.parametrize("status", [400, 500, 529])
def test_an_error_is_read_whole_even_as_a_stream(status):
    assert isinstance(observe(Dialect.CHAT, status, SSE, hide_usage=True), WholeObserver)


def stream(dialect: str) -> bytes:
    """Return a stream with a thought, a text and a tool call, in many pieces each."""
    parts = (
        Part(thinking='The file should be read, and "event: x\\n\\ndata: y" with it.'),
        Part(text="I will read it: [DONE], message_stop, response.completed."),
        Part(tool="read", arguments={"path": "src/area.py", "usage": {"input_tokens": 1}}),
    )
    turn = Turn(parts=parts, usage=Usage(input=20, output=4), chunk=5)
    tools = b'[{"name": "read", "input_schema": {"type": "object"}}]'
    words = {"messages": messages, "chat": chat, "responses": responses}[dialect]
    return b"".join(words.events(compose(turn, model="m", tools=tools)))


STREAMS = {name: stream(name) for name in samples.DIALECTS}


@dialects
@given(cuts=st.sets(st.integers(1, 12_000), max_size=40), crs=st.booleans())
def test_who_looks_for_the_end_alone_finds_it_where_a_reader_of_all_does(dialect, cuts, crs):
    body = STREAMS[dialect].replace(b"\n", b"\r\n" if crs else b"\n")
    every, alone = (observe(Dialect(dialect), 200, SSE, keeps=keeps) for keeps in (True, False))
    for start, end in pairwise([0, *sorted(cut for cut in cuts if cut < len(body)), len(body)]):
        piece, last = body[start:end], end == len(body)
        assert alone.feed(piece, last=last) == every.feed(piece, last=last)
        assert alone.content_ended == every.content_ended
        assert alone.lacks_usage == every.lacks_usage


@dialects
def test_who_looks_for_the_end_alone_reads_few_of_the_events(dialect, monkeypatch):
    read, reader = [], DIALECTS[dialect].StreamReader
    take = reader.event

    def read_event(self: AnswerReader, data: bytes, name: str = "") -> bool:
        read.append(data)
        return take(self, data, name)

    monkeypatch.setattr(reader, "event", read_event)
    observer = observe(Dialect(dialect), 200, SSE, keeps=False)
    for event in STREAMS[dialect].split(b"\n\n"):
        observer.feed(event + b"\n\n", last=False)
    assert observer.content_ended
    assert len(read) < STREAMS[dialect].count(b"\n\n") / 2
