"""Readers of foreign bytes: any chunking gives the same facts, any bytes give some facts."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aibridge.dialects import DIALECTS
from aibridge.dialects.chat import ask_for_usage, is_usage_only
from aibridge.dialects.facts import MAX_NOTES, RequestFacts, ResponseFacts

NASTY = 'a "type":"message_stop" \\ "finish_reason":"stop" \u00e9\n\ndata: [DONE]\n\n'


def named(*events: dict[str, Any]) -> bytes:
    return b"".join(
        f"event: {event['type']}\ndata: {json.dumps(event, separators=(',', ':'))}\n\n".encode()
        for event in events
    )


def chunk(choices: list[Any], **fields: Any) -> bytes:
    head = {"id": "x", "object": "chat.completion.chunk", "created": 1, "model": "m"}
    data = json.dumps({**head, "choices": choices, **fields}, separators=(",", ":"))
    return f"data: {data}\n\n".encode()


def said(delta: dict[str, Any], finish: str | None = None) -> list[Any]:
    return [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}]


def block(kind: str, index: int, **fields: Any) -> dict[str, Any]:
    return {"type": f"content_block_{kind}", "index": index, **fields}


TOOL = {"type": "tool_use", "id": "t", "name": "sh", "input": {}}
CALL = {"type": "function_call", "id": "f", "call_id": "c", "name": "sh", "arguments": NASTY}
RESPONSE = {"id": "r", "model": "m", "status": "completed", "output": [CALL]}
STREAMS = {
    "messages": named(
        {"type": "message_start", "message": {"id": "m", "usage": {"input_tokens": 5}}},
        block("start", 0, content_block={"type": "thinking", "thinking": ""}),
        block("delta", 0, delta={"type": "thinking_delta", "thinking": NASTY}),
        block("stop", 0),
        {"type": "ping"},
        block("start", 1, content_block={"type": "text", "text": ""}),
        block("delta", 1, delta={"type": "text_delta", "text": NASTY}),
        block("delta", 1, delta={"type": "text_delta", "text": "more"}),
        block("stop", 1),
        block("start", 2, content_block=TOOL),
        block("delta", 2, delta={"type": "input_json_delta", "partial_json": NASTY}),
        block("stop", 2),
        {
            "type": "message_delta",
            "delta": {"stop_reason": "tool_use"},
            "usage": {"output_tokens": 9},
        },
        {"type": "message_stop"},
    ),
    "chat": b"".join(
        [
            chunk(said({"role": "assistant", "content": ""})),
            chunk(said({"reasoning": NASTY})),
            chunk(said({"content": NASTY})),
            chunk(said({"content": "more"})),
            chunk(
                said(
                    {
                        "tool_calls": [
                            {"index": 0, "id": "c", "function": {"name": "sh", "arguments": NASTY}}
                        ]
                    }
                )
            ),
            chunk(said({}, "tool_calls")),
            chunk([], usage={"prompt_tokens": 5, "completion_tokens": 9}),
            b"data: [DONE]\n\n",
        ]
    ),
    "responses": named(
        {"type": "response.created", "response": {**RESPONSE, "output": []}},
        {"type": "response.in_progress", "response": {**RESPONSE, "output": []}},
        {"type": "response.output_text.delta", "output_index": 0, "delta": NASTY},
        {"type": "response.reasoning_summary_text.delta", "output_index": 1, "delta": NASTY},
        {
            "type": "response.output_item.added",
            "output_index": 2,
            "item": {**CALL, "arguments": ""},
        },
        {"type": "response.function_call_arguments.delta", "output_index": 2, "delta": NASTY},
        {"type": "response.output_item.done", "output_index": 2, "item": CALL},
        {"type": "response.completed", "response": {**RESPONSE, "usage": {"input_tokens": 5}}},
    ),
}
BODIES = {
    "messages": [
        {
            "model": "m",
            "metadata": {"user_id": '{"session_id":"s"}'},
            "tools": [{}],
            "messages": [
                {"role": "assistant", "content": [TOOL]},
                {
                    "role": "user",
                    "content": [
                        {"type": "tool_result", "tool_use_id": "t", "content": "x"},
                        {"type": "text", "text": f"<system-reminder>{NASTY}</system-reminder>"},
                        {"type": "text", "text": NASTY},
                    ],
                },
            ],
        },
        {
            "id": "m",
            "content": [{"type": "thinking", "thinking": NASTY}, TOOL],
            "usage": {"input_tokens": 5},
        },
    ],
    "chat": [
        {
            "model": "m",
            "stream": True,
            "stream_options": {"x": 1},
            "messages": [
                {"role": "tool", "tool_call_id": "c", "content": "x"},
                {"role": "user", "content": [{"type": "text", "text": NASTY}]},
            ],
        },
        {
            "id": "m",
            "choices": [{"message": {"function_call": {"name": "sh", "arguments": NASTY}}}],
            "usage": {"prompt_tokens": 5, "prompt_tokens_details": {"cached_tokens": 1}},
        },
    ],
    "responses": [
        {
            "model": "m",
            "conversation": {"id": "c"},
            "input": [
                {"type": "function_call_output", "call_id": "c", "output": "x"},
                {"role": "user", "content": [{"type": "input_text", "text": NASTY}]},
            ],
        },
        {**RESPONSE, "usage": {"input_tokens": 5, "input_tokens_details": {"cached_tokens": 1}}},
    ],
}
VALUES = (
    b"null",
    b"5",
    b"-1",
    b"1e400",
    b"9" * 30,
    b'""',
    b"[]",
    b"{}",
    b"[[5]]",
    b'"\\ud83d"',
    b"\xff",
)
MUTATIONS = st.lists(
    st.tuples(
        st.integers(0, 4000), st.integers(0, 60), st.sampled_from(VALUES) | st.binary(max_size=6)
    ),
    max_size=4,
)


ODD: list[Any] = [None, True, -1, 5.5, 10**30, "", "x", [], [[]], [None], {}, {"type": []}, [{}]]


def variants(value: Any) -> Iterator[Any]:
    """``value`` with each of its parts, and itself, replaced by each odd value."""
    yield from ODD
    if isinstance(value, dict):
        for key, part in value.items():
            yield from ({**value, key: other} for other in variants(part))
    elif isinstance(value, list):
        for place, part in enumerate(value):
            yield from ([*value[:place], other, *value[place + 1 :]] for other in variants(part))


def mutated(body: bytes, mutations: list[tuple[int, int, bytes]]) -> bytes:
    """``body`` with slices replaced, or, for an odd length, whole JSON values."""
    for place, length, value in mutations:
        start = place % (len(body) + 1)
        if length % 2 and b":" in body[start:]:
            start = body.index(b":", start) + 1
        body = body[:start] + value + body[start + length :]
    return body


@pytest.mark.parametrize("name", DIALECTS)
@given(size=st.integers(1, 300))
def test_any_chunking_gives_the_facts_of_one_chunk(play, name, size):
    expected = play(DIALECTS[name], STREAMS[name])
    assert expected.ended
    assert expected.usage is not None
    assert len(expected.tool_calls) == 1
    assert not expected.notes
    assert play(DIALECTS[name], STREAMS[name], size) == expected


@pytest.mark.parametrize("name", DIALECTS)
def test_what_is_skipped_says_nothing(play, name):
    dialect, stream = DIALECTS[name], STREAMS[name]
    assert play(dialect, stream, skip=False) == play(dialect, stream)
    assert play(dialect, stream.replace(b"\n", b"\r\n")) == play(dialect, stream)


@pytest.mark.parametrize("name", DIALECTS)
def test_every_break_leaves_facts(play, name):
    dialect, stream = DIALECTS[name], STREAMS[name]
    for end in range(len(stream)):
        facts = play(dialect, stream[:end])
        assert len(facts.tool_calls) <= 1
        assert all(call.metadata or facts.tool_calls for call in facts.tool_calls)


@pytest.mark.parametrize("name", DIALECTS)
@given(mutations=MUTATIONS, size=st.integers(0, 300))
def test_a_stream_of_anything_gives_facts(play, name, mutations, size):
    stream = mutated(STREAMS[name], mutations)
    check(play(DIALECTS[name], stream, size))
    assert play(DIALECTS[name], stream, skip=False).usage == play(DIALECTS[name], stream).usage


@pytest.mark.parametrize("name", DIALECTS)
@given(mutations=MUTATIONS)
def test_a_body_of_anything_gives_facts(name, mutations):
    dialect = DIALECTS[name]
    for body in BODIES[name]:
        data = mutated(json.dumps(body).encode(), mutations)
        check(dialect.read_request(data))
        check(dialect.read_answer(data))
        dialect.read_error(500, data)


@pytest.mark.parametrize("name", DIALECTS)
def test_an_odd_value_anywhere_in_a_body_gives_facts(name):
    dialect = DIALECTS[name]
    for body in BODIES[name]:
        for odd in variants(body):
            data = json.dumps(odd).encode()
            check(dialect.read_request(data))
            check(dialect.read_answer(data))
            dialect.read_error(500, data)


@pytest.mark.parametrize("name", DIALECTS)
def test_an_odd_value_anywhere_in_a_stream_gives_facts(play, name):
    events = STREAMS[name].split(b"\n\n")[:-1]
    for place, event in enumerate(events):
        head, mark, data = event.partition(b"data: ")
        if not data.startswith(b"{"):
            continue
        for odd in variants(json.loads(data)):
            changed = head + mark + json.dumps(odd).encode()
            stream = b"\n\n".join([*events[:place], changed, *events[place + 1 :], b""])
            check(play(DIALECTS[name], stream))


@pytest.mark.parametrize("name", DIALECTS)
@given(data=st.binary(max_size=60))
def test_any_bytes_give_facts(name, data):
    dialect = DIALECTS[name]
    check(dialect.read_request(data))
    check(dialect.read_answer(data))
    dialect.read_error(500, data)
    dialect.StreamReader().event(data)


@given(MUTATIONS)
def test_asking_for_usage_takes_anything(mutations):
    body = mutated(json.dumps(BODIES["chat"][0]).encode(), mutations)
    edited = ask_for_usage(body)
    assert edited is None or b'"include_usage":true' in edited
    is_usage_only(body)


def check(facts: RequestFacts | ResponseFacts) -> None:
    """Facts can be stored: their texts are text, their numbers are numbers, notes are few."""
    assert len(facts.notes) <= MAX_NOTES
    repr(facts).encode()
    if isinstance(facts, RequestFacts):
        (facts.typed or "").encode()
        return
    for text in [thought.text for thought in facts.thoughts]:
        text.encode()
    for call in facts.tool_calls:
        f"{call.name}{call.input}{call.call_id}{call.item_id}".encode()
    if facts.usage is not None:
        counts = facts.usage.input, facts.usage.output, facts.usage.cache_read
        assert all(type(count) is int and 0 <= count <= 10**12 for count in counts)
        json.dumps(facts.usage.metadata)
