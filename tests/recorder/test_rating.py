"""Rating calls: each model run of an answer costs what the price of its day says."""

from datetime import UTC, date, datetime

import pytest

from aibridge.dialects.facts import TokenUsage, ToolCall
from aibridge.prices.book import PriceBook
from aibridge.prices.catalogue import Catalogue, Clause, Model, Offer, PriceList
from aibridge.prices.custom import CustomPrice
from aibridge.prices.rates import Price, Rate, Unit
from aibridge.recorder import rating
from aibridge.recorder.rating import Rater
from aibridge.recorder.records import UsageCost
from tests.recorder.facts import end, facts, start

RISE = date(2026, 11, 30)


def model(name: str, *offers: Offer) -> Model:
    return Model(name, ((Clause("equals", name),),), offers)


CATALOGUE = Catalogue(
    "made up",
    {
        "anthropic": PriceList(
            (
                model("m-1", Offer({Unit.INPUT: Rate(3_000_000), Unit.OUTPUT: Rate(15_000_000)})),
                model("m-2", Offer({Unit.INPUT: Rate(1_000_000)})),
                model(
                    "m-3",
                    Offer({Unit.INPUT: Rate(1_000_000)}),
                    Offer({Unit.INPUT: Rate(2_000_000)}, RISE),
                ),
                model(
                    "m-4",
                    Offer({Unit.INPUT: Rate(1_000_000), Unit.WEB_SEARCH: Rate(10_000_000_000)}),
                ),
            )
        )
    },
)


def costs(model: str, *usages: TokenUsage, at: int = 0, tools: int = 0) -> list[tuple[int, str]]:
    """Return what usages cost, and what of them has no price."""
    calls = [ToolCall("web_search_call", metadata={"hosted": True})] * tools
    over = end(facts=facts(usages=list(usages), tool_calls=calls))
    found = Rater(PriceBook(CATALOGUE)).costs(start(model=model, started_at=at), over)
    return [(each.micros, each.unpriced) for each in found]


def test_a_usage_costs_what_its_tokens_cost() -> None:
    assert costs("m-1", TokenUsage(input=10, output=2)) == [(60, "")]


def test_each_model_run_has_the_price_of_its_own_model() -> None:
    own, advisor = TokenUsage(10), TokenUsage(10, metadata={"provider_model": "m-2"})
    assert costs("m-1", own, advisor) == [(30, ""), (10, "")]


def test_what_has_no_price_is_named_and_the_rest_is_the_least_that_it_costs() -> None:
    assert costs("m-2", TokenUsage(input=10, output=2)) == [(10, "output")]
    assert costs("unheard-of", TokenUsage(input=10)) == [(0, "model unheard-of")]


def test_an_answer_of_a_model_without_a_price_costs_at_least_what_was_asked_for() -> None:
    used = TokenUsage(input=10, output=2, metadata={"provider_model": "unheard-of"})
    assert costs("m-1", used) == [(60, "model unheard-of")]
    assert costs("m-2", used) == [(10, "model unheard-of, output")]
    assert costs("also-unheard-of", used) == [(0, "model unheard-of")]


def test_a_run_of_a_model_of_its_own_does_not_cost_what_was_asked_for() -> None:
    metadata = {"provider_model": "unheard-of", "type": "advisor_message"}
    used = TokenUsage(input=10, metadata=metadata)
    assert costs("m-1", used) == [(0, "model unheard-of")]


def test_what_is_unpriced_is_told_within_bounds() -> None:
    ((micros, unpriced),) = costs("x" * 1000, TokenUsage(input=10))
    assert (micros, len(unpriced)) == (0, rating.MAX_UNPRICED)


@pytest.mark.parametrize(("hour", "micros"), [(-1, 10), (0, 20), (23, 20)])
def test_a_call_has_the_price_of_the_day_on_which_it_began(hour: int, micros: int) -> None:
    midnight = int(datetime(2026, 11, 30, tzinfo=UTC).timestamp())
    at = (midnight + hour * 3600) * 1_000_000
    assert costs("m-3", TokenUsage(input=10), at=at) == [(micros, "")]


def test_tools_that_a_provider_runs_are_charged_once() -> None:
    used = TokenUsage(input=10)
    assert costs("m-4", used, used, tools=2) == [(20_010, ""), (10, "")]


def test_a_cost_comes_with_the_price_that_it_can_be_worked_out_from() -> None:
    rater = Rater(PriceBook(CATALOGUE))
    over = end(facts=facts(usages=[TokenUsage(input=10, output=2)]))
    first, second = rater.costs(start(), over), rater.costs(start(), over)
    assert first == second
    price = Price.decode(first[0].price.encode())
    assert (price.model, price.version) == ("anthropic/m-1", "made up")
    assert price.rates[Unit.OUTPUT] == Rate(15_000_000)


def test_a_custom_price_wins() -> None:
    custom = CustomPrice("anthropic", "m-1", 1_000_000, 0, 0, 0)
    over = end(facts=facts(usages=[TokenUsage(input=10, output=2)]))
    (found,) = Rater(PriceBook(CATALOGUE, [custom])).costs(start(), over)
    assert (found.micros, found.unpriced) == (10, "")


def test_any_number_of_models_is_rated_in_bounded_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rating, "MAX_REMEMBERED", 3)
    rater = Rater(PriceBook(CATALOGUE))
    over = end(facts=facts(usages=[TokenUsage(input=10)]))
    for number in range(10):
        assert rater.costs(start(model=f"made-up-{number}"), over)[0].unpriced
        assert len(rater._found) <= 3
    assert rater.costs(start(), over) == (UsageCost(30, "", rater.costs(start(), over)[0].price),)
