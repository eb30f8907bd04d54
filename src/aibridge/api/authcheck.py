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
from aibridge.identity.rights import Reach, Right

router = APIRouter(tags=["deployment"], dependencies=[trouble("Internal error checking rights.")])

MAX_BYTES = 64 * 1024
"""Enough for as many checks as there may be, each as long as it may be."""
_READ, _WRITE = ("read",), ("create", "update", "delete")
_RIGHTS: Mapping[tuple[str, str], Right] = {
    (resource, action): right
    for resource, actions, right in (
        ("aibridge_interception", _READ, Right.READ_RECORD),
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
        ("user", _WRITE, Right.WRITE_USERS),
        ("user", ("update_personal",), Right.WRITE_PASSWORDS),
    )
    for action in actions
}
"""Which right it takes to do something to a resource; what is not here nobody may."""
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
    return JsonResponse({key: _may(caller, check) for key, check in asked.checks.items()})


def _may(caller: Visitor, check: AuthorizationCheck) -> bool:
    """Return whether somebody may do something, with the token that they call with."""
    what = check.object
    if what.organization_id not in {"", ORGANIZATION.id}:
        return False
    if (what.resource_type, check.action) in _EVERYBODYS:
        return True
    right = _RIGHTS.get((what.resource_type, check.action))
    reach = Reach.NONE if right is None else caller.reach(right)
    person = caller.person
    own = what.owner_id.lower() in {ME, person.user_id, person.username.lower()}
    return reach is Reach.ALL or (reach is Reach.OWN and own)
