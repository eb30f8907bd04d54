"""Users, groups, tokens and logging in."""

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field, SecretStr

from aibridge.contract.base import WHOLE, Body, Id, MinimalUser, Model, OptionalTexts, Time


class SiteRole(StrEnum):
    """What somebody may do everywhere; everybody is a ``member`` too."""

    OWNER = "owner"
    USER_ADMIN = "user-admin"
    AUDITOR = "auditor"
    MEMBER = "member"


class TokenScope(StrEnum):
    """What a token may be used for, within what its user may do.

    ``gateway`` is to call models, ``read`` to read the API, ``admin`` everything of the API.
    """

    GATEWAY = "gateway"
    READ = "read"
    ADMIN = "admin"


class UserStatus(StrEnum):
    """Whether a user's tokens work."""

    ACTIVE = "active"
    SUSPENDED = "suspended"


class LoginType(StrEnum):
    """How a token came to be: somebody made it, or it is of a login."""

    TOKEN = "token"  # noqa: S105 - a kind of token
    PASSWORD = "password"  # noqa: S105 - a kind of token


class Role(Model):
    """A role as it is shown."""

    name: SiteRole
    display_name: str


class User(Model):
    """A user. ``roles`` are those beside ``member``, which everybody is."""

    id: Id
    username: str
    name: str
    email: str
    avatar_url: str
    status: UserStatus
    roles: list[Role]
    organization_ids: list[Id]
    created_at: Time
    updated_at: Time


class UserList(Model):
    """A page of users in the order of their names; ``count`` ignores paging."""

    count: int
    users: list[User]


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

Password = Annotated[SecretStr, Field(min_length=8, max_length=256)]


class CreateFirstUserRequest(Body):
    """The owner of an installation that has no user yet."""

    username: Username
    password: Password
    email: Email = ""
    name: DisplayName = ""


class CreateFirstUserResponse(Model):
    """Who was made, and where they belong."""

    user_id: Id
    organization_id: Id


class CreateUserRequest(Body):
    """A user to be. Without a password they use tokens only. Only owners give roles."""

    username: Username
    email: Email = ""
    name: DisplayName = ""
    password: Password | None = None
    roles: tuple[SiteRole, ...] = Field(default=(), max_length=len(SiteRole))


class UpdateRolesRequest(Body):
    """The roles that a user is to have, all of them."""

    roles: tuple[SiteRole, ...] = Field(max_length=len(SiteRole))


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

    session_token: str
    notices: OptionalTexts = ()


class Message(Model):
    """Something that is so, in words."""

    message: str


class Token(Model):
    """A token without its secret. ``expires_at`` is null for never, ``last_used`` for not yet.

    ``last_used`` is exact to about a minute. ``lifetime_seconds`` is 0 for ever.
    """

    id: str
    user_id: Id
    username: str
    token_name: str
    scopes: list[TokenScope]
    login_type: LoginType
    created_at: Time
    expires_at: Time | None
    last_used: Time | None
    lifetime_seconds: int


LONGEST_LIFETIME_SECONDS = 36_500 * 86_400
DEFAULT_LIFETIME_SECONDS = 30 * 86_400


class CreateTokenRequest(Body):
    """A token to be; its name is its id if left out, its scopes are all of them."""

    token_name: Annotated[str, Field(max_length=64, pattern=r"^[^\x00-\x1f\x7f]*$")] = ""
    lifetime_seconds: Annotated[int, Field(ge=0, le=LONGEST_LIFETIME_SECONDS), WHOLE] = (
        DEFAULT_LIFETIME_SECONDS
    )
    """Seconds; 0 is for ever."""
    scopes: tuple[TokenScope, ...] = Field(
        default=tuple(TokenScope), min_length=1, max_length=len(TokenScope)
    )


class CreatedToken(Token):
    """A new token with its text, which is shown only here."""

    key: str


class Organization(Model):
    """The one organization; its id is that of its group Everyone too."""

    id: Id
    name: str
    display_name: str
    is_default: bool


class Group(Model):
    """A group of users. Everyone holds all of them, and has the organization's id."""

    id: Id
    name: str
    display_name: str
    organization_id: Id
    avatar_url: str
    source: Literal["user"]
    total_member_count: int
    created_at: Time
    updated_at: Time


class GroupDetail(Group):
    """A group with its members, in the order of their names."""

    members: list[MinimalUser]


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


class UpdateGroupRequest(Body):
    """What is to change of a group; users are named by id or username."""

    name: GroupName | None = None
    display_name: DisplayName | None = None
    add_users: _UserNames = ()
    remove_users: _UserNames = ()
