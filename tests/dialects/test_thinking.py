"""Thinking in a text, reasoning in chat, and calls that are hard to tell apart."""

import json
from typing import Any

import pytest

from aibridge.dialects import DIALECTS, chat
from aibridge.dialects.facts import Thought
from aibridge.dialects.sse import EventStream
from tests.dialects.conftest import said

names = pytest.mark.parametrize("name", ["messages", "chat", "responses"])


def answered(name: str, text: str) -> bytes:
    """Return a whole answer that says ``text``."""
    bodies: dict[str, Any] = {
        "messages": {"content": [{"type": "text", "text": text}]},
        "chat": {"choices": [{"message": {"content": text}}]},
        "responses": {
            "status": "completed",
            "output": [{"type": "message", "content": [{"type": "output_text", "text": text}]}],
        },
    }
    return json.dumps(bodies[name]).encode()


THINKING = [
    ("<think>hm, well</think>Hello", ["hm, well"]),
    ("<think>\nhm\n</think>\n\nHello", ["\nhm\n"]),
    ("\n<thinking>hm < 5 </think></thinking>", ["hm < 5 </think>"]),
    ("<think>cut", ["cut"]),
    ("<think></think>Hello", []),
    ("Hello <think>no</think>", []),
    ("<thinker>no</thinker>", []),
    ("<", []),
    ("Hello", []),
]


@pytest.mark.parametrize(("text", "thoughts"), THINKING)
@names
def test_thinking_at_the_beginning_of_a_text_is_a_thought(
    play: Any, sse: Any, name: str, text: str, thoughts: list[str]
) -> None:
    for size in (1, 3, 1000):
        pieces = [text[start : start + size] for start in range(0, len(text), size)]
        stream = sse(*(said(name, piece) for piece in pieces), named=name != "chat")
        for chunk in (0, 7):
            facts = play(DIALECTS[name], stream, chunk)
            assert [thought.text for thought in facts.thoughts] == thoughts
    facts = DIALECTS[name].read_answer(answered(name, text))
    assert [thought.text for thought in facts.thoughts] == thoughts


def test_text_is_skipped_once_it_is_known_not_to_think() -> None:
    reader = chat.StreamReader()
    events = EventStream(chat.SKIP, notes=reader.notes)
    read = 0
    text = b'data: {"id":"x","object":"chat.completion.chunk","created":1,"model":"m","choices":['
    text += b'{"index":0,"delta":{"content":"%b"}}]}\n\n'
    for event in events.read(b"".join(text % b"word" for _ in range(50))):
        reader.event(event.data)
        events.skipping = not reader.needs_text
        read += 1
    assert read == 1


@pytest.mark.parametrize(
    "delta",
    [
        {"reasoning_content": "hm"},
        {"reasoning": "hm"},
        {"reasoning_text": "hm"},
        {"reasoning_details": [{"type": "reasoning.text", "text": "hm"}]},
        {"reasoning": "hm", "reasoning_details": [{"text": "hm"}]},
        {"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}]},
        {"content": [{"type": "thinking", "thinking": "hm"}, {"type": "text", "text": "x"}]},
        {"content": [{"type": "reasoning", "text": "hm"}]},
        {"content": [{"type": "text", "text": "<think>hm</think>"}]},
    ],
)
def test_reasoning_in_chat_under_all_its_names(play: Any, sse: Any, delta: Any) -> None:
    chunk = {"choices": [{"index": 0, "delta": delta}]}
    assert play(chat, sse(chunk, "[DONE]")).thoughts == [Thought("hm", "reasoning")]
    whole = {"choices": [{"index": 0, "message": delta}]}
    assert chat.read_answer(json.dumps(whole).encode()).thoughts == [Thought("hm", "reasoning")]


def call(name: str, arguments: Any, **more: Any) -> dict[str, Any]:
    return {"index": 0, **more, "function": {"name": name, "arguments": arguments}}


@pytest.mark.parametrize(
    ("chunks", "expected"),
    [
        ([[call("a", '{"x":1}'), call("b", '{"x":2}')]], [("a", '{"x":1}'), ("b", '{"x":2}')]),
        ([[call("a", '{"x":1}')], [call("a", '{"x":2}')]], [("a", '{"x":1}'), ("a", '{"x":2}')]),
        ([[call("a", '{"x"')], [call("a", ":1}")]], [("a", '{"x":1}')]),
        ([[call("a", "")], [call("", '{"x":1}')]], [("a", '{"x":1}')]),
        (
            [[call("a", '{"x":1}', id="")], [call("b", "{}", id="")]],
            [("a", '{"x":1}'), ("b", "{}")],
        ),
        ([[call("a", '{"x":1}', id="c1")], [call("a", " ", id="c1")]], [("a", '{"x":1} ')]),
    ],
)
def test_calls_that_all_have_the_same_index(
    play: Any, sse: Any, chunks: list[Any], expected: list[tuple[str, str]]
) -> None:
    events = [{"choices": [{"index": 0, "delta": {"tool_calls": each}}]} for each in chunks]
    found = play(chat, sse(*events, "[DONE]")).tool_calls
    assert [(each.name, each.input) for each in found] == expected


def test_calls_of_a_whole_answer_are_told_apart_by_their_places() -> None:
    calls = [call("a", ""), call("a", ""), call("a", {"x": 1})]
    body = {"choices": [{"message": {"tool_calls": calls}}]}
    found = chat.read_answer(json.dumps(body).encode()).tool_calls
    assert [each.input for each in found] == ["", "", '{"x":1}']
