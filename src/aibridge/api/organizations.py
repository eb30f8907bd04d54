"""The one organization, and its groups by name."""

from typing import Annotated

from fastapi import APIRouter, Path

from aibridge.api import shapes
from aibridge.api.access import Caller
from aibridge.api.bodies import body
from aibridge.api.documented import documented
from aibridge.api.errors import trouble
from aibridge.api.groups import check_organization, list_them, shown, visible
from aibridge.api.parameters import MAX_LIMIT
from aibridge.api.responses import JsonResponse
from aibridge.api.users import UserPath, named_user
from aibridge.contract import CreateGroupRequest, GroupDetail, Organization, OrganizationMember
from aibridge.identity import grouping
from aibridge.identity.rights import Reach, Right
from aibridge.store.people import groups as store
from aibridge.store.people import users

router = APIRouter(tags=["groups"], dependencies=[trouble("Internal error with organizations.")])

OrganizationPath = Annotated[
    str, Path(max_length=64, description="The organization's id or name, or default.")
]


@router.get("/organizations", **documented(list[Organization]))
def list_organizations(_caller: Caller) -> JsonResponse:
    """List the organizations: there is one."""
    return JsonResponse([shapes.ORGANIZATION])


@router.get("/users/{user}/organizations", **documented(list[Organization]))
def list_organizations_of_user(user: UserPath, caller: Caller) -> JsonResponse:
    """List the organizations of a user: everybody is in the one there is."""
    with caller.services.database.read() as connection:
        named_user(connection, caller, user, Right.READ_USERS)
    return JsonResponse([shapes.ORGANIZATION])


@router.get("/users/{user}/organizations/{organization}", **documented(Organization))
def show_organization_of_user(
    user: UserPath, organization: OrganizationPath, caller: Caller
) -> JsonResponse:
    """Show an organization that a user is in."""
    check_organization(organization)
    with caller.services.database.read() as connection:
        named_user(connection, caller, user, Right.READ_USERS)
    return JsonResponse(shapes.ORGANIZATION)


@router.get("/organizations/{organization}", **documented(Organization))
def show_organization(organization: OrganizationPath, _caller: Caller) -> JsonResponse:
    """Show the organization."""
    check_organization(organization)
    return JsonResponse(shapes.ORGANIZATION)


@router.get("/organizations/{organization}/groups", **documented(list[GroupDetail]))
def list_groups(organization: OrganizationPath, caller: Caller) -> JsonResponse:
    """List the groups in the order of their names; who may not see all sees their own."""
    check_organization(organization)
    with caller.services.database.read() as connection:
        return list_them(connection, caller)


@router.get("/organizations/{organization}/members", **documented(list[OrganizationMember]))
@router.get(
    "/organizations/{organization}/members/",
    **documented(list[OrganizationMember]),
    name="list_members_as_go_does",
)
def list_members(organization: OrganizationPath, caller: Caller) -> JsonResponse:
    """List the first thousand of the users, who are all in the organization."""
    check_organization(organization)
    everybody = caller.reach(Right.READ_USERS) is Reach.ALL
    where = users.UserFilter(only=None if everybody else caller.person.user_id)
    with caller.services.database.read() as connection:
        rows = users.page(connection, where, limit=MAX_LIMIT)
    return JsonResponse(list(map(shapes.organization_member, rows)))


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
    check_organization(organization)
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
    check_organization(organization)
    with caller.services.database.read() as connection:
        group = visible(connection, caller, store.group_by_name(connection, name))
        return JsonResponse(shown(connection, caller, group))
