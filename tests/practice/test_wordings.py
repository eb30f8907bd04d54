"""The three wordings of the same answers, as tables."""

import json

import pytest

from aibridge.practice import Part, StreamFailure, Turn, Usage
from aibridge.practice.answer import compose
from aibridge.practice.rendering import VOICES

TOOLS = json.dumps(
    [
        {"type": "function", "name": "bash", "parameters": {"required": ["command"]}},
        {"type": "custom", "name": "patch"},
    ]
).encode()
USAGE = Usage(input=7, output=50, cache_read=100, cache_write=20)
TURN = Turn(
    parts=(
        Part(thinking="I think."),
        Part(text="Let me look."),
        Part(tool="*"),
        Part(tool="patch", arguments="free text"),
    ),
    usage=USAGE,
    chunk=5,
)


def answered(turn=TURN, tools=TOOLS, **more):
    return compose(turn, model="m", tools=tools, **more)


def events(dialect, answer):
    """The data of each event; the name must be the type where there is one."""
    for frame in VOICES[dialect].events(answer):
        *name, data = frame.decode().removesuffix("\n\n").split("\n")
        value = data.removeprefix("data: ")
        event = json.loads(value) if value != "[DONE]" else value
        assert name in ([], [f"event: {event['type']}"] if isinstance(event, dict) and name else [])
        yield event


def squeezed(kinds):
    """The kinds in order, each run of the same one once."""
    kinds = list(kinds)
    return [kind for before, kind in zip([None, *kinds], kinds, strict=False) if kind != before]


def test_messages_stream_in_the_documented_order():
    kinds = [
        event["type"]
        + (":" + event["delta"]["type"] if "index" in event and "delta" in event else "")
        for event in events("messages", answered())
    ]
    assert squeezed(kinds) == [
        "message_start",
        "content_block_start", "ping",
        "content_block_delta:thinking_delta", "content_block_delta:signature_delta",
        "content_block_stop",
        "content_block_start", "content_block_delta:text_delta", "content_block_stop",
        "content_block_start", "content_block_delta:input_json_delta", "content_block_stop",
        "content_block_start", "content_block_delta:input_json_delta", "content_block_stop",
        "message_delta", "message_stop",
    ]  # fmt: skip


def test_messages_report_usage_first_provisionally_then_in_whole():
    start, *_, delta, _stop = events("messages", answered())
    assert start["message"]["usage"] == {
        "input_tokens": 7,
        "cache_creation_input_tokens": 20,
        "cache_read_input_tokens": 100,
        "output_tokens": 1,
        "cache_creation": {"ephemeral_5m_input_tokens": 20, "ephemeral_1h_input_tokens": 0},
        "service_tier": "standard",
    }
    assert delta["usage"]["output_tokens"] == 50
    assert delta["usage"]["cache_read_input_tokens"] == 100
    assert delta["delta"]["stop_reason"] == "tool_use"


def test_chat_streams_role_deltas_finish_usage_done():
    role, *deltas, finish, usage, done = events("chat", answered())
    assert role["choices"][0]["delta"] == {"role": "assistant", "content": "", "refusal": None}
    assert squeezed(next(iter(each["choices"][0]["delta"])) for each in deltas) == [
        "reasoning_content",
        "content",
        "tool_calls",
    ]
    assert finish["choices"][0]["finish_reason"] == "tool_calls"
    assert finish["usage"] is None
    assert usage["choices"] == []
    assert usage["usage"]["prompt_tokens"] == 127
    assert usage["usage"]["prompt_tokens_details"]["cached_tokens"] == 100
    assert done == "[DONE]"


def test_chat_gives_usage_only_where_it_is_wanted():
    *_, finish, done = events("chat", answered(wants_usage=False))
    assert "usage" not in finish
    assert finish["choices"][0]["finish_reason"] == "tool_calls"
    assert done == "[DONE]"


def test_responses_stream_in_the_documented_order():
    seen = list(events("responses", answered()))
    assert [event["sequence_number"] for event in seen] == list(range(len(seen)))
    kinds = [event["type"].removeprefix("response.") for event in seen]
    assert squeezed(kinds) == [
        "created", "in_progress",
        "output_item.added", "reasoning_summary_part.added", "reasoning_summary_text.delta",
        "reasoning_summary_text.done", "reasoning_summary_part.done", "output_item.done",
        "output_item.added", "content_part.added", "output_text.delta", "output_text.done",
        "content_part.done", "output_item.done",
        "output_item.added", "function_call_arguments.delta", "function_call_arguments.done",
        "output_item.done",
        "output_item.added", "custom_tool_call_input.delta", "custom_tool_call_input.done",
        "output_item.done",
        "completed",
    ]  # fmt: skip


def test_responses_end_with_the_whole_response():
    answer = answered()
    *_, last = events("responses", answer)
    assert last["response"] == VOICES["responses"].whole(answer)
    assert last["response"]["usage"] == {
        "input_tokens": 127,
        "input_tokens_details": {"cached_tokens": 100, "cache_write_tokens": 20},
        "output_tokens": 50,
        "output_tokens_details": {"reasoning_tokens": 2},
        "total_tokens": 177,
    }


def test_a_whole_answer_in_each_dialect_says_the_same():
    content = VOICES["messages"].whole(answered())["content"]
    message = VOICES["chat"].whole(answered())["choices"][0]["message"]
    output = VOICES["responses"].whole(answered())["output"]
    assert [block["type"] for block in content] == ["thinking", "text", "tool_use", "tool_use"]
    assert content[1]["text"] == message["content"] == output[1]["content"][0]["text"]
    assert content[2]["input"] == json.loads(output[2]["arguments"])
    assert [call["type"] for call in message["tool_calls"]] == ["function", "custom"]
    assert [item["type"] for item in output[2:]] == ["function_call", "custom_tool_call"]
    assert message["tool_calls"][1]["custom"] == {"name": "patch", "input": "free text"}
    assert message["reasoning_content"] == content[0]["thinking"]


def test_ids_of_one_answer_differ():
    calls = VOICES["chat"].whole(answered())["choices"][0]["message"]["tool_calls"]
    assert len({call["id"] for call in calls}) == len(calls)


@pytest.mark.parametrize(
    ("stop", "finish", "status", "details", "last"),
    [
        ("end_turn", "stop", "completed", None, "response.completed"),
        ("max_tokens", "length", "incomplete", "max_output_tokens", "response.incomplete"),
        ("refusal", "content_filter", "incomplete", "content_filter", "response.incomplete"),
        ("odd", "odd", "completed", None, "response.completed"),
    ],
)
def test_a_stop_reason_is_translated(stop, finish, status, details, last):
    answer = answered(Turn(parts=(Part(text="Once upon"),), stop_reason=stop))
    assert VOICES["messages"].whole(answer)["stop_reason"] == stop
    assert VOICES["chat"].whole(answer)["choices"][0]["finish_reason"] == finish
    response = VOICES["responses"].whole(answer)
    assert (response["status"], response["output"][-1]["status"]) == (status, status)
    assert response["incomplete_details"] == (details and {"reason": details})
    assert list(events("responses", answer))[-1]["type"] == last


def test_service_tier_and_model_of_the_turn_win():
    turn = Turn(parts=(Part(text="hi"),), service_tier="priority", model="other")
    for dialect, voice in VOICES.items():
        whole = voice.whole(answered(turn))
        assert whole["model"] == "other"
        place = whole["usage"] if dialect == "messages" else whole
        assert place["service_tier"] == "priority"


def test_without_tools_a_turn_is_said_and_no_tool_is_called():
    answer = answered(tools=b"")
    assert (answer.stop, answer.calls, answer.text) == ("end_turn", [], "Let me look.")
    assert answered(Turn(parts=(Part(tool="*"),)), tools=b"").text


def test_a_tool_that_the_client_lacks_is_called_by_its_name():
    call = answered(Turn(parts=(Part(tool="unheard", arguments={"a": 1}),))).calls[0]
    assert (call.name, call.arguments) == ("unheard", '{"a":1}')


SUBAGENTS = {
    "type": "namespace",
    "name": "agents",
    "tools": [{"type": "function", "name": "spawn_agent", "parameters": {"required": ["message"]}}],
}


def test_a_subagent_is_started_with_its_task_by_whatever_tool_does_it():
    turn = Turn(parts=(Part(text="Wait."), Part(tool="*agent", task="Look around")))
    answer = answered(turn, json.dumps([SUBAGENTS]).encode())
    call = VOICES["responses"].whole(answer)["output"][-1]
    assert (call["namespace"], call["name"]) == ("agents", "spawn_agent")
    assert call["arguments"] == '{"message":"Look around"}'
    assert answered(turn).calls == []


def test_a_tool_is_told_its_task():
    (call,) = answered(Turn(parts=(Part(tool="*", task="sleep 60"),))).calls
    assert json.loads(call.arguments) == {"command": "sleep 60"}


def test_arguments_may_be_broken_on_purpose():
    answer = answered(Turn(parts=(Part(tool="bash", arguments='{"comm'),)))
    assert VOICES["messages"].whole(answer)["content"][0]["input"] == {}
    assert VOICES["responses"].whole(answer)["output"][0]["arguments"] == '{"comm'


def test_what_the_script_leaves_out_of_usage_is_estimated():
    turn = Turn(parts=(Part(thinking="t" * 40), Part(text="s" * 80)))
    tokens = answered(turn, estimate=99).tokens
    assert (tokens.input, tokens.output, tokens.reasoning) == (99, 30, 10)


ODD = {"code": None, "message": "no", "param": None, "type": "odd"}


@pytest.mark.parametrize(
    ("dialect", "event", "frame"),
    [
        ("messages", "failed", {"type": "error", "error": {"type": "odd", "message": "no"}}),
        ("chat", "failed", {"error": ODD}),
        ("responses", "error", {**ODD, "type": "error", "code": "odd", "sequence_number": 4}),
    ],
)
def test_an_error_in_mid_stream_has_the_dialects_form(dialect, event, frame):
    failure = StreamFailure(after=4, type="odd", message="no", event=event)
    *_, data = VOICES[dialect].broken(answered(), failure).strip().split(b"\n")
    assert json.loads(data.removeprefix(b"data: ")) == frame


def test_a_failed_response_carries_the_error():
    failure = StreamFailure(after=4, message="no")
    name, data = VOICES["responses"].broken(answered(), failure).strip().split(b"\n")
    assert name == b"event: response.failed"
    response = json.loads(data.removeprefix(b"data: "))["response"]
    assert response["status"] == "failed"
    assert response["error"] == {"code": "server_error", "message": "no"}
