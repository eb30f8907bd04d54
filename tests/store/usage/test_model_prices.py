from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import Connection

from aibridge.ids import now
from aibridge.prices.custom import MAX_PRICE, CustomPrice
from aibridge.store.engine.database import Database
from aibridge.store.usage import model_prices as store
from aibridge.store.usage.model_prices import StoredPrice


@pytest.fixture
def connection(record_database: Database) -> Iterator[Connection]:
    with record_database.write() as connection:
        yield connection


@pytest.fixture
def at(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Say what time it is."""
    return lambda moment: monkeypatch.setattr(store, "now", lambda: moment)


def custom(provider: str, model: str, *amounts: int | None) -> CustomPrice:
    return CustomPrice(provider, model, *(amounts or (5, None, 0, None)))


def stored(price: CustomPrice, at: int = 5) -> StoredPrice:
    return StoredPrice(price, at)


OPUS = custom("anthropic", "claude-opus-5-5", 1, 2, 3, 4, 5, 6)
GPT = custom("openai", "gpt-6", MAX_PRICE, None, 0, None, None, 7)


def test_prices_come_back_as_they_were_set_in_the_order_of_types_and_names(
    connection: Connection,
) -> None:
    begun = now()
    assert store.list_prices(connection) == []
    other = custom("anthropic", "a")
    store.put_prices(connection, [GPT, OPUS, other])
    found = store.list_prices(connection)
    assert [one.price for one in found] == [other, OPUS, GPT]
    assert all(begun <= one.updated_at <= now() for one in found)


def test_no_prices_change_nothing(connection: Connection) -> None:
    store.put_prices(connection, [])
    assert store.list_prices(connection) == []


def test_a_price_replaces_that_of_its_model_in_every_field_and_no_other(
    connection: Connection, at: Any
) -> None:
    at(5)
    store.put_prices(connection, [OPUS, GPT])
    at(9)
    less = custom("anthropic", "claude-opus-5-5", None, None, 8, None)
    store.put_prices(connection, [less, custom("openai", "claude-opus-5-5")])
    assert store.list_prices(connection) == [
        stored(less, 9),
        stored(custom("openai", "claude-opus-5-5"), 9),
        stored(GPT, 5),
    ]


def test_the_name_of_a_model_means_the_same_in_either_case(connection: Connection, at: Any) -> None:
    at(5)
    store.put_prices(connection, [custom("openai-compat", "Our-Llama")])
    kept = stored(custom("openai-compat", "Our-Llama"))
    for name in ("our-llama", "OUR-LLAMA", " Our-Llama"):
        assert store.find_price(connection, "openai-compat", name) == kept
    again = custom("openai-compat", "our-LLAMA", 9, 9, 9, 9)
    store.put_prices(connection, [again])
    assert store.list_prices(connection) == [stored(again)]
    assert store.find_price(connection, "openai", "our-llama") is None
    assert store.find_price(connection, "openai-compat", "our") is None


def test_a_deleted_price_is_gone_and_no_other_is(connection: Connection, at: Any) -> None:
    at(5)
    store.put_prices(connection, [OPUS, replace_provider(OPUS, "openai"), GPT])
    for _ in range(2):
        store.delete_price(connection, "anthropic", "Claude-Opus-5-5")
    assert store.list_prices(connection) == [
        stored(replace_provider(OPUS, "openai")),
        stored(GPT),
    ]


def replace_provider(price: CustomPrice, provider: str) -> CustomPrice:
    return custom(provider, price.model, *price.amounts.values())


def test_a_thousand_prices_are_set_at_once(connection: Connection) -> None:
    prices = [custom("openrouter", f"vendor/model-{number:04}") for number in range(1000)]
    store.put_prices(connection, prices)
    assert [one.price for one in store.list_prices(connection)] == prices
