from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aibridge.dialects.facts import TokenUsage
from aibridge.prices.book import Call, PriceBook
from aibridge.prices.catalogue import Catalogue, Clause, Model, Offer, PriceList
from aibridge.prices.cost import Priced, Unpriced
from aibridge.prices.custom import CustomPrice
from aibridge.prices.names import listed
from aibridge.prices.rates import Price, Rate, Unit
from aibridge.prices.supplements import geography_of
from aibridge.providers.types import TYPES

AT = datetime(2026, 11, 20, tzinfo=UTC)


def offer(micros: int, since: date | None = None) -> Offer:
    return Offer({Unit.INPUT: Rate(micros * 1_000_000)}, since)


def of_models(*models: Model) -> PriceBook:
    return PriceBook(Catalogue("test", {"anthropic": PriceList(models)}))


def model(name: str, *offers: Offer, how: str = "equals") -> Model:
    return Model(name, ((Clause(how, name),),), offers)


def cost_of(book: PriceBook, name: str, at: datetime = AT) -> object:
    return book.rate(TokenUsage(input=1), provider="anthropic", model=name, at=at).cost


@pytest.mark.parametrize(
    ("at", "micros"),
    [
        (datetime(2025, 1, 1, tzinfo=UTC), 1),
        (datetime(2026, 5, 31, 23, 59, 59, tzinfo=UTC), 1),
        (datetime(2026, 6, 1, tzinfo=UTC), 2),
        (datetime(2026, 6, 1, 1, tzinfo=timezone(timedelta(hours=2))), 1),
        (datetime(2026, 7, 1, tzinfo=UTC), 3),
    ],
)
def test_the_price_is_that_of_the_day_of_the_call_in_utc(at: datetime, micros: int) -> None:
    offers = offer(1), offer(2, date(2026, 6, 1)), offer(3, date(2026, 7, 1))
    assert cost_of(of_models(model("m", *offers)), "m", at) == Priced(micros)


def test_a_dated_name_is_listed_by_itself_or_means_the_model_without_it() -> None:
    book = of_models(model("m", offer(1)), model("m-20260101", offer(2)))
    assert cost_of(book, "m-20260101") == Priced(2)
    assert cost_of(book, "m-20260202") == Priced(1)
    assert cost_of(book, "m-2026-02-02") == Priced(1)
    assert cost_of(book, "m-latest") == Priced(1)
    assert cost_of(book, "m-2") == Unpriced(("model m-2",))


@pytest.mark.parametrize(
    ("answered", "asked", "cost"),
    [
        ("m", "m", Priced(1)),  # listed
        ("own", "own", Priced(7)),
        ("new", "new", Priced(9)),  # neither
        ("", "new", Priced(9)),
        ("new", "m", Unpriced(("model new",), 1)),  # the model that was asked for comes first
    ],
)
def test_what_has_no_price_has_the_default_one(answered: str, asked: str, cost: object) -> None:
    custom = [CustomPrice("anthropic", name, *[each] * 4) for name, each in OWN.items()]
    listed = PriceList((model("m", offer(1)),))
    book = PriceBook(Catalogue("test", {"anthropic": listed}), custom)
    usage = TokenUsage(input=1, metadata={"provider_model": answered})
    assert book.rate(usage, provider="anthropic", model=asked, at=AT).cost == cost
    other = book.rate(usage, provider="openai", model="new", at=AT).cost
    assert isinstance(other, Unpriced)


OWN = {"own": 7_000_000, "*": 9_000_000}


def test_the_first_model_of_the_list_that_a_name_means_counts() -> None:
    book = of_models(model("m", offer(1), how="starts"), model("m-2", offer(2)))
    assert cost_of(book, "m-2") == Priced(1)


def test_a_condition_of_a_kind_yet_unknown_never_holds() -> None:
    assert cost_of(of_models(model("m", offer(1), how="sounds like")), "m") == Unpriced(
        ("model m",)
    )


def test_a_price_book_remembers_a_bounded_number_of_names() -> None:
    book = of_models(model("m", offer(1)))
    for number in range(5000):
        cost_of(book, f"m-{number}")
    assert len(book._found) <= 4096
    assert cost_of(book, "m") == Priced(1)


def test_an_answer_that_broke_off_costs_what_was_estimated_and_is_not_free(book: PriceBook) -> None:
    metadata = {"partial": True, "estimated": ["output"], "service_tier": "auto"}
    usage = TokenUsage(input=10_000, output=1_000, is_estimate=True, metadata=metadata)
    rated = book.rate(usage, provider="openai", model="gpt-5", at=AT)
    assert rated.cost == Priced(22_500)


@pytest.mark.parametrize("name", sorted(TYPES))
def test_every_type_of_provider_has_a_list_or_is_said_to_have_none(name: str) -> None:
    places = list(listed(name, "openai/gpt-5"))
    assert bool(places) is (name != "openai-compat")


@pytest.mark.parametrize(
    ("provider", "name", "place"),
    [
        ("openai", "gpt-5", ("openai", "gpt-5")),
        ("openai", "openai/gpt-5", ("openai", "gpt-5")),
        ("openai", "someone/gpt-5", ("openai", "someone/gpt-5")),
        ("vercel", "xai/grok-4.5", ("x-ai", "grok-4.5")),
        ("openrouter", "openai/gpt-5", ("openrouter", "openai/gpt-5")),
        ("bedrock", "eu.anthropic.claude-opus-5", ("aws", "eu.anthropic.claude-opus-5")),
        ("anthropic", "anthropic.claude-opus-5", ("aws", "anthropic.claude-opus-5")),
        ("anthropic", "bedrock/us.anthropic.claude-x", ("aws", "us.anthropic.claude-x")),
        ("google", "models/gemini-3", ("google", "gemini-3")),
        ("copilot", "GPT-5-Mini", ("github-copilot", "gpt-5-mini")),
    ],
)
def test_names_as_gateways_send_them(provider: str, name: str, place: tuple[str, str]) -> None:
    assert next(listed(provider, name)) == place


@pytest.mark.parametrize(
    ("base_url", "geography"),
    [
        ("https://eu.api.openai.com/v1", "eu"),
        ("https://us.api.openai.com", "us"),
        ("https://api.openai.com/v1", ""),
        ("https://eu.api.openai.com.example.com/v1", ""),
        ("https://api.anthropic.com", ""),
    ],
)
def test_the_address_of_openai_tells_the_region(base_url: str, geography: str) -> None:
    assert geography_of(base_url) == geography


def test_the_context_window_of_a_model_is_known_where_the_list_has_it(book: PriceBook) -> None:
    assert book.context_window("anthropic", "claude-opus-5-5") == 1_000_000
    assert book.context_window("anthropic", "claude-sage-9") is None


def test_a_price_says_what_it_is_and_fits_into_a_row(book: PriceBook) -> None:
    call = Call("openai", ("gpt-6.1-terra",), AT, service_tier="flex", geography="eu")
    price = book.find(call)
    assert isinstance(price, Price)
    assert (price.model, price.condition, price.percent) == ("openai/gpt-6.1-terra", "flex", 110)
    assert price.version.startswith("genai-prices ")
    assert len(price.encode()) < 512


SAID: st.SearchStrategy[Any] = st.sampled_from(
    [None, "", "x", "us", "fast", "flex", "batch", "advisor_message", "gpt-5", 5, [], {}, ["fast"]]
)
NAMES = ["provider_model", "type", "service_tier", "speed", "inference_geo", "usage"]


@given(
    st.fixed_dictionaries({}, optional=dict.fromkeys(NAMES, SAID)),
    st.sampled_from([*TYPES, "gone"]),
    st.sampled_from(["", "gpt-5", "claude-opus-5", "/", "-latest", "x" * 1000, "[1m]", "models/"]),
)
def test_whatever_a_row_says_it_is_rated_or_unpriced(
    book: PriceBook, metadata: dict[str, Any], provider: str, name: str
) -> None:
    usage = TokenUsage(input=10, output=5, metadata=metadata)
    rated = book.rate(usage, provider=provider, model=name, at=AT)
    if isinstance(rated.cost, Priced):
        assert rated.cost.micros > 0
        assert rated.price is not None
    else:
        assert rated.cost.parts
