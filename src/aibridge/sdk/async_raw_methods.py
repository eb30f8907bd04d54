# Written by scripts/unasync from the signatures in async_client.py and what it is made of.
# ruff: noqa: D102 - each is the client's method of that name
"""The methods of a client that make one request, with the whole answer of each."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, Protocol
from uuid import UUID

from aibridge.contract import (
    AICacheReport,
    AIModelPrice,
    AISpendBreakdown,
    AISpendCap,
    AISpendSimulation,
    AuditLogList,
    CacheBy,
    CreatedToken,
    CustomAIModelPrice,
    GroupAIBudget,
    GroupAISpend,
    GroupDetail,
    GroupMembersAISpend,
    Interception,
    InterceptionList,
    Organization,
    OrganizationAISpendReport,
    OrganizationGroupsAISpend,
    PriceFilter,
    Provider,
    SessionDetail,
    SessionList,
    SimulatedGroupLimit,
    SimulatedUserLimit,
    SpendBy,
    Token,
    User,
    UserAIBudgetOverride,
    UserAISpendStatus,
    UserList,
)
from aibridge.sdk.answers import RawResponse
from aibridge.sdk.endpoints.groups import DEFAULT
from aibridge.sdk.endpoints.spend import FocusFormat
from aibridge.sdk.filters import InterceptionFilter, SessionFilter
from aibridge.sdk.names import (
    NOT_GIVEN,
    CapPeriodName,
    CapScopeName,
    Id,
    Name,
    NotGiven,
    RoleName,
    ScopeName,
)


class AsyncRawMethods(Protocol):
    """What `with_raw_response` has, for type checkers."""

    async def list_interceptions(
        self,
        where: InterceptionFilter | None = None,
        *,
        limit: int = 0,
        offset: int = 0,
        after_id: Id = None,
    ) -> RawResponse[InterceptionList]: ...

    async def get_interception(self, interception_id: str | UUID) -> RawResponse[Interception]: ...

    async def list_sessions(
        self,
        where: SessionFilter | None = None,
        *,
        limit: int = 0,
        offset: int = 0,
        after_session_id: str | None = None,
        after_initiator_id: Id = None,
    ) -> RawResponse[SessionList]: ...

    async def get_session_threads(
        self,
        session_id: str,
        *,
        after_id: Id = None,
        before_id: Id = None,
        limit: int = 0,
        initiator: Id = None,
    ) -> RawResponse[SessionDetail]: ...

    async def list_clients(
        self, *, q: str = "", limit: int = 0, offset: int = 0
    ) -> RawResponse[list[str]]: ...

    async def list_models(
        self, *, q: str = "", limit: int = 0, offset: int = 0
    ) -> RawResponse[list[str]]: ...

    async def list_providers(self) -> RawResponse[list[Provider]]: ...

    async def list_users(
        self, q: str = "", *, limit: int = 0, offset: int = 0, after_id: Id = None
    ) -> RawResponse[UserList]: ...

    async def get_user(self, user: Name = "me") -> RawResponse[User]: ...

    async def create_user(
        self,
        username: str,
        *,
        email: str | None = None,
        name: str | None = None,
        password: str | None = None,
        roles: Iterable[RoleName] | None = None,
    ) -> RawResponse[User]: ...

    async def suspend_user(self, user: Name) -> RawResponse[User]: ...

    async def activate_user(self, user: Name) -> RawResponse[User]: ...

    async def set_user_roles(self, user: Name, roles: Iterable[RoleName]) -> RawResponse[User]: ...

    async def set_user_password(
        self, user: Name, password: str, *, old_password: str | None = None
    ) -> RawResponse[None]: ...

    async def list_tokens(self, user: Name = "me") -> RawResponse[list[Token]]: ...

    async def list_all_tokens(self) -> RawResponse[list[Token]]: ...

    async def create_token(
        self,
        user: Name = "me",
        *,
        name: str | None = None,
        lifetime: timedelta | NotGiven | None = NOT_GIVEN,
        scopes: Iterable[ScopeName] | None = None,
    ) -> RawResponse[CreatedToken]: ...

    async def get_token(self, token_id: str, user: Name = "me") -> RawResponse[Token]: ...

    async def delete_token(self, token_id: str, user: Name = "me") -> RawResponse[None]: ...

    async def list_organizations(self) -> RawResponse[list[Organization]]: ...

    async def list_groups(self, organization: Name = DEFAULT) -> RawResponse[list[GroupDetail]]: ...

    async def get_group(
        self, group: Name, organization: Name = DEFAULT
    ) -> RawResponse[GroupDetail]: ...

    async def create_group(
        self, name: str, *, display_name: str | None = None, organization: Name = DEFAULT
    ) -> RawResponse[GroupDetail]: ...

    async def update_group(
        self, group: Name, *, name: str | None = None, display_name: str | None = None
    ) -> RawResponse[GroupDetail]: ...

    async def add_group_members(
        self, group: Name, users: Iterable[Name]
    ) -> RawResponse[GroupDetail]: ...

    async def remove_group_members(
        self, group: Name, users: Iterable[Name]
    ) -> RawResponse[GroupDetail]: ...

    async def delete_group(self, group: Name) -> RawResponse[None]: ...

    async def group_ai_budget(self, group: Name) -> RawResponse[GroupAIBudget]: ...

    async def upsert_group_ai_budget(
        self, group: Name, spend_limit_micros: int
    ) -> RawResponse[GroupAIBudget]: ...

    async def delete_group_ai_budget(self, group: Name) -> RawResponse[None]: ...

    async def user_ai_budget_override(
        self, user: Name = "me"
    ) -> RawResponse[UserAIBudgetOverride]: ...

    async def upsert_user_ai_budget_override(
        self, user: Name, *, group_id: Name, spend_limit_micros: int
    ) -> RawResponse[UserAIBudgetOverride]: ...

    async def delete_user_ai_budget_override(self, user: Name) -> RawResponse[None]: ...

    async def list_ai_spend_caps(self) -> RawResponse[list[AISpendCap]]: ...

    async def upsert_ai_spend_cap(
        self, scope: CapScopeName, target_id: Name, period: CapPeriodName, spend_limit_micros: int
    ) -> RawResponse[AISpendCap]: ...

    async def delete_ai_spend_cap(self, cap: Name) -> RawResponse[None]: ...

    async def list_ai_model_prices(
        self, *, provider: str = "", model: str = "", source: PriceFilter = "all"
    ) -> RawResponse[list[AIModelPrice]]: ...

    async def upsert_ai_model_prices(
        self, prices: Iterable[CustomAIModelPrice | Mapping[str, Any]]
    ) -> RawResponse[None]: ...

    async def delete_ai_model_price(self, provider: str, model: str) -> RawResponse[None]: ...

    async def user_ai_spend(self, user: Name = "me") -> RawResponse[UserAISpendStatus]: ...

    async def group_ai_spend(self, group: Name) -> RawResponse[GroupAISpend]: ...

    async def list_group_ai_spend(
        self, group_ids: Iterable[str | UUID], organization: Name = DEFAULT
    ) -> RawResponse[OrganizationGroupsAISpend]: ...

    async def list_member_ai_spend(
        self, group: Name, user_ids: Iterable[str | UUID]
    ) -> RawResponse[GroupMembersAISpend]: ...

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
    ) -> RawResponse[OrganizationAISpendReport]: ...

    async def ai_spend(
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
    ) -> RawResponse[AISpendBreakdown]: ...

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
    ) -> RawResponse[AICacheReport]: ...

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
    ) -> RawResponse[bytes]: ...

    async def export_ai_spend_focus(
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
    ) -> RawResponse[bytes]: ...

    async def simulate_ai_spend(
        self,
        *,
        groups: Mapping[str, SimulatedGroupLimit | Mapping[str, Any]] | None = None,
        users: Mapping[str, SimulatedUserLimit | Mapping[str, Any]] | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        organization: Name = DEFAULT,
    ) -> RawResponse[AISpendSimulation]: ...

    async def list_audit_logs(
        self, q: str = "", *, limit: int = 0, offset: int = 0, after_id: Id = None
    ) -> RawResponse[AuditLogList]: ...

    async def logout(self) -> RawResponse[None]: ...
