"""Users, their tokens, and logging in."""

from datetime import timedelta
from typing import Literal

import httpx
from pydantic import TypeAdapter

from aibridge.contract import (
    CreatedToken,
    CreateFirstUserRequest,
    CreateFirstUserResponse,
    CreateTokenRequest,
    CreateUserRequest,
    LoginRequest,
    LoginResponse,
    Token,
    UpdatePasswordRequest,
    UpdateRolesRequest,
    User,
    UserList,
)
from aibridge.contract.paths import API
from aibridge.sdk.arguments import Count, checked
from aibridge.sdk.errors import WrongArgument
from aibridge.sdk.names import Id, Listed, Name, NotGiven, RoleName, ScopeName
from aibridge.sdk.request import (
    Request,
    body,
    changing,
    deleting,
    given,
    nothing,
    positive,
    segment,
)

BASE = f"{API}/users"
_TOKENS: TypeAdapter[list[Token]] = TypeAdapter(list[Token])
_SECOND = timedelta(seconds=1)


@checked
def login(email: str, password: str) -> Request[LoginResponse]:
    """Ask for a token with an email address, or a username, and a password."""
    content = body(LoginRequest, email=email, password=password)
    return changing(
        "POST",
        f"{BASE}/login",
        LoginResponse.model_validate_json,
        content,
        success=httpx.codes.CREATED,
    )


@checked
def logout() -> Request[None]:
    """Ask to delete the token that the request carries."""
    return changing("POST", f"{BASE}/logout", nothing)


@checked
def create_first_user(
    username: str, password: str, *, email: str | None, name: str | None
) -> Request[CreateFirstUserResponse]:
    """Ask to make the owner of an installation without users."""
    content = body(
        CreateFirstUserRequest, username=username, password=password, email=email, name=name
    )
    return changing(
        "POST",
        f"{BASE}/first",
        CreateFirstUserResponse.model_validate_json,
        content,
        success=httpx.codes.CREATED,
    )


@checked
def users(
    q: str = "", *, limit: Count = 0, offset: Count = 0, after_id: Id = None
) -> Request[UserList]:
    """Ask for a page of users."""
    query = given(q=q, after_id=after_id) | positive(limit=limit, offset=offset)
    return Request(BASE, query, UserList.model_validate_json)


@checked
def user(user: Name) -> Request[User]:
    """Ask for one user."""
    return Request(_at(user), {}, User.model_validate_json)


@checked
def create_user(
    username: str,
    *,
    email: str | None,
    name: str | None,
    password: str | None,
    roles: Listed[RoleName] | None,
) -> Request[User]:
    """Ask to make a user."""
    content = body(
        CreateUserRequest,
        username=username,
        email=email,
        name=name,
        password=password,
        roles=roles,
    )
    return changing("POST", BASE, User.model_validate_json, content, success=httpx.codes.CREATED)


@checked
def set_status(user: Name, action: Literal["suspend", "activate"]) -> Request[User]:
    """Ask to ``suspend`` or to ``activate`` a user."""
    return changing("PUT", f"{_at(user)}/status/{action}", User.model_validate_json)


@checked
def set_roles(user: Name, roles: Listed[RoleName]) -> Request[User]:
    """Ask to give a user exactly these roles."""
    content = body(UpdateRolesRequest, roles=roles)
    return changing("PUT", f"{_at(user)}/roles", User.model_validate_json, content)


@checked
def set_password(user: Name, password: str, *, old_password: str | None) -> Request[None]:
    """Ask to give a user another password.

    It is not repeatable: once a first request came through, an old one is wrong, or is needed.
    """
    content = body(UpdatePasswordRequest, password=password, old_password=old_password)
    return changing(
        "PUT",
        f"{_at(user)}/password",
        nothing,
        content,
        success=httpx.codes.NO_CONTENT,
        repeatable=False,
    )


@checked
def tokens(user: Name, *, everybodys: bool = False) -> Request[list[Token]]:
    """Ask for the tokens of a user, or of everybody."""
    query = {"include_all": "true"} if everybodys else {}
    return Request(f"{_at(user)}/keys/tokens", query, _TOKENS.validate_json)


@checked
def create_token(
    user: Name,
    *,
    name: str | None,
    lifetime: timedelta | NotGiven | None,
    scopes: Listed[ScopeName] | None,
) -> Request[CreatedToken]:
    """Ask to give a user a token."""
    content = body(
        CreateTokenRequest,
        token_name=name,
        lifetime_seconds=_seconds(lifetime),
        scopes=scopes,
    )
    return changing(
        "POST",
        f"{_at(user)}/keys/tokens",
        CreatedToken.model_validate_json,
        content,
        success=httpx.codes.CREATED,
    )


def _seconds(lifetime: timedelta | NotGiven | None) -> int | None:
    if isinstance(lifetime, NotGiven):
        return None
    if lifetime is None:
        return 0
    if lifetime < _SECOND:  # it would come out as 0, which is for ever
        raise WrongArgument("a lifetime is a second or longer; None is for ever")
    return lifetime // _SECOND


@checked
def token(token_id: str, user: Name) -> Request[Token]:
    """Ask for one token, without its secret."""
    return Request(_token(token_id, user), {}, Token.model_validate_json)


@checked
def delete_token(token_id: str, user: Name) -> Request[None]:
    """Ask to delete a token."""
    return deleting(_token(token_id, user))


def _at(name: Name) -> str:
    return f"{BASE}/{segment(name)}"


def _token(token_id: str, user: Name) -> str:
    """Return the path of a token; of a whole one only the id goes into a URL."""
    return f"{_at(user)}/keys/{segment(token_id.partition('-')[0])}"
