"""Users: listing, making and changing them."""

from collections.abc import Iterable
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Request, Response

from aibridge.addresses import network_of
from aibridge.api import shapes
from aibridge.api.access import Caller, Visitor
from aibridge.api.admin_search import USER_KEYS, search_users
from aibridge.api.bodies import body
from aibridge.api.documented import CURSORS, documented, search
from aibridge.api.errors import ApiError, not_found, trouble
from aibridge.api.parameters import Parameters, id_page, no_such_cursor
from aibridge.api.passwords import Trial
from aibridge.api.responses import JsonResponse, no_content
from aibridge.api.search import ME
from aibridge.api.shapes import ORGANIZATION
from aibridge.contract import (
    AssignableRole,
    CreateUserRequest,
    UpdatePasswordRequest,
    UpdateRolesRequest,
    User,
    UserList,
    UserRoles,
    Validation,
)
from aibridge.identity import accounts
from aibridge.identity.rights import Reach, Right
from aibridge.store.people import users as store
from aibridge.store.people.users import ACTIVE, SUSPENDED, Connection

router = APIRouter(tags=["users"], dependencies=[trouble("Internal error with users.")])

UserPath = Annotated[
    str, Path(max_length=64, description="An id, a username, or me.", pattern="^[A-Za-z0-9-]+$")
]


def named_user(connection: Connection, caller: Visitor, text: str, right: Right) -> store.User:
    """Return the user that a path names. Who may not do this to them gets 404, as for nobody."""
    name = caller.person.user_id if text == ME else text
    user = store.find_user(connection, name)
    if user is None or not caller.allows(right, user.id):
        raise not_found()
    return user


@router.get(
    "/users",
    **documented(
        UserList,
        parameters=(*CURSORS, search(USER_KEYS, "part of a name or an address")),
    ),
)
def list_users(request: Request, caller: Caller) -> JsonResponse:
    """List users in the order of their names; who may see no others sees themselves."""
    parameters = Parameters(request.query_params)
    paging, after_id = id_page(parameters)
    everybody = caller.reach(Right.READ_USERS) is Reach.ALL
    where = search_users(parameters.text("q"), None if everybody else caller.person.user_id)
    with caller.services.database.read() as connection:
        after = _cursor(connection, caller, after_id)
        rows = store.page(connection, where, limit=paging.limit, offset=paging.offset, after=after)
        count = store.count(connection, where)
    return JsonResponse(UserList(count=count, users=[shapes.user(row) for row in rows]))


def _cursor(connection: Connection, caller: Visitor, after_id: str | None) -> store.User | None:
    if after_id is None:
        return None
    after = store.find_user(connection, after_id)
    if after is None or not caller.allows(Right.READ_USERS, after.id):
        raise no_such_cursor("user", after_id)
    return after


_OF_THE_USER = (
    "show_user",
    "show_roles",
    "suspend_user",
    "activate_user",
    "set_roles",
    "set_password",
    "list_tokens",
    "create_token",
    "show_override",
    "put_override",
    "delete_override",
)


@router.post(
    "/users",
    **documented(
        User,
        status=201,
        body=CreateUserRequest,
        refusals=[409],
        links={name: {"user": "id"} for name in _OF_THE_USER},
    ),
)
def create_user(
    caller: Caller, new: Annotated[CreateUserRequest, body(CreateUserRequest)]
) -> JsonResponse:
    """Make a user. Giving roles is for owners."""
    caller.require(Right.WRITE_USERS)
    _check_organizations([*(new.organization_ids or ()), new.organization_id])
    if accounts.real_roles(new.roles) and caller.reach(Right.WRITE_ROLES) is not Reach.ALL:
        raise ApiError(403, "Forbidden.", detail="Only an owner may give roles.")
    password = new.password.get_secret_value() if new.password else None
    hashed = caller.services.passwords.hash(password) if password else None
    with caller.acting() as act:
        user = accounts.create_user(
            act, new.username, new.roles, email=new.email, name=new.name, password_hash=hashed
        )
    return JsonResponse(shapes.user(user), status_code=201)


def _check_organizations(ids: Iterable[UUID]) -> None:
    """Refuse a user of another organization than the one there is."""
    if {str(id_) for id_ in ids if id_.int} - {ORGANIZATION.id}:
        complaint = Validation(field="organization_ids", detail="there is no such organization")
        raise ApiError(400, "Validation failed.", validations=[complaint])


@router.get("/users/roles", **documented(list[AssignableRole]))
def list_roles(caller: Caller) -> JsonResponse:
    """List the roles there are."""
    may_assign = caller.reach(Right.WRITE_ROLES) is Reach.ALL
    return JsonResponse(shapes.assignable_roles(may_assign=may_assign))


@router.get("/users/{user}/roles", **documented(UserRoles))
def show_roles(user: UserPath, caller: Caller) -> JsonResponse:
    """Show the names of a user's roles."""
    with caller.services.database.read() as connection:
        found = named_user(connection, caller, user, Right.READ_USERS)
    return JsonResponse(shapes.user_roles(found))


@router.get("/users/{user}", **documented(User))
def show_user(user: UserPath, caller: Caller) -> JsonResponse:
    """Show a user."""
    with caller.services.database.read() as connection:
        return JsonResponse(shapes.user(named_user(connection, caller, user, Right.READ_USERS)))


@router.put("/users/{user}/status/suspend", **documented(User, refusals=[409]))
def suspend_user(user: UserPath, caller: Caller) -> JsonResponse:
    """Suspend a user: from their next request on, every token of theirs is refused."""
    return _set_status(user, caller, SUSPENDED)


@router.put("/users/{user}/status/activate", **documented(User))
def activate_user(user: UserPath, caller: Caller) -> JsonResponse:
    """Let a suspended user's tokens work again."""
    return _set_status(user, caller, ACTIVE)


def _set_status(user: str, caller: Visitor, status: str) -> JsonResponse:
    with caller.acting() as act:
        found = named_user(act.connection, caller, user, Right.WRITE_USERS)
        return JsonResponse(shapes.user(accounts.set_status(act, found, status)))


@router.put("/users/{user}/roles", **documented(User, body=UpdateRolesRequest, refusals=[409]))
def set_roles(
    user: UserPath, caller: Caller, wanted: Annotated[UpdateRolesRequest, body(UpdateRolesRequest)]
) -> JsonResponse:
    """Give a user just these roles."""
    with caller.acting() as act:
        found = named_user(act.connection, caller, user, Right.WRITE_ROLES)
        return JsonResponse(shapes.user(accounts.set_roles(act, found, wanted.roles or ())))


@router.put(
    "/users/{user}/password", **documented(status=204, body=UpdatePasswordRequest, refusals=[429])
)
def set_password(
    user: UserPath,
    caller: Caller,
    change: Annotated[UpdatePasswordRequest, body(UpdatePasswordRequest)],
) -> Response:
    """Give a user a password. Who changes their own has to know the old one, if there is one."""
    with caller.services.database.read() as connection:
        found = named_user(connection, caller, user, Right.WRITE_PASSWORDS)
        old = store.password_hash(connection, found.id)
    own = found.id == caller.person.user_id and old is not None
    passwords = caller.services.passwords
    trial = Trial(caller.services.changes, (found.id, network_of(caller.ip)))
    if own and not trial.matches(passwords, change.old_password, old):
        with caller.acting() as act:
            accounts.log_wrong_password(act, found)
        raise ApiError(400, "Old password is incorrect.")
    hashed = passwords.hash(change.password.get_secret_value())
    with caller.acting() as act:
        again = named_user(act.connection, caller, found.id, Right.WRITE_PASSWORDS)
        accounts.set_password(act, again, hashed)
    return no_content()
