"""Who leaves: the client, before and within an answer; the bridge, with calls under way."""

import http.client
import json
import socket
import threading

import pytest

from aibridge.dialects.facts import TokenUsage
from aibridge.gateway import relay as relays
from aibridge.reading.answer.streaming import StreamObserver
from tests import bridge as bridges
from tests.bridge import ROUTES
from tests.gateway import samples
from tests.wire import STREAM_HEAD, Caller, Then, ask, chunk, head

MODELS = "/api/v2/aibridge/openai/v1/models"
dialects = pytest.mark.parametrize("dialect", samples.DIALECTS)


def begin(bridge, dialect, caller, *, stream=True):
    body = json.dumps(samples.request(dialect, stream=stream)).encode()
    caller.send(ROUTES[dialect], headers=bridge.headers(), body=body)


@dialects
def test_a_client_that_leaves_a_stream_ends_it(wire, bridge, dialect):
    before = samples.EVENTS[dialect][: {"messages": 3, "chat": 2, "responses": 2}[dialect]]
    wire.play(STREAM_HEAD, *map(chunk, before), Then.STALL)
    with Caller(bridge.url) as caller:
        begin(bridge, dialect, caller)
        caller.begin()
        caller.read_until(before[-1])
    assert wire.request().gone.wait(20)
    record = bridge.ended()
    assert (record.status, record.http_status) == ("cancelled", 200)
    assert record.error_message == "the client closed the connection"
    assert record.response_bytes == len(b"".join(before))
    assert [prompt["prompt"] for prompt in record.prompts] == ["Say hello."]
    if dialect != "chat":
        assert [usage["input_tokens"] for usage in record.usages] == [100]
    (session,) = bridge.rows("sessions")
    assert session["interceptions"] == 1


@dialects
def test_tokens_of_an_abandoned_answer_count_as_far_as_they_are_known(
    wire, bridge, dialect, monkeypatch
):
    monkeypatch.setattr(relays, "READ_ON_SECONDS", 0.05)
    events = samples.EVENTS[dialect][: {"messages": 2, "chat": 4, "responses": 1}[dialect]]
    wire.play(STREAM_HEAD, *map(chunk, events), Then.STALL)
    with Caller(bridge.url) as caller:
        begin(bridge, dialect, caller)
        caller.begin()
        caller.read_until(events[-1])
    (usage,) = bridge.ended().usages
    assert usage["input_tokens"] == 100
    if dialect == "messages":
        assert usage["metadata"]["partial"] is True


@pytest.mark.parametrize("stream", [False, True])
@dialects
def test_a_client_that_leaves_before_the_answer_begins_ends_the_call(wire, bridge, dialect, stream):
    wire.play(Then.STALL)
    with Caller(bridge.url) as caller:
        begin(bridge, dialect, caller, stream=stream)
        received = wire.request()
    assert received.gone.wait(20)
    record = bridge.ended()
    assert (record.status, record.http_status, record.response_bytes) == ("cancelled", None, 0)


@pytest.mark.parametrize("count", [1, 3])
def test_requests_that_wait_behind_a_call_do_not_hide_that_its_client_leaves(wire, bridge, count):
    wire.play(STREAM_HEAD, Then.STALL)
    with Caller(bridge.url) as caller:
        begin(bridge, "messages", caller)
        caller.begin()
        caller.socket.sendall(b"GET /healthz HTTP/1.1\r\nhost: a\r\n\r\n" * count)
        bridge.barrier()
    assert wire.request().gone.wait(20)
    assert bridge.ended().status == "cancelled"


def test_a_client_that_leaves_between_head_and_body_ends_the_call(wire, bridge):
    wire.play(STREAM_HEAD, Then.STALL)
    with Caller(bridge.url) as caller:
        begin(bridge, "messages", caller)
        caller.begin()
    assert wire.request().gone.wait(20)
    assert bridge.ended().status == "cancelled"


def test_a_client_that_resets_is_a_client_that_left(wire, bridge):
    wire.play(STREAM_HEAD, chunk(samples.EVENTS["messages"][0]), Then.STALL)
    with Caller(bridge.url) as caller:
        begin(bridge, "messages", caller)
        caller.begin()
        caller.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, bytes([1] + [0] * 7))
    assert wire.request().gone.wait(20)
    assert bridge.ended().status == "cancelled"


def test_a_client_that_does_not_read_holds_the_provider_back(wire, bridge):
    """Every buffer is bounded: what the client does not take stays with the provider."""
    event = b": " + b"x" * 100_000 + b"\n\n"
    wire.play(STREAM_HEAD, *[chunk(event)] * 600, b"0\r\n\r\n")
    with Caller(bridge.url) as caller:
        begin(bridge, "messages", caller)
        status, _ = caller.begin()
        bridge.barrier()
        assert status == 200
        assert not wire.request().played.is_set()  # 60 MB
    assert wire.request().gone.wait(20)
    assert bridge.ended().status == "cancelled"


def test_a_client_may_leave_a_route_that_is_not_recorded(wire, bridge):
    wire.play(head(headers=[("content-length", "9")]), b"he", Then.STALL)
    with Caller(bridge.url) as caller:
        caller.send(MODELS, method="GET", headers=bridge.headers())
        caller.begin()
        caller.read_until(b"he")
    assert wire.request().gone.wait(20)
    assert not bridge.records()


def test_one_that_leaves_does_not_disturb_the_others(wire, bridge):
    go = threading.Event()
    events = samples.EVENTS["messages"]
    wire.play(STREAM_HEAD, chunk(events[0]), Then.STALL)
    wire.play(STREAM_HEAD, chunk(events[0]), go, *map(chunk, events[1:]), b"0\r\n\r\n")
    with Caller(bridge.url) as stays:
        with Caller(bridge.url) as leaves:
            begin(bridge, "messages", leaves)
            leaves.begin()
            begin(bridge, "messages", stays)
            stays.begin()
        assert wire.request().gone.wait(20)
        go.set()
        assert stays.read() == b"".join(events)
    bridge.wait_for(lambda: all(row["ended_at"] for row in bridge.rows("interceptions")))
    assert [record.status for record in bridge.records()] == ["cancelled", "completed"]


@pytest.mark.parametrize("how", [Then.CLOSE, Then.RESET])
@dialects
def test_a_provider_that_breaks_off_breaks_the_clients_answer(wire, bridge, dialect, how):
    go = threading.Event()
    before = samples.EVENTS[dialect][:-1]
    wire.play(STREAM_HEAD, *map(chunk, before), go, how)
    with Caller(bridge.url) as caller:
        begin(bridge, dialect, caller)
        caller.begin()
        seen = caller.read_until(before[-1])
        go.set()
        with pytest.raises((http.client.IncompleteRead, ConnectionResetError)):
            caller.read()
    assert seen == b"".join(before)
    record = bridge.record()
    assert (record.status, record.error_type, record.http_status) == ("failed", "broken", 200)
    assert record.response_bytes == len(seen)


def test_a_provider_that_breaks_off_after_the_last_event_has_answered(wire, bridge):
    events = samples.EVENTS["messages"]
    wire.play(STREAM_HEAD, *map(chunk, events), Then.CLOSE)
    with Caller(bridge.url) as caller:
        begin(bridge, "messages", caller)
        caller.begin()
        with pytest.raises(http.client.IncompleteRead) as cut:
            caller.read()
    assert cut.value.partial == b"".join(events)
    assert bridge.record().status == "completed"


def test_a_provider_that_stalls_within_a_stream_is_given_up(wire, serve):
    events = samples.EVENTS["messages"]
    wire.play(STREAM_HEAD, *map(chunk, events[:3]), Then.STALL)
    limits = {"idle_timeout_seconds": 0.05}
    with serve(bridges.providers(wire.url), **limits) as bridge:
        with Caller(bridge.url) as caller:
            begin(bridge, "messages", caller)
            caller.begin()
            with pytest.raises(http.client.IncompleteRead):
                caller.read()
        record = bridge.record()
    assert (record.status, record.error_type) == ("failed", "timeout")
    assert "next part" in record.error_message


def test_calls_under_way_when_the_bridge_stops_are_on_record(wire, serve):
    wire.play(STREAM_HEAD, chunk(samples.EVENTS["messages"][0]), Then.STALL)
    with serve(bridges.providers(wire.url)) as bridge:
        bridge.server.config.timeout_graceful_shutdown = 0
        with Caller(bridge.url) as caller:
            begin(bridge, "messages", caller)
            caller.begin()
            bridge.server.should_exit = True
            with pytest.raises(http.client.IncompleteRead):
                caller.read()
        assert wire.request().gone.wait(20)
        bridge.wait_for(lambda: bridge.record().ended_at)
        record = bridge.record()
    assert (record.status, record.error_type) == ("failed", "interrupted")
    assert record.usages[0]["input_tokens"] == 100


def test_calls_under_way_may_end_before_the_bridge_stops(wire, serve):
    go = threading.Event()
    events = samples.EVENTS["messages"]
    wire.play(STREAM_HEAD, chunk(events[0]), go, *map(chunk, events[1:]), b"0\r\n\r\n")
    with serve(bridges.providers(wire.url)) as bridge:
        with Caller(bridge.url) as caller:
            begin(bridge, "messages", caller)
            caller.begin()
            bridge.barrier()
            bridge.server.should_exit = True
            go.set()
            assert caller.read() == b"".join(events)
        assert bridge.record().status == "completed"


def test_a_stopped_bridge_takes_no_calls(wire, serve):
    with serve(bridges.providers(wire.url)) as bridge:
        url = bridge.url
    with pytest.raises(ConnectionError):
        ask(url, "/healthz", method="GET")


@pytest.fixture
def content_ended(monkeypatch):
    """Whether the content of streams is taken to have ended; it has, at first."""
    ended = threading.Event()
    ended.set()
    monkeypatch.setattr(StreamObserver, "content_ended", property(lambda _: ended.is_set()))
    return ended


@pytest.fixture
def estimates(monkeypatch):
    """Have streams that break off be estimated, by the size of their request alone."""
    monkeypatch.setattr(
        StreamObserver,
        "estimate",
        lambda _, request_bytes: TokenUsage(input=request_bytes, output=5, is_estimate=True),
    )


LEFT = "the client left before the usage came"
MISSED = "the rest of the answer did not come"


def leave(bridge, dialect, left):
    """Begin a stream, and leave when its first event is there."""
    with Caller(bridge.url) as caller:
        begin(bridge, dialect, caller)
        caller.begin()
        caller.read_until(samples.EVENTS[dialect][0])
    assert left.wait(20)


@dialects
def test_usage_is_read_for_a_client_that_did_not_stay_for_it(
    wire, bridge, left, content_ended, estimates, dialect
):
    go, events = threading.Event(), samples.EVENTS[dialect]
    wire.play(STREAM_HEAD, chunk(events[0]), go, *map(chunk, events[1:]), b"0\r\n\r\n")
    leave(bridge, dialect, left)
    go.set()
    record = bridge.ended()
    assert (record.status, record.error_message) == ("completed", "")
    assert LEFT in record.notes
    assert MISSED not in record.notes
    (usage,) = record.usages
    assert (usage["input_tokens"], usage["output_tokens"]) == (100, 9)
    assert record.response_bytes == len(b"".join(events))
    assert wire.request().played.wait(20)


@pytest.mark.parametrize(
    "limit", [("READ_ON_SECONDS", 0.05), ("MAX_READ_ON", 4)], ids=["seconds", "bytes"]
)
def test_reading_on_is_bounded(wire, bridge, left, content_ended, estimates, monkeypatch, limit):
    monkeypatch.setattr(relays, *limit)
    go = threading.Event()
    wire.play(STREAM_HEAD, chunk(samples.EVENTS["messages"][0]), go, chunk(b": x\n\n"), Then.STALL)
    leave(bridge, "messages", left)
    go.set()
    assert wire.request().gone.wait(20)
    record = bridge.ended()
    assert (record.status, record.error_message) == (
        "cancelled",
        "the client closed the connection",
    )
    assert {LEFT, MISSED} <= set(record.notes)
    assert estimated(record) == (record.request_bytes, 5, True)


@pytest.mark.parametrize("how", [Then.CLOSE, Then.RESET])
def test_a_provider_that_breaks_off_meanwhile_is_estimated(
    wire, bridge, left, content_ended, estimates, how
):
    go = threading.Event()
    wire.play(STREAM_HEAD, chunk(samples.EVENTS["messages"][0]), go, how)
    leave(bridge, "messages", left)
    go.set()
    record = bridge.ended()
    assert record.status == "cancelled"
    assert {LEFT, MISSED} <= set(record.notes)
    assert estimated(record) == (record.request_bytes, 5, True)


def test_content_that_goes_on_after_all_is_not_waited_for(
    wire, bridge, left, content_ended, estimates
):
    go, events = threading.Event(), samples.EVENTS["messages"]
    wire.play(STREAM_HEAD, chunk(events[0]), go, chunk(events[1]), Then.STALL)
    leave(bridge, "messages", left)
    content_ended.clear()
    go.set()
    assert wire.request().gone.wait(20)
    record = bridge.ended()
    assert record.status == "cancelled"
    assert estimated(record) == (record.request_bytes, 5, True)


@dialects
def test_an_answer_that_was_left_in_its_middle_is_estimated(
    wire, bridge, left, content_ended, estimates, dialect
):
    content_ended.clear()
    wire.play(STREAM_HEAD, chunk(samples.EVENTS[dialect][0]), Then.STALL)
    leave(bridge, dialect, left)
    assert wire.request().gone.wait(20)
    record = bridge.ended()
    assert record.status == "cancelled"
    assert LEFT not in record.notes
    assert estimated(record) == (record.request_bytes, 5, True)


def test_reading_on_does_not_keep_the_bridge_from_stopping(
    wire, serve, left, content_ended, estimates
):
    wire.play(STREAM_HEAD, chunk(samples.EVENTS["messages"][0]), Then.STALL)
    with serve(bridges.providers(wire.url)) as bridge:
        bridge.server.config.timeout_graceful_shutdown = 0
        leave(bridge, "messages", left)
        bridge.server.should_exit = True
        assert wire.request().gone.wait(5)
        record = bridge.ended()
    assert record.status == "cancelled"
    assert estimated(record) == (record.request_bytes, 5, True)


def estimated(record):
    (usage,) = record.usages
    return usage["input_tokens"], usage["output_tokens"], "estimated" in usage["metadata"]
