"""The organization, its groups, and the budgets of groups and users."""

import re
from collections.abc import Iterable
from uuid import UUID

import httpx
from pydantic import TypeAdapter

from aibridge.contract import (
    CreateGroupRequest,
    Group,
    GroupAIBudget,
    GroupDetail,
    Organization,
    UpdateGroupRequest,
    UpsertGroupAIBudgetRequest,
    UpsertUserAIBudgetOverrideRequest,
    UserAIBudgetOverride,
)
from aibridge.contract.paths import API
from aibridge.sdk.endpoints.users import BASE as USERS
from aibridge.sdk.endpoints.users import Name
from aibridge.sdk.errors import WrongArgument
from aibridge.sdk.request import Request, body, changing, deleting, nothing, segment

ORGANIZATIONS = f"{API}/organizations"
GROUPS = f"{API}/groups"
DEFAULT = "default"
"""How the one organization can be called."""

_ORGANIZATIONS: TypeAdapter[list[Organization]] = TypeAdapter(list[Organization])
_GROUPS: TypeAdapter[list[Group]] = TypeAdapter(list[Group])
_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


def organizations() -> Request[list[Organization]]:
    """Ask for the organizations; there is one."""
    return Request(ORGANIZATIONS, {}, _ORGANIZATIONS.validate_json)


def groups(organization: Name) -> Request[list[Group]]:
    """Ask for the groups of an organization."""
    return Request(_of(organization), {}, _GROUPS.validate_json)


def group(group: Name, organization: Name) -> Request[GroupDetail]:
    """Ask for a group by its id, or by its name."""
    by_id = isinstance(group, UUID) or _UUID.fullmatch(group)
    path = _at(group) if by_id else f"{_of(organization)}/{segment(group)}"
    return Request(path, {}, GroupDetail.model_validate_json)


def create_group(
    name: str, *, display_name: str | None, organization: Name
) -> Request[GroupDetail]:
    """Ask to make a group."""
    content = body(CreateGroupRequest, name=name, display_name=display_name)
    return changing(
        "POST",
        _of(organization),
        GroupDetail.model_validate_json,
        content,
        success=httpx.codes.CREATED,
    )


def update_group(
    group_id: Name,
    *,
    name: str | None = None,
    display_name: str | None = None,
    add: Iterable[Name] | None = None,
    remove: Iterable[Name] | None = None,
) -> Request[GroupDetail]:
    """Ask to change of a group what is given."""
    content = body(
        UpdateGroupRequest,
        name=name,
        display_name=display_name,
        add_users=_names(add),
        remove_users=_names(remove),
    )
    return changing("PATCH", _at(group_id), GroupDetail.model_validate_json, content)


def _names(users: Iterable[Name] | None) -> tuple[str, ...] | None:
    """Return users as they are sent; a text by itself would be a user a letter."""
    if isinstance(users, str):
        raise WrongArgument("users are given as a list, also a single one")
    return None if users is None else tuple(map(str, users))


def delete_group(group_id: Name) -> Request[None]:
    """Ask to delete a group, which is answered with a message."""
    return changing("DELETE", _at(group_id), nothing)


def group_budget(group_id: Name) -> Request[GroupAIBudget]:
    """Ask for a group's budget."""
    return Request(_budget(group_id), {}, GroupAIBudget.model_validate_json)


def set_group_budget(group_id: Name, spend_limit_micros: int) -> Request[GroupAIBudget]:
    """Ask to give a group this budget."""
    content = body(UpsertGroupAIBudgetRequest, spend_limit_micros=spend_limit_micros)
    return changing("PUT", _budget(group_id), GroupAIBudget.model_validate_json, content)


def delete_group_budget(group_id: Name) -> Request[None]:
    """Ask to take a group's budget away."""
    return deleting(_budget(group_id))


def override(user: Name) -> Request[UserAIBudgetOverride]:
    """Ask for the limit that a user has of their own."""
    return Request(_override(user), {}, UserAIBudgetOverride.model_validate_json)


def set_override(
    user: Name, *, group_id: Name, spend_limit_micros: int
) -> Request[UserAIBudgetOverride]:
    """Ask to give a user a limit of their own."""
    content = body(
        UpsertUserAIBudgetOverrideRequest,
        group_id=str(group_id),
        spend_limit_micros=spend_limit_micros,
    )
    return changing("PUT", _override(user), UserAIBudgetOverride.model_validate_json, content)


def delete_override(user: Name) -> Request[None]:
    """Ask to take a user's own limit away."""
    return deleting(_override(user))


def _of(organization: Name) -> str:
    return f"{ORGANIZATIONS}/{segment(organization)}/groups"


def _at(group_id: Name) -> str:
    return f"{GROUPS}/{segment(group_id)}"


def _budget(group_id: Name) -> str:
    return f"{_at(group_id)}/ai/budget"


def _override(user: Name) -> str:
    return f"{USERS}/{segment(user)}/ai/budget/override"
