"""The one organization, and its groups by name."""

from typing import Annotated

from fastapi import APIRouter, Path

from aibridge.api import shapes
from aibridge.api.access import Caller
from aibridge.api.bodies import body
from aibridge.api.documented import documented
from aibridge.api.errors import not_found, trouble
from aibridge.api.groups import shown, visible
from aibridge.api.responses import JsonResponse
from aibridge.contract import CreateGroupRequest, Group, GroupDetail, Organization
from aibridge.identity import grouping
from aibridge.identity.rights import Reach, Right
from aibridge.store import groups as store

router = APIRouter(tags=["groups"], dependencies=[trouble("Internal error with organizations.")])

OrganizationPath = Annotated[
    str, Path(max_length=64, description="The organization's id or name, or default.")
]


@router.get("/organizations", **documented(list[Organization]))
def list_organizations(_caller: Caller) -> JsonResponse:
    """List the organizations: there is one."""
    return JsonResponse([shapes.ORGANIZATION])


@router.get("/organizations/{organization}", **documented(Organization))
def show_organization(organization: OrganizationPath, _caller: Caller) -> JsonResponse:
    """Show the organization."""
    _check(organization)
    return JsonResponse(shapes.ORGANIZATION)


@router.get("/organizations/{organization}/groups", **documented(list[Group]))
def list_groups(organization: OrganizationPath, caller: Caller) -> JsonResponse:
    """List the groups in the order of their names; who may not see all sees their own."""
    _check(organization)
    all_of_them = caller.reach(Right.READ_GROUPS) is Reach.ALL
    with caller.services.database.read() as connection:
        of_user = None if all_of_them else caller.person.user_id
        rows = store.list_groups(connection, of_user=of_user)
    return JsonResponse([shapes.group(row) for row in rows])


_OF_THE_GROUP = (
    "show_group",
    "update_group",
    "delete_group",
    "show_group_budget",
    "put_group_budget",
    "delete_group_budget",
)


@router.post(
    "/organizations/{organization}/groups",
    **documented(
        GroupDetail,
        status=201,
        body=CreateGroupRequest,
        refusals=[409],
        links={name: {"group": "id"} for name in _OF_THE_GROUP},
    ),
)
def create_group(
    organization: OrganizationPath,
    caller: Caller,
    new: Annotated[CreateGroupRequest, body(CreateGroupRequest)],
) -> JsonResponse:
    """Make a group without members."""
    _check(organization)
    caller.require(Right.WRITE_GROUPS)
    with caller.acting() as act:
        made = grouping.create_group(act, new.name, new.display_name)
        return JsonResponse(shown(act.connection, caller, made), status_code=201)


@router.get("/organizations/{organization}/groups/{name}", **documented(GroupDetail))
def show_group_by_name(
    organization: OrganizationPath,
    name: Annotated[str, Path(max_length=64, description="The group's name, in either case.")],
    caller: Caller,
) -> JsonResponse:
    """Show a group, found by its name, with its members."""
    _check(organization)
    with caller.services.database.read() as connection:
        group = visible(connection, caller, store.group_by_name(connection, name))
        return JsonResponse(shown(connection, caller, group))


def _check(organization: str) -> None:
    if organization.lower() not in {shapes.ORGANIZATION.id, shapes.ORGANIZATION.name}:
        raise not_found()
