"""Finding sessions, the most recently active first: along which index, from where, and how many.

As with interceptions (`aibridge.store.newest`), a list is walked along one index in its order.
"""

from collections.abc import Iterator
from functools import cached_property
from itertools import chain, islice
from math import isqrt
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, func, select, tuple_

from aibridge.store import arms, newest, text_index
from aibridge.store.among import among
from aibridge.store.arms import Arms
from aibridge.store.filters import EVERYTHING, Filter, Span, matching, within
from aibridge.store.kept import Kept
from aibridge.store.listed import (
    KEY,
    Conditions,
    Place,
    Portion,
    at,
    last_active,
    listed,
    look,
    matching_own,
    matching_sessions,
    of_one,
)
from aibridge.store.measures import MAX_TIME, longest
from aibridge.store.schema import interceptions, session_kinds, sessions
from aibridge.store.text_index import Words

FEW_HITS = 2000
"""Interceptions with a word that may all be looked at; of more only the newest are."""
USUAL = 5
"""The `length` of sessions up to about a day: of longer ones there are few."""
AS_DEAR = 40
"""How much is to be gone through, where sessions are found by words, for one that is looked through
instead; see `Search._is_sparse`."""
MOST_ACTIVE = 20_000
"""How far those sessions are counted that were active of late."""
PORTION, MOST_PORTION = 200, 3200
"""Sessions that are looked through at once, at first and at most."""
GLANCES = (PORTION, 2 * PORTION)
"""Sessions that are looked through first where there is no narrow way."""

_s, _c, _k = sessions.c, interceptions.c, session_kinds.c
_COLUMNS = newest.Columns(_s.id, _s.initiator_id, _k.kind_id, _s.magnitude)
_KINDS_KEY = (_k.last_active_at, _k.session_id, _k.initiator_id)
_KINDS_PLACE = (_k.last_active_at, _k.session_id.label("id"), _k.initiator_id)


class Search:
    """A search for the sessions that a filter means, in one transaction: it finds its way once."""

    def __init__(self, connection: Connection, where: Filter) -> None:
        self.connection = connection
        self.where = where

    def latest(self, most: int, before: Place | None = None) -> list[Place]:
        """Return where the first ``most`` that match stand, most recently active first.

        With ``before`` they are the first after that place in the list.
        """
        if before is not None or not self.is_by_words:
            return list(islice(self._found(most, before), most))
        return self._by_words.first(most)

    def count_up_to(self, most: int) -> int:
        """Return how many match, but no more than ``most``."""
        if isinstance(self.way, Arms):
            return _count_along(self.connection, self.way, self.where, most)
        if self.where.has_words():
            return len(self.latest(most))
        number = 0
        for some in chain.from_iterable(self._lots()):
            if number < most:
                rows = listed(select(_s.id).where(*some), None)  # the newest are in memory
                number += newest.count_up_to(self.connection, rows, most - number)
        return number

    @cached_property
    def way(self) -> Arms | Words | None:
        """The way with the fewest rows: what sessions have in common, or words; or all."""
        words = self.where.wanted_words()
        ways = newest.ways(self.connection, self.where, _COLUMNS)
        if not ways:
            return words if words and self._is_sparse() else None
        if len(ways) == 1 and (not words or self._has_many_hits):
            return ways[0]
        sizes = [newest.count_up_to(self.connection, self._rows(way), FEW_HITS) for way in ways]
        best = min(range(len(ways)), key=sizes.__getitem__)
        return words if words and self._hits <= sizes[best] else ways[best]

    @property
    def is_by_words(self) -> bool:
        """Whether sessions are found by what the index of texts finds."""
        return self.way is not None and not isinstance(self.way, Arms)

    @property
    def is_looked_through(self) -> bool:
        """Whether sessions are looked through for words, as no way is narrower."""
        where = self.where
        return where.has_words() and where.times() == EVERYTHING and self.way is None

    @cached_property
    def last_active(self) -> int:
        """When any session was active last."""
        return last_active(self.connection) or 0

    @property
    def usual_length(self) -> int:
        """Microseconds that no session takes, but those that go on for days."""
        return longest(min(self._longest, USUAL))

    @cached_property
    def head(self) -> Portion:
        """What matches of the sessions that are looked through first."""
        return look(self.connection, self.where, PORTION)

    @cached_property
    def _by_words(self) -> Kept[Place]:
        return Kept(self._with_words(None))

    @cached_property
    def _hits(self) -> int:
        """In how many places the words stand, as far as it matters."""
        return text_index.frequency(self.connection, self.where.wanted_words(), FEW_HITS + 1)

    @property
    def _has_many_hits(self) -> bool:
        return self._hits > FEW_HITS

    def _is_sparse(self) -> bool:
        """Return whether it takes less to find a page of sessions by words than to look through.

        In the time that a session may take, `n` interceptions have the words, and `s` sessions are
        active. By words about `n` are looked at for any page; else about `s / n` sessions for each
        that is found. So the words are the less where `n * n` is less than `AS_DEAR * s`.
        """
        since = self.last_active - self.usual_length // 4  # a quarter tells as much
        active = select(_s.id).where(_s.last_active_at >= since)
        number = newest.count_up_to(self.connection, active, MOST_ACTIVE)
        few = isqrt(AS_DEAR * number // 4) + 1
        return text_index.is_sparse(self.connection, self.where.wanted_words(), since, few)

    @cached_property
    def _longest(self) -> int:
        """The `length` of the longest session."""
        return self.connection.scalar(select(func.max(_s.length))) or 1

    @cached_property
    def _margin(self) -> int:
        """Within which time of when a session was active last it has all its hits.

        Longer sessions are looked at one by one, unless all hits may be.
        """
        is_usual = self._longest > USUAL and self._has_many_hits
        return self.usual_length if is_usual else longest(self._longest)

    def _rows(self, way: Arms) -> Select[Any]:
        """Return a query for everything that stands along a way, in no order."""
        return select(way.column).where(among(self.connection, way.column, way.values))

    def _found(self, most: int, before: Place | None) -> Iterator[Place]:
        way = self.way
        if isinstance(way, Arms):
            yield from self._along(way, most, before)
        elif way is not None:
            yield from self._with_words(before)
        elif self.is_looked_through:
            yield from self._through(most, before)
        else:
            yield from self._timed(most, before)

    def _through(self, most: int, before: Place | None) -> Iterator[Place]:
        """Yield what matches of all sessions, portion by portion, where ``most`` are wanted.

        As many are looked at next as should do, judging by those before, but at most twice as many.
        """
        size, looked, number = PORTION, 0, 0
        portion = self.head if before is None else look(self.connection, self.where, size, before)
        while True:
            yield from portion.found
            if portion.end is None:
                return
            looked, number = looked + portion.size, number + len(portion.found)
            enough = looked * max(1, most - number) // max(1, number)
            size = min(max(PORTION, enough * 5 // 4), 2 * size, MOST_PORTION)
            portion = look(self.connection, self.where, size, portion.end)

    def _along(self, way: Arms, most: int, before: Place | None) -> Iterator[Place]:
        if len(way.values) > arms.FEW:  # much of the list may match
            for size in GLANCES:
                portion = look(self.connection, self.where, size, before)
                yield from portion.found
                most -= len(portion.found)
                if portion.end is None or most <= 0:
                    return
                before = portion.end
                if 2 * len(portion.found) < most:
                    break  # twice as many more would not do either
        yield from _walked(self.connection, way, self.where, most, before)

    def _timed(self, most: int, before: Place | None) -> Iterator[Place]:
        """Yield what matches of all sessions that can have been there at the time that is meant."""
        for lot in self._lots():
            parts = (listed(select(*KEY).where(*some), before, most) for some in lot)
            rows = (row for part in parts for row in self.connection.execute(part).all())
            yield from sorted((Place(*row) for row in rows), reverse=True)

    def _lots(self) -> Iterator[list[Conditions]]:
        """Yield three lots of sessions in their order, each as the conditions of its parts.

        They are those active after the time that is meant, which may have begun before; those
        active in it; and those active before it, whose tool loops may have gone on into it. How
        long sessions are says how far from the time the first and the last can be.
        """
        where, active = self.where, _s.last_active_at
        after, before = where.started_after, where.started_before
        asked = matching_sessions(where)
        if before is not None:
            yield [
                [
                    *asked,
                    _s.length == one,
                    active > before,
                    active <= _shifted(before, longest(one)),
                ]
                for one in range(1, self._longest + 1)
            ]
        # When a session was active last, one of its interceptions started: more is not to be asked.
        mine = matching_own(where) if of_one(where) == where.times() else asked
        yield [[*mine, *within(active, Span(after, before))]]
        if after is not None:
            yield [
                [*asked, _s.length == one, active < after, active >= _shifted(after, -longest(one))]
                for one in range(1, self._longest + 1)
            ]

    def _with_words(self, before: Place | None) -> Iterator[Place]:
        """Yield what matches by the interceptions in whose texts the words stand, newest first.

        The margin says whose place no session can take that was not seen yet.
        """
        where, margin, last = self.where, self._margin, self.where.started_before
        latest = self.last_active
        mine = (_c.session_id == _s.id) & (_c.initiator_id == _s.initiator_id)
        asked = (*matching(of_one(where).without_wanted_words()), *matching_own(where))
        statement = (
            select(_c.started_at, *KEY).join_from(interceptions, sessions, mine).where(*asked)
        )
        if before is not None:
            statement = statement.where(at(before) > tuple_(*KEY))
            latest = before.last_active_at
            last = min(latest + margin, MAX_TIME if last is None else last)
        words, certain = where.wanted_words(), MAX_TIME
        seen: set[Place] = set()
        waiting: list[Place] = []
        first, until = where.started_after, latest - margin  # none is certain before that was seen
        for ids in text_index.portions(self.connection, words, first, last, until):
            these = among(self.connection, _c.id, ids)
            rows = self.connection.execute(statement.where(these)).all()
            found = {Place(*row[1:]) for row in rows}
            if rows:
                before_certain, certain = certain, min(row.started_at for row in rows) + margin
                found |= self._long(Span(certain, before_certain - 1), before)
            waiting = sorted({*waiting, *found} - seen)
            while waiting and waiting[-1].last_active_at >= certain:
                seen.add(waiting[-1])
                yield waiting.pop()
        rest = {*waiting, *self._long(Span(None, certain - 1), before)} - seen
        yield from sorted(rest, reverse=True)

    def _long(self, active: Span, before: Place | None) -> set[Place]:
        """Return the sessions that match, were active last then, and longer than the margin."""
        if longest(self._longest) == self._margin:
            return set()
        lengths = _s.length.in_(range(USUAL + 1, self._longest + 1))
        these = (lengths, *within(_s.last_active_at, active), *matching_sessions(self.where))
        rows = self.connection.execute(listed(select(*KEY).where(*these), before))
        return {Place(*row) for row in rows}


def _walked(
    connection: Connection, way: Arms, where: Filter, most: int, before: Place | None
) -> Iterator[Place]:
    """Yield the first that match of those that have one of several values in common."""

    def page(some: int, key: arms.Key | None) -> Select[Any]:
        place = None if key is None else Place(*key)
        if way.column is not _k.kind_id:
            return listed(select(*KEY).where(*matching_sessions(where)), place, some)
        return listed(_of_kinds(where, *_KINDS_PLACE), place, some, _KINDS_KEY)

    for key in arms.walk(connection, way, page, most, before):
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


def _count_along(connection: Connection, way: Arms, where: Filter, most: int) -> int:
    """Return how many sessions match along a way, but no more than ``most``."""
    these = among(connection, way.column, way.values)
    if way.column is not _k.kind_id:
        rows = select(_s.id).where(these, *matching_sessions(where))
        return newest.count_up_to(connection, rows, most)
    rows = _of_kinds(where, _k.session_id, _k.initiator_id)
    if where == where.kinds() and arms.has_more_than(connection, way, rows, most - 1):
        return most  # a session stands once among those of a kind
    return newest.count_up_to(connection, rows.distinct().where(these), most)


def _shifted(moment: int, microseconds: int) -> int:
    """Return a later or earlier moment, as far as the database's integers go."""
    return max(-MAX_TIME, min(moment + microseconds, MAX_TIME))
