"""Finding sessions, the most recently active first: along which index, from where, and how many.

As with interceptions (`aibridge.store.newest`), a list is walked along one index in its order.
"""

from collections.abc import Iterator
from itertools import chain, islice
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, func, select, tuple_

from aibridge.store import arms, newest, text_index
from aibridge.store.arms import Arms
from aibridge.store.filters import ANY_NUMBER, EVERYTHING, Filter, matching
from aibridge.store.listed import (
    KEY,
    Conditions,
    Place,
    at,
    listed,
    look,
    matching_own,
    matching_sessions,
    of_one,
)
from aibridge.store.measures import LENGTHS, MAX_TIME, longest, magnitudes
from aibridge.store.schema import interceptions, session_kinds, sessions
from aibridge.store.text_index import Words

FEW_HITS = 10_000
"""Interceptions with a word whose sessions are looked at. Of a word that is in more, sessions are
looked through instead: many have it."""
PORTION, MOST_PORTION = 200, 3200
"""Sessions that are looked through at once, at first and at most."""
_s, _c, _k = sessions.c, interceptions.c, session_kinds.c


_KINDS_KEY = (_k.last_active_at, _k.session_id, _k.initiator_id)
_KINDS_PLACE = (_k.last_active_at, _k.session_id.label("id"), _k.initiator_id)


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
            return listed(select(*KEY).where(*matching_sessions(where)), place, some)
        return listed(_of_kinds(where, *_KINDS_PLACE), place, some, _KINDS_KEY)

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
    asked = of_one(where)
    rest = matching_own(where) if asked == asked.kinds() else matching_sessions(where)
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
    asked = (*matching(of_one(where).without_wanted_words()), *matching_own(where))
    statement = select(_c.started_at, *KEY).join_from(interceptions, sessions, mine).where(*asked)
    if before is not None:
        statement = statement.where(at(before) > tuple_(*KEY))
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
    page = select(*KEY).where(*matching_sessions(where))
    for lot in _lots(where):
        parts = (listed(page.where(*some), before, most) for some in lot)
        rows = (row for part in parts for row in connection.execute(part))
        yield from sorted((Place(*row) for row in rows), reverse=True)


def _lots(where: Filter) -> Iterator[list[Conditions]]:
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
