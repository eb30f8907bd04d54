"""Guarantee 2: who has read the end of an answer has its record, on the disk or in the database.

Where it is to be in the database, that is locked to see what waits for it, and the keeper waits
for the lock for longer than a test takes.
"""

import http.client
import json
import threading

import pytest
from structlog.testing import capture_logs

from aibridge.gateway.call_log import LOST
from aibridge.keeper import writing
from tests import bridge as bridges
from tests.bridge import ROUTES
from tests.gateway import samples
from tests.gateway.disks import full_disk, held_up, wait_for_keeper
from tests.wire import PATIENCE, STREAM_HEAD, Caller, ask, chunk, reply, streamed

dialects = pytest.mark.parametrize("dialect", samples.DIALECTS)


@pytest.fixture(scope="module", params=["journal", "database"])
def shared_bridge(shared_wire, serve, request):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(writing, "LOCK_SECONDS", PATIENCE)
        with serve(bridges.providers(shared_wire.url), durability=request.param) as bridge:
            wait_for_keeper(bridge)
            yield bridge


def begin(bridge, dialect, caller, *, stream=True):
    body = json.dumps(samples.request(dialect, stream=stream)).encode()
    caller.send(ROUTES[dialect], headers=bridge.headers(), body=body)


@pytest.mark.parametrize("stream", [False, True])
@dialects
def test_nothing_is_seen_before_the_start_is_committed(wire, bridge, dialect, stream):
    answer = samples.body(dialect, stream=stream)
    wire.play(*samples.framed(answer, "chunked", stream=stream))
    with Caller(bridge.url) as caller, held_up(bridge) as release:
        begin(bridge, dialect, caller, stream=stream)
        assert wire.request().played.wait(20)  # the provider does not wait for the record
        bridge.barrier()
        assert not caller.has_something()
        release()
        assert caller.answer().body == answer
    assert bridge.record().status == "completed"


@dialects
def test_only_the_last_event_waits_for_the_commit(wire, bridge, dialect):
    *before, last = samples.EVENTS[dialect]
    go = threading.Event()
    wire.play(STREAM_HEAD, chunk(before[0]), go, *map(chunk, [*before[1:], last]), b"0\r\n\r\n")
    with Caller(bridge.url) as caller:
        begin(bridge, dialect, caller)
        caller.begin()
        seen = caller.read_until(before[0])
        assert bridge.record().status == "running"
        with held_up(bridge) as release:
            go.set()
            assert wire.request().played.wait(20)
            seen += caller.read_until(before[-1])
            bridge.barrier()
            assert not caller.has_something()
            release()
            assert caller.read() == last
        assert bridge.record().status == "completed"
    assert seen == b"".join(before)


@dialects
def test_events_after_the_last_one_pass_too(wire, bridge, dialect):
    extra = b": bye\n\n"
    wire.play(*streamed(*samples.EVENTS[dialect], extra))
    body = samples.body(dialect, stream=True) + extra
    assert bridge.post(dialect, samples.request(dialect, stream=True)).body == body


@dialects
def test_the_end_of_a_whole_answer_waits_for_the_commit(wire, bridge, dialect):
    go = threading.Event()
    whole = samples.WHOLE[dialect]
    sent = reply(whole)
    wire.play(sent[:-20], go, sent[-20:])
    with Caller(bridge.url) as caller:
        begin(bridge, dialect, caller, stream=False)
        caller.begin()
        seen = caller.read_until(whole[:-20])
        with held_up(bridge) as release:
            go.set()
            assert wire.request().played.wait(20)
            bridge.barrier()
            assert not caller.has_something()
            release()
            assert seen + caller.read() == whole
    assert bridge.record().status == "completed"


@dialects
def test_an_error_waits_for_the_commit_too(wire, bridge, dialect):
    wire.play(reply(b"no", status="529 Overloaded"))
    with Caller(bridge.url) as caller, held_up(bridge) as release:
        begin(bridge, dialect, caller)
        assert wire.request().played.wait(20)
        bridge.barrier()
        assert not caller.has_something()
        release()
        assert caller.answer().status == 529
        assert bridge.record().error_type == "overloaded"


@dialects
def test_an_answer_whose_record_is_given_up_has_no_end(wire, bridge, dialect):
    *before, last = samples.EVENTS[dialect]
    go = threading.Event()
    wire.play(STREAM_HEAD, *map(chunk, before), go, chunk(last), b"0\r\n\r\n")
    with Caller(bridge.url) as caller:
        begin(bridge, dialect, caller)
        caller.begin()
        caller.read_until(before[-1])
        with capture_logs(), full_disk(bridge):
            go.set()
            with pytest.raises(http.client.IncompleteRead) as cut:
                caller.read()
    assert last not in cut.value.partial
    record = bridge.ended()
    assert (record.status, record.error_type) == ("failed", "truncated")
    assert LOST in record.notes


@dialects
def test_a_call_whose_start_is_given_up_is_refused(wire, bridge, dialect):
    wire.play(*streamed(*samples.EVENTS[dialect]))
    with capture_logs(), full_disk(bridge):
        answer = bridge.post(dialect, samples.request(dialect, stream=True))
    assert (answer.status, answer.values(b"retry-after")) == (503, [b"5"])
    assert b"could not record" in answer.body


def test_while_records_cannot_be_written_calls_are_refused_at_once(wire, bridge):
    wire.always(reply(samples.WHOLE["messages"]))
    with capture_logs(), full_disk(bridge):
        assert bridge.post("messages", {}).status == 503
        asked = len(wire.requests)
        for dialect in samples.DIALECTS:
            answer = bridge.post(dialect, samples.request(dialect, stream=True))
            assert (answer.status, answer.values(b"retry-after")) == (503, [b"5"])
            kind = "api_error" if dialect == "messages" else "server_error"
            error = json.loads(answer.body)["error"]
            assert (error["type"], "cannot record" in error["message"]) == (kind, True)
        assert len(wire.requests) == asked
        assert ask(bridge.url, "/readyz", method="GET").status == 503
        assert ask(bridge.url, "/healthz", method="GET").status == 200
    assert bridge.post("messages", {}).status == 200
    assert [one.status for one in bridge.records() if one.status == "completed"] == ["completed"]
