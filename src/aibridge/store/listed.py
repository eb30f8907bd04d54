"""Sessions as lists have them: where they stand, what is asked of them, and portions of the list.

A session is meant when any of its interceptions is, so what is asked of these is answered by what
the session's rows know of them, or else by looking at the interceptions of one session, or of all
sessions in a portion of the list at once.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    Tuple,
    and_,
    exists,
    func,
    literal,
    literal_column,
    or_,
    select,
    true,
    tuple_,
)

from aibridge.store.filters import (
    ANY,
    ANY_NUMBER,
    EVERYTHING,
    Filter,
    Span,
    apart,
    chosen,
    chosen_kinds,
    initiated,
    matching,
    within,
)
from aibridge.store.schema import Time, interceptions, session_kinds, sessions

SHORT = 4
"""The `length` of sessions up to some hours. The texts of those in a portion are looked for
together, in the time that these span; those of longer ones each by itself."""

_s, _c, _k = sessions.c, interceptions.c, session_kinds.c


class Place(NamedTuple):
    """Where a session stands in lists."""

    last_active_at: int
    id: str
    initiator_id: str


class Portion(NamedTuple):
    """What matches of some sessions that follow each other, and how many these are.

    ``end`` is the place of the last of them, `None` where no more follow.
    """

    found: list[Place]
    size: int
    end: Place | None


KEY = tuple(_s[name] for name in Place._fields)
"""The columns of a place."""
Conditions = list[ColumnElement[bool]]


def last_active(connection: Connection) -> int | None:
    """Return when any session was active last, `None` where there is none."""
    found: int | None = connection.scalar(select(func.max(_s.last_active_at)))
    return found


def matching_sessions(where: Filter, meanwhile: Span | None = None) -> Conditions:
    """Return the conditions under which any ended interception of a session matches.

    Tokens are those of the whole session. For ``meanwhile`` see `matching`.
    """
    found = matching_own(where)
    if where.started_after is not None:
        found.append(_s.last_started_at >= where.started_after)
    if where.started_before is not None:
        found.append(_s.started_at <= where.started_before)
    return found + _of_interceptions(of_one(where), meanwhile)


def matching_own(where: Filter) -> Conditions:
    """Return the conditions that a session's own row answers, but for the times."""
    return [
        *initiated(_s.initiator_id, where),
        *chosen(_s.id, where.session_id),
        *within(_s.tokens, where.tokens),
    ]


def of_one(where: Filter) -> Filter:
    """Return what one interception of a session has to answer."""
    return replace(where, initiator_id=ANY, session_id=ANY, visible_to=None, tokens=ANY_NUMBER)


def _of_interceptions(asked: Filter, meanwhile: Span | None) -> Conditions:
    one_sided = asked.started_after is None or asked.started_before is None
    if asked == EVERYTHING or (asked == asked.times() and one_sided):
        return []  # the session's own row has answered
    if asked == asked.kinds():
        mine = (_k.session_id == _s.id, _k.initiator_id == _s.initiator_id)
        return [
            exists().where(*mine, apart(_k.kind_id).in_(chosen_kinds(asked))).correlate(sessions)
        ]
    # Its interceptions stand together by their session; an index by initiator would be the wrong.
    mine = (_c.session_id == _s.id, func.coalesce(_c.initiator_id, "") == _s.initiator_id)
    found = select(_c.id).where(*mine, *matching(asked, meanwhile)).correlate(sessions)
    # With an OFFSET it is asked of each session: no planner looks for those of all instead.
    return [found.offset(literal_column("0")).exists()]


def listed(
    statement: Select[Any],
    before: Place | None,
    most: int | None = None,
    key: Sequence[ColumnElement[Any]] = KEY,
) -> Select[Any]:
    """Return a query for the first ``most`` rows before a place, in the order of lists."""
    statement = statement.order_by(*(column.desc() for column in key)).limit(most)
    if before is None:
        return statement
    return statement.where(key[0] <= before.last_active_at, at(before) > tuple_(*key))


def at(place: Place) -> Tuple:
    """Return a place as what `KEY` is compared with."""
    return tuple_(literal(place.last_active_at, Time), *map(literal, place[1:]))


def look(
    connection: Connection,
    where: Filter,
    size: int,
    before: Place | None = None,
    *own: ColumnElement[bool],
) -> Portion:
    """Return what matches of the next sessions of which ``own`` holds.

    What the index of texts finds of their time is gathered once.
    """
    columns = (*KEY, _s.started_at, _s.last_started_at, _s.length)
    rows = connection.execute(listed(select(*columns).where(*own), before, size)).all()
    if not rows:
        return Portion([], 0, None)
    end = Place(*rows[-1][:3])
    these = (_s.last_active_at >= end.last_active_at, at(end) <= tuple_(*KEY), *own)
    short = [(first, last) for *_, first, last, length in rows if length <= SHORT]
    firsts, lasts = zip(*(short or [rows[0][3:5]]), strict=True)
    meanwhile = Span(min(firsts), max(lasts))
    matches = and_(true(), *matching_sessions(where, meanwhile))
    if len(short) < len(rows):
        one_by_one = and_(_s.length > SHORT, *matching_sessions(where))
        matches = or_(and_(_s.length <= SHORT, matches), one_by_one)
    found = connection.execute(listed(select(*KEY).where(*these, matches), before)).all()
    places = [Place(*row) for row in found]
    return Portion(places, len(rows), end if len(rows) == size else None)
