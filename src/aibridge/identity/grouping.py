"""Making and changing groups."""

from collections.abc import Iterable
from uuid import uuid4

from aibridge.budgets.caps import delete_caps_of
from aibridge.budgets.limits import delete_group_budget, drop_overrides
from aibridge.contract.words import AuditAction, AuditResource
from aibridge.errors import ConflictError, IdentityError
from aibridge.identity.accounts import refuse_id
from aibridge.identity.audit import Act, Target
from aibridge.ids import now
from aibridge.store.people import groups as store
from aibridge.store.people.budgets import group_budget as budget_of
from aibridge.store.people.groups import Group
from aibridge.store.people.users import find_user


def create_group(act: Act, name: str, display_name: str = "") -> Group:
    """Add a group without members. Raises `TakenError`, `ConflictError` for a name like an id."""
    refuse_id(name, "group's name", field="name")
    at = now()
    group = Group(str(uuid4()), name, display_name, at, at, 0)
    store.insert_group(act.connection, group)
    act.log(AuditAction.CREATE, target_of(group), after=_fields(group))
    return group


def update_group(
    act: Act,
    group: Group,
    *,
    name: str | None = None,
    display_name: str | None = None,
    add_users: Iterable[str] = (),
    remove_users: Iterable[str] = (),
) -> Group:
    """Change a group's names and members; users are named by id or username.

    Who leaves loses an own limit that was charged to the group. Raises `TakenError`,
    `IdentityError` for a user nobody knows, `ConflictError` for Everyone or a new name like an id.
    """
    users = _users(act, "add_users", add_users), _users(act, "remove_users", remove_users)
    _refuse_everyone(group, any(users) or name is not None)
    if name is not None and name != group.name:
        refuse_id(name, "group's name", field="name")
    shown = group.display_name if display_name is None else display_name
    store.rename_group(act.connection, group.id, name or group.name, shown)
    joined, left = _change_members(act, group, *users)
    changed = store.find_group(act.connection, group.id) or group
    act.log(
        AuditAction.WRITE,
        target_of(changed),
        before=_fields(group),
        after={**_fields(changed), "joined": joined or None, "left": left or None},
    )
    return changed


def _change_members(
    act: Act, group: Group, joining: dict[str, str], leaving: dict[str, str]
) -> tuple[list[str], list[str]]:
    """Return the names of those who came into a group and of those who went."""
    joined = store.add_members(act.connection, group.id, joining)
    left = store.remove_members(act.connection, group.id, leaving)
    drop_overrides(act, group, left)
    return sorted(joining[one] for one in joined), sorted(leaving[one] for one in left)


def delete_group(act: Act, group: Group) -> None:
    """Delete a group, with its budget and the limits that were charged to it."""
    _refuse_everyone(group, changes=True)
    members = [member.username for member in store.members(act.connection, group)]
    drop_overrides(act, group)
    if budget_of(act.connection, group.id) is not None:
        delete_group_budget(act, group)
    delete_caps_of(act, [group.id])
    store.delete_group(act.connection, group.id)
    before = {**_fields(group), "members": members}
    act.log(AuditAction.DELETE, target_of(group), before=before)


def target_of(group: Group) -> Target:
    """Return a group as the audit log names it."""
    return Target(AuditResource.GROUP, group.id, group.name)


def _users(act: Act, field: str, names: Iterable[str]) -> dict[str, str]:
    """Return the users that are named: their usernames by their ids."""
    found = {name: find_user(act.connection, name) for name in names}
    unknown = [name for name, user in found.items() if user is None]
    if unknown:
        raise IdentityError(f"there is no user {', '.join(map(repr, unknown))}", field=field)
    return {user.id: user.username for user in found.values() if user is not None}


def _refuse_everyone(group: Group, changes: bool) -> None:
    if group.is_everyone and changes:
        raise ConflictError("Everyone holds all users: it keeps its name and its members.")


def _fields(group: Group) -> dict[str, object]:
    return {"name": group.name, "display_name": group.display_name}
