"""What was spent: against limits, by whom and on what, and as files."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AwareDatetime, Field

from aibridge.contract import (
    AICacheReport,
    AISpendBreakdown,
    AISpendSimulation,
    CacheBy,
    GroupAISpend,
    GroupMembersAISpend,
    OrganizationAISpendReport,
    OrganizationGroupsAISpend,
    SimulateAISpendRequest,
    SimulatedGroupLimit,
    SimulatedUserLimit,
    SpendBy,
    UserAISpendStatus,
)
from aibridge.contract.paths import EXPERIMENTAL
from aibridge.sdk.arguments import Count, checked
from aibridge.sdk.endpoints.groups import GROUPS, ORGANIZATIONS, by_id
from aibridge.sdk.endpoints.users import BASE as USERS
from aibridge.sdk.names import Id, Listed, Name
from aibridge.sdk.quoting import rfc3339_nano
from aibridge.sdk.request import Asked, Request, body, changing, given, positive, segment

FocusFormat = Literal["csv", "parquet"]
Granularity = Annotated[int, Field(ge=0, le=86_400)]
"""Seconds that usage is added up over."""
Since = AwareDatetime | None
"""A bound of a period, `None` for that of this month; both are given or neither."""


@checked
def user_spend(user: Name) -> Request[UserAISpendStatus]:
    """Ask what a user spent this month."""
    path = f"{USERS}/{segment(user)}/ai/spend"
    return Request(path, {}, UserAISpendStatus.model_validate_json)


@checked
def group_spend(group: Name) -> Asked[GroupAISpend]:
    """Ask what was charged to a group this month."""
    parse = GroupAISpend.model_validate_json
    return by_id(group, lambda found: Request(f"{GROUPS}/{segment(found)}/ai/spend", {}, parse))


@checked
def groups_spend(
    group_ids: Listed[str | UUID], organization: Name
) -> Request[OrganizationGroupsAISpend]:
    """Ask what was charged to some groups this month."""
    query = {"group_ids": ",".join(map(str, group_ids))}
    parse = OrganizationGroupsAISpend.model_validate_json
    return Request(f"{_of(organization)}/groups/ai/spend", query, parse)


@checked
def members_spend(group: Name, user_ids: Listed[str | UUID]) -> Asked[GroupMembersAISpend]:
    """Ask what some members of a group spent this month."""
    query = {"user_ids": ",".join(map(str, user_ids))}
    parse = GroupMembersAISpend.model_validate_json
    return by_id(
        group, lambda found: Request(f"{GROUPS}/{segment(found)}/members/ai/spend", query, parse)
    )


@checked
def report(
    organization: Name,
    *,
    since: Since,
    until: Since,
    provider_name: str = "",
    model: str = "",
    client: str = "",
    limit: Count = 0,
    offset: Count = 0,
) -> Request[OrganizationAISpendReport]:
    """Ask for a page of users by what they spent."""
    query = _period(since, until) | given(provider_name=provider_name, model=model, client=client)
    query |= positive(limit=limit, offset=offset)
    parse = OrganizationAISpendReport.model_validate_json
    return Request(f"{_of(organization)}/ai/spend/users", query, parse)


@checked
def breakdown(
    by: SpendBy,
    organization: Name,
    *,
    user: Name | None,
    since: Since,
    until: Since,
    provider_type: str = "",
    provider_name: str = "",
    model: str = "",
    client: str = "",
    limit: Count = 0,
    offset: Count = 0,
) -> Request[AISpendBreakdown]:
    """Ask for a page of parts of what was spent."""
    query = {"by": by} | given(user=user) | _period(since, until)
    query |= given(provider_type=provider_type, provider_name=provider_name)
    query |= given(model=model, client=client)
    query |= positive(limit=limit, offset=offset)
    return Request(f"{_of(organization)}/ai/spend", query, AISpendBreakdown.model_validate_json)


@checked
def cache(
    by: CacheBy,
    organization: Name,
    *,
    user: Name | None,
    since: Since,
    until: Since,
    provider_name: str = "",
    model: str = "",
    client: str = "",
    limit: Count = 0,
    offset: Count = 0,
) -> Request[AICacheReport]:
    """Ask for a page of what caches saved, and what missing them cost."""
    query = {"by": by} | given(user=user) | _period(since, until)
    query |= given(provider_name=provider_name, model=model, client=client)
    query |= positive(limit=limit, offset=offset)
    path = f"{_of(organization)}/ai/spend/cache"
    return Request(path, query, AICacheReport.model_validate_json)


@checked
def export(
    organization: Name,
    *,
    since: Since,
    until: Since,
    user_id: Id = None,
    group_id: Id = None,
    provider_name: str = "",
    model: str = "",
) -> Request[bytes]:
    """Ask for a CSV file of what was spent."""
    query = _period(since, until) | given(user_id=user_id, group_id=group_id)
    query |= given(provider_name=provider_name, model=model)
    return Request(f"{_of(organization)}/ai/spend/export", query, _whole)


@checked
def export_focus(
    organization: Name,
    *,
    file_format: FocusFormat,
    granularity: Granularity,
    since: Since,
    until: Since,
    user_id: Id = None,
    group_id: Id = None,
    provider_name: str = "",
    model: str = "",
) -> Request[bytes]:
    """Ask for a file of charges as FOCUS 1.2 has them."""
    query = {"format": file_format, "granularity": str(granularity)}
    query |= _period(since, until) | given(user_id=user_id, group_id=group_id)
    query |= given(provider_name=provider_name, model=model)
    path = f"{EXPERIMENTAL}/organizations/{segment(organization)}/ai/spend/export/focus"
    return Request(path, query, _whole)


@checked
def simulation(
    groups: Mapping[str, SimulatedGroupLimit | Mapping[str, Any]] | None,
    users: Mapping[str, SimulatedUserLimit | Mapping[str, Any]] | None,
    organization: Name,
    *,
    since: Since,
    until: Since,
) -> Request[AISpendSimulation]:
    """Ask what other limits would have refused: asking twice does what asking once does."""
    content = body(SimulateAISpendRequest, groups=groups, users=users)
    path = f"{EXPERIMENTAL}/organizations/{segment(organization)}/ai/spend/simulation"
    parse = AISpendSimulation.model_validate_json
    asked = changing("POST", path, parse, content, repeatable=True)
    return replace(asked, query=_period(since, until))


def _whole(content: bytes) -> bytes:
    return content


def _period(since: datetime | None, until: datetime | None) -> dict[str, str]:
    bounds: dict[str, Any] = {"period_start": since, "period_end": until}
    return {name: rfc3339_nano(at) for name, at in bounds.items() if at is not None}


def _of(organization: Name) -> str:
    return f"{ORGANIZATIONS}/{segment(organization)}"
