"""Finding sessions, the most recently active first: along which index, from where, and how many.

As with interceptions (`aibridge.store.newest`), a list is walked along one index in its order. A
session is meant when any of its interceptions is, so what is asked of these is answered by what
the session's rows know of them, or else by looking at the interceptions of one session.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import chain, islice
from typing import Any, NamedTuple, Protocol

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    exists,
    func,
    literal,
    select,
    tuple_,
)

from aibridge.store import arms, newest, text_index
from aibridge.store.arms import Arms
from aibridge.store.filters import (
    ANY,
    ANY_NUMBER,
    EVERYTHING,
    Filter,
    chosen,
    chosen_kinds,
    initiated,
    matching,
    within,
)
from aibridge.store.measures import LENGTHS, MAX_TIME, longest, magnitudes
from aibridge.store.schema import Time, interceptions, session_kinds, sessions

FEW_HITS = 10_000
"""Interceptions with a word whose sessions are all looked at. Of a word that is in more, sessions
are looked through instead: many have it."""

_s, _c, _k = sessions.c, interceptions.c, session_kinds.c


class Place(NamedTuple):
    """Where a session stands in lists."""

    last_active_at: int
    id: str
    initiator_id: str


_KEY = Place._fields
_ORDER = tuple(_s[name].desc() for name in _KEY)
_KINDS_KEY = (_k.last_active_at, _k.session_id.label("id"), _k.initiator_id)


class Way(Protocol):
    """A way to the sessions that a filter means."""

    def latest(
        self, connection: Connection, where: Filter, most: int, before: Place | None
    ) -> list[Place]:
        """Return the first ``most`` that match, of those that stand before a place."""

    def count(self, connection: Connection, where: Filter, most: int) -> int:
        """Return how many match, but no more than ``most``."""


def latest(
    connection: Connection, where: Filter, most: int, before: Place | None = None
) -> list[Place]:
    """Return where the matching sessions stand, at most ``most``, most recently active first."""
    return best_way(connection, where).latest(connection, where, most, before)


def best_way(connection: Connection, where: Filter) -> Way:
    """Return the way with the fewest rows."""
    ways = list(_ways(connection, where))
    hits = FEW_HITS + 1
    if where.wanted_words():
        found = text_index.hits(connection, where.wanted_words())
        hits = newest.count_up_to(connection, found, FEW_HITS + 1)
    if len(ways) > 1 or (ways and hits <= FEW_HITS):
        sizes = [newest.count_up_to(connection, way.rows(), FEW_HITS) for way in ways]
        best = min(range(len(ways)), key=sizes.__getitem__)
        return ways[best] if sizes[best] < hits else _Words(where.wanted_words())
    if hits <= FEW_HITS:
        return _Words(where.wanted_words())
    return ways[0] if ways else _Timed()


def looks_at_texts(way: Way, where: Filter) -> bool:
    """Return whether each session's texts are looked at along a way."""
    found = isinstance(way, _Words)
    return bool(where.unwanted_words()) or (bool(where.wanted_words()) and not found)


def _ways(connection: Connection, where: Filter) -> Iterator["_Armed"]:
    asked = where.initiators()
    if where.session_id.any_of:
        yield _Armed(Arms(_s.id, where.session_id.any_of))
    if asked != EVERYTHING:
        yield from _armed(Arms(_s.initiator_id, newest.initiators(connection, asked)))
    if where.kinds() != EVERYTHING:
        yield from _armed(Arms(_k.kind_id, newest.kinds(connection, where)))
    if where.tokens != ANY_NUMBER:
        yield _Armed(Arms(_s.magnitude, magnitudes(where.tokens.least, where.tokens.most)))


def _armed(found: Arms) -> Iterator["_Armed"]:
    if len(found.values) <= arms.MOST:
        yield _Armed(found)


def matching_sessions(where: Filter) -> list[ColumnElement[bool]]:
    """Return the conditions under which any ended interception of a session matches.

    Tokens are those of the whole session.
    """
    found = [
        *initiated(_s.initiator_id, where),
        *chosen(_s.id, where.session_id),
        *within(_s.tokens, where.tokens),
    ]
    if where.started_after is not None:
        found.append(_s.last_started_at >= where.started_after)
    if where.started_before is not None:
        found.append(_s.started_at <= where.started_before)
    return found + _of_interceptions(_of_one(where))


def _of_one(where: Filter) -> Filter:
    """Return what one interception of a session has to answer."""
    return replace(where, initiator_id=ANY, session_id=ANY, visible_to=None, tokens=ANY_NUMBER)


def _of_interceptions(asked: Filter) -> list[ColumnElement[bool]]:
    one_sided = asked.started_after is None or asked.started_before is None
    if asked == EVERYTHING or (asked == asked.times() and one_sided):
        return []  # the session's own row has answered
    if asked == asked.kinds():
        mine = (_k.session_id == _s.id, _k.initiator_id == _s.initiator_id)
        return [exists().where(*mine, _k.kind_id.in_(chosen_kinds(asked))).correlate(sessions)]
    # Its interceptions stand together by their session; an index by initiator would be the wrong.
    mine = (_c.session_id == _s.id, func.coalesce(_c.initiator_id, "") == _s.initiator_id)
    return [exists().where(*mine, *matching(asked)).correlate(sessions)]


def _before(
    statement: Select[Any], key: tuple[ColumnElement[Any], ...], before: Place | None
) -> Select[Any]:
    if before is None:
        return statement
    place = tuple_(literal(before.last_active_at, Time), *map(literal, before[1:]))
    return statement.where(key[0] <= before.last_active_at, place > tuple_(*key))


def _page(where: Filter, most: int, before: Place | None) -> Select[Any]:
    key = tuple(_s[name] for name in _KEY)
    statement = select(*key).where(*matching_sessions(where)).order_by(*_ORDER).limit(most)
    return _before(statement, key, before)


@dataclass(frozen=True, slots=True)
class _Armed:
    """Along those that have one of several values in common."""

    arms: Arms

    def rows(self) -> Select[Any]:
        """Return a query for everything that stands along the way, in no order."""
        return select(self.arms.column).where(self.arms.column.in_(self.arms.values))

    def latest(
        self, connection: Connection, where: Filter, most: int, before: Place | None
    ) -> list[Place]:
        def page(some: int, key: arms.Key | None) -> Select[Any]:
            return self._first(where, some, None if key is None else Place(*key))

        found = arms.walk(connection, self.arms, page, sessions, most, before)
        return [Place(*key) for key in found]

    def _first(self, where: Filter, most: int, before: Place | None) -> Select[Any]:
        if self.arms.column is not _k.kind_id:
            return _page(where, most, before)
        statement = select(*_KINDS_KEY).where(*self._conditions(where))
        if where != where.kinds():
            statement = statement.join_from(session_kinds, sessions, _is_of_session())
        statement = statement.order_by(*(column.desc() for column in _kinds_key()))
        return _before(statement, _kinds_key(), before).limit(most)

    def _conditions(self, where: Filter) -> list[ColumnElement[bool]]:
        """Return what is left to be asked along kinds: nothing, where these are all."""
        asked = _of_one(where)
        if asked == asked.kinds():
            without = Filter(
                initiator_id=where.initiator_id,
                session_id=where.session_id,
                visible_to=where.visible_to,
                tokens=where.tokens,
            )
            return matching_sessions(without)
        return matching_sessions(where)

    def count(self, connection: Connection, where: Filter, most: int) -> int:
        if not self.arms.values:
            return 0
        these = self.arms.column.in_(self.arms.values)
        if self.arms.column is not _k.kind_id:
            found = select(_s.id).where(these, *matching_sessions(where))
            return newest.count_up_to(connection, found, most)
        found = select(_k.session_id, _k.initiator_id).distinct().where(these)
        if where != where.kinds():
            found = found.join_from(session_kinds, sessions, _is_of_session())
        return newest.count_up_to(connection, found.where(*self._conditions(where)), most)


def _kinds_key() -> tuple[ColumnElement[Any], ...]:
    return (_k.last_active_at, _k.session_id, _k.initiator_id)


def _is_of_session() -> ColumnElement[bool]:
    return (_k.session_id == _s.id) & (_k.initiator_id == _s.initiator_id)


class _Timed:
    """Along all sessions, but for those that cannot have been there at the time that is meant.

    They come in three lots: those active after it, which may have begun before; those active in
    it; and those active before it, whose tool loops may have gone on into it. How long sessions
    are says how far from the time the first and the last can be.
    """

    def latest(
        self, connection: Connection, where: Filter, most: int, before: Place | None
    ) -> list[Place]:
        return list(islice(self._found(connection, where, most, before), most))

    def _found(
        self, connection: Connection, where: Filter, most: int, before: Place | None
    ) -> Iterator[Place]:
        page = _page(where, most, before)
        for lot in self._lots(where):
            rows = (Place(*row) for some in lot for row in connection.execute(page.where(*some)))
            yield from sorted(rows, reverse=True)

    def count(self, connection: Connection, where: Filter, most: int) -> int:
        page, number = select(_s.id).where(*matching_sessions(where)), 0
        for some in chain.from_iterable(self._lots(where)):
            if number < most:
                number += newest.count_up_to(connection, page.where(*some), most - number)
        return number

    def _lots(self, where: Filter) -> Iterator[list[list[ColumnElement[bool]]]]:
        """Yield the lots in their order, each as the conditions of its parts."""
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


@dataclass(frozen=True, slots=True)
class _Words:
    """Along the interceptions in whose texts the words stand, where these are few."""

    words: text_index.Words

    def latest(
        self, connection: Connection, where: Filter, most: int, before: Place | None
    ) -> list[Place]:
        return sorted(self._all(connection, where, before), reverse=True)[:most]

    def count(self, connection: Connection, where: Filter, most: int) -> int:
        return min(most, len(self._all(connection, where, None)))

    def _all(self, connection: Connection, where: Filter, before: Place | None) -> set[Place]:
        found: set[Place] = set()
        times = (where.started_after, where.started_before)
        asked = _of_one(where).without_wanted_words()
        own = Filter(
            initiator_id=where.initiator_id,
            session_id=where.session_id,
            visible_to=where.visible_to,
            tokens=where.tokens,
        )
        key = tuple(_s[name] for name in _KEY)
        mine = (_c.session_id == _s.id) & (_c.initiator_id == _s.initiator_id)
        statement = select(*key).distinct().join_from(interceptions, sessions, mine)
        statement = _before(statement, key, before).where(*matching(asked), *matching_sessions(own))
        for ids in text_index.portions(connection, self.words, *times):
            rows = connection.execute(statement.where(_c.id.in_(ids)))
            found.update(Place(*row) for row in rows)
        return found
