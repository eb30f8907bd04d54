"""Guarantee 1: the bytes that one side sends are the bytes that the other side gets."""

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.bridge import ROUTES, Bridge
from tests.gateway import samples
from tests.wire import Caller, Wire, reply

ENGINES = ("sqlite",)
"""What is tested here does not depend on the engine."""

OPENAI = "/api/v2/aibridge/openai/v1"

few = settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
cuts = st.lists(st.integers(0, 2000), max_size=6)
anything = st.one_of(
    st.binary(max_size=600),
    st.lists(
        st.sampled_from(
            [
                b"data: ",
                b"event: message_stop\n",
                b'data: {"type":"message_stop"}\n\n',
                b"data: [DONE]\n\n",
                b"\n",
                b"\r\n",
                b"\r",
                b"\xef\xbb\xbf",
                b'{"error":',
                b"\x00\xff",
                b": ping\n\n",
            ]
        ),
        max_size=12,
    ).map(b"".join),
)


def pass_through(wire: Wire, bridge: Bridge, dialect: str, sent: bytes, *steps, headers=()):
    wire.forget()
    bridge.forget()
    wire.play(*steps)
    return bridge.ask(ROUTES[dialect], body=sent, headers=headers)


@few
@given(
    dialect=st.sampled_from(samples.DIALECTS),
    stream=st.booleans(),
    framing=st.sampled_from(samples.FRAMINGS),
    answer=anything,
    cuts=cuts,
    sent=anything,
)
def test_any_bytes_pass_both_ways(
    shared_wire, shared_bridge, dialect, stream, framing, answer, cuts, sent
):
    steps = samples.framed(answer, framing, stream=stream, cuts=cuts)
    got = pass_through(shared_wire, shared_bridge, dialect, sent, *steps)
    assert (got.status, got.body) == (200, answer)
    assert shared_wire.requests[0].body == sent
    record = shared_bridge.record()
    assert record.http_status == 200
    assert record.response_bytes == len(answer) or stream  # complete at the last event
    assert record.request_bytes == len(sent)
    assert record.ended_at is not None


@few
@given(
    dialect=st.sampled_from(samples.DIALECTS),
    status=st.sampled_from(["400 Bad Request", "429 Slow Down", "500 Oops", "529 Overloaded"]),
    answer=anything,
    stream=st.booleans(),
)
def test_any_error_passes(shared_wire, shared_bridge, dialect, status, answer, stream):
    sent = json.dumps(samples.request(dialect, stream=stream)).encode()
    whole = reply(answer, status=status, kind="text/event-stream" if stream else "text/plain")
    got = pass_through(shared_wire, shared_bridge, dialect, sent, whole)
    assert (got.status, got.body) == (int(status[:3]), answer)
    assert shared_bridge.record().status == "failed"


@pytest.mark.parametrize("encoding", ["", *samples.ENCODINGS])
@pytest.mark.parametrize("framing", samples.FRAMINGS)
@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("dialect", samples.DIALECTS)
def test_an_answer_passes_and_is_read(wire, bridge, dialect, stream, framing, encoding):
    answer = samples.body(dialect, stream=stream, encoding=encoding)
    cuts = range(0, len(answer), 50)
    wire.play(*samples.framed(answer, framing, stream=stream, cuts=cuts, encoding=encoding))
    got = bridge.post(dialect, samples.request(dialect, stream=stream))
    assert got.body == answer
    assert got.values(b"content-encoding") == ([encoding.encode()] if encoding else [])
    assert (got.values(b"content-length") != []) == (framing == "sized")
    record = bridge.record()
    assert (record.status, record.stop_reason) == ("completed", samples.STOP[dialect])
    assert (record.stream, record.model, record.notes) == (stream, "m-1", [])
    trailer = 8 if stream and encoding else 0  # may come after the last event
    assert len(answer) - trailer <= record.response_bytes <= len(answer)
    (usage,) = record.usages
    counted = (
        usage["input_tokens"],
        usage["output_tokens"],
        usage["cache_read_input_tokens"],
        usage["cache_write_input_tokens"],
    )
    assert counted == samples.TOKENS
    assert [prompt["prompt"] for prompt in record.prompts] == ["Say hello."]


@few
@given(dialect=st.sampled_from(samples.DIALECTS), cuts=cuts, encoding=st.sampled_from(["", "gzip"]))
def test_a_stream_is_read_however_it_is_cut(shared_wire, shared_bridge, dialect, cuts, encoding):
    answer = samples.body(dialect, stream=True, encoding=encoding)
    sent = json.dumps(samples.request(dialect, stream=True)).encode()
    steps = samples.framed(answer, "chunked", stream=True, cuts=cuts, encoding=encoding)
    got = pass_through(shared_wire, shared_bridge, dialect, sent, *steps)
    assert got.body == answer
    record = shared_bridge.record()
    assert (record.status, record.stop_reason) == ("completed", samples.STOP[dialect])
    assert record.usages[0]["output_tokens"] == 9


@pytest.mark.parametrize("encoding", samples.ENCODINGS)
@pytest.mark.parametrize("dialect", samples.DIALECTS)
def test_a_compressed_request_passes_and_is_read(wire, bridge, dialect, encoding):
    plain = json.dumps(samples.request(dialect)).encode()
    sent = samples.packed(plain, encoding)
    wire.play(reply(samples.WHOLE[dialect]))
    bridge.ask(ROUTES[dialect], body=sent, headers=[("content-encoding", encoding)])
    (received,) = wire.requests
    assert received.body == sent
    assert received.values(b"content-encoding") == [encoding.encode()]
    record = bridge.record()
    assert (record.model, record.prompts[0]["prompt"]) == ("m-1", "Say hello.")
    assert record.request_bytes == len(sent)


def test_a_request_that_is_not_what_its_encoding_says_passes_with_a_note(wire, bridge):
    wire.play(reply(b"{}"))
    bridge.ask(ROUTES["messages"], body=b"not gzip", headers=[("content-encoding", "gzip")])
    assert wire.requests[0].body == b"not gzip"
    (note,) = bridge.record().notes
    assert note.startswith("request: ")


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("dialect", samples.DIALECTS)
def test_megabytes_pass_both_ways(wire, bridge, dialect, stream):
    more = b"x" * 1_000_000
    answer = b": " + more + b"\n\n" + samples.body(dialect, stream=True)
    if not stream:
        answer = json.dumps(json.loads(samples.WHOLE[dialect]) | {"more": more.decode()}).encode()
    wire.play(*samples.framed(answer, "chunked", stream=stream, cuts=range(0, len(answer), 9999)))
    sent = json.dumps(samples.request(dialect, stream=stream, more=more.decode())).encode()
    got = bridge.ask(ROUTES[dialect], body=sent)
    assert got.body == answer
    assert wire.requests[0].body == sent
    record = bridge.record()
    assert (record.status, record.request_bytes) == ("completed", len(sent))
    assert record.usages[0]["input_tokens"] == 100


def test_a_chunked_request_arrives_whole(wire, bridge):
    sent = json.dumps(samples.request("messages")).encode()
    pieces = [sent[start : start + 7] for start in range(0, len(sent), 7)]
    wire.play(reply(samples.WHOLE["messages"]))
    with Caller(bridge.url) as caller:
        caller._connection.request(
            "POST",
            ROUTES["messages"],
            iter(pieces),
            dict(bridge.headers(("transfer-encoding", "chunked"))),
            encode_chunked=True,
        )
        assert caller.answer().body == samples.WHOLE["messages"]
    (received,) = wire.requests
    assert (received.body, received.values(b"transfer-encoding")) == (sent, [])


@pytest.mark.parametrize("framing", samples.FRAMINGS)
def test_a_route_that_is_not_recorded_passes_bytes_too(wire, bridge, framing):
    body = bytes(range(256)) * 40
    wire.play(*samples.framed(body, framing, cuts=[1, 255, 4000]))
    got = bridge.ask("/api/v2/aibridge/openai/v1/models/any?x=%20y", method="GET")
    assert (got.status, got.body) == (200, body)
    assert wire.requests[0].line == b"GET /v1/models/any?x=%20y HTTP/1.1"
    assert bridge.records() == []


WITHOUT_BODY = ["", "content-length: 198\r\n", "transfer-encoding: chunked\r\n"]
"""What answers that cannot have a body say of its length all the same."""


@pytest.mark.parametrize("body", ["", "body"])
@pytest.mark.parametrize("length", WITHOUT_BODY)
@pytest.mark.parametrize("status", ["204 No Content", "304 Not Modified"])
@pytest.mark.parametrize("route", ["models", "responses"])
def test_answers_without_a_body_pass(wire, bridge, caplog, route, status, length, body):
    wire.play(f"HTTP/1.1 {status}\r\nx-a: 1\r\n{length}\r\n{body}".encode())
    method = "GET" if route == "models" else "POST"
    with Caller(bridge.url) as caller:
        caller.send(f"{OPENAI}/{route}", method=method, headers=bridge.headers())
        got = caller.answer()
        assert (got.status, got.body, got.values(b"x-a")) == (int(status[:3]), b"", [b"1"])
        caller.send(f"{OPENAI}/models", method="GET", headers=bridge.headers())
        assert caller.answer().body == b"{}"
    assert not caplog.records


@pytest.mark.parametrize("body", ["", "body"])
@pytest.mark.parametrize("status", ["200 OK", "304 Not Modified", "404 Not Found"])
def test_an_answer_to_head_passes(wire, bridge, caplog, status, body):
    wire.play(f"HTTP/1.1 {status}\r\ncontent-length: 500\r\n\r\n{body}".encode())
    with Caller(bridge.url) as caller:
        caller.send(f"{OPENAI}/models", method="HEAD", headers=bridge.headers())
        got = caller.answer()
        length = [] if status.startswith("304") else [b"500"]
        assert (got.status, got.body) == (int(status[:3]), b"")
        assert got.values(b"content-length") == length
        caller.send(f"{OPENAI}/models", method="GET", headers=bridge.headers())
        assert caller.answer().body == b"{}"
    assert not caplog.records


def test_interim_answers_and_trailers_are_kept_off(wire, bridge):
    wire.play(
        b"HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n",
        b"2\r\n{}\r\n0\r\nx-late: 1\r\n\r\n",
    )
    got = bridge.post("messages", samples.request("messages"))
    assert (got.status, got.body) == (200, b"{}")
    assert {name for name, _ in got.headers} == {b"content-type", b"transfer-encoding"}
