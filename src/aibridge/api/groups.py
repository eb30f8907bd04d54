"""Groups by their ids: showing, changing and deleting them."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Response

from aibridge import contract
from aibridge.api import shapes
from aibridge.api.access import Caller, Visitor
from aibridge.api.bodies import MAX_BYTES_OF_NAMES, body
from aibridge.api.documented import documented
from aibridge.api.errors import not_found, trouble
from aibridge.api.responses import JsonResponse, no_content
from aibridge.contract import GroupDetail, UpdateGroupRequest
from aibridge.identity import grouping
from aibridge.identity.rights import Reach, Right
from aibridge.store import groups as store
from aibridge.store.groups import Group
from aibridge.store.users import Connection

router = APIRouter(tags=["groups"], dependencies=[trouble("Internal error with groups.")])

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


def shown(connection: Connection, caller: Visitor, group: Group) -> contract.GroupDetail:
    """Return a group with those of its members whom the caller may see."""
    members = store.members(connection, group)
    seen = (one for one in members if caller.allows(Right.READ_USERS, one.id))
    return shapes.group_detail(group, seen)


@router.get("/groups/{group}", **documented(GroupDetail))
def show_group(group: GroupPath, caller: Caller) -> JsonResponse:
    """Show a group with its members."""
    with caller.services.database.read() as connection:
        return JsonResponse(shown(connection, caller, named_group(connection, caller, group)))


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
            add_users=change.add_users,
            remove_users=change.remove_users,
        )
        return JsonResponse(shown(act.connection, caller, changed))


@router.delete("/groups/{group}", **documented(status=204, refusals=[409]))
def delete_group(group: GroupPath, caller: Caller) -> Response:
    """Delete a group with its budget, and the limits that were charged to it."""
    with caller.acting() as act:
        grouping.delete_group(act, named_group(act.connection, caller, group, Right.WRITE_GROUPS))
    return no_content()
