"""What the record says of answers that are not as the documentation has them."""

import json
import threading
from collections.abc import Iterable
from typing import Any

import pytest

from aibridge.gateway.relay import RecordedRelay
from tests.bridge import ROUTES, Bridge, Record
from tests.gateway import samples
from tests.gateway.samples import event
from tests.wire import (
    END_OF_CHUNKS,
    STREAM_HEAD,
    Caller,
    Step,
    Then,
    Wire,
    chunk,
    head,
    reply,
    streamed,
)

ENGINES = ("sqlite",)
"""What is tested here does not depend on the engine."""

Tokens = tuple[int, int, int, int]

DONE = event("[DONE]")
CHUNKED = ("transfer-encoding", "chunked")
CHAT_USAGE = {"prompt_tokens": 20, "completion_tokens": 7, "total_tokens": 27}
UNNAMED = head(headers=[CHUNKED])
AS_JSON = head(headers=[("content-type", "application/json"), CHUNKED])
AS_TEXT = head(headers=[("content-type", "text/plain"), CHUNKED])


def told(
    wire: Wire, bridge: Bridge, dialect: str, steps: Iterable[Step], *, stream: bool, **more: Any
) -> tuple[bytes, Record]:
    """Have a provider answer so; return what the client got and what is on record."""
    bridge.forget()
    wire.play(*steps)
    answer = bridge.post(dialect, samples.request(dialect, stream=stream, **more))
    return answer.body, bridge.record()


def whole(body: Any, **more: Any) -> tuple[bytes]:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return (reply(data, **more),)


def tokens(record: Record) -> Tokens:
    """Return the tokens of all rows together."""
    kinds = ("input", "output", "cache_read_input", "cache_write_input")
    summed = [sum(row[f"{kind}_tokens"] for row in record.usages) for kind in kinds]
    return summed[0], summed[1], summed[2], summed[3]


def outcome(record: Record) -> tuple[str, str, str]:
    return record.status, record.error_type, record.error_message


def calls(record: Record) -> list[tuple[str, str]]:
    return [(tool["tool"], tool["input"]) for tool in record.tools]


def thoughts(record: Record) -> list[str]:
    return [thought["content"] for thought in record.thoughts]


def choice(delta: Any, reason: str | None = None, **more: Any) -> bytes:
    """Return a chunk of a chat stream as OpenAI writes it."""
    named = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "m-1"}
    said = [{"index": 0, "delta": delta, "finish_reason": reason, **more}]
    return compact({**named, "choices": said})


def usage_chunk(**choices: Any) -> bytes:
    named = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "m-1"}
    return compact({**named, **choices, "usage": CHAT_USAGE})


def compact(data: dict[str, Any], name: str = "") -> bytes:
    return event(json.dumps(data, separators=(",", ":")), name)


def completion(usage: dict[str, Any], **more: Any) -> tuple[bytes]:
    message = {"role": "assistant", "content": "ok"}
    said = {"index": 0, "message": message, "finish_reason": "stop"}
    return whole({"id": "x", "model": "m-1", "choices": [said], "usage": usage, **more})


def start(**usage: int) -> bytes:
    message = {"id": "msg_1", "model": "claude-x-2026", "content": [], "usage": usage}
    return named({"type": "message_start", "message": message})


def named(data: dict[str, Any]) -> bytes:
    return compact(data, data["type"])


def block(index: int, delta: dict[str, Any] | None = None, **content: Any) -> tuple[bytes, ...]:
    """Return the events of a content block."""
    begin = {"type": "content_block_start", "index": index, "content_block": content}
    middle = {"type": "content_block_delta", "index": index, "delta": delta}
    end = {"type": "content_block_stop", "index": index}
    return tuple(named(each) for each in (begin, *([middle] if delta else []), end))


def stop(**usage: Any) -> tuple[bytes, bytes]:
    delta = {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": usage}
    return named(delta), named({"type": "message_stop"})


def arguments(data: str) -> dict[str, str]:
    return {"type": "input_json_delta", "partial_json": data}


DEEP = block(0, {"type": "text_delta", "text": "deep"}, type="text", text="")


def test_chat_array_content_thinking(wire: Wire, bridge: Bridge) -> None:
    def thinking(text: str) -> dict[str, Any]:
        return {"type": "thinking", "thinking": [{"type": "text", "text": text}]}

    last = {**json.loads(choice({}, "stop")[6:]), "usage": CHAT_USAGE}
    stream = streamed(
        choice({"content": [thinking("A greeting,")]}),
        choice({"content": [thinking(" I greet back.")]}),
        choice({"content": [{"type": "text", "text": "Hello"}]}),
        compact(last),
        DONE,
    )
    _, record = told(wire, bridge, "chat", stream, stream=True)
    assert (tokens(record), thoughts(record)) == ((20, 7, 0, 0), ["A greeting, I greet back."])

    content = [thinking("Let me see."), {"type": "text", "text": "Hi"}]
    said = {"index": 0, "message": {"content": content}, "finish_reason": "stop"}
    answer = whole({"id": "x", "model": "m-1", "choices": [said], "usage": CHAT_USAGE})
    _, record = told(wire, bridge, "chat", answer, stream=False)
    assert (tokens(record), thoughts(record)) == ((20, 7, 0, 0), ["Let me see."])


def test_chat_choice_error(wire: Wire, bridge: Bridge) -> None:
    error = {"code": 502, "message": "Provider disconnected"}
    expected = ("failed", "server_error", "Provider disconnected")
    said = {"index": 0, "message": {"content": ""}, "finish_reason": "error", "error": error}
    answer = whole({"id": "gen-1", "model": "m", "choices": [said], "usage": CHAT_USAGE})
    _, record = told(wire, bridge, "chat", answer, stream=False)
    assert outcome(record) == expected

    stream = streamed(
        choice({"content": "Par"}), choice({"content": ""}, "error", error=error), DONE
    )
    body, record = told(wire, bridge, "chat", stream, stream=True)
    assert (outcome(record), body.endswith(DONE)) == (expected, True)


@pytest.mark.parametrize(
    ("steps", "message"),
    [
        (whole(b""), "empty answer"),
        (whole(b"\xef\xbb\xbf \r\n"), "empty answer"),
        (
            whole(b"<html><title>Just a moment...</title></html>", kind="text/html"),
            "<html><title>Just a moment...</title></html>",
        ),
        ((b"HTTP/1.1 204 No Content\r\n\r\n",), "empty answer"),
        (whole(b"upstream down", kind="text/plain"), "upstream down"),
    ],
    ids=["empty", "blank", "html", "204", "text"],
)
@pytest.mark.parametrize("stream", [False, True])
def test_chat_empty_200(
    wire: Wire, bridge: Bridge, steps: tuple[bytes], message: str, stream: bool
) -> None:
    for dialect in samples.DIALECTS:
        _, record = told(wire, bridge, dialect, steps, stream=stream)
        assert outcome(record) == ("failed", "server_error", message)


def test_chat_error_event_then_done(wire: Wire, bridge: Bridge) -> None:
    quota = streamed(event({"error": {"message": "quota exceeded"}}), DONE)
    body, record = told(wire, bridge, "chat", quota, stream=True)
    assert (record.status, record.error_message) == ("failed", "quota exceeded")
    assert body.endswith(DONE)

    error = {"message": "invalid request", "type": "invalid_request", "code": 400}
    _, record = told(wire, bridge, "chat", streamed(event({"error": error}, "error")), stream=True)
    assert outcome(record) == ("failed", "bad_request", "invalid request")

    loose = {"message": "engine is overloaded", "code": 503}
    _, record = told(wire, bridge, "chat", streamed(event(loose, "error")), stream=True)
    assert outcome(record) == ("failed", "overloaded", "engine is overloaded")


def test_chat_gemini_thoughts_apart(wire: Wire, bridge: Bridge) -> None:
    usage: dict[str, Any] = {"prompt_tokens": 21, "completion_tokens": 0, "total_tokens": 81}
    usage["completion_tokens_details"] = {"reasoning_tokens": 60}
    _, record = told(wire, bridge, "chat", completion(usage), stream=False)
    assert tokens(record) == (21, 60, 0, 0)

    usage = {"prompt_tokens": 20, "completion_tokens": 198, "total_tokens": 623}
    _, record = told(wire, bridge, "chat", completion(usage), stream=False)
    assert tokens(record) == (20, 603, 0, 0)


def test_chat_litellm_upstream_cache_write(wire: Wire, bridge: Bridge) -> None:
    usage = {
        "prompt_tokens": 2000,
        "completion_tokens": 7,
        "total_tokens": 2007,
        "cache_creation_input_tokens": 1500,
        "cache_read_input_tokens": 400,
        "prompt_tokens_details": {"cached_tokens": 400},
    }
    _, record = told(wire, bridge, "chat", completion(usage), stream=False)
    assert tokens(record) == (100, 7, 400, 1500)


def test_chat_minimax_base_resp(wire: Wire, bridge: Bridge) -> None:
    refusal = {"status_code": 1008, "status_msg": "insufficient balance"}
    answer = {"id": "x", "choices": None, "usage": {"total_tokens": 0}, "base_resp": refusal}
    _, record = told(wire, bridge, "chat", whole(answer), stream=False)
    assert (record.status, record.error_message) == ("failed", "insufficient balance")


@pytest.mark.parametrize("opening", [AS_JSON, AS_TEXT, UNNAMED], ids=["json", "text", "unnamed"])
def test_chat_sse_as_json(wire: Wire, bridge: Bridge, opening: bytes) -> None:
    call = {"index": 0, "id": "id1", "function": {"name": "shell", "arguments": '{"c":1}'}}
    events = (
        choice({"content": "hi"}),
        choice({"tool_calls": [call]}),
        choice({}, "tool_calls"),
        usage_chunk(choices=[]),
        DONE,
    )
    steps = (opening, *map(chunk, events), END_OF_CHUNKS)
    body, record = told(wire, bridge, "chat", steps, stream=True)
    assert body == b"".join(events)
    assert (tokens(record), calls(record)) == ((20, 7, 0, 0), [("shell", '{"c":1}')])
    assert outcome(record) == ("completed", "", "")


@pytest.mark.parametrize("opening", [STREAM_HEAD, UNNAMED], ids=["named", "unnamed"])
@pytest.mark.parametrize("choices", [{"choices": None}, {}, {"choices": []}])
def test_chat_usage_chunk_choices_null(
    wire: Wire, bridge: Bridge, choices: dict[str, Any], opening: bytes
) -> None:
    before = (choice({"content": "hello"}), choice({}, "stop"))
    events = (*before, usage_chunk(**choices), DONE)
    wire.play(opening, *map(chunk, events), END_OF_CHUNKS)
    asked = {"model": "m-1", "stream": True, "messages": [{"role": "user", "content": "Hi."}]}
    answer = bridge.post("chat", asked)
    assert answer.body == b"".join((*before, DONE))
    record = bridge.record()
    assert (tokens(record), len(record.edits)) == ((20, 7, 0, 0), 2)


def test_chat_xai_reasoning_apart(wire: Wire, bridge: Bridge) -> None:
    usage = {
        "prompt_tokens": 10120,
        "completion_tokens": 1499,
        "total_tokens": 14428,
        "prompt_tokens_details": {"cached_tokens": 128},
        "completion_tokens_details": {"reasoning_tokens": 2809},
    }
    _, record = told(wire, bridge, "chat", completion(usage), stream=False)
    assert tokens(record) == (9992, 4308, 128, 0)


@pytest.mark.parametrize("kind", ["application/json", "text/event-stream"])
@pytest.mark.parametrize("named_so", [{}, {"type": "error"}], ids=["no type", "type"])
def test_msg_200_error_json(
    wire: Wire, bridge: Bridge, named_so: dict[str, str], kind: str
) -> None:
    error = {"type": "overloaded_error", "message": "no capacity"}
    for dialect in samples.DIALECTS:
        answer = whole({**named_so, "error": error}, kind=kind)
        _, record = told(wire, bridge, dialect, answer, stream=True)
        assert outcome(record) == ("failed", "overloaded", "no capacity")


def test_msg_compaction_iterations(wire: Wire, bridge: Bridge) -> None:
    runs = [
        {"type": "compaction", "input_tokens": 180000, "output_tokens": 3500},
        {"type": "message", "input_tokens": 23000, "output_tokens": 1000},
    ]
    answer = json.loads(samples.WHOLE["messages"]) | {"model": "claude-x-2026"}
    answer["usage"] = {"input_tokens": 23000, "output_tokens": 1000, "iterations": runs}
    _, record = told(wire, bridge, "messages", whole(answer), stream=False)
    assert tokens(record) == (203000, 4500, 0, 0)
    first, second = (row["metadata"] for row in record.usages)
    assert first["usage"]["iterations"] == runs
    assert (first["type"], second["type"]) == ("compaction", "message")
    assert second["provider_model"] == "claude-x-2026"
    (session,) = bridge.rows("sessions")
    assert (session["input_tokens"], session["output_tokens"]) == (203000, 4500)


def test_msg_delta_input_zero(wire: Wire, bridge: Bridge) -> None:
    said = (*DEEP, *stop(input_tokens=0, output_tokens=15))
    stream = streamed(start(input_tokens=25, output_tokens=1), *said)
    _, record = told(wire, bridge, "messages", stream, stream=True)
    assert tokens(record) == (25, 15, 0, 0)

    cached = {"cache_read_input_tokens": 900, "cache_creation_input_tokens": 100}
    zeros = stop(input_tokens=0, output_tokens=15, **dict.fromkeys(cached, 0))
    stream = streamed(start(input_tokens=5, output_tokens=1, **cached), *DEEP, *zeros)
    _, record = told(wire, bridge, "messages", stream, stream=True)
    assert tokens(record) == (5, 15, 900, 100)


@pytest.mark.parametrize("opening", [UNNAMED, AS_JSON], ids=["unnamed", "json"])
def test_msg_no_content_type(wire: Wire, bridge: Bridge, opening: bytes) -> None:
    events = (start(input_tokens=25, output_tokens=1), *DEEP, *stop(output_tokens=15))
    steps = (opening, *map(chunk, events), END_OF_CHUNKS)
    body, record = told(wire, bridge, "messages", steps, stream=True)
    assert (tokens(record), record.status) == ((25, 15, 0, 0), "completed")
    assert body == b"".join(events)


def test_msg_server_tools(wire: Wire, bridge: Bridge) -> None:
    found = [{"type": "web_search_result", "url": "http://x"}]
    denied = [{"type": "text", "text": "denied"}]
    search = {"type": "server_tool_use", "id": "s_1", "name": "web_search", "input": {}}
    lookup = {"type": "mcp_tool_use", "id": "m_1", "name": "lookup", "input": {}}
    stream = streamed(
        start(input_tokens=25, output_tokens=1),
        *block(0, arguments('{"query":"lake"}'), **search),
        *block(1, type="web_search_tool_result", tool_use_id="s_1", content=found),
        *block(2, arguments('{"k":1}'), **lookup, server_name="acme"),
        *block(3, type="mcp_tool_result", tool_use_id="m_1", is_error=True, content=denied),
        *stop(output_tokens=15, server_tool_use={"web_search_requests": 2}),
    )
    url = "https://mcp.acme.test/sse"
    servers = [{"type": "url", "name": "acme", "url": f"{url}?key=secret"}]
    _, record = told(wire, bridge, "messages", stream, stream=True, mcp_servers=servers)
    assert calls(record) == [("web_search", '{"query":"lake"}'), ("lookup", '{"k":1}')]
    (usage,) = record.usages
    assert usage["metadata"]["usage"]["server_tool_use"]["web_search_requests"] == 2
    assert [tool["server_url"] for tool in record.tools] == ["", url]
    assert [tool["invocation_error"] for tool in record.tools] == ["", "denied"]


@pytest.mark.parametrize("size", [9, 20])
def test_resp_giant_completed_event(wire: Wire, bridge: Bridge, size: int) -> None:
    usage = {
        "input_tokens": 40,
        "output_tokens": 12,
        "total_tokens": 52,
        "input_tokens_details": {"cached_tokens": 10},
    }
    named_so = {"id": "resp_1", "status": "completed", "model": "gpt-x-2026"}
    image = {"type": "image_generation_call", "id": "ig_1", "result": "A" * (size << 20)}
    response = {**named_so, "output": [image], "usage": usage, "metadata": {}}
    created = {"type": "response.created", "response": {**named_so, "status": "in_progress"}}
    for stream in (True, False):
        events = named(created), named({"type": "response.completed", "response": response})
        steps = streamed(*events) if stream else whole(response)
        body, record = told(wire, bridge, "responses", steps, stream=stream)
        assert (record.status, tokens(record)) == ("completed", (30, 12, 10, 0))
        assert record.usages[0]["provider_response_id"] == "resp_1"
        assert len(body) > size << 20
        shape = record.notes
        assert bool(shape) == (size > 16)


def test_resp_queued(wire: Wire, bridge: Bridge) -> None:
    queued: dict[str, Any] = {"id": "resp_1", "status": "queued", "output": [], "usage": None}
    _, record = told(wire, bridge, "responses", whole(queued), stream=False, background=True)
    assert (record.status, record.stop_reason, record.usages) == ("queued", "", [])


@pytest.mark.parametrize("status", ["302 Found", "307 Temporary Redirect"])
def test_redirect(wire: Wire, bridge: Bridge, status: str) -> None:
    away = head(status, [("location", "https://elsewhere.test/"), ("content-length", "0")])
    wire.play(away)
    bridge.ask(ROUTES["chat"], body=b"{}")
    assert bridge.record().status == "failed"


def test_usage_in_a_piece_of_its_own_behind_the_last_event_is_recorded(
    wire: Wire, bridge: Bridge, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits = threading.Event()

    async def late(relay: RecordedRelay) -> bytes:
        waits.set()
        return await behind(relay)

    behind = RecordedRelay._late
    monkeypatch.setattr(RecordedRelay, "_late", late)
    said = event({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
    usage = event({"choices": [], "usage": CHAT_USAGE})
    steps = (STREAM_HEAD, chunk(said + DONE), waits, chunk(usage), END_OF_CHUNKS)
    options = {"stream_options": {"include_usage": True}}
    body, record = told(wire, bridge, "chat", steps, stream=True, **options)
    assert body == said + DONE + usage
    assert tokens(record) == (20, 7, 0, 0)


def test_usage_that_never_comes_is_not_waited_for_long(wire: Wire, bridge: Bridge) -> None:
    said = event({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
    wire.play(STREAM_HEAD, chunk(said + DONE), Then.STALL)
    body = json.dumps(samples.request("chat", stream=True)).encode()
    with Caller(bridge.url) as caller:
        caller.send(ROUTES["chat"], headers=bridge.headers(), body=body)
        caller.begin()
        caller.read_until(DONE)
        record = bridge.record()
    assert (record.status, record.usages) == ("completed", [])


@pytest.mark.parametrize("dialect", samples.DIALECTS)
def test_an_error_that_is_bare_json_within_a_stream(
    wire: Wire, bridge: Bridge, dialect: str
) -> None:
    bare = b'{"error":{"type":"overloaded_error","message":"no data for you"}}\n\n'
    steps = (STREAM_HEAD, chunk(samples.EVENTS[dialect][0] + bare), END_OF_CHUNKS)
    body, record = told(wire, bridge, dialect, steps, stream=True)
    assert body.endswith(bare)
    assert outcome(record) == ("failed", "overloaded", "no data for you")
