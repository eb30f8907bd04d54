"""The audit log: rows are written once, and never changed."""

from dataclasses import dataclass
from typing import NamedTuple

from sqlalchemy import ColumnElement, false, func, insert, or_, select

from aibridge.store.lists.filters import ANY, Values, choice, chosen
from aibridge.store.people.users import Connection
from aibridge.store.schema.tables import audit_log


class AuditRow(NamedTuple):
    """A row of the audit log; the fields are its columns. ``diff`` is JSON.

    Of a login that failed ``actor_id`` is nil and ``actor_username`` empty: nobody knows who tried.

    ``resource_id`` is a UUID. Of a resource whose own id is none it follows from that, which is
    ``resource_key``; else that is empty.
    """

    id: str
    at: int
    actor_id: str
    actor_username: str
    token_id: str
    ip: str
    user_agent: str
    action: str
    resource_type: str
    resource_id: str
    resource_target: str
    diff: str
    description: str
    resource_key: str = ""


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """Which acts are meant. ``actor`` is a username then or an id; times are inclusive.

    ``resource_id`` is either id of a resource, ``resource_target`` its name in either case.
    """

    actor: Values = ANY
    action: Values = ANY
    resource_type: Values = ANY
    resource_id: Values = ANY
    resource_target: Values = ANY
    since: int | None = None
    until: int | None = None


_c = audit_log.c


def append(connection: Connection, row: AuditRow) -> None:
    """Add a row."""
    connection.execute(insert(audit_log), row._asdict())


def exists(connection: Connection, id_: str) -> bool:
    """Say whether there is a row of that id."""
    return connection.scalar(select(_c.id).where(_c.id == id_)) is not None


def page(
    connection: Connection,
    where: AuditFilter,
    *,
    limit: int,
    offset: int = 0,
    after_id: str | None = None,
) -> list[AuditRow]:
    """Return the acts that are meant, newest first, those older than ``after_id``."""
    query = select(*(_c[name] for name in AuditRow._fields)).where(*_matching(where))
    if after_id is not None:
        query = query.where(_c.id < after_id)
    query = query.order_by(_c.id.desc()).limit(limit).offset(offset)
    return [AuditRow(*row) for row in connection.execute(query)]


def count(connection: Connection, where: AuditFilter) -> int:
    """Return how many acts are meant."""
    query = select(func.count()).select_from(audit_log).where(*_matching(where))
    return connection.execute(query).scalar_one()


def _matching(where: AuditFilter) -> list[ColumnElement[bool]]:
    found = [
        *_acting(where.actor),
        *chosen(_c.action, where.action),
        *chosen(_c.resource_type, where.resource_type),
        *choice(_is_of, where.resource_id),
        *choice(_is_called, where.resource_target),
    ]
    if where.since is not None:
        found.append(_c.at >= where.since)
    if where.until is not None:
        found.append(_c.at <= where.until)
    return found


def _is_of(id_: str) -> ColumnElement[bool]:
    return or_(_c.resource_id == id_.lower(), _c.resource_key == id_) if id_ else false()


def _is_called(name: str) -> ColumnElement[bool]:
    return func.lower(_c.resource_target) == name.lower()


def _acting(actor: Values) -> list[ColumnElement[bool]]:
    """Return the conditions on who acted, by username or id."""
    found = []
    if actor.any_of:
        names = [name.lower() for name in actor.any_of]
        found.append(or_(func.lower(_c.actor_username).in_(names), _c.actor_id.in_(names)))
    if actor.none_of:
        names = [name.lower() for name in actor.none_of]
        found.append(func.lower(_c.actor_username).not_in(names))
        found.append(_c.actor_id.not_in(names))
    return found
