import json
from typing import Any

import pytest

from aibridge.dialects import messages
from aibridge.dialects.facts import ProviderError, Thought, TokenUsage, ToolCall


def request(*said, **fields) -> bytes:
    return json.dumps({"model": "claude", "messages": said, **fields}).encode()


def user(*content):
    return {"role": "user", "content": [text(c) if isinstance(c, str) else c for c in content]}


def text(value):
    return {"type": "text", "text": value}


def result(call_id):
    return {"type": "tool_result", "tool_use_id": call_id, "content": [text("not a prompt")]}


ASSISTANT = {"role": "assistant", "content": [{"type": "tool_use", "id": "t1", "name": "Bash"}]}
SYSTEM = {"role": "system", "content": "Available agents: …"}
REMINDER = "<system-reminder>\nmind the gap\n</system-reminder>"


@pytest.mark.parametrize(
    ("said", "prompt", "results"),
    [
        pytest.param([{"role": "user", "content": "hi"}], "hi", (), id="a bare string"),
        pytest.param([user(REMINDER, "hi"), SYSTEM], "hi", (), id="as Claude Code starts"),
        pytest.param(
            [user("hi"), ASSISTANT, user(result("t1"))], None, ("t1",), id="a tool result"
        ),
        pytest.param(
            [user("hi"), ASSISTANT, user(result("t1"), result("t2"), REMINDER)],
            None,
            ("t1", "t2"),
            id="parallel results and a reminder",
        ),
        pytest.param(
            [ASSISTANT, user(result("t1")), user(result("t2"), "and now this")],
            "and now this",
            ("t1", "t2"),
            id="results and a new prompt",
        ),
        pytest.param([user("one", "two")], "one\ntwo", (), id="several parts"),
        pytest.param([user("one"), user("two"), user(REMINDER)], "one\ntwo", (), id="all of them"),
        pytest.param([user("hi"), ASSISTANT], None, (), id="an answer to go on with"),
        pytest.param(
            [user({"type": "image", "source": {}}, "what is it")], "what is it", (), id="image"
        ),
        pytest.param([user("a \ud83d b")], "a \ufffd b", (), id="half an emoji"),
        pytest.param([user("a \ud83d\ude00 b")], "a \U0001f600 b", (), id="a whole emoji"),
        pytest.param([], None, (), id="nothing"),
    ],
)
def test_what_was_typed_and_which_results_come_back(said, prompt, results):
    facts = messages.read_request(request(*said))
    assert (facts.model, facts.typed, facts.tool_result_ids) == ("claude", prompt, results)
    assert facts.notes == []


def test_only_so_many_results_are_kept():
    facts = messages.read_request(request(user(*(result(f"t{n}") for n in range(200)))))
    assert facts.tool_result_ids == tuple(f"t{n}" for n in range(72, 200))


@pytest.mark.parametrize(
    ("user_id", "session"),
    [
        ('{"device_id":"d","session_id":"s-1"}', "s-1"),
        ("user_abc_account_def_session_s-1", "s-1"),
        ("u1", None),
        ("{not json", None),
        ('{"session_id":5}', None),
    ],
)
def test_the_session_is_read_from_the_user_id(user_id, session):
    facts = messages.read_request(request(metadata={"user_id": user_id}))
    expected = {"user_id": user_id} | ({"session_id": session} if session else {})
    assert facts.hints == expected


def test_hints_are_bounded():
    facts = messages.read_request(request(metadata={"user_id": "x" * 1000}))
    assert facts.hints == {"user_id": "x" * 256}


@pytest.mark.parametrize(
    ("body", "note"),
    [
        (b"", "the request is not valid JSON"),
        (b"{", "the request is not valid JSON"),
        (b"[]", "the request has an unexpected shape"),
        (b'{"messages":[5],"model":"m"}', "a message has an unexpected shape"),
        (
            b'{"messages":[{"role":"user","content":[5]}],"model":"m"}',
            "the content of a message has an unexpected shape",
        ),
        (
            b'{"messages":[{"role":"user","content":' + b"[" * 5000,
            "the request is nested too deeply",
        ),
    ],
)
def test_bad_requests_are_noted(body, note):
    facts = messages.read_request(body)
    assert facts.notes == [note]
    assert facts.typed is None


def test_model_and_stream_are_read_of_a_request_with_strange_messages():
    facts = messages.read_request(b'{"model":"m","stream":true,"messages":5}')
    assert (facts.model, facts.stream) == ("m", True)
    assert facts.notes == ["the request has an unexpected shape"]


START: dict[str, Any] = {
    "type": "message_start",
    "message": {
        "id": "msg_1",
        "model": "claude-x",
        "content": [],
        "usage": {
            "input_tokens": 10,
            "cache_creation_input_tokens": 20,
            "cache_read_input_tokens": 30,
            "output_tokens": 3,
            "service_tier": "standard",
        },
    },
}
STOP = {"type": "message_stop"}


def begin(index, **block):
    return {"type": "content_block_start", "index": index, "content_block": block}


def delta(index, kind, **fields):
    return {"type": "content_block_delta", "index": index, "delta": {"type": kind, **fields}}


def end(index):
    return {"type": "content_block_stop", "index": index}


def last(reason="end_turn", **usage):
    return {"type": "message_delta", "delta": {"stop_reason": reason}, "usage": usage}


TOOL = [
    begin(1, type="tool_use", id="toolu_1", name="Read", input={}),
    delta(1, "input_json_delta", partial_json=""),
    delta(1, "input_json_delta", partial_json='{"path": "'),
    delta(1, "input_json_delta", partial_json='text_delta"}'),
]


def test_usage_is_merged_and_nothing_is_counted_twice(play, sse):
    stream = sse(START, last(None, output_tokens=40), last(output_tokens=61, input_tokens=12), STOP)
    facts = play(messages, stream)
    assert (facts.response_id, facts.model, facts.stop_reason) == ("msg_1", "claude-x", "end_turn")
    assert facts.usage == TokenUsage(
        input=12,
        output=61,
        cache_read=30,
        cache_write=20,
        metadata={
            "usage": {**START["message"]["usage"], "output_tokens": 61, "input_tokens": 12},
            "service_tier": "standard",
            "provider_model": "claude-x",
        },
    )
    assert facts.ended


def test_null_in_a_delta_erases_nothing(play, sse):
    stream = sse(START, last(output_tokens=5, cache_read_input_tokens=None), STOP)
    assert play(messages, stream).usage.cache_read == 30


def test_usage_of_an_answer_that_broke_off_is_partial(play, sse):
    facts = play(messages, sse(START))
    assert facts.usage.output == 3
    assert facts.usage.metadata["partial"] is True
    assert not facts.ended
    assert "partial" not in play(messages, sse(START, last(output_tokens=9))).usage.metadata


@pytest.mark.parametrize("value", [-1, 10**13, 1.5, "7", True, [], 10**400])
def test_counts_that_cannot_be_are_ignored_with_a_note(play, sse, value):
    facts = play(messages, sse(START, last(output_tokens=value), STOP))
    assert facts.usage.output == 0
    assert facts.usage.input == 10
    assert facts.notes


def test_a_usage_object_is_kept_only_if_it_is_small(play, sse):
    facts = play(messages, sse(START, last(output_tokens=9, x="y" * 70_000), STOP))
    assert facts.usage.output == 9
    assert "usage" not in facts.usage.metadata
    assert facts.notes == ["the usage object is too large to be kept"]


def test_usage_that_is_no_object_is_noted(play, sse):
    facts = play(messages, sse(START, {**last(), "usage": 5}, STOP))
    assert facts.usage.output == 3
    assert facts.notes == ["usage is not an object"]


def test_an_error_in_one_piece_is_an_error():
    body = b'{"type":"error","error":{"type":"api_error","message":"no"}}'
    assert messages.read_answer(body).error == ProviderError("api_error", "no")


def test_no_usage_is_none(play, sse):
    assert play(messages, sse(STOP)).usage is None


def test_tools_and_thoughts_are_read_in_order(play, sse):
    stream = sse(
        START,
        begin(0, type="thinking", thinking=""),
        delta(0, "thinking_delta", thinking="hm, "),
        delta(0, "thinking_delta", thinking="well"),
        delta(0, "signature_delta", signature="xyz"),
        end(0),
        {"type": "ping"},
        *TOOL,
        end(1),
        begin(2, type="redacted_thinking", data="xyz"),
        end(2),
        begin(3, type="thinking", thinking=""),
        end(3),
        begin(4, type="tool_use", id="toolu_2", name="Now", input={}),
        end(4),
        begin(5, type="text", text=""),
        delta(5, "text_delta", text='{"type":"error"}\n\n"type":"message_stop"'),
        end(5),
        last("tool_use", output_tokens=61),
        STOP,
        named=True,
    )
    facts = play(messages, stream)
    assert facts.thoughts == [Thought("hm, well", "thinking")]
    assert facts.tool_calls == [
        ToolCall("Read", '{"path":"text_delta"}', call_id="toolu_1"),
        ToolCall("Now", "{}", call_id="toolu_2"),
    ]
    assert (facts.stop_reason, facts.ended, facts.notes) == ("tool_use", True, [])


def test_hosted_tools_have_no_call_id(play, sse):
    stream = sse(
        begin(0, type="server_tool_use", id="srvtoolu_1", name="web_search", input={}),
        delta(0, "input_json_delta", partial_json='{"query":"x"}'),
        end(0),
        begin(1, type="mcp_tool_use", id="m_1", name="ask", server_name="wiki", input={"q": 1}),
        end(1),
        STOP,
    )
    assert play(messages, stream).tool_calls == [
        ToolCall("web_search", '{"query":"x"}', item_id="srvtoolu_1", metadata={"hosted": True}),
        ToolCall("ask", '{"q":1}', item_id="m_1", metadata={"hosted": True, "server_name": "wiki"}),
    ]


def test_a_tool_call_cut_in_the_middle_is_kept(play, sse):
    facts = play(messages, sse(START, *TOOL[:-1]))
    assert facts.tool_calls == [
        ToolCall("Read", '{"path": "', call_id="toolu_1", metadata={"partial": True})
    ]


def test_an_error_ends_the_answer(play, sse):
    error = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}
    facts = play(messages, sse(START, *TOOL, error, STOP))
    assert facts.error == ProviderError("overloaded_error", "Overloaded")
    assert facts.ended
    assert facts.usage.metadata["partial"] is True
    assert facts.tool_calls[0].metadata == {"partial": True}


def test_only_the_last_event_ends_the_answer():
    reader = messages.StreamReader()
    assert not reader.event(json.dumps(START).encode())
    assert not reader.event(b"not json")
    assert not reader.event(b'{"type":"of_tomorrow"}')
    assert reader.event(b'{"type":"message_stop"}', "ping")
    assert not reader.event(b'{"type":"message_stop"}')
    assert reader.facts().notes == ["an event is not valid JSON"]


def test_the_name_counts_where_the_data_has_no_type():
    assert messages.StreamReader().event(b"{}", "message_stop")


def test_inputs_are_bounded(play, sse):
    stream = sse(TOOL[0], *[delta(1, "input_json_delta", partial_json="x" * 300_000)] * 5, end(1))
    facts = play(messages, stream)
    assert len(facts.tool_calls[0].input) == 1 << 20
    assert facts.notes == ["a tool input or thought is too long: it was cut"]


def test_calls_are_bounded(play, sse):
    calls = [begin(n, type="tool_use", id=f"t{n}", name="x") for n in range(1100)]
    facts = play(messages, sse(*calls))
    assert len(facts.tool_calls) == 1000
    assert facts.notes == ["more than 1000 tool calls or thoughts: the rest is left out"]


def test_a_whole_answer_is_read():
    body = {
        "id": "msg_1",
        "type": "message",
        "model": "claude-x",
        "stop_reason": "tool_use",
        "content": [
            {"type": "thinking", "thinking": "well", "signature": "xyz"},
            {"type": "text", "text": "I read"},
            {"type": "tool_use", "id": "toolu_1", "name": "Read", "input": {"a": [1, 2.0]}},
            7,
        ],
        "usage": {"input_tokens": 5, "output_tokens": 84, "cache_read_input_tokens": 23},
    }
    facts = messages.read_answer(json.dumps(body, indent=2).encode())
    assert facts.thoughts == [Thought("well")]
    assert facts.tool_calls == [ToolCall("Read", '{"a":[1,2.0]}', call_id="toolu_1")]
    assert facts.usage is not None
    assert (facts.usage.input, facts.usage.output, facts.usage.cache_read) == (5, 84, 23)
    assert facts.stop_reason == "tool_use"
    assert facts.ended
    assert facts.notes == ["a content block has an unexpected shape"]


def test_a_whole_answer_that_is_cut_has_not_ended():
    facts = messages.read_answer(b'{"id":"msg_1","content":[')
    assert not facts.ended
    assert facts.notes == ["the answer is not valid JSON"]
