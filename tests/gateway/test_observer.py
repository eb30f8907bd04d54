"""Guarantee 3: whatever goes wrong in reading an answer, its bytes pass and a note is left."""

import pytest
from structlog.testing import capture_logs

from aibridge.dialects import DIALECTS
from aibridge.gateway.observers import observe
from aibridge.gateway.observers.editing import EditingObserver
from aibridge.gateway.observers.whole import WholeObserver
from aibridge.providers.types import Dialect
from tests.gateway import samples
from tests.wire import streamed

UNREAD = "the answer could not be read"
SSE = {b"content-type": b"text/event-stream"}
dialects = pytest.mark.parametrize("dialect", samples.DIALECTS)


def fail(*_: object, **__: object) -> None:
    raise RecursionError("a reader's own fault")


@dialects
def test_a_reader_of_events_that_fails_does_no_harm(wire, bridge, monkeypatch, dialect):
    monkeypatch.setattr(DIALECTS[dialect].StreamReader, "event", fail)
    wire.play(*streamed(*samples.EVENTS[dialect]))
    with capture_logs() as logs:
        answer = bridge.post(dialect, samples.request(dialect, stream=True))
    assert answer.body == samples.body(dialect, stream=True)
    record = bridge.record()
    assert (record.status, record.notes) == ("completed", [UNREAD])
    assert [entry["event"] for entry in logs] == ["answer_not_read"]


@dialects
def test_a_reader_of_whole_answers_that_fails_does_no_harm(wire, bridge, monkeypatch, dialect):
    monkeypatch.setattr(DIALECTS[dialect], "read_answer", fail)
    wire.play(*samples.framed(samples.WHOLE[dialect], "sized"))
    with capture_logs():
        answer = bridge.post(dialect, samples.request(dialect))
    assert answer.body == samples.WHOLE[dialect]
    record = bridge.record()
    assert (record.status, record.notes) == ("completed", [UNREAD])


@dialects
def test_a_reader_of_errors_that_fails_does_no_harm(wire, bridge, monkeypatch, dialect):
    monkeypatch.setattr(DIALECTS[dialect], "read_error", fail)
    wire.play(b"HTTP/1.1 429 No\r\ncontent-length: 2\r\n\r\nno")
    with capture_logs():
        assert bridge.post(dialect, samples.request(dialect)).body == b"no"
    record = bridge.record()
    assert (record.status, record.error_type, record.notes) == ("failed", "rate_limited", [UNREAD])


@pytest.mark.parametrize("encoding", ["gzip", "br", "zstd", "snappy"])
@dialects
def test_a_stream_that_cannot_be_unpacked_passes(wire, bridge, dialect, encoding):
    garbage = b"this is not packed " * 20
    wire.play(*samples.framed(garbage, "chunked", stream=True, cuts=[50], encoding=encoding))
    assert bridge.post(dialect, samples.request(dialect, stream=True)).body == garbage
    record = bridge.record()
    assert record.status == "completed"  # nobody knows better
    assert len(record.notes) == 1


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
