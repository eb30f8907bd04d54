"""Making and changing groups."""

from collections.abc import Iterable
from uuid import uuid4

from aibridge.contract import AuditAction, AuditResource
from aibridge.identity.audit import Act, Target
from aibridge.identity.errors import ConflictError, IdentityError
from aibridge.store import groups as store
from aibridge.store.groups import Group
from aibridge.store.users import find_user, now


def create_group(act: Act, name: str, display_name: str = "") -> Group:
    """Add a group without members. Raises `TakenError`."""
    at = now()
    group = Group(str(uuid4()), name, display_name, at, at, 0)
    store.insert_group(act.connection, group)
    act.log(AuditAction.CREATE, target_of(group), after=_fields(act, group))
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

    Raises `TakenError`, `IdentityError` for a user nobody knows, `ConflictError` for Everyone.
    """
    joining = _user_ids(act, "add_users", add_users)
    leaving = _user_ids(act, "remove_users", remove_users)
    _refuse_everyone(group, bool(joining or leaving or name is not None))
    before = _fields(act, group)
    shown = group.display_name if display_name is None else display_name
    store.rename_group(act.connection, group.id, name or group.name, shown)
    store.add_members(act.connection, group.id, joining)
    store.remove_members(act.connection, group.id, leaving)
    changed = store.find_group(act.connection, group.id) or group
    act.log(AuditAction.WRITE, target_of(changed), before=before, after=_fields(act, changed))
    return changed


def delete_group(act: Act, group: Group) -> None:
    """Delete a group, with its budget and the limits that were charged to it."""
    _refuse_everyone(group, changes=True)
    before = _fields(act, group)
    store.delete_group(act.connection, group.id)
    act.log(AuditAction.DELETE, target_of(group), before=before)


def target_of(group: Group) -> Target:
    """Return a group as the audit log names it."""
    return Target(AuditResource.GROUP, group.id, group.name)


def _user_ids(act: Act, field: str, names: Iterable[str]) -> list[str]:
    found = {name: find_user(act.connection, name) for name in names}
    unknown = [name for name, user in found.items() if user is None]
    if unknown:
        raise IdentityError(f"there is no user {', '.join(map(repr, unknown))}", field=field)
    return [user.id for user in found.values() if user is not None]


def _refuse_everyone(group: Group, changes: bool) -> None:
    if group.is_everyone and changes:
        raise ConflictError("Everyone holds all users: it keeps its name and its members.")


def _fields(act: Act, group: Group) -> dict[str, object]:
    everyone = group.is_everyone  # all users are no news of it
    members = [] if everyone else store.members(act.connection, group)
    return {
        "name": group.name,
        "display_name": group.display_name,
        "members": [member.username for member in members],
    }
