"""What a request asks for that bounds its cost."""

import json
from typing import Any

import pytest

from aibridge.dialects.attached import MAX_ATTACHED, Attached, attached
from aibridge.dialects.demand import MAX_ANSWERS, MAX_MODELS, Demand, demand
from aibridge.dialects.hosted import DEFAULT_USES, MAX_USES, Hosted

DIALECTS = ("messages", "chat", "responses")
REFERENCE = {"type": "item_reference", "id": "msg_1"}


def asked(dialect: str, **fields: Any) -> Demand:
    """Return what a request with these fields asks for, beside its model."""
    found = demand(json.dumps({"model": "m-1", **fields}).encode(), dialect)
    assert found is not None
    return found


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_plain_request_asks_for_an_answer_of_its_model(dialect: str) -> None:
    assert asked(dialect, messages=[], input="hi") == Demand("m-1")


@pytest.mark.parametrize(
    ("body", "model"),
    [
        (b'{"model":"m-1"}', "m-1"),
        (b'\xef\xbb\xbf{"model":"m-1"}', "m-1"),
        ('{"model":"m-1"}'.encode("utf-16"), "m-1"),
        (b'{"Model":"m-1"}', "m-1"),
        (b'{"model":"m-1","temperature":NaN}', "m-1"),
        (b'{"model":7}', ""),
        (b'{"model":""}', ""),
        (b'["m-1"]', ""),
        (b"{", ""),
        (b"", ""),
    ],
)
def test_the_model_is_read_wherever_a_provider_may_read_it(body: bytes, model: str) -> None:
    found = demand(body, "chat")
    assert (found.model if found else "") == model


@pytest.mark.parametrize(
    ("dialect", "fields", "most"),
    [
        ("messages", {"max_tokens": 7}, 7),
        ("messages", {"max_tokens": 0}, 0),
        ("messages", {"max_tokens": 7.0}, 7),
        ("messages", {"max_tokens": 10**13}, 10**13),
        ("messages", {"max_output_tokens": 7}, None),
        ("messages", {"max_completion_tokens": 7}, None),
        ("messages", {"max_tokens": 7, "max_output_tokens": 9}, 7),
        ("chat", {"max_tokens": 7}, 7),
        ("chat", {"max_completion_tokens": 7}, 7),
        ("chat", {"max_completion_tokens": 7, "max_tokens": 9}, 9),
        ("chat", {"max_completion_tokens": None, "max_tokens": 9}, 9),
        ("chat", {"max_completion_tokens": "9", "max_tokens": 7}, None),
        ("chat", {"max_completion_tokens": -1, "max_tokens": 7}, None),
        ("chat", {"max_completion_tokens": 7.5, "max_tokens": 7}, None),
        ("chat", {"max_completion_tokens": True, "max_tokens": 7}, None),
        ("chat", {"max_tokens": 0}, None),
        ("chat", {"max_output_tokens": 7}, None),
        ("responses", {"max_output_tokens": 7}, 7),
        ("responses", {"max_output_tokens": 0}, None),
        ("responses", {"max_tokens": 7}, None),
        ("responses", {"max_tokens": 7, "max_output_tokens": "x"}, None),
    ],
)
def test_only_a_maximum_that_a_provider_takes_for_one_counts(
    dialect: str, fields: dict[str, Any], most: int | None
) -> None:
    assert asked(dialect, **fields).max_output == most


@pytest.mark.parametrize(
    ("dialect", "n", "answers"),
    [
        ("chat", 3, 3),
        ("chat", 0, 1),
        ("chat", None, 1),
        ("chat", "3", MAX_ANSWERS),
        ("chat", 10**9, MAX_ANSWERS),
        ("responses", 3, 1),
        ("messages", 3, 1),
    ],
)
def test_so_many_answers_are_asked_for(dialect: str, n: object, answers: int) -> None:
    assert asked(dialect, n=n).answers == answers


@pytest.mark.parametrize(
    ("fields", "refers"),
    [
        ({"previous_response_id": "resp_1"}, True),
        ({"previous_response_id": None}, False),
        ({"previous_response_id": ""}, False),
        ({"conversation": {"id": "conv_1"}}, True),
        ({"conversation": "conv_1"}, True),
        ({"prompt": {"id": "pmpt_1"}}, True),
        ({"prompt": "hi"}, False),
        ({"input": [REFERENCE]}, True),
        ({"input": [{"role": "user", "content": "hi"}, {"id": "msg_1"}]}, True),
        ({"input": [{"role": "user", "content": "item_reference"}]}, False),
        ({"input": [{"type": "function_call_output", "call_id": "1", "output": ""}]}, False),
        ({"input": "item_reference"}, False),
        ({"input": ["x"]}, False),
    ],
)
def test_a_request_that_goes_on_from_what_the_provider_keeps_refers(
    fields: dict[str, Any], refers: bool
) -> None:
    assert asked("responses", **fields).refers is refers


def test_the_tier_the_speed_and_the_geography_are_read() -> None:
    fields = {"service_tier": "priority", "speed": "fast", "inference_geo": "us"}
    found = asked("messages", **fields)
    assert (found.service_tier, found.speed, found.geography) == ("priority", "fast", "us")
    assert asked("chat", **fields).geography == ""
    assert asked("messages", service_tier=1, speed=[], inference_geo={}) == Demand("m-1")


@pytest.mark.parametrize(
    ("block", "images", "files"),
    [
        ({"type": "image", "source": {"type": "url", "url": "https://x"}}, 1, 0),
        ({"type": "tool_result", "content": [{"type": "image"}, {"type": "document"}]}, 1, 1),
        ({"type": "image_url", "image_url": {"url": "https://x"}}, 1, 0),
        ({"type": "input_image", "image_url": "https://x"}, 1, 0),
        ({"type": "computer_screenshot", "image_url": "https://x"}, 1, 0),
        ({"type": "container_upload", "file_id": "file_1"}, 0, 1),
        ({"type": "file", "file": {"file_id": "file_1"}}, 0, 1),
        ({"type": "input_file", "file_id": "file_1"}, 0, 1),
        ({"type": "input_audio", "input_audio": {"data": "x"}}, 0, 1),
        ({"type": "text", "text": '{"type": "image"}'}, 0, 0),
        ({"type": "text", "text": "für the image", "image": 1, "file": 2}, 0, 0),
    ],
)
def test_images_and_files_are_counted(block: dict[str, Any], images: int, files: int) -> None:
    for dialect in DIALECTS:
        found = asked(dialect, messages=[{"role": "user", "content": [block]}])
        assert found.attached == Attached(images, files)


def test_an_image_whose_name_is_escaped_counts_as_a_file() -> None:
    assert attached(rb'{"type" : "im\u0061ge"}') == Attached(0, 1)
    assert attached(rb'{"text":"\u003cb\u003e gr\u00fcn"}') == Attached()


@pytest.mark.parametrize("before", [0, 1, 10, 40, 300])
def test_images_are_counted_wherever_they_stand_in_a_long_body(before: int) -> None:
    long = b" " * ((256 << 10) - before)
    assert attached((long + b'{"type": "image"},{"type": "document"}') * 3) == Attached(3, 3)


def test_no_more_images_are_counted_than_fill_any_window() -> None:
    assert attached(b':"image"' * (MAX_ATTACHED + 5)) == Attached(MAX_ATTACHED, 0)


SEARCH = {"type": "web_search_20250305", "name": "web_search"}
FETCH = {"type": "web_fetch_20250910", "name": "web_fetch"}
OWN = {"name": "read", "input_schema": {"type": "object"}}


@pytest.mark.parametrize(
    ("dialect", "fields", "expected"),
    [
        ("messages", {"tools": [OWN, {"type": "custom"}, {"type": "bash_20250124"}]}, Hosted()),
        ("messages", {"tools": [SEARCH]}, Hosted(1 + DEFAULT_USES, DEFAULT_USES)),
        ("messages", {"tools": [{**SEARCH, "max_uses": 3}]}, Hosted(4, 3)),
        ("messages", {"tools": [{**SEARCH, "max_uses": 0}]}, Hosted(1, 0)),
        ("messages", {"tools": [{**SEARCH, "max_uses": "3"}]}, Hosted(11, 10)),
        ("messages", {"tools": [{**SEARCH, "max_uses": 10**9}]}, Hosted(1 + MAX_USES, MAX_USES)),
        ("messages", {"tools": [{**SEARCH, "max_uses": 3}, FETCH]}, Hosted(14, 3)),
        ("messages", {"tools": [SEARCH, FETCH]}, Hosted(11, 10)),
        ("messages", {"tools": [{"type": "code_execution_20250825"}]}, Hosted(11)),
        ("messages", {"mcp_servers": [{"type": "url", "url": "https://x"}]}, Hosted(11)),
        ("messages", {"mcp_servers": []}, Hosted()),
        (
            "messages",
            {"tools": [{"type": "advisor_20260301", "model": "m-2", "max_uses": 2}]},
            Hosted(3, models=("m-2",)),
        ),
        ("responses", {"tools": [{"type": "function"}, {"type": "namespace"}]}, Hosted()),
        ("responses", {"tools": [{"type": "web_search"}]}, Hosted(11, 10)),
        ("responses", {"tools": [{"type": "web_search"}], "max_tool_calls": 2}, Hosted(3, 2)),
        ("responses", {"tools": [{"type": "web_search", "max_uses": 0}]}, Hosted(11, 10)),
        ("responses", {"tools": [{"type": "file_search"}], "max_tool_calls": 2}, Hosted(3, 0, 2)),
        ("responses", {"tools": [{"type": "tool_search", "execution": "client"}]}, Hosted()),
        ("responses", {"max_tool_calls": 2}, Hosted()),
        ("chat", {"tools": [{"type": "function", "function": {"name": "x"}}]}, Hosted()),
        ("chat", {"web_search_options": {}}, Hosted(11, 10)),
        ("chat", {"web_search_options": None}, Hosted()),
        ("chat", {"tools": "web_search"}, Hosted()),
        ("chat", {"tools": None}, Hosted()),
    ],
)
def test_tools_that_a_provider_runs_itself_are_charged_and_run_the_model_again(
    dialect: str, fields: dict[str, Any], expected: Hosted
) -> None:
    assert asked(dialect, **fields).hosted == expected


@pytest.mark.parametrize(
    ("fields", "models"),
    [
        ({"fallbacks": [{"model": "m-2"}, {"model": "m-3"}]}, ("m-2", "m-3")),
        ({"models": ["m-2", "m-2"]}, ("m-2",)),
        ({"models": ["m-2"], "tools": [{"type": "advisor_1", "model": "m-3"}]}, ("m-2", "m-3")),
        ({"tools": [{"type": "function", "model": "m-3"}]}, ()),
        ({"models": {"model": "m-2"}, "fallbacks": [7, {}]}, ()),
    ],
)
def test_other_models_that_a_request_names_are_read(
    fields: dict[str, Any], models: tuple[str, ...]
) -> None:
    assert asked("messages", **fields).models == models


def test_a_request_of_too_many_models_is_not_read() -> None:
    named = [f"m-{number}" for number in range(MAX_MODELS + 1)]
    assert demand(json.dumps({"model": "m", "models": named}).encode(), "chat") is None
