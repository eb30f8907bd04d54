"""Finding sessions, the most recently active first: along which index, from where, and how many.

As with interceptions (`aibridge.store.newest`), a list is walked along one index in its order. A
session is meant when any of its interceptions is, so what is asked of these is answered by what
the session's rows know of them, or else by looking at the interceptions of one session, or of all
sessions in a portion of the list at once.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import chain, islice
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
    or_,
    select,
    true,
    tuple_,
)

from aibridge.store import arms, newest, text_index
from aibridge.store.arms import Arms
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
from aibridge.store.measures import LENGTHS, MAX_TIME, longest, magnitudes
from aibridge.store.schema import Time, interceptions, session_kinds, sessions
from aibridge.store.text_index import Words

FEW_HITS = 10_000
"""Interceptions with a word whose sessions are looked at. Of a word that is in more, sessions are
looked through instead: many have it."""
PORTION, MOST_PORTION = 300, 4800
"""Sessions that are looked through at once, at first and at most."""
SHORT = 5
"""The `length` of sessions up to about a day. The texts of those in a portion are looked for
together, in the time that these span; those of longer ones each by itself."""

_s, _c, _k = sessions.c, interceptions.c, session_kinds.c


class Place(NamedTuple):
    """Where a session stands in lists."""

    last_active_at: int
    id: str
    initiator_id: str


class Portion(NamedTuple):
    """What matches of some sessions that follow each other, and what these have all together.

    ``end`` is the place of the last of them, `None` where no more follow.
    """

    found: list[Place]
    interceptions: int
    end: Place | None


_KEY = tuple(_s[name] for name in Place._fields)
_KINDS_KEY = (_k.last_active_at, _k.session_id, _k.initiator_id)
_KINDS_PLACE = (_k.last_active_at, _k.session_id.label("id"), _k.initiator_id)
_Conditions = list[ColumnElement[bool]]


def latest(
    connection: Connection, where: Filter, most: int, before: Place | None = None
) -> list[Place]:
    """Return where the matching sessions stand, at most ``most``, most recently active first."""
    return list(islice(_found(connection, where, most, before), most))


def _found(
    connection: Connection, where: Filter, most: int, before: Place | None
) -> Iterator[Place]:
    way = _way(connection, where)
    if isinstance(way, Arms) and len(way.values) > arms.FEW:  # much of the list may match
        portion = look(connection, where, PORTION, before)
        yield from portion.found
        if portion.end is None or len(portion.found) >= most:
            return
        before, most = portion.end, most - len(portion.found)
    if isinstance(way, Arms):
        yield from _along(connection, way, where, most, before)
    elif way is not None:
        yield from _with_words(connection, where, before)
    elif where.has_words() and where.times() == EVERYTHING:  # as `is_looked_through` says
        yield from _through(connection, where, before)
    else:
        yield from _timed(connection, where, most, before)


def is_looked_through(connection: Connection, where: Filter) -> bool:
    """Return whether sessions are looked through for words, as no way is narrower."""
    if not where.has_words() or where.times() != EVERYTHING:
        return False
    return _way(connection, where) is None


def count_up_to(connection: Connection, where: Filter, most: int) -> int:
    """Return how many sessions match, but no more than ``most``."""
    way = _way(connection, where)
    if isinstance(way, Arms):
        return newest.count_up_to(connection, _all_along(way, where), most)
    if where.has_words():
        return len(latest(connection, where, most))
    page, number = select(_s.id).where(*matching_sessions(where)), 0
    for some in chain.from_iterable(_lots(where)):
        if number < most:
            number += newest.count_up_to(connection, page.where(*some), most - number)
    return number


def _way(connection: Connection, where: Filter) -> Arms | Words | None:
    """Return the way with the fewest rows: what sessions have in common, or words; or all."""
    ways = [way for way in _ways(connection, where) if len(way.values) <= arms.MOST]
    words, hits = where.wanted_words(), FEW_HITS + 1
    if words:
        hits = text_index.frequency(connection, words, FEW_HITS + 1)
    if not ways:
        return words if hits <= FEW_HITS else None
    if len(ways) == 1 and hits > FEW_HITS:
        return ways[0]
    sizes = [newest.count_up_to(connection, _rows(way), FEW_HITS) for way in ways]
    best = min(range(len(ways)), key=sizes.__getitem__)
    return ways[best] if sizes[best] < hits else words


def _ways(connection: Connection, where: Filter) -> Iterator[Arms]:
    if where.session_id.any_of:
        yield Arms(_s.id, where.session_id.any_of)
    initiators = newest.initiators(connection, where)
    if initiators is not None:
        yield Arms(_s.initiator_id, initiators)
    if where.kinds() != EVERYTHING:
        yield Arms(_k.kind_id, newest.kinds(connection, where))
    if where.tokens != ANY_NUMBER:
        yield Arms(_s.magnitude, magnitudes(where.tokens.least, where.tokens.most))


def _rows(way: Arms) -> Select[Any]:
    """Return a query for everything that stands along a way, in no order."""
    return select(way.column).where(way.column.in_(way.values))


def matching_sessions(where: Filter, meanwhile: Span | None = None) -> _Conditions:
    """Return the conditions under which any ended interception of a session matches.

    Tokens are those of the whole session. For ``meanwhile`` see `matching`.
    """
    found = _matching_own(where)
    if where.started_after is not None:
        found.append(_s.last_started_at >= where.started_after)
    if where.started_before is not None:
        found.append(_s.started_at <= where.started_before)
    return found + _of_interceptions(_of_one(where), meanwhile)


def _matching_own(where: Filter) -> _Conditions:
    """Return the conditions that a session's own row answers, but for the times."""
    return [
        *initiated(_s.initiator_id, where),
        *chosen(_s.id, where.session_id),
        *within(_s.tokens, where.tokens),
    ]


def _of_one(where: Filter) -> Filter:
    """Return what one interception of a session has to answer."""
    return replace(where, initiator_id=ANY, session_id=ANY, visible_to=None, tokens=ANY_NUMBER)


def _of_interceptions(asked: Filter, meanwhile: Span | None) -> _Conditions:
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
    return [exists().where(*mine, *matching(asked, meanwhile)).correlate(sessions)]


def _listed(
    statement: Select[Any],
    before: Place | None,
    most: int | None = None,
    key: Sequence[ColumnElement[Any]] = _KEY,
) -> Select[Any]:
    """Return a query for the first ``most`` rows before a place, in the order of lists."""
    statement = statement.order_by(*(column.desc() for column in key)).limit(most)
    if before is None:
        return statement
    return statement.where(key[0] <= before.last_active_at, _at(before) > tuple_(*key))


def _at(place: Place) -> Tuple:
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
    columns = (*_KEY, _s.started_at, _s.last_started_at, _s.length, _s.interceptions)
    rows = connection.execute(_listed(select(*columns).where(*own), before, size)).all()
    if not rows:
        return Portion([], 0, None)
    end = Place(*rows[-1][:3])
    these = (_s.last_active_at >= end.last_active_at, _at(end) <= tuple_(*_KEY), *own)
    short = [row for row in rows if row.length <= SHORT] or rows[:1]
    meanwhile = Span(min(row.started_at for row in short), max(row[4] for row in short))
    matches = and_(true(), *matching_sessions(where, meanwhile))
    if len(short) < len(rows):
        one_by_one = and_(_s.length > SHORT, *matching_sessions(where))
        matches = or_(and_(_s.length <= SHORT, matches), one_by_one)
    found = connection.execute(_listed(select(*_KEY).where(*these, matches), before))
    contents = sum(row.interceptions for row in rows)
    places = [Place(*row) for row in found]
    return Portion(places, contents, end if len(rows) == size else None)


def _through(connection: Connection, where: Filter, before: Place | None) -> Iterator[Place]:
    """Yield what matches of all sessions, portion by portion."""
    size = PORTION
    while True:
        portion = look(connection, where, size, before)
        yield from portion.found
        if portion.end is None:
            return
        before, size = portion.end, min(size * 4, MOST_PORTION)


def _along(
    connection: Connection, way: Arms, where: Filter, most: int, before: Place | None
) -> Iterator[Place]:
    """Yield the first that match of those that have one of several values in common."""

    def page(some: int, key: arms.Key | None) -> Select[Any]:
        place = None if key is None else Place(*key)
        if way.column is not _k.kind_id:
            return _listed(select(*_KEY).where(*matching_sessions(where)), place, some)
        return _listed(_of_kinds(where, *_KINDS_PLACE), place, some, _KINDS_KEY)

    for key in arms.walk(connection, way, page, sessions, most, before):
        yield Place(*key)


def _of_kinds(where: Filter, *columns: ColumnElement[Any]) -> Select[Any]:
    """Return a query along kinds; where these are all that is asked, there is nothing left to."""
    statement = select(*columns)
    if where == where.kinds():
        return statement
    statement = statement.join_from(
        session_kinds, sessions, (_k.session_id == _s.id) & (_k.initiator_id == _s.initiator_id)
    )
    asked = _of_one(where)
    rest = _matching_own(where) if asked == asked.kinds() else matching_sessions(where)
    return statement.where(*rest)


def _all_along(way: Arms, where: Filter) -> Select[Any]:
    """Return a query for the sessions that match along a way, each once, in no order."""
    these = way.column.in_(way.values)
    if way.column is not _k.kind_id:
        return select(_s.id).where(these, *matching_sessions(where))
    return _of_kinds(where, _k.session_id, _k.initiator_id).distinct().where(these)


def _with_words(connection: Connection, where: Filter, before: Place | None) -> Iterator[Place]:
    """Yield what matches by the interceptions in whose texts the words stand, newest first.

    No session is longer than the longest, which says whose place nothing older can take.
    """
    margin = longest(connection.scalar(select(func.max(_s.length))) or 1)
    last = where.started_before
    mine = (_c.session_id == _s.id) & (_c.initiator_id == _s.initiator_id)
    asked = (*matching(_of_one(where).without_wanted_words()), *_matching_own(where))
    statement = select(_c.started_at, *_KEY).join_from(interceptions, sessions, mine).where(*asked)
    if before is not None:
        statement = statement.where(_at(before) > tuple_(*_KEY))
        last = min(before.last_active_at + margin, MAX_TIME if last is None else last)
    seen: set[Place] = set()
    waiting: list[Place] = []
    for ids in text_index.portions(connection, where.wanted_words(), where.started_after, last):
        rows = connection.execute(statement.where(_c.id.in_(ids))).all()
        waiting = sorted({*waiting, *(Place(*row[1:]) for row in rows)} - seen)
        oldest = min((row.started_at for row in rows), default=MAX_TIME)
        while waiting and waiting[-1].last_active_at >= oldest + margin:
            seen.add(waiting[-1])
            yield waiting.pop()
    yield from reversed(waiting)


def _timed(
    connection: Connection, where: Filter, most: int, before: Place | None
) -> Iterator[Place]:
    """Yield what matches of all sessions that can have been there at the time that is meant."""
    page = select(*_KEY).where(*matching_sessions(where))
    for lot in _lots(where):
        parts = (_listed(page.where(*some), before, most) for some in lot)
        rows = (row for part in parts for row in connection.execute(part))
        yield from sorted((Place(*row) for row in rows), reverse=True)


def _lots(where: Filter) -> Iterator[list[_Conditions]]:
    """Yield three lots of sessions in their order, each as the conditions of its parts.

    They are those active after the time that is meant, which may have begun before; those active
    in it; and those active before it, whose tool loops may have gone on into it. How long sessions
    are says how far from the time the first and the last can be.
    """
    active, after, before = _s.last_active_at, where.started_after, where.started_before
    if before is not None:
        yield [
            [_s.length == digits, active > before, active <= _shifted(before, longest(digits))]
            for digits in LENGTHS
        ]
    meanwhile = [] if after is None else [active >= after]
    yield [meanwhile if before is None else [*meanwhile, active <= before]]
    if after is not None:
        yield [
            [_s.length == digits, active < after, active >= _shifted(after, -longest(digits))]
            for digits in LENGTHS
        ]


def _shifted(moment: int, microseconds: int) -> int:
    """Return a later or earlier moment, as far as the database's integers go."""
    return max(-MAX_TIME, min(moment + microseconds, MAX_TIME))
