"""Exports of what was really rated and written, on both engines."""

import csv
from collections.abc import Iterator
from decimal import ROUND_CEILING, Decimal
from io import StringIO
from itertools import count

import pytest

from aibridge.dialects.facts import TokenUsage, ToolCall
from aibridge.focus import export
from aibridge.focus.columns import Names
from aibridge.focus.export import Export, ExportTooLargeError, make_export
from aibridge.focus.files import write_csv
from aibridge.ids import first_id_at
from aibridge.prices.book import PriceBook
from aibridge.prices.catalogue import Catalogue, Clause, Model, Offer, PriceList
from aibridge.prices.rates import Rate, Unit
from aibridge.recorder.pending import Pending
from aibridge.recorder.rating import Rater
from aibridge.store.engine.database import Database
from aibridge.store.lists.filters import Filter, only
from aibridge.store.usage.daily import Facet, UsageFilter, sums
from tests.builders import ANA, BEN, DAY, SECOND, START, uid
from tests.databases import Databases
from tests.recorder.facts import end, facts, start
from tests.recorder.writing import write

HOUR = 3600 * SECOND
MONTH = UsageFilter(START, START + 31 * DAY)
NAMES = Names(uid(1), "default", {ANA: "ana"}, {})
RATES = {
    Unit.INPUT: Rate(1_234_567),
    Unit.OUTPUT: Rate(7_654_321),
    Unit.CACHE_READ: Rate(123_457),
    Unit.CACHE_WRITE: Rate(1_543_209),
    Unit.CACHE_WRITE_1H: Rate(2_469_135),
    Unit.WEB_SEARCH: Rate(10_000_000_000),
}
RATER = Rater(
    PriceBook(
        Catalogue(
            "made up",
            {
                "anthropic": PriceList(
                    (Model("m-1", ((Clause("equals", "m-1"),),), (Offer(RATES),)),)
                )
            },
        )
    )
)
FULL = TokenUsage(7, 5, 11, 9, cache_write_5m=4, cache_write_1h=5)
SEARCHES = [ToolCall("web_search_call", '{"type":"search"}', metadata={"hosted": True})] * 2
_numbers = count(1)


def call(at: int, *usages: TokenUsage, lasts: int = SECOND, **more: object) -> Pending:
    """Return a call that began then, rated; ``at`` is in microseconds after `START`."""
    tools = more.pop("tools", [])
    began = START + at
    id_ = f"{first_id_at(began)}7000-8000-{next(_numbers):012d}"
    begun = start(id=id_, started_at=began, **more)
    over = end(ended_at=began + lasts, facts=facts(usages=list(usages), tool_calls=tools))
    over.costs = RATER.costs(begun, over)
    return Pending(begun, over)


CALLS = (
    call(0, FULL, FULL, tools=SEARCHES),
    call(10 * SECOND, FULL, client_session_id="other"),
    call(HOUR - SECOND // 2, TokenUsage(3)),  # ends in the next hour
    call(-9 * HOUR, TokenUsage(1), lasts=10 * HOUR),  # begins in the month before
    call(30 * DAY + 23 * HOUR, TokenUsage(100), lasts=2 * HOUR),  # ends in the next month
    call(2 * DAY, TokenUsage(6, cache_write=2, cache_write_12h=2), initiator_id=BEN),
    call(2 * DAY, TokenUsage(8, 2), initiator_id=BEN, model="unheard-of", group_id=uid(900)),
    call(3 * DAY, TokenUsage(8, 2), credential_kind="byok"),
    call(4 * DAY),
)


@pytest.fixture(scope="module")
def database(databases: Databases) -> Iterator[Database]:
    with databases.open() as database:
        write(database, *(Pending(item.start, item.end) for item in CALLS))
        yield database


def exported(database: Database, granularity: int = 3600, where: UsageFilter = MONTH) -> Export:
    return make_export(database, where, granularity, NAMES, write_csv)


def rows(
    database: Database, granularity: int = 3600, where: UsageFilter = MONTH
) -> list[dict[str, str]]:
    made = exported(database, granularity, where)
    with made.file as file:
        found = list(csv.DictReader(StringIO(file.read().decode(), newline="")))
    assert len(found) == made.rows
    return found


def told(row: dict[str, str]) -> tuple[str, ...]:
    names = ("x_TokenType", "ConsumedQuantity", "ListCost", "x_PricingStatus", "x_RowCount")
    return (row["ChargePeriodStart"][8:16], *(row[name] for name in names))


def test_usage_is_told_by_the_hour_in_which_calls_ended(database: Database) -> None:
    assert [told(row) for row in rows(database)] == [
        ("01T00:00", "cache_read", "33", "0.000004074081", "priced", "3"),
        ("01T00:00", "cache_write_1h", "15", "0.000037037025", "priced", "3"),
        ("01T00:00", "cache_write_5m", "12", "0.000018518508", "priced", "3"),
        ("01T00:00", "input", "21", "0.000025925907", "priced", "3"),
        ("01T00:00", "output", "15", "0.000114814815", "priced", "3"),
        ("01T00:00", "web_search", "2", "0.020000000000", "priced", "1"),
        ("01T01:00", "input", "4", "0.000004938268", "priced", "2"),
        ("03T00:00", "cache_write_12h", "2", "0.000000000000", "unpriced", "1"),
        ("03T00:00", "input", "6", "0.000007407402", "partial", "1"),
        ("03T00:00", "input", "8", "0.000000000000", "unpriced", "1"),
        ("03T00:00", "output", "2", "0.000000000000", "unpriced", "1"),
        ("04T00:00", "input", "8", "0.000000000000", "not_charged", "1"),
        ("04T00:00", "output", "2", "0.000000000000", "not_charged", "1"),
    ]


@pytest.mark.parametrize("granularity", [0, 1, 3600, 86_400])
def test_costs_and_counts_agree_with_the_spend_reports(
    database: Database, granularity: int
) -> None:
    found = rows(database, granularity)
    with database.read() as connection:
        total = sums(connection, MONTH)[()]
    usage_rows = 9
    assert total.cost_micros == 20_067 + 67 + 67 + 4 + 2 + 8  # each row rounded up
    missing = total.cost_micros - sum(Decimal(row["ListCost"]) for row in found) * 1_000_000
    assert 0 <= missing < usage_rows
    for name, number in (("input", total.input_tokens), ("output", total.output_tokens)):
        counted = (row["ConsumedQuantity"] for row in found if row["x_TokenType"] == name)
        assert sum(map(int, counted)) == number


def test_rows_by_themselves_cost_what_the_record_says_once_rounded(database: Database) -> None:
    by_call: dict[str, Decimal] = {}
    for row in rows(database, 0):
        spent = by_call.setdefault(row["x_InterceptionId"], Decimal(0))
        by_call[row["x_InterceptionId"]] = spent + Decimal(row["ListCost"]) * 1_000_000
    for item in CALLS:
        if item.end is not None and len(item.end.costs) == 1 and item.start.id in by_call:
            rounded = by_call[item.start.id].to_integral_value(ROUND_CEILING)
            assert rounded == item.end.costs[0].micros
    assert len(by_call) == 7


@pytest.mark.parametrize(
    ("asked", "number"),
    [
        ({"user_ids": [BEN]}, 4),
        ({"group_ids": [uid(900)]}, 2),
        ({"kinds": Filter(model=only("unheard-of"))}, 2),
        ({"kinds": Filter(provider_name=only("nobodys"))}, 0),
        ({"end": START + DAY}, 7),
        ({"start": START + 31 * DAY, "end": START + 32 * DAY}, 1),
    ],
)
def test_a_file_is_of_what_is_asked_for(
    database: Database, asked: dict[str, object], number: int
) -> None:
    where = UsageFilter(**{"start": MONTH.start, "end": MONTH.end, **asked})  # type: ignore[arg-type]
    found = rows(database, where=where)
    assert len(found) == number
    with database.read() as connection:
        days = sums(connection, where, Facet.DAY).values()
    tokens = (row["ConsumedQuantity"] for row in found if row["x_TokenType"] == "input")
    assert sum(map(int, tokens)) == sum(day.input_tokens for day in days)


def test_the_record_is_read_some_calls_at_a_time(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = {granularity: rows(database, granularity) for granularity in (0, 3600)}
    for calls in (1, 2, 3):
        monkeypatch.setattr(export, "CALLS", calls)
        monkeypatch.setattr(export, "ROWS", calls)
        assert {granularity: rows(database, granularity) for granularity in whole} == whole


@pytest.mark.parametrize(
    ("bound", "value", "told"),
    [("MAX_BYTES", 100, "0 MiB"), ("MAX_SECONDS", -1.0, "more than -1 seconds")],
)
def test_what_is_too_large_is_refused(
    database: Database, monkeypatch: pytest.MonkeyPatch, bound: str, value: float, told: str
) -> None:
    monkeypatch.setattr(export, bound, value)
    monkeypatch.setattr(export, "CALLS", 2)
    with pytest.raises(ExportTooLargeError, match=told):
        exported(database)
