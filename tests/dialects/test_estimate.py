"""Answers that nobody saw the end of: whether the content had ended, and what it took."""

import json
from typing import Any

import pytest

from aibridge.dialects import DIALECTS, chat, messages
from tests.dialects.conftest import said

names = pytest.mark.parametrize("name", ["messages", "chat", "responses"])


def call(name: str, arguments: Any, **more: Any) -> dict[str, Any]:
    return {"index": 0, **more, "function": {"name": name, "arguments": arguments}}


ENDS: dict[str, list[tuple[Any, bool]]] = {
    "chat": [
        (said("chat", "Hi"), False),
        ({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}, True),
    ],
    "messages": [
        ({"type": "message_start", "message": {"usage": {"input_tokens": 5}}}, False),
        ({"type": "content_block_start", "index": 0, "content_block": {"type": "thinking"}}, False),
        ({"type": "content_block_stop", "index": 0}, False),
        ({"type": "content_block_start", "index": 1, "content_block": {"type": "text"}}, False),
        ({"type": "content_block_stop", "index": 1}, True),
        ({"type": "content_block_start", "index": 2, "content_block": {"type": "tool_use"}}, False),
        ({"type": "content_block_stop", "index": 2}, True),
        ({"type": "message_delta", "delta": {"stop_reason": "end_turn"}}, True),
    ],
    "responses": [
        ({"type": "response.output_item.added", "output_index": 0, "item": {}}, False),
        (
            {"type": "response.output_item.done", "output_index": 0, "item": {"type": "reasoning"}},
            False,
        ),
        ({"type": "response.output_item.added", "output_index": 1, "item": {}}, False),
        ({"type": "response.output_text.done", "output_index": 1, "text": "Hi"}, True),
        ({"type": "response.output_item.added", "output_index": 2, "item": {}}, False),
        (
            {
                "type": "response.output_item.done",
                "output_index": 2,
                "item": {"type": "function_call", "call_id": "c"},
            },
            True,
        ),
    ],
}


@names
def test_where_the_content_has_ended(name: str) -> None:
    reader = DIALECTS[name].StreamReader()
    assert not reader.content_ended
    for event, ended in ENDS[name]:
        reader.event(json.dumps(event).encode())
        assert (reader.content_ended, reader.ended) == (ended, False)
    reader.end()
    assert reader.content_ended


@names
def test_tokens_of_an_answer_that_was_left_are_estimated(name: str) -> None:
    reader = DIALECTS[name].StreamReader()
    for _ in range(40):
        reader.event(json.dumps(said(name, "four" * 5)).encode())
    usage = reader.estimate(4000)
    assert usage is not None
    assert (usage.input, usage.output, usage.is_estimate) == (1000, 200, True)
    assert usage.metadata["estimated"] == {"input_tokens": 1000, "output_tokens": 200}


@pytest.mark.parametrize(
    ("text", "output"), [("a", 1), ("word " * 4, 5), ("a\n" * 8, 4), ("漢字" * 2, 3), ("\ud800", 1)]
)
@names
def test_text_counts_by_its_bytes_in_utf_8(name: str, text: str, output: int) -> None:
    for ascii_only in (True, False):
        reader = DIALECTS[name].StreamReader()
        event = json.dumps(said(name, text), ensure_ascii=ascii_only)
        reader.event(event.encode("utf-8", "replace"))
        usage = reader.estimate(0)
        assert usage is not None
        assert usage.output == output


def test_what_the_provider_has_counted_is_not_estimated() -> None:
    reader = messages.StreamReader()
    start = {"input_tokens": 25, "cache_read_input_tokens": 7, "output_tokens": 30}
    reader.event(json.dumps({"type": "message_start", "message": {"usage": start}}).encode())
    usage = reader.estimate(4000)
    assert usage is not None
    assert (usage.input, usage.output, usage.cache_read) == (25, 30, 7)
    assert (usage.metadata["estimated"], usage.metadata["partial"]) == (
        {"output_tokens": 30},
        True,
    )
    reader.event(json.dumps(said("messages", "word" * 100)).encode())
    usage = reader.estimate(4000)
    assert usage is not None
    assert (usage.output, usage.metadata["estimated"]) == (100, {"output_tokens": 100})
    last = {"type": "message_delta", "delta": {"stop_reason": "x"}, "usage": {"output_tokens": 9}}
    reader.event(json.dumps(last).encode())
    assert reader.estimate(4000) is None


def test_arguments_and_thoughts_count_in_an_estimate() -> None:
    reader = chat.StreamReader()
    deltas = [{"reasoning": "x" * 400}, {"tool_calls": [call("a", "x" * 400)]}]
    for delta in [*deltas, {"content": "<think>" + "x" * 400}]:
        reader.event(json.dumps({"choices": [{"index": 0, "delta": delta}]}).encode())
    usage = reader.estimate(0)
    assert usage is not None
    assert usage.output == 302  # with the tag


def test_a_whole_item_that_lacks_what_its_pieces_had_lessens_no_estimate() -> None:
    reader = DIALECTS["responses"].StreamReader()
    kind = "response.reasoning_text.delta"
    item = {"type": "reasoning", "summary": [], "encrypted_content": "x" * 400}
    for event in (
        {"type": kind, "output_index": 0, "content_index": 0, "delta": "word" * 10},
        {"type": "response.output_item.done", "output_index": 0, "item": item},
    ):
        reader.event(json.dumps(event).encode())
        usage = reader.estimate(0)
        assert usage is not None
        assert usage.output == 10
