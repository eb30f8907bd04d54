import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aibridge.practice.asked import READERS, user_items

CALL = {"role": "assistant", "content": [{"type": "tool_use", "id": "t", "name": "x", "input": {}}]}
RESULT = {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t", "content": "k"}]}
CHAT_CALL = {"role": "assistant", "content": None}
CHAT_RESULT = {"role": "tool", "tool_call_id": "c", "content": "k"}
TOLD = {"type": "input_text", "text": "Message Type: NEW_TASK\nPayload:\n"}
TASK = {"type": "agent_message", "content": [TOLD, {"encrypted_content": "look"}]}
NEWS = {"type": "agent_message", "content": [{"text": "x"}, {"encrypted_content": "found"}]}
ITEM_CALL = {"type": "function_call", "call_id": "c", "name": "x", "arguments": "{}"}
ITEM_RESULT = {"type": "function_call_output", "call_id": "c", "output": "k"}


def user(*texts, kind="text"):
    return {"role": "user", "content": [{"type": kind, "text": text} for text in texts]}


CONVERSATIONS = [
    ("messages", [{"role": "user", "content": "hi"}], "hi", 0),
    ("messages", [user("<system-reminder>x", "hi"), {"role": "system", "content": "s"}], "hi", 0),
    ("messages", [user("hi"), CALL, RESULT], "hi", 1),
    ("messages", [user("hi"), CALL, RESULT, RESULT, CALL, RESULT], "hi", 2),
    ("messages", [user("hi"), CALL, RESULT, CALL, user("more"), CALL, RESULT], "more", 1),
    ("messages", [user("hi"), CALL, RESULT, user("<system-reminder>only")], "hi", 1),
    (
        "messages",
        [
            user("hi"),
            CALL,
            {"role": "user", "content": [*RESULT["content"], *user("no")["content"]]},
        ],
        "no",
        0,
    ),
    (
        "messages",
        [
            user("hi"),
            CALL,
            {
                "role": "user",
                "content": [*RESULT["content"], *user("[Request interrupted by user]")["content"]],
            },
        ],
        "hi",
        1,
    ),
    ("messages", [user("hi"), CALL, RESULT, {"role": "system", "content": "s"}], "hi", 1),
    ("chat", [{"role": "system", "content": "s"}, {"role": "user", "content": "hi"}], "hi", 0),
    ("chat", [user("hi", "you"), CHAT_CALL, CHAT_RESULT, CHAT_RESULT], "hi\nyou", 1),
    ("chat", [user("hi"), CHAT_CALL, CHAT_RESULT, CHAT_CALL, CHAT_RESULT], "hi", 2),
    ("responses", "hi", "hi", 0),
    ("responses", [user("hi", kind="input_text"), user("<environment_context>x")], "hi", 0),
    ("responses", [user("hi"), ITEM_CALL, ITEM_CALL, ITEM_RESULT, ITEM_RESULT], "hi", 1),
    ("responses", [user("hi"), ITEM_CALL, ITEM_RESULT, {"type": "reasoning"}], "hi", 1),
    ("responses", [ITEM_RESULT], "", 1),
    ("responses", [user("hi"), ITEM_CALL, TASK, ITEM_CALL, ITEM_RESULT], "look", 1),
    ("responses", [user("hi"), ITEM_CALL, ITEM_RESULT, NEWS], "hi", 1),
    (
        "responses",
        [user("hi"), ITEM_CALL, ITEM_RESULT, user("<turn_aborted>\nx"), user("go")],
        "go",
        0,
    ),
]


def body(dialect, conversation, **more):
    key = "input" if dialect == "responses" else "messages"
    return json.dumps({"model": "m", key: conversation, **more}).encode()


@pytest.mark.parametrize(("dialect", "conversation", "prompt", "rounds"), CONVERSATIONS)
def test_prompt_and_rounds_are_read_from_the_end(dialect, conversation, prompt, rounds):
    asked = READERS[dialect](body(dialect, conversation))
    assert (asked.prompt, asked.rounds) == (prompt, rounds)


@pytest.mark.parametrize("dialect", READERS)
@pytest.mark.parametrize(
    ("more", "tools"),
    [
        ({}, b""),
        ({"tools": None}, b""),
        ({"tools": [1]}, b"[1]"),
        ({"tools": [1], "tool_choice": "none"}, b""),
        ({"tools": [1], "tool_choice": {"type": "none"}}, b""),
        ({"tools": [1], "tool_choice": "auto"}, b"[1]"),
    ],
)
def test_tools_are_those_that_the_model_may_call(dialect, more, tools):
    conversation = [{"role": "user", "content": "hi"}]
    assert READERS[dialect](body(dialect, conversation, **more)).tools == tools


@pytest.mark.parametrize(
    ("top", "items", "tools"),
    [
        ({}, [[1], [2]], b"[1,2]"),
        ({"tools": [1]}, [[2]], b"[1,2]"),
        ({"tools": None}, [[2]], b"[2]"),
        ({"tools": [1]}, [], b"[1]"),
        ({"tool_choice": "none"}, [[2]], b""),
    ],
)
def test_tools_may_stand_among_the_input(top, items, tools):
    added = [{"type": "additional_tools", "role": "developer", "tools": each} for each in items]
    assert READERS["responses"](body("responses", [*added, user("hi")], **top)).tools == tools


def test_a_response_may_be_wanted_later():
    read = READERS["responses"]
    assert read(body("responses", "hi", background=True)).background
    assert not read(body("responses", "hi")).background


def test_a_chat_stream_says_whether_it_wants_usage():
    read = READERS["chat"]
    assert not read(body("chat", [], stream=True)).wants_usage
    assert read(body("chat", [], stream_options={"include_usage": True})).wants_usage


def test_only_the_users_items_are_kept_by_a_compaction():
    kept = [{"type": "message", "role": "user", "content": "hi"}]
    assert user_items(body("responses", "hi")) == kept
    assert user_items(body("responses", [*kept, ITEM_CALL])) == kept


@pytest.mark.parametrize("dialect", READERS)
@given(
    noise=st.binary()
    | st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: (
            st.lists(inner)
            | st.dictionaries(
                st.sampled_from(["model", "messages", "input", "role", "content", "tools"]), inner
            )
        ),
    ).map(lambda value: json.dumps(value).encode())
)
def test_foreign_bytes_are_read_or_refused(dialect, noise):
    try:
        READERS[dialect](noise)
    except msgspec.DecodeError as refusal:
        assert isinstance(refusal, ValueError)  # noqa: PT017 - either outcome will do
