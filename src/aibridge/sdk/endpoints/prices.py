"""Prices of models: those of the release, and custom ones."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import httpx
from pydantic import TypeAdapter

from aibridge.contract import (
    AIModelPrice,
    CustomAIModelPrice,
    PriceFilter,
    UpsertAIModelPricesRequest,
)
from aibridge.contract.paths import EXPERIMENTAL
from aibridge.sdk.arguments import checked
from aibridge.sdk.names import Listed
from aibridge.sdk.request import Request, body, changing, deleting, given, nothing

PRICES = f"{EXPERIMENTAL}/ai/model-prices"
_PRICES: TypeAdapter[list[AIModelPrice]] = TypeAdapter(list[AIModelPrice])


@checked
def model_prices(*, provider: str, model: str, source: PriceFilter) -> Request[list[AIModelPrice]]:
    """Ask for prices."""
    query = given(provider=provider, model=model, source=source)
    return Request(PRICES, query, _PRICES.validate_json)


@checked
def set_prices(prices: Listed[CustomAIModelPrice | Mapping[str, Any]]) -> Request[None]:
    """Ask to set custom prices."""
    content = body(UpsertAIModelPricesRequest, prices=prices)
    return changing("POST", PRICES, nothing, content, success=httpx.codes.NO_CONTENT)


@checked
def delete_price(provider: str, model: str) -> Request[None]:
    """Ask to take the custom price of a model away: a second time there would be none."""
    query = given(provider=provider, model=model)
    return replace(deleting(PRICES), query=query)
