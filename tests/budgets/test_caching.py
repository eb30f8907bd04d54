"""What caches saved and what their misses cost, over what is on record."""

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import update

from aibridge.budgets import caching
from aibridge.budgets.caching import CacheEconomics, Misses, TooManyCallsError, cache_economics
from aibridge.prices.caching import Miss
from aibridge.store.engine.database import Database
from aibridge.store.lists.filters import Filter, only
from aibridge.store.schema import tables as schema
from aibridge.store.usage import caches
from aibridge.store.usage.daily import UsageFilter
from tests.builders import ANA, BEN, DAY, SECOND, START
from tests.caching import record_cached
from tests.databases import Databases

EVERYTHING = UsageFilter(START, START + DAY)
OF_ANA = (4, 520, 1000, 2300, 2700, 1725, 0, {"expired": (1, 1100, 3795)})
OF_BEN = (2, 50, 0, 100, 0, 75, 0, {"unknown": (1, 50, 135)})


@pytest.fixture
def database(databases: Databases) -> Iterator[Database]:
    with databases.open() as database:
        with database.write() as connection:
            record_cached(connection)
        yield database


def found(used: CacheEconomics) -> tuple[Any, ...]:
    misses = {why: (each.count, each.tokens, each.cost) for why, each in used.misses.items()}
    return (
        *(used.requests, used.input_tokens, used.read, used.written),
        *(used.saved, used.extra, used.unpriced, misses),
    )


def parts(database: Database, where: UsageFilter, by: str = "session") -> dict[Any, Any]:
    every, _ = cache_economics(database, where, by, seconds=5)
    return {key: found(used) for key, used in every.items()}


@pytest.mark.parametrize("batch", [1, 2, 100])
def test_parts_are_told_apart_whatever_the_size_of_a_batch(
    database: Database, monkeypatch: pytest.MonkeyPatch, batch: int
) -> None:
    monkeypatch.setattr(caches, "BATCH", batch)
    for by, keys in {
        "session": (("s", ANA), ("t", BEN)),
        "client": (("Claude Code", ""), ("Codex", "")),
        "model": (("sonnet", ""), ("opus", "")),
    }.items():
        assert parts(database, EVERYTHING, by) == dict(zip(keys, (OF_ANA, OF_BEN), strict=True))
    _, total = cache_economics(database, EVERYTHING, "session", seconds=5)
    assert found(total)[:7] == (6, 570, 1000, 2400, 2700, 1800, 0)
    assert total.missed == Misses(2, 1150, Decimal(3930))


def test_a_user_and_a_model_are_looked_at_alone(database: Database) -> None:
    assert parts(database, replace(EVERYTHING, user_ids=[BEN])) == {("t", BEN): OF_BEN}
    sonnet = replace(EVERYTHING, kinds=Filter(model=only("sonnet")))
    assert parts(database, sonnet) == {("s", ANA): OF_ANA}


def test_what_was_cached_before_the_period_is_not_missed_in_it(database: Database) -> None:
    late = UsageFilter(START + 105 * SECOND, START + DAY)
    assert parts(database, late) == {
        ("s", ANA): (1, 0, 0, 1200, 0, 900, 0, {}),
        ("t", BEN): (1, 50, 0, 0, 0, 0, 0, {}),
    }


@pytest.mark.parametrize("price", [None, 99])
def test_what_has_no_price_is_counted_and_in_no_amount(
    database: Database, price: int | None
) -> None:
    with database.write() as connection:
        connection.execute(update(schema.token_usages).values(price_id=price))
    assert parts(database, EVERYTHING) == {
        ("s", ANA): (4, 520, 1000, 2300, 0, 0, 3, {"expired": (1, 1100, 0)}),
        ("t", BEN): (2, 50, 0, 100, 0, 0, 2, {"unknown": (1, 50, 0)}),
    }


def test_a_price_that_cannot_be_read_is_none(database: Database) -> None:
    with database.write() as connection:
        connection.execute(update(schema.prices).values(price='{"rates": 5}'))
    assert parts(database, EVERYTHING)["s", ANA][4:7] == (0, 0, 3)


def test_the_reason_and_the_runs_of_others_are_read_from_the_metadata(database: Database) -> None:
    told = '{"diagnostics": {"cache_miss_reason": {"type": "tools_changed"}}}'
    with database.write() as connection:
        connection.execute(update(schema.token_usages).values(metadata=told))
    assert list(parts(database, EVERYTHING)["s", ANA][-1]) == ["tools_changed"]
    with database.write() as connection:
        connection.execute(update(schema.token_usages).values(metadata='{"type": "compaction"}'))
    assert parts(database, EVERYTHING)["s", ANA] == (*OF_ANA[:-1], {})


def test_more_calls_than_one_report_looks_at_are_refused(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(caches, "BATCH", 2)
    monkeypatch.setattr(caching, "MOST_CALLS", 4)
    with pytest.raises(TooManyCallsError):
        cache_economics(database, EVERYTHING, "session", seconds=5)


def test_the_reasons_of_a_provider_are_bounded() -> None:
    used = CacheEconomics()
    for number in range(caching.MOST_REASONS + 5):
        used.add_miss(Miss(f"reason_{number}", 1, None))
    assert len(used.misses) == caching.MOST_REASONS + 1
    assert used.misses[caching.OTHER].count == 5
