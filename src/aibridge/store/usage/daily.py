"""The usage of days, added up by user, group, day, provider, model, client or annotation.

Nothing is read but the rollup ``daily_usage``, of whole days in UTC. Every sum is of the same rows
and leaves none out, also where the group that they are charged to is not known and its id is empty:
so parts add up to their total, unless they are told apart by pull request or issue: what was made
for several counts whole for each.
"""

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum
from itertools import product
from operator import add
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import ColumnElement, Connection, Text, func, literal_column, select

from aibridge.store.lists.filters import EVERYTHING, UNKNOWN_CLIENT, Filter, chosen_kinds
from aibridge.store.lists.interceptions import UserRow, user_columns
from aibridge.store.schema.tables import annotations, daily_usage, kinds, users

_c, _k, _a = daily_usage.c, kinds.c, annotations.c
_texts = msgspec.json.Decoder(list[str]).decode


class Facet(StrEnum):
    """What usage is told apart by; a provider is one of a configured name.

    What has no repository, branch, pull request or issue has an empty one.
    """

    USER = "user"
    GROUP = "group"
    DAY = "day"
    PROVIDER_TYPE = "provider_type"
    PROVIDER = "provider"
    MODEL = "model"
    CLIENT = "client"
    REPO = "repo"
    BRANCH = "branch"
    PULL_REQUEST = "pull_request"
    ISSUE = "issue"


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
_NO_TEXT, _NO_LIST = literal_column("''", Text), literal_column("'[]'", Text)
_OF_ANNOTATIONS: dict[Facet, ColumnElement[Any]] = {
    Facet.REPO: func.coalesce(_a.repo, _NO_TEXT),
    Facet.BRANCH: func.coalesce(_a.branch, _NO_TEXT),
    Facet.PULL_REQUEST: func.coalesce(_a.pull_requests, _NO_LIST),
    Facet.ISSUE: func.coalesce(_a.issues, _NO_LIST),
}
_COLUMNS = _OF_DAYS | _OF_KINDS | _OF_ANNOTATIONS
SEVERAL = frozenset({Facet.PULL_REQUEST, Facet.ISSUE})
"""What a call may have several of; it counts whole for each."""


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
    columns = [_COLUMNS[facet] for facet in by]
    query = select(*columns, *_SUMS).where(*_meant(where)).group_by(*columns)
    if not _OF_KINDS.keys().isdisjoint(by):
        query = query.join(kinds, _k.id == _c.kind_id)
    if not _OF_ANNOTATIONS.keys().isdisjoint(by):
        query = query.outerjoin(annotations, _a.id == _c.annotation_id)
    found: dict[Key, Usage] = {}
    for row in connection.execute(query):
        used = _usage(row[len(by) :])
        for key in product(*map(_values, by, row)):
            found[key] = found[key].plus(used) if key in found else used
    return found


def _values(facet: Facet, value: Any) -> Collection[Any]:  # noqa: ANN401 - of any column
    """Return the values of a facet, a client as lists name it."""
    if facet is Facet.CLIENT:
        return (value or UNKNOWN_CLIENT,)
    return _texts(value) or ("",) if facet in SEVERAL else (value,)


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
