"""Whether the caller may do things, asked in the words of the original."""

from collections.abc import Mapping
from typing import Annotated

from fastapi import APIRouter

from aibridge.api.access import Caller, Visitor
from aibridge.api.bodies import body
from aibridge.api.documented import documented
from aibridge.api.errors import trouble
from aibridge.api.responses import JsonResponse
from aibridge.api.search import ME
from aibridge.api.shapes import ORGANIZATION
from aibridge.contract import AuthorizationCheck, AuthorizationRequest
from aibridge.identity.rights import Reach, Right, outranks
from aibridge.principals import Person
from aibridge.store.people.users import Connection, find_user

router = APIRouter(tags=["deployment"], dependencies=[trouble("Internal error checking rights.")])

MAX_BYTES = 64 * 1024
"""Enough for as many checks as there may be, each as long as it may be."""
_READ, _WRITE = ("read",), ("create", "update", "delete")
_RIGHTS: Mapping[tuple[str, str], Right] = {
    (resource, action): right
    for resource, actions, right in (
        ("aibridge_interception", _READ, Right.READ_RECORD),
        ("ai_model_price", _READ, Right.READ_PRICES),
        ("ai_model_price", _WRITE, Right.WRITE_PRICES),
        ("ai_provider", _READ, Right.READ_CONFIGURATION),
        ("api_key", _READ, Right.READ_TOKENS),
        ("api_key", _WRITE, Right.WRITE_TOKENS),
        ("assign_role", _READ, Right.READ_USERS),
        ("assign_role", ("assign", "unassign"), Right.WRITE_ROLES),
        ("audit_log", _READ, Right.READ_AUDIT),
        ("group", _READ, Right.READ_GROUPS),
        ("group", _WRITE, Right.WRITE_GROUPS),
        ("group_member", _READ, Right.READ_GROUPS),
        ("organization_member", _READ, Right.READ_USERS),
        ("user", ("read", "read_personal"), Right.READ_USERS),
        ("user", ("create", "update"), Right.WRITE_USERS),
        ("user", ("update_personal",), Right.WRITE_PASSWORDS),
    )
    for action in actions
}
"""Which right it takes to do something to a resource; what is not here nobody may,
as no route does it: there is none that deletes a user."""
_OF_ACCOUNTS = {("user", "update"), ("user", "update_personal")}
"""What takes a higher rank too, where the account has roles; but for one's own password."""
_EVERYBODYS = {("organization", "read")}


@router.post(
    "/authcheck",
    **documented(dict[str, bool], body=AuthorizationRequest),
)
def check_rights(
    caller: Caller,
    asked: Annotated[AuthorizationRequest, body(AuthorizationRequest, max_bytes=MAX_BYTES)],
) -> JsonResponse:
    """Say of each check whether the caller may do that, by the same key."""
    with caller.services.database.read() as connection:
        found = {key: _may(connection, caller, check) for key, check in asked.checks.items()}
    return JsonResponse(found)


def _may(connection: Connection, caller: Visitor, check: AuthorizationCheck) -> bool:
    """Return whether somebody may do something, with the token that they call with."""
    what = check.object
    if what.organization_id not in {"", ORGANIZATION.id}:
        return False
    asked = what.resource_type, check.action
    if asked in _EVERYBODYS:
        return True
    right = _RIGHTS.get(asked)
    reach = Reach.NONE if right is None else caller.reach(right)
    person = caller.person
    own = what.owner_id.lower() in {ME, person.user_id, person.username.lower()}
    if reach is Reach.ALL and asked in _OF_ACCOUNTS and what.owner_id:
        owner = person.user_id if own else what.owner_id
        return (own and right is Right.WRITE_PASSWORDS) or _outranks(connection, person, owner)
    return reach is Reach.ALL or (reach is Reach.OWN and own)


def _outranks(connection: Connection, person: Person, owner: str) -> bool:
    """Say whether somebody may change a user's account, as far as that user's roles matter."""
    user = find_user(connection, owner)
    return user is None or outranks(person, user.roles)
