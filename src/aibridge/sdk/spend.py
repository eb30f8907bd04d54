"""What was spent: against limits, by whom and on what, and as files."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from aibridge.contract import (
    AICacheReport,
    AISpendBreakdown,
    AISpendSimulation,
    CacheBy,
    GroupAISpend,
    GroupMembersAISpend,
    OrganizationAISpendReport,
    OrganizationGroupsAISpend,
    SimulatedGroupLimit,
    SimulatedUserLimit,
    SpendBy,
    UserAISpendStatus,
)
from aibridge.sdk.connection import Connection
from aibridge.sdk.endpoints import spend
from aibridge.sdk.endpoints.groups import DEFAULT
from aibridge.sdk.endpoints.spend import FocusFormat
from aibridge.sdk.names import Id, Name


class SpendMethods(Connection):
    """What a client reads of spending; money is in micro-dollars, as much of it as is known.

    A period is from ``since`` to before ``until``, both or neither, else this month; days in UTC
    count whole. Where ``unpriced_usage_count`` is not 0, at least so much was spent.
    """

    def user_ai_spend(self, user: Name = "me") -> UserAISpendStatus:
        """Return what a user spent this month, and the budget that it counts against."""
        return self._ask(spend.user_spend(user))

    def group_ai_spend(self, group: Name) -> GroupAISpend:
        """Return what was charged to a group this month, and its limits."""
        return self._ask(spend.group_spend(group))

    def list_group_ai_spend(
        self, group_ids: Iterable[str | UUID], organization: Name = DEFAULT
    ) -> OrganizationGroupsAISpend:
        """Return what was charged to up to 100 groups this month."""
        return self._ask(spend.groups_spend(group_ids, organization))

    def list_member_ai_spend(
        self, group: Name, user_ids: Iterable[str | UUID]
    ) -> GroupMembersAISpend:
        """Return what up to 100 members of a group spent this month."""
        return self._ask(spend.members_spend(group, user_ids))

    def list_user_ai_spend(
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
        return self._ask(
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

    def ai_spend(
        self,
        by: SpendBy = "user",
        *,
        user: Name | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        provider_type: str = "",
        provider_name: str = "",
        model: str = "",
        client: str = "",
        limit: int = 0,
        offset: int = 0,
        organization: Name = DEFAULT,
    ) -> AISpendBreakdown:
        """Return a page of parts of what was spent, by everybody or one ``user``.

        ``by`` is user, group, day, provider, model, client, repo, branch, pull_request or issue.
        ``limit`` is 1 to 1000, 0 means 100.
        """
        return self._ask(
            spend.breakdown(
                by,
                organization,
                user=user,
                since=since,
                until=until,
                provider_type=provider_type,
                provider_name=provider_name,
                model=model,
                client=client,
                limit=limit,
                offset=offset,
            )
        )

    def ai_cache_economics(
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
        return self._ask(
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

    def export_ai_spend(
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
        return self._ask(
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

    def export_ai_spend_focus(
        self,
        *,
        file_format: FocusFormat = "csv",
        granularity: int = 3600,
        since: datetime | None = None,
        until: datetime | None = None,
        user_id: Id = None,
        group_id: Id = None,
        provider_name: str = "",
        model: str = "",
        organization: Name = DEFAULT,
    ) -> bytes:
        """Return a file of what was spent in 31 days at most, in the columns of FOCUS 1.2.

        It has a row for each type of token, added up over ``granularity`` seconds, up to 86400; 0
        leaves each usage row by itself. Of calls that are purged it has nothing. A large one may
        take two minutes: give it more time with `with_options`.
        """
        return self._ask(
            spend.export_focus(
                organization,
                file_format=file_format,
                granularity=granularity,
                since=since,
                until=until,
                user_id=user_id,
                group_id=group_id,
                provider_name=provider_name,
                model=model,
            )
        )

    def simulate_ai_spend(
        self,
        *,
        groups: Mapping[str, SimulatedGroupLimit | Mapping[str, Any]] | None = None,
        users: Mapping[str, SimulatedUserLimit | Mapping[str, Any]] | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        organization: Name = DEFAULT,
    ) -> AISpendSimulation:
        """Return what other limits would have refused of what was spent. It changes nothing.

        The limits stand under names or ids, as models or as mappings: ``spend_limit_micros`` is a
        number or `None` for no limit, and a user's may have a ``group`` that is charged. Who is not
        named keeps their limit.
        """
        return self._ask(spend.simulation(groups, users, organization, since=since, until=until))
