"""The one edit of traffic: a chat stream is asked for its usage, which the client does not see."""

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aibridge.reading.answer.editing import EditingObserver
from aibridge.reading.answer.whole import MAX_WHOLE_BODY
from tests import bridge as bridges
from tests.bridge import ROUTES
from tests.gateway import samples
from tests.wire import END_OF_CHUNKS, chunk, head, reply

ENGINES = ("sqlite",)
"""What is tested here does not depend on the engine."""

EVENTS = samples.EVENTS["chat"]
WITH_USAGE = b"".join(EVENTS)
WITHOUT = b"".join(event for event in EVENTS if event != samples.USAGE_CHUNK)
ASKS_NOT = {"model": "m-1", "stream": True, "messages": [{"role": "user", "content": "Hi."}]}

REQUEST_EDIT = "request body: stream_options.include_usage set to true"
ENCODING_EDIT = "request header accept-encoding: set to identity"
ANSWER_EDIT = "answer: the usage chunk taken out, as the client did not ask for it"

few = settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
places = st.lists(st.integers(0, len(WITH_USAGE)), max_size=8)


def stream(*, framing="chunked", cuts=(), answer=WITH_USAGE, encoding=""):
    content = samples.packed(answer, encoding) if encoding else answer
    return samples.framed(content, framing, stream=True, cuts=cuts, encoding=encoding)


@pytest.mark.parametrize("framing", samples.FRAMINGS)
def test_the_provider_is_asked_and_the_client_does_not_see_it(wire, bridge, framing):
    wire.play(*stream(framing=framing))
    got = bridge.post("chat", ASKS_NOT)
    assert got.body == WITHOUT
    sent = json.loads(wire.requests[0].body)
    assert sent == {**ASKS_NOT, "stream_options": {"include_usage": True}}
    record = bridge.record()
    assert record.edits == [REQUEST_EDIT, ANSWER_EDIT]
    assert (record.status, record.usages[0]["input_tokens"]) == ("completed", 100)
    assert record.usages[0]["output_tokens"] == 9


@few
@given(cuts=places, crlf=st.booleans())
def test_the_chunk_is_taken_out_however_the_answer_is_cut(shared_wire, shared_bridge, cuts, crlf):
    shared_wire.forget()
    shared_bridge.forget()
    change = (lambda data: data.replace(b"\n", b"\r\n")) if crlf else bytes
    shared_wire.play(*stream(cuts=cuts, answer=change(WITH_USAGE)))
    assert shared_bridge.post("chat", ASKS_NOT).body == change(WITHOUT)
    assert shared_bridge.record().usages[0]["output_tokens"] == 9


@given(
    events=st.lists(
        st.sampled_from([*EVENTS, b": ping\n\n", b": ping\n", b"\n", b"data: {\n\n", b"x\n"]),
        max_size=8,
    ),
    mark=st.sampled_from([b"", b"\xef\xbb\xbf"]),
    cuts=st.lists(st.integers(0, 900), max_size=12),
    rest=st.binary(max_size=5),
)
def test_nothing_else_is_taken_out(events, mark, cuts, rest):
    data = mark + b"".join(events) + rest
    observer = EditingObserver()
    ends = [*sorted(cut for cut in cuts if cut < len(data)), len(data)]
    start, got = 0, b""
    for end in ends:
        ready, held = observer.feed(data[start:end], last=end == len(data))
        got += ready + held
        start = end
    assert got == data.replace(samples.USAGE_CHUNK, b"") or b"x\n" in data


@pytest.mark.parametrize("cut", range(1, 900, 50))
@pytest.mark.parametrize("done", [b"", b"data: [DONE]"])
def test_the_chunk_is_taken_out_of_a_stream_that_lacks_its_last_blank_line(done, cut):
    before = EVENTS[0] * 3
    data = before + (samples.USAGE_CHUNK if done else samples.USAGE_CHUNK[:-2]) + done
    observer = EditingObserver()
    parts = [*observer.feed(data[:cut], last=False), *observer.feed(data[cut:], last=True)]
    assert b"".join(parts) == before + done
    assert observer.edits == [ANSWER_EDIT]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (
            b'{ "stream" : true,"messages":[] ,"stream_options":{"x":1}}',
            b'{ "stream" : true,"messages":[] ,"stream_options":{"include_usage":true,"x":1}}',
        ),
        (
            b'{"stream":true,"stream_options":{"include_usage":false},"z":"\xc3\xa4 \\u00e4"}',
            b'{"stream":true,"stream_options":{"include_usage":true},"z":"\xc3\xa4 \\u00e4"}',
        ),
        (
            b'{"stream":true,"stream_options":null}',
            b'{"stream":true,"stream_options":{"include_usage":true}}',
        ),
    ],
)
def test_no_other_byte_of_the_request_changes(wire, bridge, body, expected):
    wire.play(*stream())
    bridge.ask(ROUTES["chat"], body=body)
    assert wire.requests[0].body == expected
    assert bridge.record().request_bytes == len(expected)


@pytest.mark.parametrize(
    "body",
    [
        {**ASKS_NOT, "stream_options": {"include_usage": True}},
        {**ASKS_NOT, "stream": False},
        {"model": "m-1"},
    ],
)
def test_who_asks_or_does_not_stream_gets_everything(wire, bridge, body):
    wire.play(*stream())
    sent = json.dumps(body).encode()
    assert bridge.ask(ROUTES["chat"], body=sent).body == WITH_USAGE
    assert wire.requests[0].body == sent
    assert bridge.record().edits == []


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b'{"stream":true', b'{"stream":true,"stream_options":[]}', b"\xff"],
)
def test_a_body_that_cannot_be_edited_passes(wire, bridge, body):
    wire.play(*stream())
    assert bridge.ask(ROUTES["chat"], body=body).body == WITH_USAGE
    assert wire.requests[0].body == body
    assert bridge.record().edits == []


def test_a_compressed_request_is_not_edited(wire, bridge):
    wire.play(*stream())
    body = samples.packed(json.dumps(ASKS_NOT).encode(), "gzip")
    got = bridge.ask(ROUTES["chat"], body=body, headers=[("content-encoding", "gzip")])
    assert got.body == WITH_USAGE
    assert wire.requests[0].body == body
    assert bridge.record().edits == []


def test_other_dialects_are_not_edited(wire, bridge):
    for dialect in ("messages", "responses"):
        body = json.dumps(ASKS_NOT).encode()
        bridge.ask(ROUTES[dialect], body=body, headers=[("accept-encoding", "gzip")])
        assert wire.requests[-1].body == body
        assert wire.requests[-1].values(b"accept-encoding") == [b"gzip"]
    assert [record.edits for record in bridge.records()] == [[], []]


def test_a_provider_that_must_not_be_asked_is_not(wire, serve):
    with serve(bridges.providers(wire.url, ask_for_usage=False)) as bridge:
        wire.play(*stream(answer=WITHOUT))
        got = bridge.post("chat", ASKS_NOT, ("accept-encoding", "gzip"))
        assert got.body == WITHOUT
        (received,) = wire.requests
        assert json.loads(received.body) == ASKS_NOT
        assert received.values(b"accept-encoding") == [b"gzip"]
        record = bridge.record()
        assert (record.edits, record.usages, record.status) == ([], [], "completed")


def test_the_answer_must_come_uncompressed_to_be_edited(wire, bridge):
    wire.play(*stream())
    headers = [("accept", "*/*"), ("accept-encoding", "gzip, br"), ("x-last", "1")]
    assert bridge.post("chat", ASKS_NOT, *headers).body == WITHOUT
    assert wire.requests[0].values(b"accept-encoding") == [b"identity"]
    assert set(bridge.record().edits) == {REQUEST_EDIT, ENCODING_EDIT, ANSWER_EDIT}


@pytest.mark.parametrize("encoding", samples.ENCODINGS)
def test_an_answer_compressed_all_the_same_passes_as_it_is(wire, bridge, encoding):
    wire.play(*stream(encoding=encoding))
    got = bridge.post("chat", ASKS_NOT)
    assert got.body == samples.packed(WITH_USAGE, encoding)
    record = bridge.record()
    assert record.usages[0]["output_tokens"] == 9
    assert record.edits == [REQUEST_EDIT]


def test_no_edit_is_listed_that_was_not_made(wire, bridge):
    wire.play(reply(b'{"error":{"message":"no"}}', status="400 Bad Request"))
    wire.play(*stream(answer=WITHOUT))
    assert bridge.post("chat", ASKS_NOT).body == b'{"error":{"message":"no"}}'
    assert bridge.post("chat", ASKS_NOT).body == WITHOUT
    assert [record.edits for record in bridge.records()] == [[REQUEST_EDIT]] * 2


def test_an_event_without_end_is_not_kept_for_ever():
    """An event that is too long to be read is too long to be the one that is taken out."""
    observer = EditingObserver()
    piece = b"x" * (1 << 20)
    released = 0
    for _ in range(MAX_WHOLE_BODY // len(piece) + 2):
        ready, held = observer.feed(piece, last=False)
        released += len(ready) + len(held)
    assert released > 0
    ready, held = observer.feed(b"\n\n" + samples.USAGE_CHUNK + EVENTS[-1], last=True)
    assert (ready + held).endswith(b"\n\n" + EVENTS[-1])
    assert observer.facts().usage is not None


HEARTBEATS = (
    b": ping\n\n",
    b": OPENROUTER PROCESSING",
    b"\n",
    b"\r\n",
    b":",
    b": a\n: b",
    b"\xef\xbb\xbf:",
)


@pytest.mark.parametrize("before", [b"", EVENTS[0]])
@pytest.mark.parametrize("heartbeat", HEARTBEATS)
def test_heartbeats_pass_at_once(heartbeat, before):
    """They were held until an event was complete, which is when nobody needs them any more."""
    observer = EditingObserver()
    assert observer.feed(before, last=False) == (before, b"")
    for _ in range(3):
        assert observer.feed(heartbeat, last=False) == (heartbeat, b"")
    assert observer.feed(b"\n" + EVENTS[1], last=False)[0].endswith(EVENTS[1])


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
@pytest.mark.parametrize("before", [b"", b"\xef\xbb\xbf", b": hi\n", b"\xef\xbb\xbf: hi\r\n: ho\n"])
def test_what_stands_before_the_usage_chunk_is_not_taken_out_with_it(before, size):
    observer = EditingObserver()
    data = before + samples.USAGE_CHUNK + EVENTS[-1]
    pieces = [data[start : start + size] for start in range(0, len(data), size)]
    parts = [observer.feed(piece, last=False) for piece in pieces]
    assert b"".join(b"".join(part) for part in parts) == before + EVENTS[-1]
    assert observer.edits == [ANSWER_EDIT]


@pytest.mark.parametrize(
    "kind", [None, "application/json", "text/plain", "text/event-stream", "application/x-ndjson"]
)
def test_the_chunk_is_taken_out_whatever_the_stream_is_called(wire, bridge, kind):
    named = [] if kind is None else [("content-type", kind)]
    opening = head(headers=[*named, ("transfer-encoding", "chunked")])
    wire.play(opening, *map(chunk, EVENTS), END_OF_CHUNKS)
    assert bridge.post("chat", ASKS_NOT).body == WITHOUT
    assert bridge.record().edits == [REQUEST_EDIT, ANSWER_EDIT]


def test_a_whole_answer_to_who_asked_for_a_stream_keeps_its_length(wire, bridge):
    whole = samples.WHOLE["chat"]
    wire.play(reply(whole))
    answer = bridge.post("chat", ASKS_NOT)
    assert answer.body == whole
    record = bridge.record()
    assert (record.edits, record.usages[0]["output_tokens"]) == ([REQUEST_EDIT], 9)
