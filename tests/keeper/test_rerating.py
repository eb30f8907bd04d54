"""Recorded usage that is rated anew: corrections stand beside it, and all sums follow."""

import csv
import json
from contextlib import closing, nullcontext
from decimal import Decimal
from io import StringIO
from pathlib import Path

import pytest

from aibridge.focus.columns import Names
from aibridge.focus.export import make_export
from aibridge.focus.files import write_csv
from aibridge.journal.contents import How
from aibridge.keeper.prices import Prices
from aibridge.keeper.rerating import Rerated, Rerater
from aibridge.keeper.rereading import Rereader
from aibridge.prices.book import PriceBook
from aibridge.prices.catalogue import Catalogue, Clause, Model, Offer, PriceList
from aibridge.prices.custom import CustomPrice
from aibridge.prices.rates import Rate, Unit
from aibridge.recorder.rating import Rater
from aibridge.sessions.reading import list_interceptions
from aibridge.store.engine.database import Database
from aibridge.store.lists.filters import Filter
from aibridge.store.transfer.checking import disagreements
from aibridge.store.usage.daily import UsageFilter
from tests.dialects.conftest import said
from tests.gateway import samples
from tests.keeper.journals import CATALOGUE, RULES, Gateway, answer, keep
from tests.keeper.test_completing import RESPONSES, fetch, response
from tests.keeper.test_rereading import other_usage, reading_as
from tests.recorder.conftest import Rows

EVER = UsageFilter(0, 1 << 62)
CUSTOM = (
    CustomPrice("anthropic", "m-1", 10_000_000, 1_000_000, 0, 0),
    CustomPrice("anthropic", "m-9", 5_000_000, 4_000_000, 0, 0),
)
"""12 micro-dollars for a call of m-1, which cost 33, and 13 for one that m-9 answers.

Without a price for that it counts as unpriced, and costs at least what it would with m-1.
"""


PRICES = PriceBook(CATALOGUE, CUSTOM)
OTHERS = PriceBook(
    Catalogue(
        "later",
        {
            "anthropic": PriceList(
                (
                    Model(
                        "m-1",
                        ((Clause("equals", "m-1"),),),
                        (Offer({Unit.INPUT: Rate(100_000_000), Unit.OUTPUT: Rate(50_000_000)}),),
                    ),
                )
            )
        },
    )
)
"""Where m-1 costs 200 micro-dollars a call, and m-9 has no price."""


def rerate(
    database: Database, book: PriceBook, *, is_dry: bool = False, only_unpriced: bool = False
) -> Rerated:
    """Rate all that is on record anew."""
    total = Rerated()
    with closing(Rerater(database, Rater(book), only_unpriced=only_unpriced)) as rerater:
        for call in rerater.calls(EVER):
            total = total.plus(rerater.rerate(call, is_dry=is_dry))
    return total


def record(gateway: Gateway, root: Path, database: Database) -> None:
    """Have four calls on record: of a model with a price, one without, and both with own keys."""
    for kind in ("centralized", "byok"):
        gateway.call(credential_kind=kind)
        call = gateway.begin(credential_kind=kind)
        gateway.end(call, answer().replace(b"m-1", b"m-9"))
    keep(root, database)


def spent(database: Database, rows: Rows) -> set[tuple[int, int]]:
    """Return cost and unpriced rows, as usage rows, sessions and days have them, and accounts."""
    with database.read() as connection:
        assert list(disagreements(connection)) == []
    cost = sum(row["cost_micros"] for row in rows("token_usages"))
    accounts = [row for row in rows("account_spend") if row["account"].startswith("token:")]
    assert sum(row["cost_micros"] for row in accounts) == cost
    found = set()
    for name in ("sessions", "daily_usage"):
        sums = [(row["cost_micros"], row["unpriced"]) for row in rows(name)]
        found.add((sum(row[0] for row in sums), sum(row[1] for row in sums)))
    assert {each[0] for each in found} == {cost}
    return found


@pytest.mark.parametrize(
    ("book", "only_unpriced", "done", "sums"),
    [
        (PRICES, False, Rerated(4, 2, 25 - 66), (12 + 13, 0)),
        (PRICES, True, Rerated(4, 1, 13 - 33), (33 + 13, 0)),
        (OTHERS, False, Rerated(4, 2, 400 - 66), (200 + 200, 1)),
    ],
)
def test_what_costs_otherwise_now_is_corrected_once_and_all_sums_follow(
    gateway: Gateway,
    root: Path,
    database: Database,
    rows: Rows,
    book: PriceBook,
    only_unpriced: bool,
    done: Rerated,
    sums: tuple[int, int],
) -> None:
    record(gateway, root, database)
    before = rows("token_usages")
    assert spent(database, rows) == {(66, 1)}
    assert rerate(database, book, only_unpriced=only_unpriced, is_dry=True) == done
    assert rows("token_usages") == before
    assert rerate(database, book, only_unpriced=only_unpriced) == done
    assert spent(database, rows) == {sums}
    after = rows("token_usages")
    assert [row for row in after if row in before] == before
    assert rerate(database, book, only_unpriced=only_unpriced) == done._replace(
        corrections=0, micros=0
    )
    assert rows("token_usages") == after


def test_a_correction_names_its_row_and_why_it_is_there(
    gateway: Gateway, root: Path, database: Database, rows: Rows
) -> None:
    gateway.call()
    keep(root, database)
    (row,) = rows("token_usages")
    rerate(database, PRICES)
    rerate(database, PriceBook(CATALOGUE))
    first, *added = sorted(rows("token_usages"), key=lambda each: each["id"])
    assert first == row
    assert [each["cost_micros"] for each in added] == [12 - 33, 33 - 12]
    for each in added:
        assert json.loads(each["metadata"]) == {"corrects": row["id"], "reason": "rerated"}
        assert each["interception_id"] == row["interception_id"]
        assert {each[name] for name in each if name.endswith("_tokens")} == {0}
    assert added[1]["price_id"] == row["price_id"] != added[0]["price_id"]


def test_a_cost_that_is_known_stays_where_there_is_no_price_any_more(
    gateway: Gateway, root: Path, database: Database, rows: Rows
) -> None:
    record(gateway, root, database)
    rerate(database, PRICES)
    unknown = CustomPrice("anthropic", "m-1", None, 1_000_000, 0, 0)
    assert rerate(database, PriceBook(CATALOGUE, [unknown])).corrections == 0
    assert spent(database, rows) == {(25, 0)}


def reread(root: Path, database: Database) -> list[list[str]]:
    """Read all calls again, and return in what each differed."""
    prices = Prices(database, CATALOGUE, {})
    with closing(Rereader(root, database, RULES.reading, nullcontext, prices)) as rereader:
        found = [rereader.reread(call, is_dry=False) for call in rereader.calls(0)]
    return [list(each.fields) for each in found if each is not None]


def test_what_is_read_again_as_before_keeps_its_corrections(
    gateway: Gateway, root: Path, database: Database, rows: Rows
) -> None:
    record(gateway, root, database)
    rerate(database, PRICES)
    before = rows("token_usages")
    assert reread(root, database) == [[], [], [], []]
    assert rows("token_usages") == before


def test_what_is_read_again_otherwise_loses_its_corrections_with_their_sums(
    gateway: Gateway, root: Path, database: Database, rows: Rows
) -> None:
    gateway.call()
    with reading_as(other_usage):
        keep(root, database)
    assert rerate(database, PRICES).corrections == 2
    (fields,) = reread(root, database)
    assert "token_usages" in fields
    assert [row["cost_micros"] for row in rows("token_usages")] == [33]
    assert spent(database, rows) == {(33, 0)}


def test_the_export_for_finance_adds_up_to_the_same(
    gateway: Gateway, root: Path, database: Database
) -> None:
    record(gateway, root, database)
    rerate(database, PRICES)
    names = Names("", "default", {}, {})
    with make_export(database, EVER, 0, names, write_csv).file as file:
        lines = list(csv.DictReader(StringIO(file.read().decode(), newline="")))
    assert sum(Decimal(line["ListCost"]) for line in lines) * 1_000_000 == 25
    corrected = [line for line in lines if line["ChargeCategory"] == "Adjustment"]
    assert sorted(Decimal(line["ListCost"]) * 1_000_000 for line in corrected) == [12 - 33, 13 - 33]
    assert {line["x_PricingStatus"] for line in corrected} == {"priced"}


def test_an_end_that_is_seen_later_takes_corrections_back_with_what_it_replaces(
    gateway: Gateway, root: Path, database: Database, rows: Rows
) -> None:
    body = json.dumps({"model": "m-1", "stream": True, "input": "x" * 350}).encode()
    call = gateway.begin(body=body, **RESPONSES)
    event = samples.event({**said("responses", "word" * 10), "model": "m-1"})
    gateway.end(call, event, how=How.FAILED)
    keep(root, database)
    assert {unpriced for _, unpriced in spent(database, rows)} == {1}
    price = CustomPrice("openai", "m-1", 10_000_000, 0, 0, 0)
    assert rerate(database, PriceBook(CATALOGUE, [price])).corrections == 1
    assert {unpriced for _, unpriced in spent(database, rows)} == {0}
    fetch(gateway, call.id, response("completed"))
    keep(root, database)
    assert [row["input_tokens"] for row in rows("token_usages")] == [3]
    assert spent(database, rows) == {(0, 1)}


def test_an_interception_shows_corrections_among_its_token_usages(
    gateway: Gateway, root: Path, database: Database
) -> None:
    record(gateway, root, database)
    rerate(database, PRICES)
    found = list_interceptions(database, Filter(), limit=4).results
    assert sorted(one.cost_micros for one in found) == [0, 0, 12, 13]
    for one in found:
        assert one.unpriced_usage_count == 0
        row, *corrections = one.token_usages
        for added in corrections:
            assert added.metadata == {"corrects": row.id, "reason": "rerated"}
            assert (added.unpriced, added.input_tokens, added.output_tokens) == ("", 0, 0)
    assert sorted(len(one.token_usages) for one in found) == [1, 1, 2, 2]
