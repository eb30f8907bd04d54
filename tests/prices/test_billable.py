from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aibridge.dialects.facts import TokenUsage, ToolCall
from aibridge.prices.billable import billable
from aibridge.prices.cost import Billable
from aibridge.prices.rates import Unit


def hosted(name: str, given_input: str = "{}", **metadata: Any) -> ToolCall:
    return ToolCall(name, given_input, metadata={"hosted": True, **metadata})


def test_tokens_by_kind() -> None:
    usage = TokenUsage(
        input=1,
        output=2,
        cache_read=3,
        cache_write=100,
        cache_write_5m=4,
        cache_write_30m=5,
        cache_write_1h=6,
        cache_write_12h=7,
    )
    found = billable(usage)
    assert found.counts == {
        Unit.INPUT: 1,
        Unit.OUTPUT: 2,
        Unit.CACHE_READ: 3,
        Unit.CACHE_WRITE_5M: 4,
        Unit.CACHE_WRITE_30M: 5,
        Unit.CACHE_WRITE_1H: 6,
        Unit.CACHE_WRITE_12H: 7,
        Unit.CACHE_WRITE: 78,
    }
    assert found.prompt == 104


def test_a_row_of_nothing_has_nothing_to_charge() -> None:
    assert billable(TokenUsage()) == Billable({})


def heard(audio: object, cached: object = 0, said: object = 0) -> dict[str, Any]:
    details = {"audio_tokens": audio, "cached_tokens_details": {"audio_tokens": cached}}
    output = {"audio_tokens": said}
    return {"usage": {"prompt_tokens_details": details, "completion_tokens_details": output}}


def test_audio_is_told_apart_from_text_in_and_out_and_in_the_cache() -> None:
    usage = TokenUsage(input=10, output=9, cache_read=8, metadata=heard(12, 5, 4))
    assert billable(usage).counts == {
        Unit.INPUT: 3,
        Unit.INPUT_AUDIO: 7,
        Unit.CACHE_READ: 3,
        Unit.CACHE_READ_AUDIO: 5,
        Unit.OUTPUT: 5,
        Unit.OUTPUT_AUDIO: 4,
    }


@pytest.mark.parametrize("metadata", [heard(12), heard(12, 9)])
def test_audio_that_may_have_been_cached_is_unknown(metadata: dict[str, Any]) -> None:
    found = billable(TokenUsage(input=10, cache_read=8, metadata=metadata))
    assert found.unknown == ("audio",)
    assert found.counts == {Unit.INPUT: 10, Unit.CACHE_READ: 8}


@pytest.mark.parametrize(
    ("tool", "counts", "unknown"),
    [
        (hosted("web_search_call", '{"type":"search"}'), {Unit.WEB_SEARCH: 1}, ()),
        (hosted("web_search_call", ""), {Unit.WEB_SEARCH: 1}, ()),
        (hosted("web_search_call", "[5]"), {Unit.WEB_SEARCH: 1}, ()),
        (hosted("web_search_call", '{"type":"find_in_page"}'), {}, ()),
        (hosted("file_search_call", '{"type":"open_page"}'), {Unit.FILE_SEARCH: 1}, ()),
        (hosted("tool_search_call"), {}, ()),
        (hosted("image_generation_call"), {}, ("image_generation_call",)),
        (hosted("get_weather"), {}, ()),
        (ToolCall("web_search_call", call_id="c"), {}, ()),
    ],
    ids=lambda value: f"{value.name} {value.input}" if isinstance(value, ToolCall) else "",
)
def test_calls_that_the_record_lists(
    tool: ToolCall, counts: dict[Unit, int], unknown: tuple[str, ...]
) -> None:
    assert billable(TokenUsage(), [tool]) == Billable(counts, unknown)


VALUES = st.one_of(
    st.integers(-5, 50),
    st.floats(-1, 50),
    st.sampled_from([None, True, "5", "", [], [1], {}, {"a": 1}, 10**30]),
)
DETAILS = st.dictionaries(
    st.sampled_from(["audio_tokens", "cached_tokens_details", "web_search_requests", "x"]),
    VALUES | st.fixed_dictionaries({"audio_tokens": VALUES}),
)
SAID = st.one_of(
    VALUES,
    DETAILS,
    st.dictionaries(
        st.sampled_from(["prompt_tokens_details", "output_tokens_details"]), DETAILS | VALUES
    ),
)


@given(st.dictionaries(st.sampled_from(["usage", "server_tool_use"]), SAID))
def test_whatever_a_provider_says_beside_its_tokens_no_token_is_lost_or_made(
    metadata: dict[str, Any],
) -> None:
    found = billable(TokenUsage(input=10, output=5, cache_read=7, metadata=metadata)).counts
    assert all(number > 0 for number in found.values())
    for whole, part, tokens in (
        (Unit.INPUT, Unit.INPUT_AUDIO, 10),
        (Unit.CACHE_READ, Unit.CACHE_READ_AUDIO, 7),
        (Unit.OUTPUT, Unit.OUTPUT_AUDIO, 5),
    ):
        assert found.get(whole, 0) + found.get(part, 0) == tokens
