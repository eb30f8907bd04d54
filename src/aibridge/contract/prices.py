"""Prices of models, in micro-dollars a million tokens: $3 is 3,000,000."""

from typing import Annotated

from pydantic import Field, StringConstraints

from aibridge.contract.base import WHOLE, Body, Model, Open, SmallBody, Time
from aibridge.contract.groups import MAX_NAMES
from aibridge.contract.words import MAX_SPEND_LIMIT_MICROS, PriceSource

MAX_PRICES = MAX_NAMES
"""The most prices that a request may hold."""

_Amount = Annotated[int, Field(ge=0, json_schema_extra={"maximum": MAX_SPEND_LIMIT_MICROS}), WHOLE]


class AIModelPrice(Model):
    """What a model of a provider type costs.

    A default price is that of ordinary calls with short prompts, by the lists of the release. A
    price of null is not known; of the two that a custom price may leave out it says that
    ``cache_write_price`` is for this lifetime too.
    """

    provider: str
    """A type of provider."""
    model: str
    source: Open[PriceSource]
    input_price: int | None
    output_price: int | None
    cache_read_price: int | None
    cache_write_price: int | None
    cache_write_1h_price: int | None
    cache_write_12h_price: int | None
    updated_at: Time | None
    """When it was set; null for a default price."""


class CustomAIModelPrice(SmallBody):
    """What a model of a provider type is to cost. The first four prices are required.

    Null says that a price is not known, and 0 that there is none to pay. At least one is known.
    """

    provider: Annotated[str, Field(max_length=64)]
    """A type of provider, such as ``anthropic``."""
    model: Annotated[
        str,
        StringConstraints(
            strip_whitespace=True, min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$"
        ),
    ]
    """In either case; it is for dated names too that have no custom price themselves."""
    input_price: _Amount | None
    output_price: _Amount | None
    cache_read_price: _Amount | None
    cache_write_price: _Amount | None
    cache_write_1h_price: _Amount | None = None
    cache_write_12h_price: _Amount | None = None


class UpsertAIModelPricesRequest(Body):
    """Custom prices that are to be set, all of them or none; no model stands there twice.

    Of a wrong list it is the first wrong price that is told of.
    """

    prices: Annotated[
        tuple[CustomAIModelPrice, ...],
        Field(max_length=MAX_PRICES, fail_fast=True, json_schema_extra={"minItems": 1}),
    ]
