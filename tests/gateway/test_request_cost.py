"""The most that a request can cost, by the prices of its models, its tier and its size."""

import gzip
from types import SimpleNamespace
from typing import Any, cast

import pytest

from aibridge.dialects.attached import Attached
from aibridge.dialects.demand import Demand
from aibridge.dialects.hosted import Hosted
from aibridge.gateway.request_cost import RequestCosts, read
from aibridge.prices.book import PriceBook
from aibridge.prices.bound import EXTRA_TOKENS, FILE_TOKENS, IMAGE_TOKENS, MAX_WINDOW
from aibridge.prices.catalogue import Catalogue, Clause, Model, Offer, PriceList, Variant
from aibridge.prices.cost import Priced, Unpriced
from aibridge.prices.rates import Rate, Unit

ENGINES = ("sqlite",)
"""What is tested here does not depend on the engine."""

MICRO = 1_000_000
"""A micro-dollar a token."""


def rates(factor: int) -> dict[Unit, Rate]:
    return {Unit.INPUT: Rate(factor * MICRO), Unit.OUTPUT: Rate(10 * factor * MICRO)}


def model(name: str, factor: int, *variants: Variant, window: int | None = None) -> Model:
    offer = Offer({**rates(factor), Unit.WEB_SEARCH: Rate(10_000 * MICRO)})
    return Model(name, ((Clause("equals", name),),), (offer,), variants, window)


MODELS = (
    model(
        "m-1",
        10,
        Variant("service_tier", "flex", rates(5)),
        Variant("processing", "batch", rates(5)),
        Variant("service_tier", "priority", rates(20)),
        Variant("speed", "fast", rates(60)),
    ),
    model("m-2", 20),
    model("m-3", 10, window=50_000),
)
COSTS = RequestCosts(
    PriceBook(Catalogue("made up", {"anthropic": PriceList(MODELS)})), {"in-us": "us"}
)
INPUT = EXTRA_TOKENS * 10
SIZE = 2000
OF_BODY = 1000 * 10


def most(asked: Demand, size: int = 0, provider: str = "any") -> Any:
    named = SimpleNamespace(name=provider, type=SimpleNamespace(name="anthropic"))
    return COSTS.most(cast(Any, named), asked, size)


@pytest.mark.parametrize(
    ("asked", "micros"),
    [
        (Demand("m-1", 0), INPUT + OF_BODY),
        (Demand("m-1", 7), INPUT + OF_BODY + 700),
        (Demand("m-1", 7, answers=3), INPUT + OF_BODY + 2100),
        (Demand("m-1", 0, refers=True), MAX_WINDOW * 10),
        (Demand("m-3", 0, refers=True), 500_000),
        (Demand("m-3", 10**12), INPUT + OF_BODY + 50_000 * 100),
        (Demand("m-1", 10**12), INPUT + OF_BODY + MAX_WINDOW * 100),
        (Demand("m-1", 0, service_tier="standard_only"), INPUT + OF_BODY),
        (Demand("m-1", 0, service_tier="priority"), 2 * (INPUT + OF_BODY)),
        (Demand("m-1", 0, service_tier="flex"), INPUT + OF_BODY),
        (Demand("m-1", 0, service_tier="batch"), INPUT + OF_BODY),
        (Demand("m-1", 0, speed="fast"), 6 * (INPUT + OF_BODY)),
        (Demand("m-1", 0, geography="us"), (INPUT + OF_BODY) * 11 // 10),
        (Demand("m-1", 0, attached=Attached(images=2)), INPUT + OF_BODY + 20 * IMAGE_TOKENS),
        (Demand("m-1", 0, attached=Attached(files=1)), INPUT + OF_BODY + 10 * FILE_TOKENS),
        (Demand("m-1", 7, hosted=Hosted(4, 3)), 4 * (INPUT + OF_BODY) + 700 + 30_000),
        (Demand("m-1", 7, hosted=Hosted(3, 0, 2)), 3 * (INPUT + OF_BODY) + 700),
        (Demand("m-1", 0, models=("m-2",)), 3 * (INPUT + OF_BODY)),
    ],
)
def test_all_that_is_asked_for_counts(asked: Demand, micros: int) -> None:
    assert most(asked, SIZE) == Priced(micros)


@pytest.mark.parametrize(
    ("asked", "parts", "micros"),
    [
        (Demand("unheard-of"), ("model unheard-of",), 0),
        (Demand("m-1", 0, models=("unheard-of",)), ("model unheard-of",), INPUT),
        (Demand("m-1", 0, service_tier="scale"), ("service tier scale",), INPUT),
        (Demand("m-1", 0, geography="mars"), ("geography mars",), 0),
    ],
)
def test_what_has_no_price_is_named_beside_what_the_rest_costs(
    asked: Demand, parts: tuple[str, ...], micros: int
) -> None:
    assert most(asked) == Unpriced(parts, at_least=micros)


def test_a_request_without_a_geography_has_that_of_the_address() -> None:
    assert most(Demand("m-1", 0), provider="in-us") == Priced(INPUT * 11 // 10)
    assert most(Demand("m-1", 0, geography="global"), provider="in-us") == Priced(INPUT)


def call(body: bytes, encoding: bytes | None, dialect: str = "messages") -> Any:
    headers = {} if encoding is None else {b"content-encoding": encoding}
    route = SimpleNamespace(dialect=dialect)
    return SimpleNamespace(body=body, request=SimpleNamespace(headers=headers), route=route)


BODY = b'{"model":"m-1","max_tokens":7}' + b" " * 5000


@pytest.mark.parametrize(
    ("body", "encoding"),
    [(BODY, None), (BODY, b"identity"), (gzip.compress(BODY, mtime=0), b"gzip")],
    ids=["plain", "identity", "gzip"],
)
def test_the_unpacked_size_counts(body: bytes, encoding: bytes | None) -> None:
    assert read(call(body, encoding), 1 << 20) == (Demand("m-1", 7), len(BODY))


def test_what_cannot_be_unpacked_asks_for_nothing_that_is_known() -> None:
    assert read(call(BODY, b"gzip"), 1 << 20) == (None, 0)
    assert read(call(gzip.compress(BODY), b"gzip"), 100) == (None, 0)


def test_the_route_says_whose_names_of_fields_count() -> None:
    asked, _ = read(call(BODY, None, "responses"), 1 << 20)
    assert asked == Demand("m-1", None)
