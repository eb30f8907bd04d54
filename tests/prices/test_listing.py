from datetime import UTC, date, datetime

import pytest

from aibridge.prices.book import Call, PriceBook
from aibridge.prices.catalogue import Catalogue, Clause, Model, Offer, PriceList, Variant
from aibridge.prices.listing import shipped_prices
from aibridge.prices.rates import Price, Rate, Tier, Unit
from aibridge.providers.types import TYPES

AT = datetime(2026, 11, 20, tzinfo=UTC)


def test_every_price_that_is_listed_is_that_of_an_ordinary_call_by_this_name(
    book: PriceBook, catalogue: Catalogue
) -> None:
    listed = list(shipped_prices(catalogue, TYPES, AT))
    assert len(listed) > 1000
    for provider, model, price in listed:
        assert book.find(Call(provider, (model,), AT)) == price, (provider, model)


def test_each_model_of_a_provider_type_is_listed_once(catalogue: Catalogue) -> None:
    names = [(one.provider, one.model.lower()) for one in shipped_prices(catalogue, TYPES, AT)]
    assert len({*names}) == len(names)


@pytest.mark.parametrize("provider", [*TYPES])
def test_every_type_of_provider_but_any_host_has_prices(
    catalogue: Catalogue, provider: str
) -> None:
    listed = list(shipped_prices(catalogue, [provider], AT))
    assert {one.provider for one in listed} == {provider} - {"openai-compat"}


def model(name: str, *micros: int, **more) -> Model:
    """A model, and what its input costs at each of its offers: the second from 2027 on."""
    days = (None, date(2027, 1, 1))
    offers = [Offer({Unit.INPUT: Rate(one)}, day) for one, day in zip(micros, days, strict=False)]
    return Model(name, ((Clause("equals", name),),), tuple(offers), **more)


def shown(catalogue: Catalogue, provider: str, at: datetime = AT) -> dict[str, int]:
    """The micro-dollars of each model's input as they are listed."""
    listed = shipped_prices(catalogue, [provider], at)
    return {one.model: one.price.rates[Unit.INPUT].micros for one in listed}


def lists(**found: PriceList) -> Catalogue:
    return Catalogue("test", {name.replace("_", "-"): one for name, one in found.items()})


def test_models_are_listed_at_the_price_of_the_day() -> None:
    catalogue = lists(anthropic=PriceList((model("a", 5, 9),)))
    assert shown(catalogue, "anthropic") == {"a": 5}
    assert shown(catalogue, "anthropic", datetime(2027, 1, 1, tzinfo=UTC)) == {"a": 9}


def test_tiers_and_variants_are_not_shown_but_the_rate_of_short_ordinary_calls() -> None:
    tiered = Offer({Unit.INPUT: Rate(5, (Tier(1000, 10),))})
    batch = Variant("processing", "batch", {Unit.INPUT: Rate(2)})
    one = Model("a", ((Clause("equals", "a"),),), (tiered,), (batch,))
    assert shown(lists(anthropic=PriceList((one,))), "anthropic") == {"a": 5}


def test_another_vendors_list_stands_in_for_what_a_list_lacks() -> None:
    own = Model("gpt", ((Clause("starts", "gpt-4"),),), (Offer({Unit.INPUT: Rate(1)}),))
    catalogue = lists(
        azure=PriceList((model("own", 5), own), ("openai", "gone")),
        openai=PriceList((model("own", 6), model("gpt-4-mini", 7), model("other", 8))),
    )
    assert shown(catalogue, "azure") == {"own": 5, "other": 8}


def test_a_reseller_has_the_models_of_all_vendors_with_their_names() -> None:
    vendors = ("anthropic", "deepseek", "google", "mistral", "moonshotai", "openai", "x_ai")
    catalogue = lists(**{name: PriceList((model("m", 5),)) for name in vendors})
    names = {f"{name}/m" for name in vendors} - {"x_ai/m"} | {"xai/m"}
    assert shown(catalogue, "vercel") == dict.fromkeys(names, 5)


def test_what_has_no_price_is_left_out() -> None:
    pictures = model("pictures", 5, unsupported=("pictures",))
    nameless = Model("ft:a", ((Clause("starts", "ft:a:"),),), (Offer({Unit.INPUT: Rate(5)}),))
    free_of_rates = Model("c", ((Clause("equals", "c"),),), (Offer({}),))
    catalogue = lists(anthropic=PriceList((pictures, nameless, free_of_rates, model("d", 0))))
    assert shown(catalogue, "anthropic") == {"d": 0}


def test_a_catalogue_without_lists_has_nothing_to_list() -> None:
    assert list(shipped_prices(Catalogue("none", {}), TYPES, AT)) == []


def test_the_parts_of_a_price_are_those_of_its_list(catalogue: Catalogue) -> None:
    (found,) = (
        one.price
        for one in shipped_prices(catalogue, ["anthropic"], AT)
        if one.model == "claude-opus-5-5"
    )
    assert isinstance(found, Price)
    assert {unit.value for unit in found.rates} >= {"input", "output", "cache_read", "cache_write"}
    assert found.rate(Unit.CACHE_WRITE_1H) == found.rates[Unit.INPUT].times(2)
