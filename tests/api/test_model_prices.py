"""Prices of models: shown to who may see everybody's budgets, set by owners."""

import json
import os
from pathlib import Path
from typing import Any

import httpx
import pytest

from aibridge.api.bodies import MAX_BYTES_OF_PRICES
from aibridge.api.local import local_app
from aibridge.contract import MAX_PRICES, CustomAIModelPrice, TokenScope
from aibridge.prices.catalogue import Catalogue, Clause, Model, Offer, PriceList
from aibridge.prices.custom import MAX_PRICE, CustomPrice
from aibridge.prices.installed import CatalogueError
from aibridge.prices.rates import Rate, Tier, Unit
from aibridge.providers.types import TYPES
from aibridge.settings import load
from aibridge.store.engine.database import Database
from aibridge.store.usage import model_prices as store
from tests.api.people_api import NOT_FOUND, Api

PRICES = "/api/experimental/ai/model-prices"
OPUS = {"provider": "anthropic", "model": "claude-opus-5-5"}
AMOUNTS = ("input_price", "output_price", "cache_read_price", "cache_write_price")
LIFETIMES = ("cache_write_1h_price", "cache_write_12h_price")


def price(*amounts: Any, **more: Any) -> dict[str, Any]:
    """A price of Opus, with the four amounts that are required."""
    return {**OPUS, **dict(zip(AMOUNTS, amounts or (1, 2, 3, 4), strict=True)), **more}


def row(source: str, *amounts: int | None, **more: Any) -> dict[str, Any]:
    """A price of Opus as it is shown, with all six amounts."""
    shown = dict(zip((*AMOUNTS, *LIFETIMES), amounts, strict=True))
    return {**OPUS, "source": source, "updated_at": None, **shown, **more}


LISTED = Model(
    "claude-opus-5-5",
    ((Clause("starts", "claude-opus-5-5"),),),
    (
        Offer(
            {
                Unit.INPUT: Rate(5_000_000, (Tier(200_000, 10_000_000),)),
                Unit.OUTPUT: Rate(25_000_000),
                Unit.CACHE_WRITE_1H: Rate(10_000_000),
                Unit.WEB_SEARCH: Rate(9),
            }
        ),
    ),
)
CATALOGUE = Catalogue("test", {"anthropic": PriceList((LISTED,))})
DEFAULT = row("default", 5_000_000, 25_000_000, None, None, 10_000_000, None)
RESOLD = {**DEFAULT, "provider": "vercel", "model": "anthropic/claude-opus-5-5"}


@pytest.fixture
def prices(api: Api) -> Api:
    """The API with a shipped price, which a reseller has too."""
    api.change(catalogue=lambda: CATALOGUE)
    return api


async def put(api: Api, *wanted: dict[str, Any], expect: int = 204) -> httpx.Response:
    return await api.call("root", "POST", PRICES, {"prices": wanted}, expect=expect)


async def shown(api: Api, **query: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = await api.get("root", PRICES, **query)
    return found


async def test_a_custom_price_is_set_shown_beside_the_default_replaced_and_deleted(
    prices: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert await shown(prices) == [DEFAULT, RESOLD]
    monkeypatch.setattr(store, "now", lambda: 1_767_225_600_250_000)
    assert (await put(prices, price())).content == b""
    then = {"updated_at": "2026-01-01T00:00:00.25Z"}
    assert await shown(prices) == [row("custom", 1, 2, 3, 4, None, None, **then), DEFAULT, RESOLD]
    await put(prices, price(None, 0, None, None, cache_write_1h_price=7, cache_write_12h_price=8))
    custom = row("custom", None, 0, None, None, 7, 8, **then)
    assert await shown(prices, source="custom") == [custom]
    deleted = await prices.call("root", "DELETE", PRICES, params=OPUS, expect=204)
    assert deleted.content == b""
    assert await shown(prices) == [DEFAULT, RESOLD]
    gone = await prices.refused(404, "root", "DELETE", PRICES, params=OPUS)
    assert gone == NOT_FOUND


async def test_prices_are_read_by_who_reads_everybodys_budgets_and_written_by_owners(
    prices: Api,
) -> None:
    readers = {"root": 200, "hr": 200, "aud": 200, "ann": 404, "bob": 404}
    assert await prices.statuses("GET", PRICES) == readers
    owners = {"root": 204, "hr": 404, "aud": 404, "ann": 404, "bob": 404}
    for number in (1, 2):
        body = {"prices": [price(number, 2, 3, 4)]}
        assert await prices.statuses("POST", PRICES, body) == owners
    for who in ("hr", "aud", "ann"):
        assert await prices.refused(404, who, "DELETE", PRICES, params=OPUS) == NOT_FOUND
    assert [one["input_price"] for one in await shown(prices, source="custom")] == [2]


async def test_without_a_good_token_there_is_nothing_to_see(prices: Api) -> None:
    for method in ("GET", "POST", "DELETE"):
        for token in (None, "nonsense"):
            answer = await prices.call(token, method, PRICES, content=b"x")
            assert answer.status_code == 401


async def test_a_token_for_reading_sets_nothing(prices: Api) -> None:
    reader = prices.token("root", scopes=[TokenScope.READ])
    await prices.call(reader, "GET", PRICES, expect=200)
    await prices.call(reader, "POST", PRICES, {"prices": [price()]}, expect=403)
    await prices.call(reader, "DELETE", PRICES, params=OPUS, expect=403)


async def test_who_may_not_set_prices_is_refused_before_a_body_is_read(prices: Api) -> None:
    for who in ("hr", "ann"):
        for content in (b"not JSON", b" " * (MAX_BYTES_OF_PRICES + 1)):
            answer = await prices.call(who, "POST", PRICES, content=content, expect=404)
            assert answer.json() == NOT_FOUND


FIRST = "prices.0."
WRONG: list[tuple[Any, str, str]] = [
    ({}, "prices", "it is needed"),
    ({"prices": []}, "prices", "there must be at least one price"),
    ({"prices": None}, "prices", "expected a list"),
    ({"prices": price()}, "prices", "expected a list"),
    ({"prices": [price()], "source": "custom"}, "source", "it is unknown"),
    ({"prices": [5]}, "prices.0", "expected a table"),
    ([price(provider="bedrok")], f"{FIRST}provider", f"expected one of {', '.join(TYPES)}"),
    ([price(provider=5)], f"{FIRST}provider", "expected a text"),
    ([price(model="")], f"{FIRST}model", "expected 1 characters or more"),
    ([price(model=" ")], f"{FIRST}model", "expected 1 characters or more"),
    ([price(model="m" * 201)], f"{FIRST}model", "expected 200 characters or fewer"),
    (
        [price(model="a\0b")],
        f"{FIRST}model",
        "expected a text without line feeds and other control characters",
    ),
    ([price(None, None, None, None)], f"{FIRST}input_price", "at least one price must be known"),
    (
        [price(-1, 2, 3, 4)],
        f"{FIRST}input_price",
        'Validation failed for tag "gte" with value: "-1"',
    ),
    ([price(1, 2, 3, 1.5)], f"{FIRST}cache_write_price", "expected a whole number"),
    ([price(1, "2", 3, 4)], f"{FIRST}output_price", "expected a whole number"),
    ([price(1, 2, True, 4)], f"{FIRST}cache_read_price", "expected a whole number"),
    (
        [price(cache_write_1h_price=MAX_PRICE + 1)],
        f"{FIRST}cache_write_1h_price",
        f"must be between 0 and {MAX_PRICE} micro-dollars",
    ),
    ([price(source="custom")], f"{FIRST}source", "it is unknown"),
    ([price(), price(model="m"), price(9, 9, 9, 9)], "prices.2.model", "there twice"),
    ([price(), price(model="CLAUDE-opus-5-5 ")], "prices.1.model", "there twice"),
    ([price(), price(model="m", input_price=-5)], "prices.1.input_price", '"-5"'),
    ([price(**{f"x{one}": 0 for one in range(20)})], "prices.0", "16 fields or fewer"),
    ([price()] * (MAX_PRICES + 1), "prices", f"expected {MAX_PRICES} or fewer of them"),
]


@pytest.mark.parametrize(("wanted", "field", "detail"), WRONG)
async def test_prices_that_cannot_be_taken_are_refused_with_the_path_of_the_field_and_none_is_set(
    prices: Api, wanted: Any, field: str, detail: str
) -> None:
    before = len(prices.acts())
    body = {"prices": wanted} if isinstance(wanted, list) else wanted
    found = await prices.refused(400, "root", "POST", PRICES, body)
    assert found["message"] == "Validation failed."
    (told,) = found["validations"]
    assert (told["field"], detail in told["detail"]) == (field, True), told
    assert await shown(prices, source="custom") == []
    assert len(prices.acts()) == before


@pytest.mark.parametrize("name", AMOUNTS)
async def test_each_of_the_four_prices_must_be_there_and_may_be_null(
    prices: Api, name: str
) -> None:
    wanted = price()
    del wanted[name]
    assert await prices.invalid("root", "POST", PRICES, {"prices": [wanted]}) == {FIRST + name}
    await put(prices, {**wanted, name: None})
    (found,) = await shown(prices, source="custom")
    assert found[name] is None


@pytest.mark.parametrize("micros", [0, 1, MAX_PRICE, 5.0])
async def test_prices_that_can_be_taken(prices: Api, micros: float) -> None:
    await put(prices, price(micros, None, None, None))
    (found,) = await shown(prices, source="custom")
    assert found["input_price"] == micros
    assert isinstance(found["input_price"], int)


async def test_as_many_prices_as_a_request_may_hold_are_set_at_once(prices: Api) -> None:
    wanted = [price(model=f"vendor/{number:03}-{'m' * 150}") for number in range(MAX_PRICES)]
    await put(prices, *wanted)
    found = await shown(prices, source="custom")
    assert [one["model"] for one in found] == [one["model"] for one in wanted]


async def test_a_body_that_is_too_large_is_refused_as_such(prices: Api) -> None:
    content = json.dumps({"prices": [price()]}).ljust(MAX_BYTES_OF_PRICES + 1)
    found = await prices.refused(413, "root", "POST", PRICES, content=content)
    assert found == {
        "message": "Request body is too large.",
        "detail": "A body may have 1 MiB.",
    }
    await prices.call("root", "POST", PRICES, content=content[:-1], expect=204)


ALL = ["a", OPUS["model"], OPUS["model"], "b", RESOLD["model"]]


@pytest.mark.parametrize(
    ("query", "models"),
    [
        ({}, ALL),
        ({"source": "all"}, ALL),
        ({"source": "", "provider": "", "model": ""}, ALL),
        ({"source": "default"}, [OPUS["model"], RESOLD["model"]]),
        ({"source": "custom"}, ["a", "claude-opus-5-5", "b"]),
        ({"provider": "openai"}, ["b"]),
        ({"provider": "vercel"}, [RESOLD["model"]]),
        ({"provider": "copilot"}, []),
        ({"model": "Claude-Opus-5-5"}, ["claude-opus-5-5", "claude-opus-5-5"]),
        ({"model": "claude-opus"}, []),
        ({"model": "A", "provider": "anthropic", "source": "custom"}, ["a"]),
    ],
)
async def test_prices_are_listed_by_type_model_and_source(
    prices: Api, query: dict[str, str], models: list[str]
) -> None:
    await put(prices, price(model="b", provider="openai"), price(), price(model="a"))
    assert [one["model"] for one in await shown(prices, **query)] == models


@pytest.mark.parametrize(
    ("name", "known"), [("source", "default, custom, all"), ("provider", ", ".join(TYPES))]
)
async def test_a_source_or_type_that_there_is_not_is_refused_with_those_there_are(
    prices: Api, name: str, known: str
) -> None:
    found = await prices.refused(400, "root", "GET", PRICES, params={name: "shipped"})
    detail = f'Query param "{name}" has invalid value: "shipped" is none of {known}'
    assert found == {
        "message": "Query parameters have invalid values.",
        "validations": [{"field": name, "detail": detail}],
    }


async def test_a_price_is_deleted_by_its_type_and_model_which_are_needed(prices: Api) -> None:
    await put(prices, price(), price(provider="openai"))
    for query in ({}, {"provider": "anthropic", "model": ""}, {"model": "claude-opus-5-5"}):
        found = await prices.refused(400, "root", "DELETE", PRICES, params=query)
        missing = [one for one in ("provider", "model") if not query.get(one)]
        assert [one["detail"] for one in found["validations"]] == [
            f'Query param "{name}" is required' for name in missing
        ]
    for model in ("claude-opus-5", "claude-opus-5-5\0"):
        where = {"provider": "anthropic", "model": model}
        await prices.refused(404, "root", "DELETE", PRICES, params=where)
    where = {"provider": "anthropic", "model": " CLAUDE-opus-5-5"}
    await prices.call("root", "DELETE", PRICES, params=where, expect=204)
    assert [one["provider"] for one in await shown(prices, source="custom")] == ["openai"]


async def test_what_is_done_to_prices_is_on_record_in_dollars_for_each_of_them(
    prices: Api,
) -> None:
    await prices.call("root", "DELETE", PRICES, params=OPUS, expect=404)
    await put(prices, price(-1, 2, 3, 4), expect=400)
    before = len(prices.acts())
    other = price(0, None, None, None, provider="openai-compat", model="Our-Llama")
    await put(prices, price(3_750_000, 2, None, 4), other)
    await put(prices, price(3_000_000, 2, 0, None), other)
    await prices.call("root", "DELETE", PRICES, params=OPUS, expect=204)
    acts = [
        (one.action, one.resource_type, one.resource_key, one.resource_target, json.loads(one.diff))
        for one in prices.acts()[before:]
    ]

    def diff(old: Any, new: Any) -> dict[str, Any]:
        return {"old": old, "new": new, "secret": False}

    opus = ("ai_model_price", "anthropic/claude-opus-5-5", "anthropic/claude-opus-5-5")
    llama = ("ai_model_price", "openai-compat/our-llama", "openai-compat/Our-Llama")
    assert acts == [
        (
            "create",
            *opus,
            {
                "model": diff(None, "claude-opus-5-5"),
                "input_price": diff(None, "$3.75"),
                "output_price": diff(None, "$0.000002"),
                "cache_write_price": diff(None, "$0.000004"),
            },
        ),
        (
            "create",
            *llama,
            {"model": diff(None, "Our-Llama"), "input_price": diff(None, "$0.00")},
        ),
        (
            "write",
            *opus,
            {
                "input_price": diff("$3.75", "$3.00"),
                "cache_write_price": diff("$0.000004", None),
                "cache_read_price": diff(None, "$0.00"),
            },
        ),
        (
            "delete",
            *opus,
            {
                "model": diff("claude-opus-5-5", None),
                "input_price": diff("$3.00", None),
                "output_price": diff("$0.000002", None),
                "cache_read_price": diff("$0.00", None),
            },
        ),
    ]


async def test_a_price_that_is_set_as_it_was_stays_as_old_as_it_was(prices: Api) -> None:
    await put(prices, price())
    (before,) = await shown(prices, source="custom")
    acts = len(prices.acts())
    await put(prices, price(), price(model="other"))
    found = await shown(prices, source="custom", model=OPUS["model"])
    assert found == [before]
    assert len(prices.acts()) == acts + 1


async def test_price_lists_that_cannot_be_made_are_told_of_and_custom_prices_shown_without(
    api: Api,
) -> None:
    def fail() -> Catalogue:
        raise CatalogueError("the price lists cannot be made: no memory")

    api.change(catalogue=fail)
    await put(api, price())
    for source in ("all", "default"):
        found = await api.refused(500, "root", "GET", PRICES, params={"source": source})
        assert found == {
            "message": "Internal error with model prices.",
            "detail": "the price lists cannot be made: no memory.",
        }
    assert len(await shown(api, source="custom")) == 1


async def test_default_prices_are_those_of_the_release_kept_in_the_data_directory(
    database: Database, tmp_path: Path
) -> None:
    app = local_app(database, load(None, {}, {"data_dir": tmp_path}))
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        answer = await client.get(PRICES, params=OPUS, headers={"X-Api-Key": "any"})
    (found,) = answer.json()
    assert found["source"] == "default"
    assert 0 < found["cache_read_price"] < found["input_price"] < found["output_price"]
    assert len(os.listdir(tmp_path)) == 1  # noqa: PTH208 - of an asynchronous test


def test_the_contract_and_the_prices_have_the_same_fields_and_bounds() -> None:
    assert tuple(CustomAIModelPrice.model_fields) == CustomPrice.__struct_fields__
    for name in (*AMOUNTS, *LIFETIMES):
        amount, nothing = CustomAIModelPrice.model_json_schema()["properties"][name]["anyOf"]
        assert (amount["minimum"], amount["maximum"]) == (0, MAX_PRICE)
        assert nothing == {"type": "null"}
