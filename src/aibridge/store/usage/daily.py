"""The usage of days, added up by user, group, day, provider, model or client.

Nothing is read but the rollup ``daily_usage``, of whole days in UTC. Every sum is of the same rows
and leaves none out, also where the group that they are charged to is not known and its id is empty:
so parts add up to their total, whatever they are told apart by.
"""

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum
from operator import add
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, func, select

from aibridge.store.lists.filters import EVERYTHING, UNKNOWN_CLIENT, Filter, chosen_kinds
from aibridge.store.lists.interceptions import UserRow, user_columns
from aibridge.store.schema.tables import daily_usage, kinds, users

_c, _k = daily_usage.c, kinds.c


class Facet(StrEnum):
    """What usage is told apart by; a provider is one of a configured name."""

    USER = "user"
    GROUP = "group"
    DAY = "day"
    PROVIDER_TYPE = "provider_type"
    PROVIDER = "provider"
    MODEL = "model"
    CLIENT = "client"


_OF_DAYS: dict[Facet, ColumnElement[Any]] = {
    Facet.USER: _c.initiator_id,
    Facet.GROUP: _c.group_id,
    Facet.DAY: _c.day,
}
_OF_KINDS: dict[Facet, ColumnElement[Any]] = {
    Facet.PROVIDER_TYPE: _k.provider,
    Facet.PROVIDER: _k.provider_name,
    Facet.MODEL: _k.model,
    Facet.CLIENT: _k.client,
}


class Usage(NamedTuple):
    """What was used and what it costs, in micro-dollars, as far as that is known.

    ``unpriced`` usage rows have a part without a price: where there are any, it costs at least so
    much.
    """

    requests: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cache_read_input_tokens: int = 0
    cache_write_input_tokens: int = 0
    cost_micros: int = 0
    unpriced: int = 0

    def plus(self, other: "Usage") -> "Usage":
        """Return this and the other together."""
        return Usage(*map(add, self, other))


_SUMMED = (
    _c.interceptions,
    _c.input_tokens,
    _c.output_tokens,
    _c.cache_read_input_tokens,
    _c.cache_write_input_tokens,
    _c.cost_micros,
    _c.unpriced,
)
_SUMS = [func.coalesce(func.sum(column), 0) for column in _SUMMED]
_COST = func.sum(_c.cost_micros)


@dataclass(frozen=True, slots=True)
class UsageFilter:
    """Which usage is meant: that of the days from ``start`` to before ``end``.

    Both are the first microseconds of days in UTC. ``user_ids`` and ``group_ids`` are those it is
    of, `None` for all; the id of a group that is not known is empty. ``kinds`` says of which
    provider, model and client, and nothing else.
    """

    start: int
    end: int
    user_ids: Collection[str] | None = None
    group_ids: Collection[str] | None = None
    kinds: Filter = EVERYTHING


Key = tuple[Any, ...]
"""The values of facets, in the order in which these were asked for; a day is in microseconds."""


def sums(connection: Connection, where: UsageFilter, *by: Facet) -> dict[Key, Usage]:
    """Return the usage that is meant by the values of some facets, under ``()`` without any."""
    columns = [(_OF_DAYS | _OF_KINDS)[facet] for facet in by]
    query = select(*columns, *_SUMS).where(*_meant(where)).group_by(*columns)
    if not _OF_KINDS.keys().isdisjoint(by):
        query = query.join(kinds, _k.id == _c.kind_id)
    rows = connection.execute(query)
    return {_key(by, row[: len(by)]): _usage(row[len(by) :]) for row in rows}


def _key(by: tuple[Facet, ...], values: Collection[Any]) -> Key:
    """Return the values of facets, a client as lists name it."""
    return tuple(
        value or UNKNOWN_CLIENT if facet is Facet.CLIENT else value
        for facet, value in zip(by, values, strict=True)
    )


def _usage(numbers: Collection[Any]) -> Usage:
    return Usage(*map(int, numbers))  # PostgreSQL adds integers up to decimals


def _meant(where: UsageFilter) -> list[ColumnElement[bool]]:
    found = [_c.day >= where.start, _c.day < where.end]
    if where.user_ids is not None:
        found.append(_c.initiator_id.in_(where.user_ids))
    if where.group_ids is not None:
        found.append(_c.group_id.in_(where.group_ids))
    if where.kinds != EVERYTHING:
        found.append(_c.kind_id.in_(chosen_kinds(where.kinds)))
    return found


def top_users(
    connection: Connection, where: UsageFilter, *, limit: int, offset: int = 0
) -> list[tuple[UserRow, Usage]]:
    """Return who used what is meant, those first whom it cost most, then by username and id."""
    query = (
        select(*user_columns(_c.initiator_id), *_SUMS)
        .outerjoin(users, users.c.id == _c.initiator_id)
        .where(*_meant(where))
        .group_by(_c.initiator_id, users.c.id)
        .order_by(_COST.desc(), func.coalesce(users.c.username_key, ""), _c.initiator_id)
    )
    own = len(UserRow._fields)
    rows = connection.execute(query.limit(limit).offset(offset))
    return [(UserRow(*row[:own]), _usage(row[own:])) for row in rows]


def usernames(connection: Connection, where: UsageFilter) -> dict[str, str]:
    """Return the usernames of who used what is meant, by their ids; the deleted are left out."""
    meant = select(_c.initiator_id).where(*_meant(where))
    query = select(users.c.id, users.c.username).where(users.c.id.in_(meant))
    return {row[0]: row[1] for row in connection.execute(query)}


def names_of(connection: Connection, ids: Collection[str]) -> dict[str, str]:
    """Return usernames by ids; the deleted are left out."""
    query = select(users.c.id, users.c.username).where(users.c.id.in_(ids))
    return {row[0]: row[1] for row in connection.execute(query)}
