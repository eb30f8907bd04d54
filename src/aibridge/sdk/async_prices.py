# Written by scripts/unasync from prices.py, which is the one to change.
"""Prices of models: what the release says that they cost, and what the operator says."""

from collections.abc import Iterable, Mapping
from typing import Any

from aibridge.contract import AIModelPrice, CustomAIModelPrice, PriceFilter
from aibridge.sdk.async_connection import AsyncConnection
from aibridge.sdk.endpoints import prices as asking


class AsyncPriceMethods(AsyncConnection):
    """What a client does with prices, which are in micro-dollars a million tokens."""

    async def list_ai_model_prices(
        self, *, provider: str = "", model: str = "", source: PriceFilter = "all"
    ) -> list[AIModelPrice]:
        """Return prices by the type of the provider and the model, or those of one of each.

        A model with a custom price has a default one beside it, where the release knows any.
        """
        return await self._ask(asking.model_prices(provider=provider, model=model, source=source))

    async def upsert_ai_model_prices(
        self, prices: Iterable[CustomAIModelPrice | Mapping[str, Any]]
    ) -> None:
        """Set custom prices, all of them or none; each replaces the one that its model has.

        They are models, or mappings with the same keys: ``provider``, ``model`` and the four
        prices that must be there. ``None`` says that a price is not known. 1,000 at most.
        """
        return await self._ask(asking.set_prices(prices))

    async def delete_ai_model_price(self, provider: str, model: str) -> None:
        """Take a custom price away. Raises `NotFound` when there is none."""
        return await self._ask(asking.delete_price(provider, model))
