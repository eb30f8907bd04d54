# Written by scripts/unasync from caps.py, which is the one to change.
"""Caps: limits beside the budgets, in micro-dollars."""

from aibridge.contract import AISpendCap
from aibridge.sdk.async_connection import AsyncConnection
from aibridge.sdk.endpoints import caps as asking
from aibridge.sdk.names import CapPeriodName, CapScopeName, Name


class AsyncCapMethods(AsyncConnection):
    """What a client does with caps, each of which holds by itself."""

    async def list_ai_spend_caps(self) -> list[AISpendCap]:
        """Return all caps, with what counts against them."""
        return await self._ask(asking.list_caps())

    async def upsert_ai_spend_cap(
        self, scope: CapScopeName, target_id: Name, period: CapPeriodName, spend_limit_micros: int
    ) -> AISpendCap:
        """Limit a group, its members or sessions, a user or a token, by its id, for a period.

        It takes the place of the cap of the same scope, target and period.
        """
        return await self._ask(asking.put_cap(scope, target_id, period, spend_limit_micros))

    async def delete_ai_spend_cap(self, cap: Name) -> None:
        """Lift a cap. Raises `NotFound` when there is none."""
        return await self._ask(asking.delete_cap(cap))
