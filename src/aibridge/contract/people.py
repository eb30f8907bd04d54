"""Users and logging in."""

from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import Field, SecretStr, model_validator

from aibridge.contract.base import (
    EMPTY,
    Body,
    Id,
    Ignored,
    Model,
    Open,
    OptionalTexts,
    Page,
    SecretText,
    Time,
)
from aibridge.contract.words import SiteRole, UserStatus


class Role(Model):
    """A role as it is shown."""

    name: Open[SiteRole]
    display_name: str


class AssignableRole(Role):
    """A role, and whether the caller may give it to somebody."""

    assignable: bool
    built_in: bool = True


class User(Model):
    """A user. ``roles`` are those beside ``member``, which everybody is."""

    id: Id
    username: str
    name: str
    email: str
    avatar_url: str
    status: Open[UserStatus]
    roles: list[Role]
    organization_ids: list[Id]
    created_at: Time
    updated_at: Time


class UserList(Page[User]):
    """A page of users in the order of their names."""

    users: list[User]

    @property
    def items(self) -> list[User]:
        """The items of the page."""
        return self.users


Username = Annotated[
    str, Field(min_length=1, max_length=32, pattern=r"^[a-zA-Z0-9]+(-[a-zA-Z0-9]+)*$")
]
"""Letters and digits with single hyphens between them; ``me`` is reserved."""

DisplayName = Annotated[str, Field(max_length=128, pattern=r"^[^\x00-\x1f\x7f]*$")]
"""What people read: no control characters."""

Email = Annotated[
    str, Field(max_length=254, pattern=r"^([^\s@\x00-\x1f\x7f]+@[^\s@\x00-\x1f\x7f]+)?$")
]
"""An address, or nothing."""

Roles = Annotated[tuple[SiteRole, ...], Field(max_length=len(SiteRole))]

Password = Annotated[SecretStr, Field(min_length=8, max_length=256)]


class CreateFirstUserRequest(Body):
    """The owner of an installation that has no user yet."""

    username: Username
    password: Password
    email: Email = ""
    name: DisplayName = ""
    trial: Ignored = None
    trial_info: Ignored = None
    onboarding_info: Ignored = None


class CreateFirstUserResponse(Model):
    """Who was made, and where they belong."""

    user_id: Id
    organization_id: Id


class CreateUserRequest(Body):
    """A user to be. Without a password they use tokens only. Only owners give roles.

    The fields from ``login_type`` on are those of the original's client.
    """

    username: Username
    email: Email = ""
    name: DisplayName = ""
    password: Annotated[Password | None, EMPTY] = None
    roles: Roles = ()
    login_type: Literal["", "password", "none"] = ""
    """How they log in: ``none`` is with tokens only, and then there is no password."""
    user_status: Literal["active", "dormant"] | None = None
    """Users are active from the start, so both mean the same."""
    organization_ids: Annotated[tuple[UUID, ...], Field(max_length=1)] | None = None
    organization_id: UUID = UUID(int=0)
    """One more of them, as earlier releases of that client have it; the nil UUID is none."""
    disable_login: bool = False
    service_account: bool = False

    @model_validator(mode="after")
    def _without_login_without_password(self) -> Self:
        logs_in = not (self.disable_login or self.service_account or self.login_type == "none")
        if self.password is not None and not logs_in:
            raise ValueError("who does not log in has no password: leave it out")
        return self


class UpdateRolesRequest(Body):
    """The roles that a user is to have, all of them."""

    roles: Roles | None
    """Null is none of them: clients of Go send it for an empty list."""


class UpdatePasswordRequest(Body):
    """A new password; whoever changes their own has to know the old one, if there is one."""

    password: Password
    old_password: Annotated[SecretStr, Field(max_length=256)] = SecretStr("")


class LoginRequest(Body):
    """An email address, or a username, and the password."""

    email: Annotated[str, Field(min_length=1, max_length=254)]
    password: Annotated[SecretStr, Field(min_length=1, max_length=256)]


class LoginResponse(Model):
    """A token for the API, for one day, and what its user should know.

    There is a notice as long as the password is one that somebody else has set.
    """

    session_token: SecretText
    notices: OptionalTexts = ()


class Message(Model):
    """Something that is so, in words."""

    message: str


class UserRoles(Model):
    """The names of a user's roles: everywhere, and in each organization by its id."""

    roles: list[Open[SiteRole]]
    organization_roles: dict[str, list[str]]
