"""Answers that broke off, at any place: what of their tokens is estimated, and what is exact."""

import gzip
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aibridge.dialects.facts import TokenUsage
from aibridge.journal.contents import Ended, How
from aibridge.reading.call import read_answer
from aibridge.reading.request import Asked, read_request
from tests.gateway import samples
from tests.reading.journaled import READING, begun

SSE = [(b"content-type", b"text/event-stream")]
JSON = [(b"content-type", b"application/json")]
BROKEN = (How.LEFT, How.FAILED, How.STOPPED)
INPUT, CACHED, OUTPUT = 500, 20, 300
"""What the provider counts in the end; most of its output is reasoning that does not stream."""
BODY = b" " * 1000
TEXT = ["The answer", " is\n", "漢字", " forty-two", ".", " So:\n\n", "```py\nx = 1\n```"]
ARGUMENTS = ['{"path": ', '"src/a.py", ', '"old": "x\\n"}']


def messages_events() -> list[tuple[str, dict[str, Any]]]:
    usage = {"input_tokens": INPUT, "cache_read_input_tokens": CACHED, "output_tokens": 3}
    call = {"type": "tool_use", "id": "t", "name": "edit", "input": {}}
    parts = [
        ({"type": "thinking", "thinking": ""}, "thinking", TEXT[:3]),
        ({"type": "text", "text": ""}, "text", TEXT * 3),
        (call, "partial_json", ARGUMENTS),
    ]
    found: list[tuple[str, dict[str, Any]]] = [
        ("message_start", {"message": {"id": "m", "model": "m-1", "usage": usage}}),
        ("ping", {}),
    ]
    for place, (block, field, pieces) in enumerate(parts):
        kind = "input_json_delta" if field == "partial_json" else f"{field}_delta"
        found.append(("content_block_start", {"index": place, "content_block": block}))
        deltas = [{"type": kind, field: piece} for piece in pieces]
        found += [("content_block_delta", {"index": place, "delta": delta}) for delta in deltas]
        found.append(("content_block_stop", {"index": place}))
    last = {"delta": {"stop_reason": "tool_use"}, "usage": {"output_tokens": OUTPUT}}
    return [*found, ("message_delta", last), ("message_stop", {})]


def messages() -> list[bytes]:
    return [samples.event({"type": kind, **more}, kind) for kind, more in messages_events()]


def chat() -> list[bytes]:
    head = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m-1"}

    def chunk(delta: dict[str, Any], reason: str | None = None) -> bytes:
        choice = {"index": 0, "delta": delta, "finish_reason": reason}
        return samples.event({**head, "choices": [choice], "usage": None})

    def call(piece: str, **more: Any) -> bytes:
        return chunk({"tool_calls": [{"index": 0, **more, "function": {"arguments": piece}}]})

    usage = {
        "prompt_tokens": INPUT + CACHED,
        "completion_tokens": OUTPUT,
        "prompt_tokens_details": {"cached_tokens": CACHED},
    }
    return [
        chunk({"role": "assistant", "content": ""}),
        *(chunk({"reasoning_content": piece}) for piece in TEXT[:3]),
        *(chunk({"content": piece}) for piece in TEXT * 3),
        call("", id="t"),
        *map(call, ARGUMENTS),
        chunk({}, "tool_calls"),
        samples.event({**head, "choices": [], "usage": usage}),
        samples.event("[DONE]"),
    ]


def responses() -> list[bytes]:
    def event(kind: str, **more: Any) -> bytes:
        return samples.event({"type": f"response.{kind}", **more}, f"response.{kind}")

    def item(place: int, **item: Any) -> bytes:
        return event("output_item.done", output_index=place, item=item)

    arguments, thought = "".join(ARGUMENTS), "".join(TEXT[:3])
    parts = [{"type": "output_text", "text": "".join(TEXT * 3)}]
    call = {"type": "function_call", "call_id": "t", "name": "edit", "arguments": arguments}
    usage = {
        "input_tokens": INPUT + CACHED,
        "output_tokens": OUTPUT,
        "input_tokens_details": {"cached_tokens": CACHED},
    }
    response = {"id": "r", "model": "m-1", "status": "completed", "usage": usage, "output": [call]}
    return [
        event("created", response={"id": "r", "model": "m-1", "status": "in_progress"}),
        event("output_item.added", output_index=0, item={"type": "reasoning", "summary": []}),
        *(
            event("reasoning_summary_text.delta", output_index=0, summary_index=0, delta=piece)
            for piece in TEXT[:3]
        ),
        item(0, type="reasoning", summary=[{"type": "summary_text", "text": thought}]),
        event("output_item.added", output_index=1, item={"type": "message", "content": []}),
        *(event("output_text.delta", output_index=1, delta=piece) for piece in TEXT * 3),
        event("output_text.done", output_index=1, text=parts[0]["text"]),
        item(1, type="message", content=parts),
        event("output_item.added", output_index=2, item={**call, "arguments": ""}),
        *(
            event("function_call_arguments.delta", output_index=2, delta=piece)
            for piece in ARGUMENTS
        ),
        item(2, **call),
        event("completed", response=response),
    ]


STREAMS = {"messages": messages(), "chat": chat(), "responses": responses()}
SAID = len("".join(TEXT[:3] + TEXT * 3 + ARGUMENTS).encode())
"""Bytes of thinking, text and a tool's input that each of them brings."""
WITH_USAGE = {"messages": 2, "chat": 2, "responses": 1}
"""How many events at the end of each stream have the usage, or come after it."""

dialects = pytest.mark.parametrize("dialect", STREAMS)


def asked(dialect: str, body: bytes = BODY) -> Asked:
    return read_request(begun(dialect), body, READING)


def usages(
    dialect: str, how: How, *pieces: bytes, status: int = 200, route: str = "", **more: Any
) -> list[TokenUsage]:
    """Return the usage of a call that ended so, after these bytes."""
    call = begun(dialect, **({"route": route} if route else {}))
    ended = Ended(9, how, status, more.get("headers", SSE), error_type="broken")
    return read_answer(call, asked(dialect), ended, lambda: pieces).facts.usages


def check(dialect: str, usage: TokenUsage, *, is_exact: bool, was_told: bool) -> None:
    """Check the usage of an answer that was cut where its usage, or its input, had been told."""
    if is_exact:
        assert (usage.input, usage.cache_read, usage.output) == (INPUT, CACHED, OUTPUT)
        assert "estimated" not in usage.metadata
        return
    told = dialect == "messages" and was_told
    assert (usage.input, usage.cache_read) == ((INPUT, CACHED) if told else (len(BODY) // 4, 0))
    assert usage.output >= (3 if told else 0)
    assert usage.metadata["estimated"] == (
        {"output_tokens": usage.output}
        if told
        else {"input_tokens": usage.input, "output_tokens": usage.output}
    )


@pytest.mark.parametrize("how", BROKEN)
@dialects
def test_a_stream_that_is_cut_at_any_event_is_estimated_until_its_usage_has_come(
    dialect: str, how: How
) -> None:
    events, outputs = STREAMS[dialect], []
    for count in range(len(events) + 1):
        (usage,) = usages(dialect, how, b"".join(events[:count]))
        is_exact = count > len(events) - WITH_USAGE[dialect]
        assert usage.is_estimate is not is_exact
        check(dialect, usage, is_exact=is_exact, was_told=count > 0)
        if not is_exact:
            outputs.append(usage.output)
    assert outputs == sorted(outputs)
    assert outputs[-1] == -(-SAID // 4)


@given(
    dialect=st.sampled_from(sorted(STREAMS)),
    how=st.sampled_from(BROKEN),
    cut=st.floats(0, 1),
    step=st.integers(1, 400),
)
@settings(max_examples=100, deadline=None)
def test_a_stream_that_is_cut_at_any_byte_has_what_its_whole_events_say(
    dialect: str, how: How, cut: float, step: int
) -> None:
    stream = b"".join(STREAMS[dialect])
    came = stream[: int(cut * len(stream))]
    whole = came[: came.rfind(b"\n\n") + 2] if b"\n\n" in came else b""
    pieces = [came[start : start + step] for start in range(0, len(came), step)]
    assert usages(dialect, how, *pieces) == usages(dialect, how, whole)


@dialects
def test_a_stream_that_ends_without_its_last_event_is_estimated(dialect: str) -> None:
    (usage,) = usages(dialect, How.ANSWERED, *STREAMS[dialect][:20])
    assert usage.is_estimate
    assert usage.output > 10
    (usage,) = usages(dialect, How.ANSWERED, *STREAMS[dialect])
    assert (usage.output, usage.is_estimate) == (OUTPUT, False)


@dialects
def test_a_compressed_stream_is_estimated_by_what_it_unpacks_to(dialect: str) -> None:
    came = b"".join(STREAMS[dialect][:20])
    headers = [*SSE, (b"content-encoding", b"gzip")]
    packed = gzip.compress(came)
    assert usages(dialect, How.LEFT, packed, headers=headers) == usages(dialect, How.LEFT, came)


def test_a_compressed_request_is_reckoned_by_what_it_unpacks_to() -> None:
    call = begun("responses", headers=[(b"content-encoding", b"gzip")])
    body = b'{"model":"m","input":"%b"}' % (b"word" * 1000)
    found = read_request(call, gzip.compress(body), READING)
    assert found.body_bytes == len(body)
    ended = Ended(9, How.LEFT, 200, SSE)
    (usage,) = read_answer(call, found, ended, lambda: STREAMS["responses"][:1]).facts.usages
    assert usage.input == len(body) // 4


CONVERSATION = b'{"id":"c","object":"conversation"}'
QUEUED = b'{"id":"r","object":"response","status":"queued","output":[]}'
FAILURE = b'{"error":{"type":"server_error","message":"no"}}'
FAILED_WITHIN = samples.event({"type": "error", "error": {"type": "overloaded_error"}}, "error")


@pytest.mark.parametrize("how", BROKEN)
@pytest.mark.parametrize(
    ("dialect", "status", "headers", "came", "route"),
    [
        ("chat", 500, JSON, FAILURE[:20], ""),
        ("chat", 429, SSE, b"", ""),
        ("chat", 307, JSON, b"", ""),
        ("chat", 200, JSON, FAILURE, ""),
        ("responses", 200, JSON, QUEUED, ""),
        ("responses", 200, JSON, CONVERSATION[:20], "/v1/conversations"),
        ("responses", 200, JSON, CONVERSATION, "/v1/conversations/c/items"),
        ("messages", 200, SSE, FAILED_WITHIN, ""),
    ],
)
def test_where_no_model_has_made_anything_nothing_is_estimated(
    dialect: str, status: int, headers: Any, came: bytes, route: str, how: How
) -> None:
    assert usages(dialect, how, came, status=status, headers=headers, route=route) == []


def test_an_error_within_a_stream_leaves_what_the_provider_has_counted() -> None:
    (usage,) = usages("messages", How.FAILED, *STREAMS["messages"][:20], FAILED_WITHIN)
    assert (usage.input, usage.output, usage.is_estimate) == (INPUT, 3, False)


@pytest.mark.parametrize("how", BROKEN)
@dialects
def test_an_answer_in_one_piece_is_estimated_unless_all_of_it_came(dialect: str, how: How) -> None:
    body = samples.WHOLE[dialect]
    outputs = []
    for size in range(0, len(body), 10):
        (usage,) = usages(dialect, how, body[:size], headers=JSON)
        assert (usage.input, usage.is_estimate) == (len(BODY) // 4, True)
        outputs.append(usage.output)
    assert outputs == [-(-size // 4) for size in range(0, len(body), 10)]
    (usage,) = usages(dialect, how, body, headers=JSON)
    assert (usage.output, usage.is_estimate) == (9, False)


def test_the_service_tier_that_was_told_stays_with_an_estimate() -> None:
    first = {"type": "response.created", "response": {"id": "r", "model": "m-2"}}
    first["response"]["service_tier"] = "priority"  # type: ignore[index]
    (usage,) = usages("responses", How.LEFT, samples.event(first))
    assert usage.metadata == {
        "service_tier": "priority",
        "provider_model": "m-2",
        "partial": True,
        "estimated": {"input_tokens": len(BODY) // 4, "output_tokens": 0},
    }


def test_model_runs_that_were_counted_stay_beside_the_estimated_one() -> None:
    runs = [{"input_tokens": 5, "output_tokens": 7}, {"input_tokens": 6, "output_tokens": 1}]
    usage = {"input_tokens": 11, "output_tokens": 8, "iterations": runs}
    first = {"type": "message_start", "message": {"id": "m", "usage": usage}}
    text = {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta"}}
    text["delta"]["text"] = "word" * 20  # type: ignore[index]
    found = usages("messages", How.LEFT, samples.event(first), samples.event(text))
    assert [(run.input, run.output, run.is_estimate) for run in found] == [
        (5, 7, False),
        (6, 13, True),
    ]
