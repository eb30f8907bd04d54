"""Guarantee 3: whatever goes wrong in reading an answer, its bytes pass and a note is left."""

import pytest
from structlog.testing import capture_logs

from aibridge.dialects import DIALECTS
from tests.gateway import samples
from tests.wire import streamed

ENGINES = ("sqlite",)
"""What is tested here does not depend on the engine."""

UNREAD = "the answer could not be read"
dialects = pytest.mark.parametrize("dialect", samples.DIALECTS)


def fail(*_: object, **__: object) -> None:
    raise RecursionError("a reader's own fault")


@dialects
def test_a_reader_of_events_that_fails_does_no_harm(wire, bridge, monkeypatch, dialect):
    monkeypatch.setattr(DIALECTS[dialect].StreamReader, "event", fail)
    wire.play(*streamed(*samples.EVENTS[dialect]))
    with capture_logs() as logs:
        answer = bridge.post(dialect, samples.request(dialect, stream=True))
        record = bridge.record()
    assert answer.body == samples.body(dialect, stream=True)
    assert (record.status, record.notes) == ("completed", [UNREAD])
    assert {entry["event"] for entry in logs} == {"answer_not_read"}


@dialects
def test_a_reader_of_whole_answers_that_fails_does_no_harm(wire, bridge, monkeypatch, dialect):
    monkeypatch.setattr(DIALECTS[dialect], "read_answer", fail)
    wire.play(*samples.framed(samples.WHOLE[dialect], "sized"))
    with capture_logs():
        answer = bridge.post(dialect, samples.request(dialect))
        record = bridge.record()
    assert answer.body == samples.WHOLE[dialect]
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
