import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aibridge.dialects import chat
from aibridge.dialects.facts import ProviderError, Thought, TokenUsage, ToolCall


def request(*said, **fields) -> bytes:
    return json.dumps({"model": "gpt", "messages": said, **fields}).encode()


USER = {"role": "user", "content": "hi"}
ASSISTANT = {"role": "assistant", "tool_calls": [{"id": "c1"}, {"id": "c2"}]}


def result(call_id):
    return {"role": "tool", "tool_call_id": call_id, "content": "not a prompt"}


@pytest.mark.parametrize(
    ("said", "prompt", "results"),
    [
        pytest.param([{"role": "system", "content": "s"}, USER], "hi", (), id="a prompt"),
        pytest.param([USER, {"role": "developer", "content": "s"}], "hi", (), id="developer last"),
        pytest.param(
            [USER, ASSISTANT, result("c1"), result("c2")], None, ("c1", "c2"), id="results"
        ),
        pytest.param([ASSISTANT, result("c1"), USER], "hi", ("c1",), id="results and a prompt"),
        pytest.param(
            [{"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "image_url"}]}],
            "a",
            (),
            id="parts",
        ),
    ],
)
def test_what_was_typed_and_which_results_come_back(said, prompt, results):
    facts = chat.read_request(request(*said))
    assert (facts.typed, facts.tool_result_ids, facts.notes) == (prompt, results, [])


@pytest.mark.parametrize(
    ("fields", "lacks"),
    [
        ({}, False),
        ({"stream": False}, False),
        ({"stream": True}, True),
        ({"stream": True, "stream_options": None}, True),
        ({"stream": True, "stream_options": {"include_usage": False}}, True),
        ({"stream": True, "stream_options": {"include_usage": True}}, False),
    ],
)
def test_a_stream_lacks_usage_unless_it_asks_for_it(fields, lacks):
    assert chat.lacks_usage(request(USER, **fields)) is lacks


def test_hints():
    facts = chat.read_request(
        request(
            USER,
            prompt_cache_key="k",
            user="",
            session_id=5,
            metadata={"session_id": "s"},
        )
    )
    assert facts.hints == {"prompt_cache_key": "k", "session_id": "s"}


def chunk(delta=None, *, finish=None, index=0, **fields):
    choices = [{"index": index, "delta": delta or {}, "logprobs": None, "finish_reason": finish}]
    head = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "gpt-x"}
    return {**head, "choices": choices, **fields}


def calls(*pieces):
    return chunk({"tool_calls": list(pieces)})


def piece(arguments, name=None, **fields):
    return {**fields, "function": {"arguments": arguments, **({"name": name} if name else {})}}


USAGE = {
    "prompt_tokens": 100,
    "completion_tokens": 15,
    "prompt_tokens_details": {"cached_tokens": 60, "cache_write_tokens": 10},
}
ONLY_USAGE = chunk(choices=[], usage=USAGE)
FINISH = chunk(finish="tool_calls")


def test_a_stream_is_read(play, sse):
    stream = sse(
        chunk({"role": "assistant", "content": ""}, service_tier="default"),
        chunk({"content": 'text "usage":{"prompt_tokens":5}'}),
        chunk({"content": "more"}),
        calls(piece("", "read", index=0, id="c1")),
        calls(piece('{"a":', index=0)),
        calls(piece("1}", index=0)),
        FINISH,
        ONLY_USAGE,
        "[DONE]",
    )
    facts = play(chat, stream)
    assert facts.usage == TokenUsage(
        input=30,
        output=15,
        cache_read=60,
        cache_write=10,
        metadata={"usage": USAGE, "service_tier": "default", "provider_model": "gpt-x"},
    )
    assert facts.tool_calls == [ToolCall("read", '{"a":1}', call_id="c1")]
    assert (facts.response_id, facts.stop_reason, facts.ended) == ("chatcmpl-1", "tool_calls", True)
    assert facts.notes == []


@pytest.mark.parametrize(
    "pieces",
    [
        pytest.param(
            [
                calls(
                    piece('{"a"', "one", index=0, id="c1"), piece('{"b"', "two", index=1, id="c2")
                ),
                calls(piece(":2}", index=1)),
                calls(piece(":1}", index=0)),
            ],
            id="interleaved",
        ),
        pytest.param(
            [
                calls(piece('{"a":1}', "one", index=1, id="c1")),
                calls(piece('{"b":2}', "two", index=7, id="c2")),
            ],
            id="holes",
        ),
        pytest.param(
            [
                calls(piece('{"a":1}', "one", index=0, id="c1")),
                calls(piece('{"b":2}', "two", index=0, id="c2")),
            ],
            id="the same index",
        ),
        pytest.param(
            [
                calls(piece('{"a"', "one", id="c1")),
                calls(piece(":1}")),
                calls(piece({"b": 2}, "two", id="c2")),
            ],
            id="no index",
        ),
        pytest.param(
            [calls(piece('{"a":1}', "one", id="c1"), piece('{"b":2}', "two", id="c2"))],
            id="no index, at once",
        ),
        pytest.param(
            [
                calls(piece('{"a"', "one", index=0, id="c1")),
                calls(piece(":1}", "one", index=0, id="c1")),
                calls(piece('{"b":2}', "two", index=1, id="c2")),
            ],
            id="name and id repeated",
        ),
    ],
)
def test_parallel_calls_are_told_apart(play, sse, pieces):
    facts = play(chat, sse(*pieces, FINISH, "[DONE]"))
    assert facts.tool_calls == [
        ToolCall("one", '{"a":1}', call_id="c1"),
        ToolCall("two", '{"b":2}', call_id="c2"),
    ]


def test_the_old_function_call_and_custom_tools(play, sse):
    old = chunk({"function_call": {"name": "old", "arguments": "{}"}})
    custom = calls({"index": 0, "id": "c1", "custom": {"name": "patch", "input": "a b"}})
    facts = play(chat, sse(old, custom, "[DONE]"))
    assert facts.tool_calls == [ToolCall("old", "{}"), ToolCall("patch", "a b", call_id="c1")]


def test_calls_without_index_and_id(play, sse):
    facts = play(chat, sse(calls(piece("1", "a"), piece("2", "b")), calls(piece("3")), FINISH))
    assert facts.tool_calls == [ToolCall("a", "1"), ToolCall("b", "23")]


def test_choices_do_not_mix(play, sse):
    first = chunk({"tool_calls": [piece("1", "a", index=0, id="c1")]}, index=0)
    second = chunk({"tool_calls": [piece("2", "b", index=0, id="c2")]}, index=1)
    ends = chunk(finish="length", index=1), chunk(finish="stop", index=0)
    facts = play(chat, sse(first, second, first, *ends, "[DONE]"))
    assert [(call.call_id, call.input) for call in facts.tool_calls] == [("c1", "11"), ("c2", "2")]
    assert facts.stop_reason == "stop"


@pytest.mark.parametrize("field", ["reasoning_content", "reasoning"])
def test_reasoning_is_a_thought(play, sse, field):
    stream = sse(chunk({field: "hm, "}), chunk({field: "well"}), chunk({field: None}), "[DONE]")
    assert play(chat, stream).thoughts == [Thought("hm, well", "reasoning")]


def test_what_broke_off_is_partial(play, sse):
    said = chunk({"content": "a"}, usage={"prompt_tokens": 5, "completion_tokens": 1})
    facts = play(chat, sse(said, calls(piece('{"a', "read", index=0, id="c1"))))
    assert facts.tool_calls == [ToolCall("read", '{"a', call_id="c1", metadata={"partial": True})]
    assert facts.usage.metadata["partial"] is True
    assert not facts.ended


def test_the_last_usage_counts(play, sse):
    usages = [chunk({"content": "a"}, usage={"completion_tokens": n}) for n in (1, 2, 3)]
    assert play(chat, sse(*usages, chunk(usage=None), "[DONE]")).usage.output == 3


def test_more_cached_than_sent_is_no_negative_input(play, sse):
    usage = {"prompt_tokens": 5, "prompt_tokens_details": {"cached_tokens": 9}}
    assert play(chat, sse(chunk(choices=[], usage=usage), "[DONE]")).usage.input == 0


def test_an_error_ends_the_answer(play, sse):
    facts = play(chat, sse(chunk({"content": "a"}), {"error": {"message": "no", "code": 500}}))
    assert facts.error == ProviderError("500", "no")
    assert facts.ended


def test_usage_is_read_of_a_chunk_with_strange_choices():
    facts = chat.read_answer(b'{"id":"x","choices":[5],"usage":{"completion_tokens":7}}')
    assert facts.usage is not None
    assert facts.usage.output == 7
    assert facts.notes == ["the answer has an unexpected shape"]


def test_a_whole_answer_is_read():
    message = {
        "role": "assistant",
        "content": None,
        "reasoning_content": "well",
        "tool_calls": [
            {"id": "c1", "type": "function", "function": {"name": "a", "arguments": "{}"}},
            {"id": "c2", "type": "function", "function": {"name": "b", "arguments": "{"}},
        ],
    }
    choice = {"index": 0, "message": message, "finish_reason": "tool_calls"}
    body = {"id": "chatcmpl-1", "model": "gpt-x", "choices": [choice], "usage": USAGE}
    facts = chat.read_answer(json.dumps(body, indent=1).encode())
    assert facts.tool_calls == [ToolCall("a", "{}", call_id="c1"), ToolCall("b", "{", call_id="c2")]
    assert facts.thoughts == [Thought("well", "reasoning")]
    assert facts.usage is not None
    assert facts.usage.input == 30
    assert (facts.stop_reason, facts.ended) == ("tool_calls", True)


@pytest.mark.parametrize(
    ("event", "only"),
    [
        (ONLY_USAGE, True),
        (chunk(usage=USAGE), False),
        (chunk(choices=[]), False),
        (chunk(choices=[], usage=None), False),
        (chunk({"content": '"choices":[],"usage":{}'}), False),
    ],
)
def test_the_extra_usage_chunk_is_known(event, only):
    assert chat.is_usage_only(json.dumps(event).encode()) is only


@pytest.mark.parametrize("data", [b"[DONE]", b'"usage"', b'{"usage"'])
def test_other_data_is_no_usage_chunk(data):
    assert not chat.is_usage_only(data)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b'{"stream":true}', b'{"stream_options":{"include_usage":true},"stream":true}'),
        (b' { "a" : 1 }', b' {"stream_options":{"include_usage":true}, "a" : 1 }'),
        (b"{}", b'{"stream_options":{"include_usage":true}}'),
        (b'{"stream_options" : null,"a":1}', b'{"stream_options" : {"include_usage":true},"a":1}'),
        (b'{"stream_options":{}}', b'{"stream_options":{"include_usage":true}}'),
        (
            b'{"a":"\\"stream_options","stream_options":{ "x": 1 },"b":{"stream_options":1}}',
            (
                b'{"a":"\\"stream_options","stream_options":{"include_usage":true, "x": 1 },'
                b'"b":{"stream_options":1}}'
            ),
        ),
        (
            b'{"stream_options":{"x":[1, 2],"include_usage":false,"y":2}}',
            b'{"stream_options":{"x":[1, 2],"include_usage":true,"y":2}}',
        ),
        (
            b'{"stream\\u005foptions":{"include_usage":null}}',
            b'{"stream\\u005foptions":{"include_usage":true}}',
        ),
        (b'{"stream_options":{},"stream_options":{}}', None),
        (b'{"a":1,"a":2,"stream_options":{}}', None),
        (b'{"a":12,"a":1,"stream_options":{}}', None),
        (b'{"stream_options":true}', None),
        (b"[]", None),
        (b"{", None),
        (b"", None),
    ],
)
def test_asking_for_usage_edits_only_that(body, expected):
    assert chat.ask_for_usage(body) == expected


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**40), 2**40) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["stream_options", "include_usage", "a\\", "b"]), inner)
    ),
    max_leaves=12,
)
OPTIONS = st.none() | st.dictionaries(st.sampled_from(["include_usage", "x", 'y"']), JSON)


@given(
    st.dictionaries(st.text(max_size=6), JSON),
    st.none() | OPTIONS.map(lambda options: {"stream_options": options}),
    st.sampled_from([None, 1]),
    st.booleans(),
)
def test_asking_for_usage_changes_nothing_else(fields, options, indent, ascii_only):
    before = {**fields, **(options or {})}
    edited = chat.ask_for_usage(json.dumps(before, indent=indent, ensure_ascii=ascii_only).encode())
    assert edited is not None
    after = json.loads(edited)
    asked = {**(before.pop("stream_options", None) or {}), "include_usage": True}
    assert after.pop("stream_options") == asked
    assert after == before
