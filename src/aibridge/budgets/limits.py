"""Setting and lifting limits. Money is integers of micro-dollars; no limit is not a limit of 0."""

from collections.abc import Collection

from aibridge.budgets.money import dollars
from aibridge.contract.words import MAX_SPEND_LIMIT_MICROS, AuditAction, AuditResource
from aibridge.errors import IdentityError, UnknownError
from aibridge.identity.audit import Act, Target
from aibridge.store.people import budgets as store
from aibridge.store.people.budgets import GroupBudget, Override
from aibridge.store.people.groups import Group, is_member
from aibridge.store.people.users import User, find_user


class LimitTooHighError(IdentityError):
    """A limit beyond what anybody can mean."""


def set_group_budget(act: Act, group: Group, limit: int) -> GroupBudget:
    """Make or replace the limit of each member of a group. Raises `LimitTooHighError`."""
    _refuse_too_high(limit)
    before = store.group_budget(act.connection, group.id)
    budget = store.put_group_budget(act.connection, group.id, limit)
    act.log(
        AuditAction.CREATE if before is None else AuditAction.WRITE,
        _of_group(group),
        before=_fields(before.spend_limit_micros if before else 0),
        after=_fields(limit),
    )
    return budget


def delete_group_budget(act: Act, group: Group) -> None:
    """Lift the limit of a group. Raises `UnknownError` where there is none."""
    before = store.group_budget(act.connection, group.id)
    if before is None:
        raise UnknownError(f"the group {group.name} has no budget")
    store.delete_group_budget(act.connection, group.id)
    act.log(AuditAction.DELETE, _of_group(group), before=_fields(before.spend_limit_micros))


def set_override(act: Act, user: User, group: Group, limit: int) -> Override:
    """Make or replace a user's own limit, charged to a group of theirs.

    Raises `LimitTooHighError`, and `IdentityError` where the user is not in the group.
    """
    _refuse_too_high(limit)
    if not is_member(act.connection, group.id, user.id):
        raise NotInGroupError("user must be a member of this group", field="group_id")
    before = store.override(act.connection, user.id)
    made = store.put_override(act.connection, user.id, group.id, limit)
    act.log(
        AuditAction.CREATE if before is None else AuditAction.WRITE,
        _of_user(user),
        before=_charged(before) if before else _fields(0),
        after=_charged(made),
    )
    return made


def delete_override(act: Act, user: User) -> None:
    """Take a user's own limit away. Raises `UnknownError` where there is none."""
    before = store.override(act.connection, user.id)
    if before is None:
        raise UnknownError(f"{user.username} has no own limit")
    store.delete_override(act.connection, user.id)
    act.log(AuditAction.DELETE, _of_user(user), before=_charged(before))


def drop_overrides(act: Act, group: Group, user_ids: Collection[str] | None = None) -> None:
    """Take away the own limits that are charged to a group, of these users or of all."""
    for limit in store.overrides_charged_to(act.connection, group.id):
        if user_ids is None or limit.user_id in user_ids:
            user = find_user(act.connection, limit.user_id)
            if user is not None:
                delete_override(act, user)


class NotInGroupError(IdentityError):
    """A limit cannot be charged to a group that its user is not in."""


def _refuse_too_high(limit: int) -> None:
    if limit > MAX_SPEND_LIMIT_MICROS:
        text = f"Must not exceed {MAX_SPEND_LIMIT_MICROS}."
        raise LimitTooHighError(text, field="spend_limit_micros")


def _of_group(group: Group) -> Target:
    return Target(AuditResource.GROUP_BUDGET, group.id, group.name)


def _of_user(user: User) -> Target:
    return Target(AuditResource.USER_BUDGET, user.id, user.username)


def _fields(limit: int) -> dict[str, object]:
    return {"spend_limit": dollars(limit)}


def _charged(limit: Override) -> dict[str, object]:
    return {"spend_limit": dollars(limit.spend_limit_micros), "group_id": limit.group_id}
