import json
from typing import Any

import pytest

from aibridge.dialects import responses
from aibridge.dialects.facts import ProviderError, Thought, TokenUsage, ToolCall


def request(given, **fields) -> bytes:
    return json.dumps({"model": "gpt", "input": given, **fields}).encode()


def said(role, *texts):
    content = [{"type": "input_text", "text": text} for text in texts]
    return {"type": "message", "role": role, "content": content}


def output(kind, call_id):
    return {"type": kind, "call_id": call_id, "output": "not a prompt"}


CALL = {"type": "function_call", "call_id": "c1", "name": "sh", "arguments": "{}"}
CONTEXT = "<environment_context>\n  <cwd>/src</cwd>\n</environment_context>"
OUTPUTS = [
    "function_call_output",
    "custom_tool_call_output",
    "local_shell_call_output",
    "shell_call_output",
    "apply_patch_call_output",
    "computer_call_output",
]


@pytest.mark.parametrize(
    ("given", "prompt", "results"),
    [
        pytest.param("hi", "hi", (), id="a bare string"),
        pytest.param([{"role": "user", "content": "hi"}], "hi", (), id="a bare message"),
        pytest.param(
            [said("developer", "rules"), said("user", CONTEXT), said("user", "hi")],
            "hi",
            (),
            id="as Codex starts",
        ),
        pytest.param([said("user", "hi"), said("user", CONTEXT)], "hi", (), id="context last"),
        pytest.param([said("user", "a", "b")], "a\nb", (), id="several parts"),
        pytest.param(
            [said("user", "hi"), CALL, *(output(kind, kind) for kind in OUTPUTS)],
            None,
            tuple(OUTPUTS),
            id="results of every kind",
        ),
        pytest.param(
            [CALL, output("function_call_output", "c1"), said("user", "stop")],
            "stop",
            ("c1",),
            id="a result and a prompt",
        ),
        pytest.param(
            [said("user", "hi"), {"type": "mcp_approval_response", "approve": True}],
            "hi",
            (),
            id="an approval",
        ),
        *(
            pytest.param([said("user", "hi"), item], None, (), id=str(item.get("type")))
            for item in (
                {"type": "reasoning", "summary": []},
                {"type": "item_reference", "id": "rs_1"},
                {"type": "web_search_call", "id": "ws_1"},
            )
        ),
        pytest.param([said("user", "hi"), said("assistant", "Hel")], "hi", (), id="a prefill"),
        pytest.param(None, None, (), id="nothing"),
    ],
)
def test_what_was_typed_and_which_results_come_back(given, prompt, results):
    facts = responses.read_request(request(given, stream=True, tools=[{}]))
    assert (facts.typed, facts.tool_result_ids, facts.notes) == (prompt, results, [])
    assert (facts.model, facts.stream) == ("gpt", True)


@pytest.mark.parametrize("conversation", ["conv_1", {"id": "conv_1"}])
def test_hints(conversation):
    facts = responses.read_request(
        request(
            "hi",
            prompt_cache_key="k",
            user="u",
            metadata={"session_id": "m"},
            client_metadata={"session_id": "s", "thread_id": "t", "turn_id": ""},
            conversation=conversation,
            previous_response_id="resp_0",
        )
    )
    assert facts.hints == {
        "prompt_cache_key": "k",
        "user": "u",
        "session_id": "s",
        "thread_id": "t",
        "conversation": "conv_1",
    }
    assert facts.previous_response_id == "resp_0"


USAGE: dict[str, Any] = {
    "input_tokens": 100,
    "input_tokens_details": {"cached_tokens": 60, "cache_write_tokens": 10},
    "output_tokens": 15,
}
REASONING = {
    "type": "reasoning",
    "id": "rs_1",
    "summary": [{"type": "summary_text", "text": "one"}, {"type": "summary_text", "text": "two"}],
    "content": [{"type": "reasoning_text", "text": "raw"}],
    "encrypted_content": "xyz",
}
FUNCTION = {
    "type": "function_call",
    "id": "fc_1",
    "call_id": "c1",
    "name": "add",
    "arguments": '{"a":3}',
    "status": "completed",
}
COMMENTARY = {
    "type": "message",
    "id": "msg_1",
    "role": "assistant",
    "phase": "commentary",
    "content": [{"type": "output_text", "text": "I look", "annotations": []}],
}
ANSWER = {**COMMENTARY, "id": "msg_2", "phase": "final_answer"}
THOUGHTS = [
    Thought("one", "reasoning_summary"),
    Thought("two", "reasoning_summary"),
    Thought("raw", "reasoning"),
    Thought("I look", "commentary"),
]
ITEMS: list[dict[str, Any]] = [REASONING, FUNCTION, COMMENTARY, ANSWER]


def response(status="completed", **fields) -> dict[str, Any]:
    named = {"id": "resp_1", "model": "gpt-x", "status": status, "service_tier": "default"}
    return {"type": f"response.{status}", "response": {**named, "usage": USAGE, **fields}}


CREATED = response("in_progress", usage=None) | {"type": "response.created"}


def done(place, item):
    return {"type": "response.output_item.done", "output_index": place, "item": item}


def added(place, item):
    return {"type": "response.output_item.added", "output_index": place, "item": item}


DONE = [done(place, item) for place, item in enumerate(ITEMS)]


@pytest.mark.parametrize(
    "events",
    [
        pytest.param([*DONE, response(output=ITEMS)], id="items twice"),
        pytest.param([*DONE, response(output=[])], id="an empty end"),
        pytest.param([*DONE, response(output=None)], id="no output at the end"),
        pytest.param([response(output=ITEMS)], id="only at the end"),
        pytest.param(
            [*DONE, response(output=[{**item, "id": f"other{item['id']}"} for item in ITEMS])],
            id="changing ids",
        ),
        pytest.param([*DONE, *DONE, response(output=[])], id="said again"),
    ],
)
def test_every_item_is_read_once(play, sse, events):
    facts = play(responses, sse(CREATED, *events, named=True))
    assert facts.tool_calls == [ToolCall("add", '{"a":3}', call_id="c1", item_id="fc_1")]
    assert facts.thoughts == THOUGHTS
    assert facts.usage == TokenUsage(
        input=30,
        output=15,
        cache_read=60,
        cache_write=10,
        metadata={"usage": USAGE, "service_tier": "default", "provider_model": "gpt-x"},
    )
    assert (facts.response_id, facts.stop_reason, facts.ended) == ("resp_1", "completed", True)
    assert facts.notes == []


@pytest.mark.parametrize(
    ("item", "expected"),
    [
        (
            {
                "type": "custom_tool_call",
                "id": "i",
                "call_id": "c",
                "name": "patch",
                "input": "a b",
            },
            ToolCall("patch", "a b", call_id="c", item_id="i"),
        ),
        (
            {"type": "local_shell_call", "id": "i", "call_id": "c", "action": {"command": ["ls"]}},
            ToolCall("local_shell_call", '{"command":["ls"]}', call_id="c", item_id="i"),
        ),
        (
            {"type": "shell_call", "id": "i", "call_id": "c", "action": {"commands": ["ls"]}},
            ToolCall("shell_call", '{"commands":["ls"]}', call_id="c", item_id="i"),
        ),
        (
            {"type": "computer_call", "id": "i", "call_id": "c", "action": {"type": "wait"}},
            ToolCall("computer_call", '{"type":"wait"}', call_id="c", item_id="i"),
        ),
        (
            {"type": "apply_patch_call", "id": "i", "call_id": "c", "operation": {"path": "a"}},
            ToolCall("apply_patch_call", '{"path":"a"}', call_id="c", item_id="i"),
        ),
        (
            {"type": "web_search_call", "id": "i", "action": {"query": "x"}},
            ToolCall("web_search_call", '{"query":"x"}', item_id="i", metadata={"hosted": True}),
        ),
        (
            {"type": "file_search_call", "id": "i", "queries": ["x"], "results": None},
            ToolCall("file_search_call", '["x"]', item_id="i", metadata={"hosted": True}),
        ),
        (
            {"type": "code_interpreter_call", "id": "i", "code": "1+1", "container_id": "k"},
            ToolCall("code_interpreter_call", "1+1", item_id="i", metadata={"hosted": True}),
        ),
        (
            {"type": "image_generation_call", "id": "i", "result": "iVBORw0KGgo="},
            ToolCall("image_generation_call", "", item_id="i", metadata={"hosted": True}),
        ),
        (
            {"type": "mcp_call", "id": "i", "name": "ask", "server_label": "w", "arguments": "{}"},
            ToolCall("ask", "{}", item_id="i", metadata={"hosted": True, "server_name": "w"}),
        ),
        (
            {"type": "call_of_tomorrow_call", "id": "i", "input": {"a": 1}},
            ToolCall("call_of_tomorrow_call", '{"a":1}', item_id="i", metadata={"hosted": True}),
        ),
        (
            {**FUNCTION, "arguments": '{"a', "status": "incomplete"},
            ToolCall("add", '{"a', call_id="c1", item_id="fc_1", metadata={"partial": True}),
        ),
    ],
)
def test_calls_of_every_kind(item, expected):
    body = response(output=[item])["response"]
    assert responses.read_answer(json.dumps(body, indent=1).encode()).tool_calls == [expected]


@pytest.mark.parametrize(
    ("end", "reason", "error"),
    [
        (response("completed"), "completed", None),
        (
            response("incomplete", incomplete_details={"reason": "max_output_tokens"}),
            "max_output_tokens",
            None,
        ),
        (response("incomplete"), "incomplete", None),
        (
            response("failed", error={"code": "server_error", "message": "no"}),
            "failed",
            ProviderError("server_error", "no"),
        ),
    ],
)
def test_how_an_answer_ends_and_what_it_used(play, sse, end, reason, error):
    facts = play(responses, sse(CREATED, end, done(9, FUNCTION)))
    assert (facts.stop_reason, facts.error, facts.ended) == (reason, error, True)
    assert facts.usage.output == 15
    assert "partial" not in facts.usage.metadata
    assert facts.tool_calls == []


@pytest.mark.parametrize(
    "event",
    [
        {"type": "error", "code": "rate_limit", "message": "no", "param": None},
        {"type": "error", "status": 429, "error": {"code": "rate_limit", "message": "no"}},
    ],
)
def test_an_error_ends_the_answer(play, sse, event):
    facts = play(responses, sse(CREATED, event))
    assert facts.error == ProviderError("rate_limit", "no")
    assert (facts.ended, facts.usage, facts.response_id) == (True, None, "resp_1")


def test_an_end_that_is_not_understood_is_an_end():
    reader = responses.StreamReader()
    assert reader.event(b'{"type":"response.completed","response":5}')
    assert reader.facts().notes == ["a response object has an unexpected shape"]


def test_what_was_being_said_is_kept_when_the_answer_breaks_off(play, sse):
    def piece(kind, **fields):
        return {"type": f"response.{kind}.delta", "output_index": 1, **fields}

    stream = sse(
        CREATED,
        *DONE[:1],
        piece("reasoning_summary_text", summary_index=0, delta="half a "),
        piece("reasoning_summary_text", summary_index=0, delta="thought"),
        piece("reasoning_summary_text", summary_index=1, delta="another"),
        added(2, {**FUNCTION, "arguments": "", "status": "in_progress"}),
        {**piece("function_call_arguments", delta='{"a'), "output_index": 2},
    )
    facts = play(responses, stream)
    assert [thought.text for thought in facts.thoughts[3:]] == ["half a thought", "another"]
    assert facts.tool_calls == [
        ToolCall("add", '{"a', call_id="c1", item_id="fc_1", metadata={"partial": True})
    ]
    whole = play(responses, stream + sse(done(2, FUNCTION), done(1, {**REASONING, "id": "rs_2"})))
    assert [call.input for call in whole.tool_calls] == ['{"a":3}']
    assert [thought.text for thought in whole.thoughts] == ["one", "two", "raw"] * 2


@pytest.mark.parametrize(
    ("status", "is_queued"),
    [
        ("queued", True),
        ("in_progress", True),
        ("completed", False),
        ("failed", False),
        (None, False),
    ],
)
def test_an_answer_that_is_yet_to_be_made_is_queued(status, is_queued):
    body = {"id": "resp_1", "status": status, "model": "m", "output": [], "usage": None}
    facts = responses.read_answer(json.dumps(body).encode())
    assert (facts.is_queued, facts.response_id) == (is_queued, "resp_1")
    assert facts.stop_reason == ("" if is_queued else status or "")


def test_a_stream_that_says_so_on_its_way_is_not():
    reader = responses.StreamReader()
    under_way = {"type": "response.in_progress", "response": {"id": "r", "status": "in_progress"}}
    assert not reader.event(json.dumps(under_way).encode())
    assert not reader.facts().is_queued


def test_items_that_are_added_to_a_conversation_are_prompts():
    items = [
        {"type": "message", "role": "user", "content": "one"},
        {"type": "message", "role": "assistant", "content": "no"},
        {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "two"}]},
        {"type": "function_call_output", "call_id": "c", "output": "x"},
    ]
    facts = responses.read_request(json.dumps({"items": items}).encode())
    assert [prompt.text for prompt in facts.prompts] == ["one", "two"]


@pytest.mark.parametrize(
    ("store", "stores"), [({}, True), ({"store": True}, True), ({"store": False}, False)]
)
def test_a_provider_stores_what_it_is_not_asked_to_forget(store, stores):
    assert responses.read_request(json.dumps({"model": "m", **store}).encode()).stores is stores
