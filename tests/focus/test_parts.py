"""The parts of usage rows: worked out by hand, and equal to what the rows themselves cost."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aibridge.focus.parts import NO_RATE, OTHER, Status, UsedPart, used_parts
from aibridge.prices.cost import Billable, Priced, cost
from aibridge.prices.rates import CALLS, MILLION, Price, Rate, Source, Tier, Unit
from aibridge.store.schema.rows import TokenUsageRow
from aibridge.store.usage.calls import ToolRow
from tests.focus.rows import call, usage

RATES = {
    Unit.INPUT: Rate(3_000_000, (Tier(200_000, 6_000_000),)),
    Unit.OUTPUT: Rate(15_000_000),
    Unit.CACHE_READ: Rate(300_000),
    Unit.CACHE_WRITE: Rate(3_750_000),
    Unit.CACHE_WRITE_1H: Rate(6_000_000),
    Unit.WEB_SEARCH: Rate(10_000_000_000),
}
SONNET = Price(Source.SHIPPED, "anthropic/sonnet", RATES)


def told(row: TokenUsageRow, price: Price | None = SONNET, **of: Any) -> list[tuple[Any, ...]]:
    """Return the type, number, cost and status of each part."""
    found = used_parts(call(**of), row, price, ())
    return [(part.token_type, part.number, part.picos, str(part.status)) for part in found]


def test_each_type_of_tokens_that_is_not_zero_is_a_part_with_its_own_cost() -> None:
    row = usage(
        input_tokens=7,
        output_tokens=2,
        cache_read_input_tokens=11,
        cache_write_input_tokens=6,
        cache_write_5m_input_tokens=1,
        cache_write_1h_input_tokens=5,
        metadata=json.dumps({"server_tool_use": {"web_search_requests": 3}}),
        cost_micros=30_089,  # 21 + 30 + 3.3 + 3.75 + 30 + 30,000, rounded up
    )
    assert told(row) == [
        ("input", 7, 21_000_000, "priced"),
        ("cache_read", 11, 3_300_000, "priced"),
        ("cache_write_5m", 1, 3_750_000, "priced"),
        ("cache_write_1h", 5, 30_000_000, "priced"),
        ("output", 2, 30_000_000, "priced"),
        ("web_search", 3, 30_000_000_000, "priced"),
    ]


def test_a_lifetime_without_a_price_is_unpriced_and_the_rest_partial() -> None:
    row = usage(
        input_tokens=1,
        cache_write_input_tokens=4,
        cache_write_12h_input_tokens=4,
        cost_micros=3,
        unpriced="cache_write_12h",
    )
    assert told(row) == [
        ("input", 1, 3_000_000, "partial"),
        ("cache_write_12h", 4, 0, "unpriced"),
    ]


def test_a_model_without_a_price_is_unpriced_in_each_part() -> None:
    row = usage(input_tokens=1, output_tokens=2, unpriced="model unheard-of")
    assert told(row, None) == [("input", 1, 0, "unpriced"), ("output", 2, 0, "unpriced")]


def test_what_was_used_with_a_key_of_ones_own_is_not_charged() -> None:
    row = usage(input_tokens=1, output_tokens=2)
    found = told(row, None, credential_kind="byok")
    assert found == [("input", 1, 0, "not_charged"), ("output", 2, 0, "not_charged")]


def test_a_tool_that_nothing_counts_is_told_as_unpriced() -> None:
    metadata = json.dumps({"server_tool_use": {"code_execution_requests": 1}})
    unpriced = "code_execution_requests"
    row = usage(input_tokens=1, metadata=metadata, cost_micros=3, unpriced=unpriced)
    assert told(row) == [("input", 1, 3_000_000, "partial"), (OTHER, 0, 0, "unpriced")]


@pytest.mark.parametrize(("micros", "rest"), [(9, 6_000_000), (1, -2_000_000), (3, None)])
def test_a_cost_that_its_parts_do_not_explain_is_put_right(micros: int, rest: int | None) -> None:
    found = told(usage(input_tokens=1, cost_micros=micros))
    other = [] if rest is None else [(OTHER, 0, rest, "priced")]
    assert found == [("input", 1, 3_000_000, "priced"), *other]


def test_counts_that_cannot_be_have_no_cost() -> None:
    row = usage(output_tokens=10**13, unpriced="counts that cannot be")
    assert told(row) == [("output", 10**13, 0, "unpriced")]


def test_only_searches_are_charged_of_the_calls_that_an_answer_lists() -> None:
    hosted = '{"hosted":true}'
    tools = [
        ToolRow("web_search_call", '{"type":"search"}', hosted),
        ToolRow("web_search_call", '{"type":"open_page"}', hosted),
        ToolRow("mcp_call", "", hosted),
    ]
    (part,) = used_parts(call(), usage(cost_micros=10_000), SONNET, tools)
    assert (part.token_type, part.number, part.picos) == ("web_search", 1, 10_000_000_000)


def test_prices_are_named_by_what_they_hold_for() -> None:
    row = usage(input_tokens=200_001, output_tokens=1, cost_micros=1_320_024)
    batch = Price(Source.SHIPPED, "anthropic/sonnet", RATES, condition="batch", percent=110)
    found = used_parts(call(), row, batch, ())
    assert [(part.sku, part.sku_price, part.rate) for part in found] == [
        (
            "anthropic/sonnet/input",
            "anthropic/sonnet/input/batch/above-200000/110-percent",
            660_000_000,
        ),
        ("anthropic/sonnet/output", "anthropic/sonnet/output/batch/110-percent", 1_650_000_000),
    ]
    (unpriced,) = used_parts(call(model="m"), usage(input_tokens=1, unpriced="model m"), None, ())
    assert unpriced == UsedPart(
        "input", Status.UNPRICED, NO_RATE, "anthropic/m/input", "anthropic/m/input", 1
    )


TOKENS = st.integers(0, 10**6)
RATED = {unit: st.builds(Rate, st.integers(0, 10**8)) for unit in Unit if unit not in CALLS}
PRICES = st.builds(
    lambda rates, percent: Price(Source.SHIPPED, "list/model", rates, percent=percent),
    st.fixed_dictionaries(RATED),
    st.sampled_from([100, 110, 137]),
)


@given(PRICES, st.lists(TOKENS, min_size=5, max_size=5))
def test_the_parts_of_a_row_rounded_up_once_are_its_cost(price: Price, counts: list[int]) -> None:
    input_, output, read, hour, day_half = counts
    row = usage(
        input_tokens=input_,
        output_tokens=output,
        cache_read_input_tokens=read,
        cache_write_input_tokens=hour + day_half,
        cache_write_1h_input_tokens=hour,
        cache_write_12h_input_tokens=day_half,
    )
    counted = {
        Unit.INPUT: input_,
        Unit.CACHE_READ: read,
        Unit.CACHE_WRITE_1H: hour,
        Unit.CACHE_WRITE_12H: day_half,
        Unit.OUTPUT: output,
    }
    found = cost(Billable(counted), price)
    assert isinstance(found, Priced)
    parts = used_parts(call(), row._replace(cost_micros=found.micros), price, ())
    assert {part.token_type: part.number for part in parts} == {
        str(unit): number for unit, number in counted.items() if number
    }
    assert -(-sum(part.picos for part in parts) // MILLION) == found.micros
    exact = {unit: counted[unit] * price.rates[unit].micros * price.percent for unit in counted}
    assert all(abs(part.picos * 100 - exact[Unit(part.token_type)]) < 100 for part in parts)
