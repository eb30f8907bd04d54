# Written by scripts/unasync from spend.py, which is the one to change.
"""What was spent: against limits, by whom and on what, and as a CSV file."""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from aibridge.contract import (
    AICacheReport,
    AISpendBreakdown,
    CacheBy,
    GroupAISpend,
    GroupMembersAISpend,
    OrganizationAISpendReport,
    OrganizationGroupsAISpend,
    SpendBy,
    UserAISpendStatus,
)
from aibridge.sdk.async_connection import AsyncConnection
from aibridge.sdk.endpoints import spend
from aibridge.sdk.endpoints.groups import DEFAULT
from aibridge.sdk.names import Id, Name


class AsyncSpendMethods(AsyncConnection):
    """What a client reads of spending; money is in micro-dollars, as much of it as is known.

    A period is from ``since`` to before ``until``, both or neither, else this month; days in UTC
    count whole. Where ``unpriced_usage_count`` is not 0, at least so much was spent.
    """

    async def user_ai_spend(self, user: Name = "me") -> UserAISpendStatus:
        """Return what a user spent this month, and the budget that it counts against."""
        return await self._ask(spend.user_spend(user))

    async def group_ai_spend(self, group: Name) -> GroupAISpend:
        """Return what was charged to a group this month, and its limits."""
        return await self._ask(spend.group_spend(group))

    async def list_group_ai_spend(
        self, group_ids: Iterable[str | UUID], organization: Name = DEFAULT
    ) -> OrganizationGroupsAISpend:
        """Return what was charged to up to 100 groups this month."""
        return await self._ask(spend.groups_spend(group_ids, organization))

    async def list_member_ai_spend(
        self, group: Name, user_ids: Iterable[str | UUID]
    ) -> GroupMembersAISpend:
        """Return what up to 100 members of a group spent this month."""
        return await self._ask(spend.members_spend(group, user_ids))

    async def list_user_ai_spend(
        self,
        *,
        since: datetime | None = None,
        until: datetime | None = None,
        provider_name: str = "",
        model: str = "",
        client: str = "",
        limit: int = 0,
        offset: int = 0,
        organization: Name = DEFAULT,
    ) -> OrganizationAISpendReport:
        """Return a page of users by what they spent, the most first, with the totals of all.

        ``limit`` is 1 to 1000, 0 means 10.
        """
        return await self._ask(
            spend.report(
                organization,
                since=since,
                until=until,
                provider_name=provider_name,
                model=model,
                client=client,
                limit=limit,
                offset=offset,
            )
        )

    async def ai_spend(
        self,
        by: SpendBy = "user",
        *,
        user: Name | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        provider_name: str = "",
        model: str = "",
        client: str = "",
        limit: int = 0,
        offset: int = 0,
        organization: Name = DEFAULT,
    ) -> AISpendBreakdown:
        """Return a page of parts of what was spent, by everybody or one ``user``.

        ``by`` is user, group, day, provider, model or client. ``limit`` is 1 to 1000, 0 means 100.
        """
        return await self._ask(
            spend.breakdown(
                by,
                organization,
                user=user,
                since=since,
                until=until,
                provider_name=provider_name,
                model=model,
                client=client,
                limit=limit,
                offset=offset,
            )
        )

    async def ai_cache_economics(
        self,
        by: CacheBy = "session",
        *,
        user: Name | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        provider_name: str = "",
        model: str = "",
        client: str = "",
        limit: int = 0,
        offset: int = 0,
        organization: Name = DEFAULT,
    ) -> AICacheReport:
        """Return a page of what caches saved, and what missing them cost, in 31 days at most.

        ``by`` is session, client or model; those come first whose misses cost the most. ``limit``
        is 1 to 1000, 0 means 100.
        """
        return await self._ask(
            spend.cache(
                by,
                organization,
                user=user,
                since=since,
                until=until,
                provider_name=provider_name,
                model=model,
                client=client,
                limit=limit,
                offset=offset,
            )
        )

    async def export_ai_spend(
        self,
        *,
        since: datetime | None = None,
        until: datetime | None = None,
        user_id: Id = None,
        group_id: Id = None,
        provider_name: str = "",
        model: str = "",
        organization: Name = DEFAULT,
    ) -> bytes:
        """Return a CSV file of what was spent in 31 days at most.

        It has a row for each user, group, model and provider.
        """
        return await self._ask(
            spend.export(
                organization,
                since=since,
                until=until,
                user_id=user_id,
                group_id=group_id,
                provider_name=provider_name,
                model=model,
            )
        )
