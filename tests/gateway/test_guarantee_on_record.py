"""Guarantee 2: who has read the end of an answer has its record committed.

Here to the database, whose lock shows what waits for it: there is no spool to take its place.
"""

import functools
import http.client
import json
import threading

import pytest

from aibridge import app
from aibridge.recorder.recorder import Recorder
from aibridge.store import database
from tests import bridge as bridges
from tests.bridge import ROUTES
from tests.gateway import samples
from tests.wire import STREAM_HEAD, Caller, ask, chunk, reply, streamed

REFUSE = {"recording": {"when_unavailable": "refuse"}}

dialects = pytest.mark.parametrize("dialect", samples.DIALECTS)


@pytest.fixture(scope="module")
def shared_bridge(shared_wire, serve):
    with serve(bridges.providers(shared_wire.url), **REFUSE) as bridge:
        yield bridge


def begin(bridge, dialect, caller, *, stream=True):
    body = json.dumps(samples.request(dialect, stream=stream)).encode()
    caller.send(ROUTES[dialect], headers=bridge.headers(), body=body)


@pytest.mark.parametrize("stream", [False, True])
@dialects
def test_nothing_is_seen_before_the_start_is_committed(wire, bridge, dialect, stream):
    answer = samples.body(dialect, stream=stream)
    wire.play(*samples.framed(answer, "chunked", stream=stream))
    with Caller(bridge.url) as caller, bridge.locked() as release:
        begin(bridge, dialect, caller, stream=stream)
        assert wire.request().played.wait(20)  # the provider does not wait for the record
        bridge.barrier()
        assert not caller.has_something()
        assert not bridge.records()
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
        with bridge.locked() as release:
            go.set()
            assert wire.request().played.wait(20)
            seen += caller.read_until(before[-1])
            bridge.barrier()
            assert not caller.has_something()
            assert bridge.record().status == "running"
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
        with bridge.locked() as release:
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
    with Caller(bridge.url) as caller, bridge.locked() as release:
        begin(bridge, dialect, caller)
        assert wire.request().played.wait(20)
        bridge.barrier()
        assert not caller.has_something()
        release()
        assert caller.answer().status == 529
        assert bridge.record().error_type == "overloaded"


@pytest.fixture
def impatient(wire, serve, monkeypatch):
    """A bridge that gives a locked database up soon."""
    monkeypatch.setattr(database, "BUSY_TIMEOUT_SECONDS", 0.01)
    monkeypatch.setattr(app, "Recorder", functools.partial(Recorder, patience_seconds=0.1))
    with serve(bridges.providers(wire.url), **REFUSE) as bridge:
        yield bridge


@dialects
def test_an_answer_whose_record_is_given_up_has_no_end(wire, impatient, dialect):
    *before, last = samples.EVENTS[dialect]
    go = threading.Event()
    wire.play(STREAM_HEAD, *map(chunk, before), go, chunk(last), b"0\r\n\r\n")
    with Caller(impatient.url) as caller:
        begin(impatient, dialect, caller)
        caller.begin()
        caller.read_until(before[-1])
        with impatient.locked():
            go.set()
            with pytest.raises(http.client.IncompleteRead) as cut:
                caller.read()
    assert last not in cut.value.partial


@dialects
def test_a_call_whose_start_is_given_up_is_refused(wire, impatient, dialect):
    wire.play(*streamed(*samples.EVENTS[dialect]))
    with impatient.locked():
        answer = impatient.post(dialect, samples.request(dialect, stream=True))
    assert (answer.status, answer.values(b"retry-after")) == (503, [b"5"])
    assert b"could not record" in answer.body


def test_while_records_cannot_be_written_calls_are_refused_at_once(wire, impatient):
    wire.always(reply(samples.WHOLE["messages"]))
    with impatient.locked():
        assert impatient.post("messages", {}).status == 503
        asked = len(wire.requests)
        for dialect in samples.DIALECTS:
            answer = impatient.post(dialect, {})
            assert (answer.status, answer.values(b"retry-after")) == (503, [b"5"])
        assert len(wire.requests) == asked
        assert ask(impatient.url, "/readyz", method="GET").status == 503
        assert ask(impatient.url, "/healthz", method="GET").status == 200
        models = "/api/v2/aibridge/openai/v1/models"
        assert impatient.ask(models, method="GET").status == 200  # needs no record


def test_once_records_can_be_written_again_calls_are_served_again(wire, impatient):
    """However long it took, and though nobody was let through meanwhile."""
    wire.always(reply(samples.WHOLE["messages"]))
    with impatient.locked():
        assert impatient.post("messages", {}).status == 503
        intake = impatient.app._recorder._intake
        impatient.wait_for(lambda: not intake.waiting())
    ready = threading.Event()
    for _ in range(100):
        if ask(impatient.url, "/readyz", method="GET").status == 200:
            break
        ready.wait(0.05)
    assert impatient.post("messages", {}).status == 200
    assert impatient.records()[-1].status == "completed"
