"""Observers say what of an answer may pass, and what has to wait; what fails in one is a note."""

import pytest
from structlog.testing import capture_logs

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
