"""Rating calls as they are written, by the shipped prices and those that the operator has set."""

import json
from pathlib import Path
from typing import Any

import pytest

from aibridge.budgets import price_book
from aibridge.journal.contents import How
from aibridge.keeper.prices import Prices
from aibridge.prices.custom import CustomPrice
from aibridge.recorder.rating import Rater
from aibridge.store.engine.database import Database
from aibridge.store.usage import model_prices
from tests.dialects.conftest import said
from tests.gateway import samples
from tests.keeper.journals import CATALOGUE, Gateway, keep
from tests.reading.journaled import ROUTES
from tests.recorder.facts import end, facts, start


def test_a_call_is_written_with_what_it_costs(
    gateway: Gateway, root: Path, database: Database, rows: Any
) -> None:
    gateway.call()
    gateway.call()
    keep(root, database)
    used = rows("token_usages")
    assert [(row["cost_micros"], row["unpriced"]) for row in used] == [(33, "")] * 2
    (price,) = rows("prices")
    assert {row["price_id"] for row in used} == {price["id"]}
    assert '"model":"anthropic/m-1"' in price["price"]
    (day,) = rows("daily_usage")
    assert (day["interceptions"], day["cost_micros"], day["unpriced"]) == (2, 66, 0)
    assert (day["input_tokens"], day["output_tokens"]) == (2, 4)


def test_a_call_that_cannot_be_rated_is_written_all_the_same(
    gateway: Gateway, root: Path, database: Database, rows: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise ArithmeticError

    monkeypatch.setattr(Rater, "costs", fail)
    gateway.call()
    keep(root, database)
    (row,) = rows("token_usages")
    assert (row["cost_micros"], row["price_id"], row["unpriced"]) == (0, None, "not rated")
    (day,) = rows("daily_usage")
    assert (day["interceptions"], day["unpriced"]) == (1, 1)


def test_a_price_that_the_operator_sets_holds_from_the_next_look_on(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    prices, over = Prices(database, CATALOGUE, {}), end(facts=facts(response_id="r"))

    def cost() -> tuple[int, str]:
        (found,) = prices.costs(start(), over)
        return found.micros, found.unpriced

    over.facts.usages[0].cache_read = over.facts.usages[0].cache_write = 0
    assert cost() == (33, "")
    with database.write() as connection:
        model_prices.put_prices(connection, [CustomPrice("anthropic", "m-1", 1_000_000, 0, 0, 0)])
    assert cost() == (33, "")
    monkeypatch.setattr(price_book, "LOOK_SECONDS", 0.0)
    prices._prices._look_at = 0.0
    assert cost() == (1, "")
    with database.write() as connection:
        model_prices.delete_price(connection, "anthropic", "M-1")
    assert cost() == (33, "")


@pytest.mark.parametrize("dialect", ["messages", "chat", "responses"])
def test_an_answer_that_broke_off_costs_what_is_estimated_and_is_marked(
    gateway: Gateway, root: Path, database: Database, rows: Any, dialect: str
) -> None:
    came = samples.event({**said(dialect, "word" * 10), "model": "m-1"}) * 10
    body = json.dumps({"model": "m-1", "stream": True, "input": "x" * 350}).encode()
    call = gateway.begin(body=body, dialect=dialect, route=ROUTES[dialect])
    gateway.end(call, came, how=How.FAILED)
    waiting = gateway.begin(body=body, dialect=dialect, route=ROUTES[dialect])
    gateway.end(waiting, b"", how=How.LEFT, http_status=None)
    keep(root, database)
    (used,) = rows("token_usages")
    assert (used["input_tokens"], used["output_tokens"]) == (len(body) // 4, 100)
    assert (used["cost_micros"], used["unpriced"]) == (len(body) // 4 * 3 + 100 * 15, "")
    estimated = {"input_tokens": len(body) // 4, "output_tokens": 100}
    assert json.loads(used["metadata"])["estimated"] == estimated
    days = rows("daily_usage")
    assert sum(day["cost_micros"] for day in days) == used["cost_micros"]
    assert sum(day["output_tokens"] for day in days) == 100
