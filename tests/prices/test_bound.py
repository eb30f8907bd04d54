from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aibridge.dialects.facts import TokenUsage
from aibridge.prices.book import Call, PriceBook
from aibridge.prices.bound import (
    EXTRA_TOKENS,
    FILE_TOKENS,
    IMAGE_TOKENS,
    MAX_OUTPUT,
    MAX_WINDOW,
    Demand,
    Ratio,
    most_output,
    upper_bound,
)
from aibridge.prices.cost import Cost, Priced, Unpriced
from aibridge.prices.rates import Price, Rate, Source, Tier, Unit

AT = datetime(2026, 11, 20, tzinfo=UTC)
FLAT = Price(
    Source.SHIPPED,
    "openai/gpt-5",
    {
        Unit.INPUT: Rate(1_000_000),
        Unit.CACHE_WRITE_1H: Rate(2_000_000),
        Unit.OUTPUT: Rate(10_000_000),
        Unit.WEB_SEARCH: Rate(10_000_000_000),
    },
)


def micros(found: Cost) -> int:
    assert isinstance(found, Priced)
    return found.micros


def test_a_body_has_at_most_a_token_a_byte_at_the_dearest_input() -> None:
    found = upper_bound(FLAT, Demand(body_bytes=4000, max_output=100))
    assert found == Priced((4000 + EXTRA_TOKENS) * 2 + 100 * 10)


def test_a_measured_ratio_takes_the_place_of_the_strict_one() -> None:
    found = upper_bound(FLAT, Demand(4001, 100), ratio=Ratio(tokens=1, size=2))
    assert found == Priced((2001 + EXTRA_TOKENS) * 2 + 100 * 10)


def test_no_prompt_is_larger_than_the_context_window() -> None:
    assert upper_bound(FLAT, Demand(10**6, 0), window=5000) == Priced(10_000)


def test_what_is_not_in_the_body_may_fill_the_context_window() -> None:
    demand = Demand(100, 0, refers=True)
    assert upper_bound(FLAT, demand, window=5000) == Priced(10_000)
    assert upper_bound(FLAT, demand) == Priced(MAX_WINDOW * 2)


def test_several_answers_and_model_runs_and_calls_of_tools_count() -> None:
    demand = Demand(0, 100, answers=3, runs=2, calls={Unit.WEB_SEARCH: 5})
    assert upper_bound(FLAT, demand) == Priced(EXTRA_TOKENS * 2 * 2 + 100 * 10 * 3 + 50_000)


def test_images_and_files_are_more_than_their_bytes() -> None:
    tokens = EXTRA_TOKENS + 2 * IMAGE_TOKENS + FILE_TOKENS
    assert upper_bound(FLAT, Demand(0, 0, images=2, files=1)) == Priced(tokens * 2)
    assert upper_bound(FLAT, Demand(0, 0, images=2), window=5000) == Priced(10_000)


@pytest.mark.parametrize(
    ("window", "most"), [(None, MAX_WINDOW), (5_000, 5_000), (400_000, 400_000)]
)
def test_no_answer_is_longer_than_the_context_window(window: int | None, most: int) -> None:
    price = Price(Source.SHIPPED, "m", {Unit.INPUT: Rate(0), Unit.OUTPUT: Rate(1_000_000)})
    assert upper_bound(price, Demand(0, 10**12), window=window) == Priced(most)


@pytest.mark.parametrize(
    ("above", "micros"), [(4_000, 5_000 * 2), (5_000, 11_000 * 2), (6_000, 11_000 * 2)]
)
def test_a_window_is_not_believed_beyond_which_the_price_has_a_tier(
    above: int, micros: int
) -> None:
    rate = Rate(1_000_000, (Tier(above, 2_000_000),))
    price = Price(Source.SHIPPED, "m", {Unit.INPUT: rate, Unit.OUTPUT: Rate(0)})
    assert upper_bound(price, Demand(10_000, 0), window=5_000) == Priced(micros)


def test_a_tool_without_a_price_leaves_a_request_unpriced() -> None:
    found = upper_bound(FLAT, Demand(0, 0, calls={Unit.FILE_SEARCH: 1}))
    assert found == Unpriced(("file_search",), EXTRA_TOKENS * 2)


@pytest.mark.parametrize(
    ("model", "window", "most"),
    [
        ("openai/gpt-5", 400_000, 128_000),
        ("openai/gpt-5-pro", 400_000, 272_000),
        ("openai/gpt-6.1-sol", None, 128_000),
        ("openai/gpt-4o", 128_000, 16_384),
        ("google/gemini-9", 50_000, 50_000),
        ("google/gemini-9", 1_000_000, MAX_OUTPUT),
        ("google/gemini-9", None, MAX_OUTPUT),
    ],
)
def test_without_a_maximum_of_the_request_that_of_the_model_counts(
    model: str, window: int | None, most: int
) -> None:
    price = Price(Source.SHIPPED, model, FLAT.rates)
    assert most_output(price, window) == most


@given(body=st.integers(0, 100), output=st.integers(0, 100))
def test_the_highest_tier_that_may_be_reached_counts(body: int, output: int) -> None:
    tiered = Rate(1_000_000, (Tier(EXTRA_TOKENS + 50, 5_000_000),))
    price = Price(Source.SHIPPED, "m", {Unit.INPUT: tiered, Unit.OUTPUT: tiered})
    rate = 5 if body > 50 else 1
    found = upper_bound(price, Demand(body, output))
    assert found == Priced((body + EXTRA_TOKENS + output) * rate)


MODELS = [
    ("anthropic", "claude-opus-5-5"),
    ("anthropic", "claude-haiku-5-5"),
    ("anthropic", "claude-sonnet-4-5"),
    ("openai", "gpt-6.1-terra"),
    ("openai", "gpt-5"),
    ("google", "gemini-2.5-pro"),
]


@given(st.data(), st.sampled_from(MODELS), st.sampled_from(["", "us"]))
def test_no_answer_costs_more_than_the_bound(
    book: PriceBook, data: st.DataObject, named: tuple[str, str], geography: str
) -> None:
    provider, model = named
    price = book.find(Call(provider, (model,), AT, geography=geography))
    assert isinstance(price, Price)
    body, most = data.draw(st.integers(0, 400_000)), data.draw(st.integers(0, 100_000))
    left, parts = body + EXTRA_TOKENS, []
    for _ in range(3):
        parts.append(data.draw(st.integers(0, left)))
        left -= parts[-1]
    given_, read, written = parts
    usage = TokenUsage(
        input=given_,
        output=data.draw(st.integers(0, most)),
        cache_read=read,
        cache_write=written if Unit.CACHE_WRITE in price.rates else 0,
        cache_write_1h=written if Unit.CACHE_WRITE_1H in price.rates else 0,
        cache_write_12h=written if Unit.CACHE_WRITE_12H in price.rates else 0,
    )
    rated = book.rate(usage, provider=provider, model=model, at=AT, geography=geography)
    assert micros(rated.cost) <= micros(upper_bound(price, Demand(body, most)))
