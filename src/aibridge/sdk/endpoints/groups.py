"""The organization, its groups, and the budgets of groups and users."""

import re
from collections.abc import Callable
from typing import TypeVar
from uuid import UUID

import httpx
from pydantic import TypeAdapter

from aibridge.contract import (
    CreateGroupRequest,
    GroupAIBudget,
    GroupDetail,
    Organization,
    UpdateGroupRequest,
    UpsertGroupAIBudgetRequest,
    UpsertUserAIBudgetOverrideRequest,
    UserAIBudgetOverride,
)
from aibridge.contract.paths import API
from aibridge.sdk.arguments import checked
from aibridge.sdk.endpoints.users import BASE as USERS
from aibridge.sdk.names import Listed, Name
from aibridge.sdk.request import Asked, Lookup, Request, body, changing, deleting, nothing, segment

T = TypeVar("T")

ORGANIZATIONS = f"{API}/organizations"
GROUPS = f"{API}/groups"
DEFAULT = "default"
"""How the one organization can be called."""

_ORGANIZATIONS: TypeAdapter[list[Organization]] = TypeAdapter(list[Organization])
_GROUPS: TypeAdapter[list[GroupDetail]] = TypeAdapter(list[GroupDetail])
_ANY = UUID(int=0)
_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


@checked
def organizations() -> Request[list[Organization]]:
    """Ask for the organizations; there is one."""
    return Request(ORGANIZATIONS, {}, _ORGANIZATIONS.validate_json)


@checked
def groups(organization: Name) -> Request[list[GroupDetail]]:
    """Ask for the groups of an organization."""
    return Request(_of(organization), {}, _GROUPS.validate_json)


@checked
def group(group: Name, organization: Name) -> Request[GroupDetail]:
    """Ask for a group by its id, or by its name."""
    path = _at(group) if _is_id(group) else f"{_of(organization)}/{segment(group)}"
    return Request(path, {}, GroupDetail.model_validate_json)


@checked
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


@checked
def update_group(
    group: Name,
    *,
    name: str | None = None,
    display_name: str | None = None,
) -> Asked[GroupDetail]:
    """Ask to change of a group what is given."""
    return _change(group, body(UpdateGroupRequest, name=name, display_name=display_name))


@checked
def add_members(group: Name, users: Listed[Name]) -> Asked[GroupDetail]:
    """Ask to add users to a group."""
    return _change(group, body(UpdateGroupRequest, add_users=tuple(map(str, users))))


@checked
def remove_members(group: Name, users: Listed[Name]) -> Asked[GroupDetail]:
    """Ask to take users out of a group."""
    return _change(group, body(UpdateGroupRequest, remove_users=tuple(map(str, users))))


def _change(group: Name, content: UpdateGroupRequest) -> Asked[GroupDetail]:
    parse = GroupDetail.model_validate_json
    return by_id(group, lambda found: changing("PATCH", _at(found), parse, content))


@checked
def delete_group(group: Name) -> Asked[None]:
    """Ask to delete a group, which is answered with a message."""
    return by_id(group, lambda found: changing("DELETE", _at(found), nothing))


@checked
def group_budget(group: Name) -> Asked[GroupAIBudget]:
    """Ask for a group's budget."""
    parse = GroupAIBudget.model_validate_json
    return by_id(group, lambda found: Request(_budget(found), {}, parse))


@checked
def set_group_budget(group: Name, spend_limit_micros: int) -> Asked[GroupAIBudget]:
    """Ask to give a group this budget."""
    content = body(UpsertGroupAIBudgetRequest, spend_limit_micros=spend_limit_micros)
    parse = GroupAIBudget.model_validate_json
    return by_id(group, lambda found: changing("PUT", _budget(found), parse, content))


@checked
def delete_group_budget(group: Name) -> Asked[None]:
    """Ask to take a group's budget away."""
    return by_id(group, lambda found: deleting(_budget(found)))


@checked
def override(user: Name) -> Request[UserAIBudgetOverride]:
    """Ask for the limit that a user has of their own."""
    return Request(_override(user), {}, UserAIBudgetOverride.model_validate_json)


@checked
def set_override(
    user: Name, *, group_id: Name, spend_limit_micros: int
) -> Asked[UserAIBudgetOverride]:
    """Ask to give a user a limit of their own."""

    def make(found: Name) -> Request[UserAIBudgetOverride]:
        content = body(
            UpsertUserAIBudgetOverrideRequest,
            group_id=str(found),
            spend_limit_micros=spend_limit_micros,
        )
        return changing("PUT", _override(user), UserAIBudgetOverride.model_validate_json, content)

    return by_id(group_id, make)


@checked
def delete_override(user: Name) -> Request[None]:
    """Ask to take a user's own limit away."""
    return deleting(_override(user))


def _is_id(group: Name) -> bool:
    return isinstance(group, UUID) or _UUID.fullmatch(group) is not None


def by_id(group: Name, make: Callable[[Name], Request[T]]) -> Asked[T]:
    """Return what ``make`` asks of a group's id; a name's id has to be looked up first."""
    if _is_id(group):
        return make(group)
    make(_ANY)  # what cannot be sent is refused before the name is looked up
    path = f"{_of(DEFAULT)}/{segment(group)}"
    return Lookup(Request(path, {}, GroupDetail.model_validate_json), make)


def _of(organization: Name) -> str:
    return f"{ORGANIZATIONS}/{segment(organization)}/groups"


def _at(group: Name) -> str:
    return f"{GROUPS}/{segment(group)}"


def _budget(group: Name) -> str:
    return f"{_at(group)}/ai/budget"


def _override(user: Name) -> str:
    return f"{USERS}/{segment(user)}/ai/budget/override"
