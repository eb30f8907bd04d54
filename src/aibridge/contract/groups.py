"""The organization, and groups of users."""

from typing import Annotated, Literal

from pydantic import Field

from aibridge.contract.base import EMPTY, Body, Id, Ignored, MinimalUser, Model, Open, Time
from aibridge.contract.people import DisplayName, Role
from aibridge.contract.words import UserStatus


class Organization(Model):
    """The one organization; its id is that of its group Everyone too."""

    id: Id
    name: str
    display_name: str
    is_default: bool


class OrganizationMember(Model):
    """A user as a member of the organization, which has no roles of its own."""

    user_id: Id
    organization_id: Id
    username: str
    name: str
    avatar_url: str
    email: str
    status: Open[UserStatus]
    global_roles: list[Role]
    roles: list[Role]
    created_at: Time
    updated_at: Time
    user_created_at: Time
    user_updated_at: Time


class Group(Model):
    """A group of users. Everyone holds all of them, and has the organization's id."""

    id: Id
    name: str
    display_name: str
    organization_id: Id
    avatar_url: str
    source: Open[Literal["user"]]
    total_member_count: int
    created_at: Time
    updated_at: Time


class GroupMember(MinimalUser):
    """A user as shown among the members of a group."""

    email: str
    status: Open[UserStatus]
    created_at: Time
    updated_at: Time


class GroupDetail(Group):
    """A group with its members, in the order of their names.

    There may be more than are shown: ``total_member_count`` says how many.
    """

    members: list[GroupMember]


GroupName = Annotated[
    str, Field(min_length=1, max_length=36, pattern=r"^[a-zA-Z0-9]+([-_][a-zA-Z0-9]+)*$")
]
"""Letters and digits with single hyphens or underscores between them."""

MAX_NAMES = 1000
"""The most that a list of users in a request may hold."""

_UserNames = Annotated[
    tuple[Annotated[str, Field(min_length=1, max_length=64)], ...], Field(max_length=MAX_NAMES)
]


class CreateGroupRequest(Body):
    """A group to be; its name is unique, whatever its case."""

    name: GroupName
    display_name: DisplayName = ""
    avatar_url: Ignored = None
    quota_allowance: Ignored = None


class UpdateGroupRequest(Body):
    """What is to change of a group; users are named by id or username."""

    name: Annotated[GroupName | None, EMPTY] = None
    display_name: DisplayName | None = None
    add_users: _UserNames | None = None
    remove_users: _UserNames | None = None
    avatar_url: Ignored = None
    quota_allowance: Ignored = None
