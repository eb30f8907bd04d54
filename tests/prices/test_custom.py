from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aibridge.dialects.facts import TokenUsage
from aibridge.prices.book import Call, PriceBook
from aibridge.prices.catalogue import Catalogue
from aibridge.prices.cost import Priced, Unpriced
from aibridge.prices.custom import MAX_PRICE, CustomPrice, CustomPriceError, check
from aibridge.prices.rates import Price, Source, Unit

AT = datetime(2026, 11, 20, tzinfo=UTC)
TYPES = ("anthropic", "openai", "openai-compat")


def custom(provider: str = "anthropic", model: str = "claude-opus-5-5", **more: Any) -> CustomPrice:
    given: dict[str, int | None] = {
        "input_price": 1_000_000,
        "output_price": 2_000_000,
        "cache_read_price": 100_000,
        "cache_write_price": 3_000_000,
    }
    return CustomPrice(provider, model, **{**given, **more})


def cost_of(book: PriceBook, usage: TokenUsage, model: str, provider: str = "anthropic") -> object:
    return book.rate(usage, provider=provider, model=model, at=AT).cost


def test_a_custom_price_wins_over_the_shipped_one(catalogue: Catalogue) -> None:
    book = PriceBook(catalogue, [custom()])
    usage = TokenUsage(input=10, output=10, cache_read=10, cache_write=10)
    rated = book.rate(usage, provider="anthropic", model="claude-opus-5-5", at=AT)
    assert rated.cost == Priced(10 + 20 + 1 + 30)
    assert rated.price is not None
    assert (rated.price.source, rated.price.model) == (Source.CUSTOM, "anthropic/claude-opus-5-5")


@pytest.mark.parametrize(
    ("provider", "model"),
    [
        ("openai", "claude-opus-5-5"),
        ("anthropic", "claude-opus-5"),
        ("anthropic", "claude-opus-5-5-mini"),
    ],
)
def test_a_custom_price_is_for_its_provider_type_and_model_only(
    catalogue: Catalogue, provider: str, model: str
) -> None:
    book = PriceBook(catalogue, [custom()])
    found = book.find(Call(provider, (model,), AT))
    assert isinstance(found, Unpriced) or found.source is Source.SHIPPED


def test_a_custom_price_is_for_dated_names_too_unless_they_have_their_own(
    catalogue: Catalogue,
) -> None:
    dated = custom(model="claude-opus-5-5-20261007", input_price=7_000_000)
    usage = TokenUsage(input=10)
    assert cost_of(PriceBook(catalogue, [custom()]), usage, dated.model) == Priced(10)
    assert cost_of(PriceBook(catalogue, [custom(), dated]), usage, dated.model) == Priced(70)


def test_a_custom_price_is_found_by_the_model_asked_for(catalogue: Catalogue) -> None:
    book = PriceBook(catalogue, [custom("openai-compat", "our-llama")])
    usage = TokenUsage(input=10, metadata={"provider_model": "meta/llama-9"})
    assert cost_of(book, usage, "our-llama", "openai-compat") == Priced(10)


def test_an_advisor_has_its_own_price_and_not_that_of_the_model_asked_for(
    catalogue: Catalogue,
) -> None:
    book = PriceBook(catalogue, [custom()])
    run = {"type": "advisor_message", "provider_model": "claude-sage-9"}
    found = cost_of(book, TokenUsage(input=10, metadata=run), "claude-opus-5-5")
    assert found == Unpriced(("model claude-sage-9",))


def test_a_custom_price_is_flat(catalogue: Catalogue) -> None:
    book = PriceBook(catalogue, [custom()])
    usage = TokenUsage(
        input=1_000_000,
        metadata={"service_tier": "priority", "speed": "fast", "inference_geo": "us"},
    )
    assert cost_of(book, usage, "claude-opus-5-5") == Priced(1_000_000)


def test_the_write_price_is_for_every_lifetime_without_its_own(catalogue: Catalogue) -> None:
    usage = TokenUsage(cache_write=20, cache_write_1h=10, cache_write_12h=10)
    book = PriceBook(catalogue, [custom()])
    assert cost_of(book, usage, "claude-opus-5-5") == Priced(60)
    book = PriceBook(catalogue, [custom(cache_write_1h_price=5_000_000)])
    assert cost_of(book, usage, "claude-opus-5-5") == Priced(80)


def test_a_price_that_is_null_is_unknown_and_one_of_zero_is_free(catalogue: Catalogue) -> None:
    usage = TokenUsage(input=10, cache_read=10)
    book = PriceBook(catalogue, [custom(cache_read_price=None)])
    assert cost_of(book, usage, "claude-opus-5-5") == Unpriced(("cache_read",), 10)
    book = PriceBook(catalogue, [custom(cache_read_price=0)])
    assert cost_of(book, usage, "claude-opus-5-5") == Priced(10)


def test_calls_of_tools_keep_their_shipped_price(catalogue: Catalogue) -> None:
    searched = {"server_tool_use": {"web_search_requests": 2}}
    usage = TokenUsage(input=10, metadata=searched)
    book = PriceBook(catalogue, [custom(), custom("openai-compat", "m")])
    assert cost_of(book, usage, "claude-opus-5-5") == Priced(20_010)
    assert cost_of(book, usage, "m", "openai-compat") == Unpriced(("web_search",), 10)


TOKENS = st.integers(0, 10**6)


@given(
    st.sampled_from(["claude-opus-5-5", "claude-fable-5-2", "claude-opus-4-8", "claude-3-haiku"]),
    st.builds(
        TokenUsage,
        input=TOKENS,
        output=TOKENS,
        cache_read=TOKENS,
        cache_write=st.just(2 * 10**6),
        cache_write_5m=TOKENS,
        cache_write_1h=TOKENS,
    ),
)
def test_a_custom_price_equal_to_the_shipped_one_gives_the_same_cost(
    book: PriceBook, catalogue: Catalogue, model: str, usage: TokenUsage
) -> None:
    shipped = book.find(Call("anthropic", (model,), AT))
    assert isinstance(shipped, Price)
    rates = {unit: rate.micros for unit, rate in shipped.rates.items()}
    equal = custom(
        model=model,
        input_price=rates[Unit.INPUT],
        output_price=rates[Unit.OUTPUT],
        cache_read_price=rates[Unit.CACHE_READ],
        cache_write_price=rates[Unit.CACHE_WRITE],
        cache_write_1h_price=rates[Unit.CACHE_WRITE_1H],
    )
    assert cost_of(PriceBook(catalogue, [equal]), usage, model) == cost_of(book, usage, model)


def test_the_example_of_the_documentation_can_be_taken() -> None:
    page = (Path(__file__).parents[2] / "docs" / "prices.md").read_text()
    example = page.partition("```json")[2].partition("```")[0]
    check([msgspec.json.decode(example, type=CustomPrice)], TYPES)
    for name in CustomPrice.__struct_fields__:
        assert f"`{name}`" in page


def test_prices_that_can_be_taken() -> None:
    check([custom(), custom("openai"), custom("openai-compat", "m", input_price=None)], TYPES)
    check([custom(input_price=0), custom(model="b", output_price=MAX_PRICE)], TYPES)


NOTHING: dict[str, Any] = dict.fromkeys(
    ("input_price", "output_price", "cache_read_price", "cache_write_price")
)


@pytest.mark.parametrize(
    ("prices", "index", "field"),
    [
        ([], None, "prices"),
        ([custom(), custom("bedrok")], 1, "provider"),
        ([custom(model=" ")], 0, "model"),
        ([custom(**NOTHING)], 0, "input_price"),
        ([custom(output_price=-1)], 0, "output_price"),
        ([custom(cache_write_12h_price=MAX_PRICE + 1)], 0, "cache_write_12h_price"),
        ([custom(), custom(input_price=5)], 1, "model"),
        ([custom(), custom(model=" Claude-Opus-5-5")], 1, "model"),
    ],
)
def test_prices_that_cannot_be_taken_are_refused_all_together(
    prices: list[CustomPrice], index: int | None, field: str
) -> None:
    with pytest.raises(CustomPriceError) as refused:
        check(prices, TYPES)
    assert (refused.value.index, refused.value.field) == (index, field)


BODY = {
    "provider": "openai",
    "model": "m",
    "input_price": 3_000_000,
    "output_price": None,
    "cache_read_price": None,
    "cache_write_price": None,
}


def test_the_four_prices_must_be_there() -> None:
    assert msgspec.convert(BODY, CustomPrice).amounts == {"input_price": 3_000_000}
    for name in BODY:
        with pytest.raises(msgspec.ValidationError):
            msgspec.convert({key: BODY[key] for key in BODY if key != name}, CustomPrice)


@pytest.mark.parametrize("amount", [1.5, "3", True])
def test_prices_are_whole_micro_dollars(amount: object) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({**BODY, "input_price": amount}, CustomPrice)
