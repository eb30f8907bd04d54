"""Prices of models: those of the release, and custom ones (contract, section 1.13)."""

from collections.abc import Iterator
from typing import Annotated, get_args

import structlog
from fastapi import APIRouter, Request, Response

from aibridge.api import shapes
from aibridge.api.access import Caller, Visitor
from aibridge.api.bodies import MAX_BYTES_OF_PRICES, body
from aibridge.api.documented import documented, needed, one_of, text
from aibridge.api.errors import ApiError, trouble
from aibridge.api.parameters import Parameters
from aibridge.api.responses import JsonResponse, no_content
from aibridge.budgets.model_prices import delete_price, set_prices
from aibridge.contract import (
    AIModelPrice,
    PriceFilter,
    PriceSource,
    UpsertAIModelPricesRequest,
)
from aibridge.identity.rights import Right
from aibridge.ids import moment, now
from aibridge.prices.catalogue import Catalogue
from aibridge.prices.custom import CustomPrice, key_of
from aibridge.prices.installed import CatalogueError
from aibridge.prices.listing import shipped_prices
from aibridge.providers.types import TYPES
from aibridge.store.usage import model_prices as store

TROUBLE = "Internal error with model prices."

router = APIRouter(tags=["prices"], dependencies=[trouble(TROUBLE)])

_PATH = "/ai/model-prices"
_SOURCES = get_args(PriceFilter)
_PROVIDER = one_of("provider", "A type of provider.", TYPES)
_MODEL = text("model", "A model's whole name, in either case.", most=None)
_log = structlog.get_logger()


@router.get(
    _PATH,
    **documented(
        list[AIModelPrice],
        parameters=(
            _PROVIDER,
            _MODEL,
            one_of("source", "Whose prices; all if left out.", _SOURCES),
        ),
    ),
)
def list_model_prices(request: Request, caller: Caller) -> JsonResponse:
    """List default and custom prices, by the type of the provider and the name of the model.

    Default prices are those of ordinary calls with short prompts; a custom one counts instead.
    """
    parameters = Parameters(request.query_params)
    provider = parameters.one_of("provider", tuple(TYPES))
    model, source = parameters.text("model"), parameters.one_of("source", _SOURCES)
    parameters.check()
    caller.require(Right.READ_PRICES)
    found = [
        price
        for price in _prices(caller, provider, source)
        if not model or key_of(price.provider, price.model) == key_of(price.provider, model)
    ]
    return JsonResponse(
        sorted(found, key=lambda one: (one.provider, one.model.lower(), one.source))
    )


def _prices(caller: Visitor, provider: str, source: str) -> Iterator[AIModelPrice]:
    """Yield the prices of a source and a provider type; of all where these are empty."""
    if source != PriceSource.CUSTOM:
        providers = [provider] if provider else list(TYPES)
        listed = shipped_prices(_catalogue(caller), providers, moment(now()))
        yield from map(shapes.default_price, listed)
    if source != PriceSource.DEFAULT:
        with caller.services.database.read() as connection:
            rows = store.list_prices(connection)
        yield from (
            shapes.custom_price(row) for row in rows if provider in {"", row.price.provider}
        )


def _catalogue(caller: Visitor) -> Catalogue:
    try:
        return caller.services.catalogue()
    except CatalogueError as error:
        _log.error("price_lists_not_made", error=str(error))
        raise ApiError(500, TROUBLE, detail=f"{error}.") from error


@router.post(_PATH, **documented(status=204, body=UpsertAIModelPricesRequest))
def set_model_prices(
    caller: Caller,
    wanted: Annotated[
        UpsertAIModelPricesRequest,
        body(UpsertAIModelPricesRequest, max_bytes=MAX_BYTES_OF_PRICES, right=Right.WRITE_PRICES),
    ],
) -> Response:
    """Set custom prices, all of them or none; each replaces the one that its model has."""
    prices = [CustomPrice(**dict(price)) for price in wanted.prices]
    with caller.acting() as act:
        set_prices(act, prices)
    return no_content()


@router.delete(
    _PATH,
    **documented(
        status=204, parameters=(needed(text("provider", "A type of provider.")), needed(_MODEL))
    ),
)
def delete_model_price(request: Request, caller: Caller) -> Response:
    """Take the custom price of a model away; the default one counts again."""
    parameters = Parameters(request.query_params)
    provider, model = parameters.needed("provider"), parameters.needed("model")
    parameters.check()
    caller.require(Right.WRITE_PRICES)
    with caller.acting() as act:
        delete_price(act, provider, model)
    return no_content()
