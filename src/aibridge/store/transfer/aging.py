"""Which active sessions have grown old in part: they began before a cut-off, and go on after it.

They are found by their length: one that spans the cut-off was active last within that time of it.
So of each length a range of one index is read, and no session that is over since, or that began
since. Times are in microseconds since 1970.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, Select, func, literal, select, tuple_

from aibridge.store.schema.measures import longest
from aibridge.store.schema.tables import Time, interceptions, sessions

_s, _c = sessions.c, interceptions.c


class AgingSession(NamedTuple):
    """A session of which a part is old, and where it stands among them."""

    length: int
    last_active_at: int
    id: str
    initiator_id: str


_PLACE = tuple(_s[name] for name in AgingSession._fields)


def find(
    connection: Connection, before: int, most: int, after: AgingSession | None = None
) -> list[AgingSession]:
    """Return the first ``most`` that span a cut-off, after one of them if it is given.

    Of some of them nothing may be left that is older. On PostgreSQL nobody else writes them until
    the transaction ends; those that somebody is writing just now are left out without waiting.
    """
    found: list[AgingSession] = []
    for length in range(after.length if after else 1, _longest(connection) + 1):
        walk = select(*_PLACE).where(*_spanning(length, before)).order_by(*_PLACE)
        if after is not None and after.length == length:
            place = tuple_(literal(after.last_active_at, Time), *map(literal, after[2:]))
            walk = walk.where(tuple_(*_PLACE[1:]) > place)
        walk = walk.limit(most - len(found)).with_for_update(skip_locked=True)
        found += [AgingSession(*row) for row in connection.execute(walk)]
        if len(found) == most:
            break
    return found


def count(connection: Connection, before: int) -> int:
    """Return how many interceptions of such sessions are older than a cut-off."""
    return sum(
        connection.scalar(_counting(length, before)) or 0
        for length in range(1, _longest(connection) + 1)
    )


def older(before: int) -> Iterator[ColumnElement[bool]]:
    """Yield the conditions under which an interception was over before a cut-off."""
    yield _c.started_at < before
    yield _c.ended_at.is_not(None)
    yield _c.ended_at < before


def _longest(connection: Connection) -> int:
    return connection.scalar(select(func.max(_s.length))) or 0


def _spanning(length: int, before: int) -> list[ColumnElement[bool]]:
    active, time = _s.last_active_at, longest(length)
    near = (active >= before - time, active <= before + time)
    return [_s.length == length, *near, _s.started_at < before, _s.last_started_at >= before]


def _counting(length: int, before: int) -> Select[Any]:
    # Apart from its index: that of initiators would lead through all that somebody ever asked.
    initiator_id = func.coalesce(_c.initiator_id, "")
    mine = (_c.session_id == _s.id) & (initiator_id == _s.initiator_id)
    found = select(func.count()).join_from(sessions, interceptions, mine)
    return found.where(*_spanning(length, before), *older(before))
