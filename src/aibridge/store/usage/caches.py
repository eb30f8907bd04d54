"""The usage rows of a time with what they used of caches, in the order in which calls began.

They are read a batch of calls at a time, each in a statement of its own.
"""

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import Connection, select

from aibridge.store.schema.tables import interceptions, token_usages
from aibridge.store.usage.calls import Key, chosen, under
from aibridge.store.usage.daily import UsageFilter

BATCH = 1000
"""Calls that are read at once."""

_c, _u = interceptions.c, token_usages.c


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


def calls(connection: Connection, where: UsageFilter, after: Key | None = None) -> list[CachedCall]:
    """Return the next calls that began in the time, `BATCH` at most, after one of them.

    The days of the filter are those in which calls began.
    """
    first = where.start if after is None else after.started_at
    meant = (_c.ended_at.is_not(None), _c.started_at >= first, _c.started_at < where.end)
    query = select(*_CALL).where(*meant, *chosen(where, after)).order_by(_c.started_at, _c.id)
    found = connection.execute(query.limit(BATCH)).all()
    usages = select(_u.interception_id, *_USE).order_by(_u.id)
    used = under(connection, usages, _u.interception_id, [row.id for row in found])
    return [
        CachedCall._make((*row, [CacheUse(*each[1:]) for each in used.get(row.id, ())]))
        for row in found
    ]
