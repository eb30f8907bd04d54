"""The usage rows of a time with what they used of caches, in the order in which calls began.

They are read a batch of calls at a time, each in a statement of its own.
"""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection, and_, or_, select

from aibridge.store.engine.conditions import one_of
from aibridge.store.lists.filters import EVERYTHING, chosen_kinds
from aibridge.store.schema.tables import interceptions, prices, token_usages
from aibridge.store.usage.daily import UsageFilter

BATCH = 1000
"""Calls that are read at once."""

_c, _u = interceptions.c, token_usages.c


class CallKey(NamedTuple):
    """When a call began, and its id: the order of calls."""

    started_at: int
    id: str


class CacheUse(NamedTuple):
    """What a usage row used of a cache; ``metadata`` is JSON as it was recorded."""

    input_tokens: int
    cache_read_input_tokens: int
    cache_write_input_tokens: int
    cache_write_5m_input_tokens: int
    cache_write_30m_input_tokens: int
    cache_write_1h_input_tokens: int
    cache_write_12h_input_tokens: int
    price_id: int | None
    metadata: str


class CachedCall(NamedTuple):
    """A call and its usage rows in their order."""

    started_at: int
    id: str
    session_id: str
    initiator_id: str
    client: str | None
    model: str
    thread_root_id: str | None
    metadata: str
    used: Sequence[CacheUse] = ()


_CALL = [_c[name] for name in CachedCall._fields[:-1]]
_USE = [_u[name] for name in CacheUse._fields]


def calls(
    connection: Connection, where: UsageFilter, after: CallKey | None = None
) -> list[CachedCall]:
    """Return the next calls that began in the time, `BATCH` at most, after one of them.

    The days of the filter are those in which calls began; groups are not looked at.
    """
    meant = [_c.ended_at.is_not(None), _c.started_at >= where.start, _c.started_at < where.end]
    if after is not None:
        later = _c.started_at > after.started_at
        same = and_(_c.started_at == after.started_at, _c.id > after.id)
        meant += [_c.started_at >= after.started_at, or_(later, same)]
    if where.user_ids is not None:
        meant.append(_c.initiator_id.in_(where.user_ids))
    if where.kinds != EVERYTHING:
        meant.append(_c.kind_id.in_(chosen_kinds(where.kinds)))
    query = select(*_CALL).where(*meant).order_by(_c.started_at, _c.id).limit(BATCH)
    found = connection.execute(query).all()
    used = _used(connection, [row.id for row in found])
    return [CachedCall._make((*row, used[row.id])) for row in found]


def _used(connection: Connection, ids: Sequence[str]) -> defaultdict[str, list[CacheUse]]:
    """Return the usage rows of calls; between which ids says in which partitions these are."""
    found: defaultdict[str, list[CacheUse]] = defaultdict(list)
    if ids:
        id_ = _u.interception_id
        mine = (one_of(connection, id_, ids), id_.between(min(ids), max(ids)))
        query = select(id_, *_USE).where(*mine).order_by(id_, _u.id)
        for interception_id, *values in connection.execute(query):
            found[interception_id].append(CacheUse(*values))
    return found


def price_texts(connection: Connection, ids: Sequence[int]) -> dict[int, str]:
    """Return prices as they are kept, by their numbers."""
    query = select(prices.c.id, prices.c.price).where(one_of(connection, prices.c.id, ids))
    found: dict[int, Any] = {row.id: row.price for row in connection.execute(query)}
    return found
