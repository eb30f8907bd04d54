"""Tokens: one rule a dialect, a row for each way in which providers say them."""

import json
from typing import Any

import pytest

from aibridge.dialects import DIALECTS, chat, messages, responses
from aibridge.dialects.answers.usage_rows import MAX_RUNS
from aibridge.dialects.facts import TokenUsage

LIFETIMES = ("5m", "30m", "1h", "12h")


def counted(usage: TokenUsage) -> tuple[int, int, int, int]:
    return usage.input, usage.output, usage.cache_read, usage.cache_write


def by_lifetime(usage: TokenUsage) -> tuple[int, ...]:
    return tuple(getattr(usage, f"cache_write_{lifetime}") for lifetime in LIFETIMES)


def of_prompt(prompt: float, completion: float, total: Any = None, **more: Any) -> Any:
    found = {"prompt_tokens": prompt, "completion_tokens": completion, **more}
    return found if total is None else {**found, "total_tokens": total}


DETAILS = "prompt_tokens_details"


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        pytest.param(of_prompt(20, 7), (20, 7, 0, 0), id="no total"),
        pytest.param(of_prompt(20, 7, 27), (20, 7, 0, 0), id="OpenAI"),
        pytest.param(of_prompt(20, 7, 0), (20, 7, 0, 0), id="a total of zero"),
        pytest.param(of_prompt(20, 7, 25), (20, 7, 0, 0), id="a total that is too small"),
        pytest.param(of_prompt(0, 0, 100), (0, 0, 0, 0), id="only a total"),
        pytest.param(of_prompt(21, 0, 81), (21, 60, 0, 0), id="Gemini"),
        pytest.param(
            of_prompt(20, 7, 27, completion_tokens_details={"reasoning_tokens": 5}),
            (20, 7, 0, 0),
            id="reasoning within",
        ),
        pytest.param(
            of_prompt(100, 10, 140, **{DETAILS: {"cached_tokens": 30}}),
            (70, 40, 30, 0),
            id="xAI",
        ),
        pytest.param(
            of_prompt(100, 7, 107, prompt_cache_hit_tokens=60), (40, 7, 60, 0), id="DeepSeek"
        ),
        pytest.param(of_prompt(100, 7, cached_tokens=60), (40, 7, 60, 0), id="Moonshot"),
        pytest.param(
            of_prompt(100, 7, **{DETAILS: {"cached_tokens": 60, "cache_write_tokens": 10}}),
            (30, 7, 60, 10),
            id="OpenRouter",
        ),
        pytest.param(
            of_prompt(100, 7, **{DETAILS: {"cached_tokens": 60, "cache_creation_tokens": 10}}),
            (30, 7, 60, 10),
            id="LiteLLM, within the details",
        ),
        pytest.param(
            of_prompt(100, 7, 107, cache_read_input_tokens=60, cache_creation_input_tokens=10),
            (30, 7, 60, 10),
            id="LiteLLM, beside the prompt",
        ),
        pytest.param(
            of_prompt(30, 7, 107, cache_read_input_tokens=60, cache_creation_input_tokens=10),
            (30, 7, 60, 10),
            id="the cache beside the prompt, by the total",
        ),
        pytest.param(
            of_prompt(10, 7, 137, **{DETAILS: {"cached_tokens": 120}}),
            (10, 7, 120, 0),
            id="more of the cache than of the prompt, beside it by the total",
        ),
        pytest.param(of_prompt(20.0, 7.0, 27.0), (20, 7, 0, 0), id="whole numbers as floats"),
        pytest.param(
            {"input_tokens": 100, "output_tokens": 7, "total_tokens": 107},
            (100, 7, 0, 0),
            id="the names of Responses",
        ),
        pytest.param(
            of_prompt(5, 1, 6, **{DETAILS: {"cached_tokens": 9}}), (0, 1, 9, 0), id="too much read"
        ),
    ],
)
def test_tokens_of_chat(usage: Any, expected: tuple[int, ...]) -> None:
    facts = chat.read_answer(json.dumps({"choices": [], "usage": usage}).encode())
    assert facts.usage is not None
    assert (counted(facts.usage), facts.usage.metadata["usage"]) == (expected, usage)
    assert facts.notes == []


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        pytest.param({"output_tokens": 7, "total_tokens": 27}, (20, 7, 0, 0), id="OpenAI"),
        pytest.param({"output_tokens": 7, "total_tokens": 81}, (20, 61, 0, 0), id="xAI"),
        pytest.param(
            {"input_tokens_details": {"cached_tokens": 5, "cache_write_tokens": 3}},
            (12, 0, 5, 3),
            id="the cache",
        ),
    ],
)
def test_tokens_of_responses(usage: Any, expected: tuple[int, ...]) -> None:
    body = {"status": "completed", "output": [], "usage": {"input_tokens": 20, **usage}}
    facts = responses.read_answer(json.dumps(body).encode())
    assert facts.usage is not None
    assert counted(facts.usage) == expected


WRITTEN_IN_CHAT: list[tuple[Any, tuple[int, ...], int]] = [
    ({DETAILS: {"cache_write_tokens": 9}}, (0, 0, 0, 0), 9),
    (
        {
            "cache_creation_input_tokens": 9,
            "cache_creation": {"ephemeral_5m_input_tokens": 2, "ephemeral_1h_input_tokens": 7},
        },
        (2, 0, 7, 0),
        9,
    ),
    (
        {
            DETAILS: {
                "cache_write_tokens": 9,
                "cache_write_tokens_details": {"ttl_30m_tokens": 4, "ttl_12h_tokens": 5},
            }
        },
        (0, 4, 0, 5),
        9,
    ),
    ({"cache_write_tokens_details": {"ttl_30m": 4, "ttl_12h": 5}}, (0, 4, 0, 5), 9),
    (
        {DETAILS: {"cache_creation_token_details": {"ephemeral_1h_input_tokens": 9}}},
        (0, 0, 9, 0),
        9,
    ),
    (
        {"cacheDetails": [{"ttl": "5m", "inputTokens": 2}, {"ttl": "1h", "inputTokens": 7}, 5]},
        (2, 0, 7, 0),
        9,
    ),
]


WRITTEN = [
    (name, *row)
    for name in DIALECTS
    for row in WRITTEN_IN_CHAT
    if name != "messages" or DETAILS not in row[0]
]


@pytest.mark.parametrize(("name", "usage", "lifetimes", "written"), WRITTEN)
def test_cache_writes_under_all_their_names(
    name: str, usage: Any, lifetimes: tuple[int, ...], written: int
) -> None:
    prompt = "prompt_tokens" if name == "chat" else "input_tokens"
    if name == "responses" and DETAILS in usage:
        usage = {"input_tokens_details": usage[DETAILS]}
    content = {"chat": "choices", "messages": "content", "responses": "output"}[name]
    body = {content: [], "status": "completed", "usage": {prompt: 100, **usage}}
    facts = DIALECTS[name].read_answer(json.dumps(body).encode())
    assert facts.usage is not None
    assert (by_lifetime(facts.usage), facts.usage.cache_write) == (lifetimes, written)
    assert facts.usage.input == (100 if name == "messages" else 100 - written)


def chunk(usage: Any, **more: Any) -> dict[str, Any]:
    return {"id": "x", "choices": [], **more, "usage": usage}


FULL = of_prompt(100, 15, 115, **{DETAILS: {"cached_tokens": 60}})
ZEROS = of_prompt(0, 0, 0, **{DETAILS: {"cached_tokens": 0}})
FINISH = {"id": "x", "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}


@pytest.mark.parametrize(
    "events",
    [
        pytest.param([chunk(FULL), chunk(ZEROS), "[DONE]"], id="zeros at the end"),
        pytest.param([chunk(FULL), chunk({}), "[DONE]"], id="nothing at the end"),
        pytest.param([chunk(FULL), {**FINISH, "usage": ZEROS}, "[DONE]"], id="zeros that finish"),
        pytest.param([FINISH, "[DONE]", chunk(FULL)], id="behind [DONE]"),
        pytest.param([{"error": {"message": "no"}}, chunk(FULL), "[DONE]"], id="behind an error"),
        pytest.param([{**FINISH, "x_groq": {"id": "r", "usage": FULL}}, "[DONE]"], id="Groq"),
        pytest.param([{"choices": [{"delta": {}, "usage": FULL}]}, "[DONE]"], id="in a choice"),
        pytest.param([chunk(FULL, choices=None), "[DONE]"], id="choices null"),
    ],
)
def test_usage_of_a_chat_stream_wherever_it_stands(play, sse, events) -> None:
    facts = play(chat, sse(*events))
    assert counted(facts.usage) == (40, 15, 60, 0)


def started(**usage: int) -> dict[str, Any]:
    return {"type": "message_start", "message": {"id": "m", "usage": usage}}


def delta(**usage: Any) -> dict[str, Any]:
    return {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": usage}


STOP = {"type": "message_stop"}
START = started(input_tokens=25, cache_read_input_tokens=900, output_tokens=1)
ERROR = {"type": "error", "error": {"type": "api_error", "message": "no"}}


@pytest.mark.parametrize(
    "events",
    [
        pytest.param([START, delta(output_tokens=15), STOP], id="Anthropic"),
        pytest.param(
            [START, delta(input_tokens=0, cache_read_input_tokens=0, output_tokens=15), STOP],
            id="zeros",
        ),
        pytest.param([START, delta(output_tokens=15), delta(output_tokens=0), STOP], id="again"),
        pytest.param([START, STOP, delta(output_tokens=15)], id="behind the end"),
        pytest.param([START, ERROR, delta(output_tokens=15)], id="behind an error"),
        pytest.param(
            [
                started(input_tokens=0, output_tokens=0),
                delta(input_tokens=25, cache_read_input_tokens=900, output_tokens=15),
                STOP,
            ],
            id="only at the end",
        ),
    ],
)
def test_usage_of_a_messages_stream_wherever_it_stands(play, sse, events) -> None:
    assert counted(play(messages, sse(*events)).usage) == (25, 15, 900, 0)


def test_usage_of_responses_behind_an_error(play, sse) -> None:
    usage = {"input_tokens": 20, "output_tokens": 7}
    late = {"type": "response.failed", "response": {"status": "failed", "usage": usage}}
    facts = play(responses, sse({"type": "error", "message": "no"}, late))
    assert (counted(facts.usage), facts.error.message) == ((20, 7, 0, 0), "no")


def whole(usage: dict[str, Any], **more: Any) -> bytes:
    return json.dumps({"model": "claude", "content": [], "usage": usage, **more}).encode()


def test_each_model_run_has_tokens_of_its_own() -> None:
    runs = [
        {"type": "message", "input_tokens": 10, "output_tokens": 1, "cache_read_input_tokens": 3},
        {"type": "advisor_message", "model": "claude-big", "input_tokens": 20, "output_tokens": 2},
        {"type": "fallback_message", "model": "claude-old", "input_tokens": 30},
    ]
    top = {"input_tokens": 60, "output_tokens": 3, "service_tier": "priority", "speed": "fast"}
    usage = {**top, "iterations": runs, "server_tool_use": {"web_search_requests": 2}}
    found = messages.read_answer(whole(usage)).usages
    assert [counted(each) for each in found] == [(10, 1, 3, 0), (20, 2, 0, 0), (30, 0, 0, 0)]
    assert [each.metadata["provider_model"] for each in found] == [
        "claude",
        "claude-big",
        "claude-old",
    ]
    assert [each.metadata["type"] for each in found] == [run["type"] for run in runs]
    assert [each.metadata["usage"] for each in found] == [usage, *runs[1:]]
    assert {each.metadata["service_tier"] for each in found} == {"priority"}
    assert ["server_tool_use" in each.metadata for each in found] == [True, False, False]


@pytest.mark.parametrize("runs", [[], None, 5, "x", [5], [{}], {}])
def test_without_model_runs_the_top_level_counts(runs: Any) -> None:
    usage = {"input_tokens": 10, "output_tokens": 1, "iterations": runs}
    (found,) = messages.read_answer(whole(usage)).usages
    assert counted(found) == (10, 1, 0, 0)


def test_what_a_single_model_run_does_not_say_the_top_level_says() -> None:
    usage = {
        "input_tokens": 10,
        "output_tokens": 1,
        "cache_creation": {"ephemeral_1h_input_tokens": 4},
        "iterations": [{"type": "message", "input_tokens": 10, "output_tokens": 2}],
    }
    (found,) = messages.read_answer(whole(usage)).usages
    assert (counted(found), found.cache_write_1h) == ((10, 2, 0, 4), 4)


def test_model_runs_are_bounded() -> None:
    facts = messages.read_answer(whole({"iterations": [{"input_tokens": 1}] * (MAX_RUNS + 1)}))
    assert len(facts.usages) == MAX_RUNS
    assert any("model runs" in note for note in facts.notes)


def test_model_runs_come_with_the_last_event_of_a_stream(play, sse) -> None:
    runs = [{"type": "compaction", "input_tokens": 9}, {"type": "message", "input_tokens": 5}]
    facts = play(messages, sse(START, delta(output_tokens=3, iterations=runs), STOP))
    assert [each.input for each in facts.usages] == [9, 5]


def test_what_is_said_beside_the_tokens_is_kept() -> None:
    miss = {"cache_miss_reason": {"type": "model_changed"}}
    usage = {"input_tokens": 1, "speed": "fast", "inference_geo": "us"}
    found = messages.read_answer(whole(usage, diagnostics=miss)).usage
    assert found is not None
    assert (found.metadata["diagnostics"], found.metadata["speed"]) == (miss, "fast")
    assert found.metadata["inference_geo"] == "us"

    body = {"status": "completed", "output": [], "usage": {"input_tokens": 1}}
    beside = {"prompt_cache_diagnostics": miss, "service_tier": "ultrafast"}
    found = responses.read_answer(json.dumps({**body, **beside}).encode()).usage
    assert found is not None
    assert found.metadata["prompt_cache_diagnostics"] == miss
    assert found.metadata["service_tier"] == "ultrafast"


@pytest.mark.parametrize(("size", "kept"), [(60_000, True), (70_000, False)])
def test_raw_usage_is_kept_up_to_a_bound(size: int, kept: bool) -> None:
    facts = messages.read_answer(whole({"input_tokens": 1, "x": "y" * size}))
    assert facts.usage is not None
    assert ("usage" in facts.usage.metadata, not facts.notes) == (kept, kept)


@pytest.mark.parametrize(
    "runs",
    [
        [{"type": "message", "input_tokens": 0, "output_tokens": 0}],
        [{"type": "message", "input_tokens": 0}, {"type": "compaction", "output_tokens": 0}],
        [{"type": "message"}, {"type": "advisor_message", "model": "m-2"}],
    ],
)
def test_runs_of_zeros_erase_no_tokens(runs):
    (usage,) = messages.read_answer(
        whole({"input_tokens": 10, "output_tokens": 5, "iterations": runs})
    ).usages
    assert counted(usage) == (10, 5, 0, 0)
