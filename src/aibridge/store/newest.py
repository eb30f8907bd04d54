"""Finding interceptions newest first: along which index, from where, and how many.

A list is walked along one index, in its order, until enough is found; the other conditions are
looked at on the way. So there is always a way that begins at the newest of what is meant, and
where several would do, the one with the fewest rows is taken.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any, NamedTuple, Protocol

from sqlalchemy import (
    Connection,
    Select,
    Subquery,
    func,
    literal,
    select,
    tuple_,
)

from aibridge.store import arms, text_index
from aibridge.store.arms import Arms
from aibridge.store.filters import (
    ANY_NUMBER,
    EVERYTHING,
    Filter,
    Span,
    chosen_kinds,
    initiated,
    matching,
    started,
)
from aibridge.store.measures import magnitudes
from aibridge.store.schema import Time, initiator_kinds, interceptions

FEW = 5000
"""Rows that may be looked at one by one: ways with more of them are all the same."""

GLANCES = (500, 2000)
"""Rows that are looked at first where there is no narrow way: what many of them match is there."""
LONG_GLANCES = (*GLANCES, 50_000)
"""The same where the index alone answers, so that no row has to be read."""

_c = interceptions.c
_NEWEST = (_c.started_at.desc(), _c.id.desc())
_PLACE = tuple_(_c.started_at, _c.id)


class Place(NamedTuple):
    """Where an interception stands in lists."""

    started_at: int
    id: str


class Way(Protocol):
    """A way to the interceptions that a filter means."""

    @property
    def is_wide(self) -> bool:
        """Whether its first rows come from many places."""

    def size(self, connection: Connection) -> int:
        """Return how many stand along the way, but no more than `FEW`."""

    def newest(
        self, connection: Connection, where: Filter, most: int, before: Place | None
    ) -> list[Place]:
        """Return the newest ``most`` that match, of those that stand before a place."""

    def count(self, connection: Connection, where: Filter, most: int) -> int:
        """Return how many match, but no more than ``most``."""


def newest(
    connection: Connection, where: Filter, most: int, before: Place | None = None
) -> list[Place]:
    """Return where the newest matching interceptions stand, at most ``most``, newest first."""
    way = best_way(connection, where)
    if not way.is_wide and not (isinstance(way, _Plain) and where.unwanted_words()):
        return way.newest(connection, where, most, before)
    found: list[Place] = []
    asks_tokens_alone = where == replace(where.times(), tokens=where.tokens)
    for rows in LONG_GLANCES if asks_tokens_alone else GLANCES:
        some, before = glance(connection, where, rows, most - len(found), before)
        found += some
        if before is None or len(found) == most:
            return found
    return found + way.newest(connection, where, most - len(found), before)


def glance(
    connection: Connection, where: Filter, size: int, most: int, before: Place | None = None
) -> tuple[list[Place], Place | None]:
    """Return the first ``most`` matches among the next ``size`` rows, and where these end.

    They end nowhere where no more follow. What much of all has is found here.
    """
    rows = select(_c.started_at, _c.id).where(_c.ended_at.is_not(None), *started(where))
    last = _before(rows.order_by(*_NEWEST), before).offset(size - 1).limit(1)
    row = connection.execute(last).first()
    end = None if row is None else Place(*row)
    latest = where.started_before if before is None else before.started_at
    meanwhile = Span(where.started_after if end is None else end.started_at, latest)
    page = select(_c.started_at, _c.id).where(*matching(where, meanwhile)).order_by(*_NEWEST)
    if end is not None:
        place = tuple_(literal(end.started_at, Time), literal(end.id))
        page = page.where(_c.started_at >= end.started_at, place <= _PLACE)
    found = connection.execute(_before(page, before).limit(most))
    return [Place(*one) for one in found], end


def best_way(connection: Connection, where: Filter) -> Way:
    """Return the way with the fewest rows; the order in which they are listed decides a tie."""
    ways = list(_ways(connection, where))
    if len(ways) < 2:  # noqa: PLR2004 - one or none: there is nothing to choose
        return ways[0] if ways else _Plain()
    return min(ways, key=lambda way: way.size(connection))


def count_up_to(connection: Connection, rows: Select[Any], most: int) -> int:
    """Return how many rows a query has, but no more than ``most``."""
    found: Subquery = rows.limit(most).subquery()
    return connection.execute(select(func.count()).select_from(found)).scalar_one()


def _ways(connection: Connection, where: Filter) -> Iterator[Way]:
    if where.session_id.any_of:
        yield _Armed(Arms(_c.session_id, where.session_id.any_of))
    if where.wanted_words():
        yield _Words(where.wanted_words())
    for armed in (_initiators, _kinds, _magnitudes):
        found = armed(connection, where)
        if found is not None and len(found.values) <= arms.MOST:
            yield _Armed(found)


def _initiators(connection: Connection, where: Filter) -> Arms | None:
    found = initiators(connection, where)
    return None if found is None else Arms(_c.initiator_id, found)


def initiators(connection: Connection, where: Filter) -> Sequence[str] | None:
    """Return the ids of the initiators that are meant, and have anything on record.

    Nothing is returned where nobody is named: all, or all but some, are no narrow way.
    """
    if where.visible_to is None and not where.initiator_id.any_of:
        return None
    id_ = initiator_kinds.c.initiator_id
    known = select(id_).distinct().where(*initiated(id_, where)).limit(arms.MOST + 1)
    return list(connection.scalars(known))


def _kinds(connection: Connection, where: Filter) -> Arms | None:
    if where.kinds() == EVERYTHING:
        return None
    return Arms(_c.kind_id, kinds(connection, where))


def kinds(connection: Connection, where: Filter) -> Sequence[int]:
    """Return the ids of the kinds that are meant; one more than can be walked, if there are."""
    return list(connection.scalars(chosen_kinds(where).limit(arms.MOST + 1)))


def _magnitudes(_connection: Connection, where: Filter) -> Arms | None:
    if where.tokens == ANY_NUMBER:
        return None
    return Arms(_c.magnitude, magnitudes(where.tokens.least, where.tokens.most))


def _page(where: Filter, most: int, before: Place | None) -> Select[Any]:
    statement = select(_c.started_at, _c.id).where(*matching(where)).order_by(*_NEWEST)
    return _before(statement, before).limit(most)


def _before(statement: Select[Any], before: Place | None) -> Select[Any]:
    if before is None:
        return statement
    # Said twice: an engine that does not walk along pairs does so along times.
    place = tuple_(literal(before.started_at, Time), literal(before.id))
    return statement.where(_c.started_at <= before.started_at, place > _PLACE)


class _Plain:
    """Along all that has ended."""

    is_wide = False

    def size(self, _connection: Connection) -> int:
        return FEW

    def newest(
        self, connection: Connection, where: Filter, most: int, before: Place | None
    ) -> list[Place]:
        return [Place(*row) for row in connection.execute(_page(where, most, before))]

    def count(self, connection: Connection, where: Filter, most: int) -> int:
        if where.unwanted_words():
            return len(newest(connection, where, most))
        return count_up_to(connection, select(_c.id).where(*matching(where)), most)


@dataclass(frozen=True, slots=True)
class _Armed:
    """Along those that have one of several values in common."""

    arms: Arms

    @property
    def is_wide(self) -> bool:
        return len(self.arms.values) > arms.FEW

    def size(self, connection: Connection) -> int:
        return count_up_to(connection, self._rows(), FEW)

    def _rows(self) -> Select[Any]:
        return select(_c.id).where(_c.ended_at.is_not(None), self.arms.column.in_(self.arms.values))

    def newest(
        self, connection: Connection, where: Filter, most: int, before: Place | None
    ) -> list[Place]:
        def page(some: int, key: arms.Key | None) -> Select[Any]:
            return _page(where, some, None if key is None else Place(*key))

        found = arms.walk(connection, self.arms, page, most, before)
        return [Place(*key) for key in found]

    def count(self, connection: Connection, where: Filter, most: int) -> int:
        return count_up_to(connection, self._rows().where(*matching(where)), most)


@dataclass(frozen=True, slots=True)
class _Words:
    """Along those in whose texts the words stand."""

    words: text_index.Words
    is_wide = False

    def size(self, connection: Connection) -> int:
        return text_index.frequency(connection, self.words, FEW)

    def newest(
        self, connection: Connection, where: Filter, most: int, before: Place | None
    ) -> list[Place]:
        return list(islice(self._found(connection, where, before), most))

    def _found(
        self, connection: Connection, where: Filter, before: Place | None
    ) -> Iterator[Place]:
        """Yield what matches, newest first; the index knows times, and not the order within one."""
        bounds = [before.started_at] if before else []
        if where.started_before is not None:
            bounds.append(where.started_before)
        least, others = where.started_after, matching(where.without_wanted_words())
        for ids in text_index.portions(connection, self.words, least, min(bounds, default=None)):
            statement = select(_c.started_at, _c.id).where(*others, _c.id.in_(ids))
            for row in connection.execute(_before(statement, before).order_by(*_NEWEST)):
                yield Place(*row)

    def count(self, connection: Connection, where: Filter, most: int) -> int:
        if where.without_wanted_words() == EVERYTHING:
            return text_index.frequency(connection, self.words, most)
        return len(self.newest(connection, where, most, None))
