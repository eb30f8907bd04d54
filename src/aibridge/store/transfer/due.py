"""Which sessions are due to go: those in which nothing has happened since a cut-off.

The last that happened is a prompt, a request, or the end of an answer; while something of a
session runs, it is not due. Times are in microseconds since 1970.
"""

from typing import Any, NamedTuple

from sqlalchemy import Connection, Select, func, literal, select, tuple_

from aibridge.store.schema.tables import Time, interceptions, sessions

_s, _c = sessions.c, interceptions.c


class DueSession(NamedTuple):
    """A session that is due, and where it stands among them."""

    last_active_at: int
    id: str
    initiator_id: str
    interceptions: int

    @property
    def place(self) -> tuple[int, str, str]:
        """Its place in the walk."""
        return self[:3]


_PLACE = (_s.last_active_at, _s.id, _s.initiator_id)


def find(
    connection: Connection, before: int, most: int, after: tuple[int, str, str] | None = None
) -> list[DueSession]:
    """Return the first ``most`` that are idle since ``before``, after a place if one is given.

    Some of them may be `running`. On PostgreSQL nobody else writes them until the transaction
    ends; those that somebody is writing just now are not due, and are left out without waiting.
    """
    walk = _idle(before, *_PLACE, _s.interceptions).order_by(*_PLACE).limit(most)
    if after is not None:
        # Said twice: an engine that does not walk along rows of values does so along times.
        place = tuple_(literal(after[0], Time), *map(literal, after[1:]))
        walk = walk.where(_s.last_active_at >= after[0], tuple_(*_PLACE) > place)
    walk = walk.with_for_update(skip_locked=True)
    return [DueSession(*row) for row in connection.execute(walk)]


def running(connection: Connection) -> set[tuple[str, str]]:
    """Return the ids and initiators of sessions of which something runs: they are few."""
    found = select(_c.session_id, _c.initiator_id).where(_c.ended_at.is_(None))
    return {(id_, initiator_id) for id_, initiator_id in connection.execute(found)}


def last_active(connection: Connection) -> int | None:
    """Return when any session was active last, `None` where there is none."""
    found: int | None = connection.scalar(select(func.max(_s.last_active_at)))
    return found


def count(connection: Connection, before: int) -> tuple[int, int]:
    """Return how many sessions are due, and how many interceptions they have."""
    numbers = (func.count(), func.coalesce(func.sum(_s.interceptions), 0))
    all_, calls = connection.execute(_idle(before, *numbers)).one()
    mine = (_s.id, _s.initiator_id)
    for pair in running(connection):
        kept = _idle(before, *numbers).where(tuple_(*mine) == tuple_(*map(literal, pair)))
        some, theirs = connection.execute(kept).one()
        all_, calls = all_ - some, calls - theirs
    return int(all_), int(calls)


def _idle(before: int, *columns: Any) -> Select[Any]:  # noqa: ANN401 - of whatever is asked
    """Select of the sessions in which nothing has happened since."""
    return select(*columns).where(
        _s.last_active_at < before, _s.last_started_at < before, _s.ended_at < before
    )
