"""Groups: listing them, and by their ids showing, changing and deleting them."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Request

from aibridge import contract
from aibridge.api import shapes
from aibridge.api.access import Caller, Visitor
from aibridge.api.bodies import MAX_BYTES_OF_NAMES, body
from aibridge.api.documented import documented, flag, text
from aibridge.api.errors import not_found, trouble
from aibridge.api.parameters import Parameters
from aibridge.api.responses import JsonResponse
from aibridge.api.shapes import ORGANIZATION
from aibridge.api.users import named_user
from aibridge.contract import GroupDetail, Message, UpdateGroupRequest
from aibridge.identity import grouping
from aibridge.identity.rights import Reach, Right
from aibridge.store.people import groups as store
from aibridge.store.people.groups import Group
from aibridge.store.people.users import Connection

router = APIRouter(tags=["groups"], dependencies=[trouble("Internal error with groups.")])

MEMBERS_LISTED = 100
"""How many members of a group a list shows."""

GroupPath = Annotated[UUID, Path(description="The group's id; Everyone has the organization's.")]


def visible(
    connection: Connection, caller: Visitor, group: Group | None, right: Right = Right.READ_GROUPS
) -> Group:
    """Return a group if the right reaches it: of one's own are the groups one is in."""
    reach = caller.reach(right)
    if group is None or reach is Reach.NONE:
        raise not_found()
    if reach is Reach.OWN and not store.is_member(connection, group.id, caller.person.user_id):
        raise not_found()
    return group


def named_group(
    connection: Connection, caller: Visitor, group_id: UUID, right: Right = Right.READ_GROUPS
) -> Group:
    """Return the group that a path names, if the right reaches it."""
    return visible(connection, caller, store.find_group(connection, str(group_id)), right)


def shown(
    connection: Connection, caller: Visitor, group: Group, most: int | None = None
) -> contract.GroupDetail:
    """Return a group with ``most`` of those of its members whom the caller may see."""
    everybody = caller.reach(Right.READ_USERS) is Reach.ALL
    only = None if everybody else [caller.person.user_id]
    return shapes.group_detail(group, store.members(connection, group, most, only=only))


def list_them(
    connection: Connection, caller: Visitor, *, of: str = "", ids: list[str] | None = None
) -> JsonResponse:
    """Answer the groups that the caller may see, each with the first of its members.

    They are those of a user, where ``of`` names one, and of ``ids``, where there are some.
    """
    users = [named_user(connection, caller, of, Right.READ_USERS).id] if of else []
    if caller.reach(Right.READ_GROUPS) is not Reach.ALL:
        users.append(caller.person.user_id)
    rows = store.list_groups(connection, of_users=users, ids=ids)
    return JsonResponse([shown(connection, caller, row, MEMBERS_LISTED) for row in rows])


@router.get(
    "/groups",
    **documented(
        list[GroupDetail],
        parameters=[
            text("organization", "The organization's id or name.", most=64),
            text("has_member", "Only groups of this user: an id, a username, or me.", most=64),
            text("group_ids", "Only these: ids with commas between them.", most=8192),
        ],
    ),
)
def list_all_groups(request: Request, caller: Caller) -> JsonResponse:
    """List the groups in the order of their names; who may not see all sees their own."""
    parameters = Parameters(request.query_params)
    organization, of = parameters.text("organization"), parameters.text("has_member")
    ids = parameters.uuids("group_ids")
    parameters.check()
    check_organization(organization or ORGANIZATION.id)
    with caller.services.database.read() as connection:
        return list_them(connection, caller, of=of, ids=ids)


def check_organization(text: str) -> None:
    """Refuse another organization than the one there is, by its id or its name."""
    if text.lower() not in {ORGANIZATION.id, ORGANIZATION.name}:
        raise not_found()


@router.get(
    "/groups/{group}",
    **documented(
        GroupDetail, parameters=[flag("exclude_members", "Whether to leave the members out.")]
    ),
)
def show_group(request: Request, group: GroupPath, caller: Caller) -> JsonResponse:
    """Show a group with its members."""
    parameters = Parameters(request.query_params)
    most = 0 if parameters.flag("exclude_members") else None
    parameters.check()
    with caller.services.database.read() as connection:
        found = named_group(connection, caller, group)
        return JsonResponse(shown(connection, caller, found, most))


@router.patch("/groups/{group}", **documented(GroupDetail, body=UpdateGroupRequest, refusals=[409]))
def update_group(
    group: GroupPath,
    caller: Caller,
    change: Annotated[UpdateGroupRequest, body(UpdateGroupRequest, max_bytes=MAX_BYTES_OF_NAMES)],
) -> JsonResponse:
    """Change a group's names and members. Who leaves loses an own limit charged to it."""
    with caller.acting() as act:
        found = named_group(act.connection, caller, group, Right.WRITE_GROUPS)
        changed = grouping.update_group(
            act,
            found,
            name=change.name,
            display_name=change.display_name,
            add_users=change.add_users or (),
            remove_users=change.remove_users or (),
        )
        return JsonResponse(shown(act.connection, caller, changed))


@router.delete("/groups/{group}", **documented(Message, refusals=[409]))
def delete_group(group: GroupPath, caller: Caller) -> JsonResponse:
    """Delete a group with its budget, and the limits that were charged to it."""
    with caller.acting() as act:
        grouping.delete_group(act, named_group(act.connection, caller, group, Right.WRITE_GROUPS))
    return JsonResponse(Message(message="Successfully deleted group!"))
