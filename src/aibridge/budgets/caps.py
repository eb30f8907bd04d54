"""Setting and lifting caps: limits beside the budgets, each of which holds by itself."""

from collections.abc import Collection
from typing import NamedTuple

from aibridge.budgets.money import dollars
from aibridge.budgets.periods import period_of
from aibridge.contract.words import (
    MAX_SPEND_LIMIT_MICROS,
    AuditAction,
    AuditResource,
    CapPeriod,
    CapScope,
)
from aibridge.errors import IdentityError, UnknownError
from aibridge.identity.audit import Act, Target
from aibridge.store.people import caps as store
from aibridge.store.people.caps import Cap
from aibridge.store.people.groups import find_group
from aibridge.store.people.tokens import find_token
from aibridge.store.people.users import Connection, find_user
from aibridge.store.schema.accounts import AccountName
from aibridge.store.usage.account_spend import spent

_SHORT = (CapPeriod.DAY, CapPeriod.WEEK, CapPeriod.ROLLING)
PERIODS = {
    CapScope.MEMBER: _SHORT,
    CapScope.GROUP: (*_SHORT, CapPeriod.MONTH),
    CapScope.SESSION: (CapPeriod.TOTAL,),
    CapScope.USER: _SHORT,
    CapScope.TOKEN: tuple(CapPeriod),
}
"""The periods that there are for each scope. A budget is what a member or user has for a month."""


class WrongCapError(IdentityError):
    """A cap that cannot be set."""


class Wanted(NamedTuple):
    """A cap to set, in micro-dollars."""

    scope: CapScope
    target_id: str
    period: CapPeriod
    limit: int


def set_cap(act: Act, wanted: Wanted) -> Cap:
    """Make or replace a cap. Raises `WrongCapError`, or `UnknownError` without its target."""
    if wanted.limit > MAX_SPEND_LIMIT_MICROS:
        text = f"Must not exceed {MAX_SPEND_LIMIT_MICROS}."
        raise WrongCapError(text, field="spend_limit_micros")
    periods = PERIODS[wanted.scope]
    if wanted.period not in periods:
        text = f"A cap of scope {wanted.scope} may be for: {', '.join(periods)}."
        raise WrongCapError(text, field="period")
    scope, target, period = wanted.scope, wanted.target_id, wanted.period
    name = target_name(act.connection, scope, target)
    if name is None:
        raise WrongCapError(f"There is no such {_kind(scope)}.", field="target_id")
    before = [
        each
        for each in store.list_caps(act.connection, target)
        if (each.scope, each.period) == (scope, period)
    ]
    cap = store.put_cap(act.connection, scope, target, period, wanted.limit)
    action = AuditAction.WRITE if before else AuditAction.CREATE
    act.log(action, _target(cap, name), before=_fields(*before), after=_fields(cap))
    return cap


def delete_cap(act: Act, id_: str) -> None:
    """Take a cap away. Raises `UnknownError` where there is none."""
    cap = store.find_cap(act.connection, id_)
    if cap is None:
        raise UnknownError(f"there is no cap {id_}")
    name = target_name(act.connection, cap.scope, cap.target_id) or cap.target_id
    store.delete_cap(act.connection, id_)
    act.log(AuditAction.DELETE, _target(cap, name), before=_fields(cap))


def delete_caps_of(act: Act, targets: Collection[str]) -> None:
    """Take away the caps of groups or tokens that go, too."""
    for cap in store.list_caps(act.connection, *targets) if targets else ():
        delete_cap(act, cap.id)


def told(connection: Connection, cap: Cap, at: int) -> tuple[str, int | None]:
    """Return the name of what a cap is of, and what counts against it at a moment.

    Where each member or session has it for themselves nothing does.
    """
    name = target_name(connection, cap.scope, cap.target_id) or cap.target_id
    if cap.scope in {CapScope.MEMBER, CapScope.SESSION}:
        return name, None
    period = period_of(CapPeriod(cap.period), at)
    return name, spent(connection, AccountName(cap.scope, cap.target_id), *period)


def target_name(connection: Connection, scope: str, id_: str) -> str | None:
    """Return the name of what a cap is of, nothing where there is no such thing."""
    kind = _kind(CapScope(scope))
    if kind == "group":
        group = find_group(connection, id_)
        return None if group is None or group.id != id_ else group.name
    if kind == "user":
        user = find_user(connection, id_)
        return None if user is None or user.id != id_ else user.username
    token = find_token(connection, id_)
    return None if token is None else token.name


def _kind(scope: CapScope) -> str:
    return scope.value if scope in {CapScope.USER, CapScope.TOKEN} else "group"


def _target(cap: Cap, name: str) -> Target:
    return Target(AuditResource.CAP, cap.id, f"{cap.scope} {name}")


def _fields(*caps: Cap) -> dict[str, object]:
    for cap in caps:
        limit = dollars(cap.spend_limit_micros)
        return {"target_id": cap.target_id, "period": cap.period, "spend_limit": limit}
    return {}
