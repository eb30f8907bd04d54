"""The shipped lists against the package that they are from, and what is theirs alone."""

from collections import Counter
from datetime import UTC, datetime
from itertools import islice

import pytest
from genai_prices.data import providers
from genai_prices.types import ModelInfo, ModelPrice, Provider, TieredPrices, Usage
from hypothesis import given
from hypothesis import strategies as st

from aibridge.prices.catalogue import Catalogue, Model
from aibridge.prices.cost import Billable, Priced, cost
from aibridge.prices.rates import Price, Source, Unit

AT = datetime(2026, 11, 20, tzinfo=UTC)
BY_NAME = {provider.id: provider for provider in providers}
CHECKED = ("anthropic", "openai", "google", "github-copilot", "aws")


def pairs(catalogue: Catalogue, name: str) -> list[tuple[Provider, ModelInfo, Model]]:
    provider = BY_NAME[name]
    return [
        (provider, theirs, ours)
        for theirs, ours in zip(provider.models, catalogue.lists[name].models, strict=False)
    ]


def test_the_catalogue_says_which_data_it_is_from(catalogue: Catalogue) -> None:
    assert catalogue.version.startswith("genai-prices 0.2.")


def test_a_process_can_be_handed_the_catalogue_as_bytes(catalogue: Catalogue) -> None:
    data = catalogue.encode()
    assert len(data) < 1 << 20
    assert Catalogue.decode(data) == catalogue


@pytest.mark.parametrize("name", CHECKED)
def test_costs_are_those_of_the_package(catalogue: Catalogue, name: str) -> None:
    counts = {Unit.INPUT: 123_457, Unit.CACHE_READ: 98_765, Unit.OUTPUT: 4_321}
    usage = Usage(input_tokens=123_457 + 98_765, cache_read_tokens=98_765, output_tokens=4_321)
    compared = 0
    for provider, theirs, ours in pairs(catalogue, name):
        rates = ours.offer(AT).rates
        if ours.unsupported or not counts.keys() <= rates.keys():
            continue
        exact = theirs.calc_price(usage, provider, genai_request_timestamp=AT).total_price
        found = cost(Billable(counts), Price(Source.SHIPPED, ours.id, rates))
        assert isinstance(found, Priced)
        assert 0 <= found.micros - exact * 10**6 < 1, ours.id
        compared += 1
    assert compared > 15


@pytest.mark.parametrize("name", CHECKED)
def test_variants_are_those_of_the_package(catalogue: Catalogue, name: str) -> None:
    for _, theirs, ours in pairs(catalogue, name):
        stated = [next(iter(each.when.items())) for each in theirs.price_variants or ()]
        found = [(each.key, each.value) for each in ours.variants]
        assert (ours.id, found[: len(stated)]) == (theirs.id, stated)


NAMES = st.sampled_from([model.id for provider in providers for model in provider.models])
ENDINGS = st.sampled_from(["", "-20261001", "-latest", "-v1:0", "x", "-mini"])


@given(st.sampled_from(CHECKED), NAMES, ENDINGS)
def test_a_name_means_the_model_that_it_means_to_the_package(
    catalogue: Catalogue, provider: str, name: str, ending: str
) -> None:
    theirs = BY_NAME[provider]._match_model((name + ending).lower(), all_providers=providers)
    ours = catalogue.find(provider, (name + ending).lower())
    assert (ours.model.id if ours else None) == (theirs.id if theirs else None)


def prices_of(model: ModelInfo) -> list[ModelPrice]:
    if isinstance(model.prices, ModelPrice):
        return [model.prices]
    return [each.prices for each in model.prices]


def test_every_rate_of_the_lists_is_whole_micro_dollars(catalogue: Catalogue) -> None:
    fine: Counter[str] = Counter()
    for name in catalogue.lists:
        for model in BY_NAME[name].models:
            for prices in prices_of(model):
                for key, price in vars(prices).items():
                    bases = [price.base] if isinstance(price, TieredPrices) else [price]
                    if any(base is not None and base * 10**6 % 1 for base in bases):
                        fine[f"{name} {key}"] += 1
    assert set(fine) <= {"openrouter cache_write_mtok"}  # a twelfth of a dollar, and a half of that


def test_a_rate_of_too_many_decimals_is_taken_to_the_micro_dollar(catalogue: Catalogue) -> None:
    found = catalogue.find("openrouter", "google/gemini-2.5-flash")
    assert found is not None
    assert found.model.offer(AT).rates[Unit.CACHE_WRITE].micros == 83_333  # of 0.0833333333333333


def test_no_model_of_claude_lacks_a_price_for_an_hours_writes(catalogue: Catalogue) -> None:
    for name in ("anthropic", "aws", "openrouter"):
        for model in catalogue.lists[name].models:
            for offer in model.offers:
                if "claude" in model.id and Unit.CACHE_WRITE in offer.rates:
                    hour, given_ = offer.rates[Unit.CACHE_WRITE_1H], offer.rates[Unit.INPUT]
                    assert hour.micros == 2 * given_.micros, (name, model.id)


def test_what_costs_by_the_hour_or_the_picture_is_left_without_a_price(
    catalogue: Catalogue,
) -> None:
    found = {
        name: list(islice((each.id for each in prices.models if each.unsupported), 50))
        for name, prices in catalogue.lists.items()
    }
    assert "gpt-image-1" in found["openai"]
    assert "whisper-1" in found["openai"]
    assert "deepseek-chat" in found["deepseek"]  # by the time of day
    assert found["anthropic"] == found["github-copilot"] == []
