import json
from collections.abc import Iterator
from typing import Any

import pytest

from aibridge.budgets.model_prices import WrongPriceError, delete_price, set_prices
from aibridge.errors import UnknownError
from aibridge.identity.audit import Act
from aibridge.prices.custom import CustomPrice
from aibridge.store.people.users import Connection
from aibridge.store.usage import model_prices as store
from tests.databases import Databases
from tests.people import acting, entries, new_user


@pytest.fixture
def act(databases: Databases) -> Iterator[Act]:
    with databases.open() as database, database.write() as connection:
        yield acting(connection, new_user(connection, "ana"))


def custom(provider: str, model: str, *amounts: int | None) -> CustomPrice:
    return CustomPrice(provider, model, *(amounts or (5_000_000, None, 0, None)))


OPUS, GPT = custom("anthropic", "opus"), custom("openai", "GPT-6")


def kept(connection: Connection) -> list[CustomPrice]:
    return [one.price for one in store.list_prices(connection)]


def log(act: Act, since: int = 0) -> list[tuple[str, str, dict[str, Any]]]:
    """What was done to which price, and what each field was and became."""
    return [
        (
            entry.action,
            entry.resource_target,
            {key: (one["old"], one["new"]) for key, one in json.loads(entry.diff).items()},
        )
        for entry in entries(act.connection)
        if entry.resource_type == "ai_model_price"
    ][since:]


def test_each_price_that_is_set_is_kept_and_has_an_entry(act: Act) -> None:
    set_prices(act, [OPUS, GPT])
    assert kept(act.connection) == [OPUS, GPT]
    new = {"input_price": (None, "$5.00"), "cache_read_price": (None, "$0.00")}
    assert log(act) == [
        ("create", "anthropic/opus", {"model": (None, "opus"), **new}),
        ("create", "openai/GPT-6", {"model": (None, "GPT-6"), **new}),
    ]
    assert {entry.resource_key for entry in entries(act.connection)} >= {"openai/gpt-6"}


def test_one_that_cannot_be_taken_leaves_all_as_they_were(act: Act) -> None:
    with pytest.raises(WrongPriceError) as refused:
        set_prices(act, [OPUS, custom("openai", "m", -1, 0, 0, 0), GPT])
    assert refused.value.field == "prices.1.input_price"
    with pytest.raises(WrongPriceError) as refused:
        set_prices(act, [])
    assert refused.value.field == "prices"
    assert (kept(act.connection), log(act)) == ([], [])


def test_only_what_changes_is_written_and_has_an_entry(
    act: Act, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "now", lambda: 5)
    set_prices(act, [OPUS, GPT])
    monkeypatch.setattr(store, "now", lambda: 9)
    renamed = custom("openai", "gpt-6", 5_000_000, 1, None, None)
    set_prices(act, [OPUS, renamed])
    assert store.list_prices(act.connection) == [
        store.StoredPrice(OPUS, 5),
        store.StoredPrice(renamed, 9),
    ]
    changed = {
        "model": ("GPT-6", "gpt-6"),
        "cache_read_price": ("$0.00", None),
        "output_price": (None, "$0.000001"),
    }
    assert log(act, since=2) == [("write", "openai/gpt-6", changed)]


def test_a_price_is_deleted_with_an_entry_and_cannot_be_twice(act: Act) -> None:
    set_prices(act, [OPUS, GPT])
    delete_price(act, "openai", "gpt-6")
    assert kept(act.connection) == [OPUS]
    old = {"model": ("GPT-6", None), "input_price": ("$5.00", None)}
    assert log(act, since=2) == [
        ("delete", "openai/GPT-6", {**old, "cache_read_price": ("$0.00", None)})
    ]
    with pytest.raises(UnknownError):
        delete_price(act, "openai", "gpt-6")
    assert len(log(act)) == 3
