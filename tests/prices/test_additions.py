from datetime import UTC, date, datetime

from aibridge.prices.additions import ADDED, FORMER, ULTRAFAST, completed
from aibridge.prices.catalogue import Catalogue, Clause, Model, Offer, Variant
from aibridge.prices.rates import Rate, Unit

NOW = datetime(2026, 11, 20, tzinfo=UTC)


def model(name: str, *offers: Offer, variants: tuple[Variant, ...] = ()) -> Model:
    return Model(name, ((Clause("equals", name),),), offers, variants)


def offer(micros: int, since: date | None = None) -> Offer:
    return Offer({Unit.INPUT: Rate(micros), Unit.CACHE_READ: Rate(micros)}, since)


def test_a_model_that_the_list_has_meanwhile_is_taken_from_there() -> None:
    theirs = model("gpt-6.2-sol", offer(5))
    assert completed("openai", [theirs]) == (theirs,)
    assert [each.id for each in completed("openai", [])] == ["gpt-6.2-sol"]
    assert completed("anthropic", []) == ()


def test_a_tier_that_the_list_has_meanwhile_is_taken_from_there() -> None:
    tier = Variant("service_tier", "ultrafast", {Unit.INPUT: Rate(7)})
    theirs = model("gpt-6-astra", offer(5), variants=(tier,))
    assert completed("openai", [theirs])[0] == theirs


def test_former_rates_hold_until_a_day_unless_the_list_has_some() -> None:
    (found,) = completed("anthropic", [model("claude-sonnet-5-5", offer(5))])
    before, since = datetime(2026, 10, 6, tzinfo=UTC), datetime(2026, 10, 7, tzinfo=UTC)
    assert found.offer(before).rates == {Unit.INPUT: Rate(5), Unit.CACHE_READ: Rate(200_000)}
    assert found.offer(since).rates == offer(5).rates
    theirs = model("claude-sonnet-5-5", offer(6), offer(5, date(2026, 10, 7)))
    assert completed("anthropic", [theirs]) == (theirs,)


def test_what_is_added_is_to_models_that_the_lists_have_or_lack(catalogue: Catalogue) -> None:
    for list_name, name in (*FORMER, *ULTRAFAST):
        assert catalogue.find(list_name, name) is not None
    for list_name, models in ADDED.items():
        for each in models:
            found = catalogue.find(list_name, each.id)
            assert found is not None
            assert found.model.offer(NOW).rates[Unit.INPUT] == each.offers[0].rates[Unit.INPUT]
