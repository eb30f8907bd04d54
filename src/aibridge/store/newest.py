"""Finding interceptions newest first: along which index, from where, and how many.

A list is walked along one index, in its order, until enough is found; the other conditions are
looked at on the way. So there is always a way that begins at the newest of what is meant, and
where several would do, the one with the fewest rows is taken.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cached_property
from itertools import islice
from typing import Any, NamedTuple

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    Subquery,
    func,
    literal,
    select,
    tuple_,
)

from aibridge.store import arms, text_index
from aibridge.store.among import among
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
from aibridge.store.kept import Kept
from aibridge.store.measures import magnitudes
from aibridge.store.schema import Time, initiator_kinds, interceptions
from aibridge.store.starts import WEEK, may_have_started

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


class Columns(NamedTuple):
    """Where rows have what they may have in common."""

    session_id: ColumnElement[str]
    initiator_id: ColumnElement[str]
    kind_id: ColumnElement[int]
    magnitude: ColumnElement[int]


_COLUMNS = Columns(_c.session_id, _c.initiator_id, _c.kind_id, _c.magnitude)


class Search:
    """A search for the interceptions that a filter means, in one transaction.

    It finds its way once: of several the one with the fewest rows.
    """

    def __init__(self, connection: Connection, where: Filter) -> None:
        self.connection = connection
        self.where = where

    def newest(self, most: int, before: Place | None = None) -> list[Place]:
        """Return where the newest ``most`` that match stand, newest first.

        With ``before`` they are the first after that place in the list.
        """
        way, where = self._way, self.where
        found: list[Place] = []
        for rows in way.glances:
            some, before = glance(self.connection, where, rows, most - len(found), before)
            found += some
            if before is None or len(found) == most:
                return found
            if way.can_walk and 4 * len(some) < most - len(found):
                break  # four times as many more would not do either
        return found + way.newest(most - len(found), before)

    def count_up_to(self, most: int) -> int:
        """Return how many match, but no more than ``most``."""
        if isinstance(self._way, _Plain) and self._way.glances:
            return len(self.newest(most))
        return self._way.count(most)

    @cached_property
    def _way(self) -> "_Way":
        """The way with the fewest rows; the order in which they are made decides a tie."""
        connection, where = self.connection, self.where
        found: list[_Way] = [_Words(connection, where)] if where.wanted_words() else []
        found += (_Armed(connection, where, one) for one in ways(connection, where, _COLUMNS))
        if len(found) < 2:  # noqa: PLR2004 - one or none: there is nothing to choose
            return found[0] if found else _Plain(connection, where)
        return min(found, key=lambda way: way.size())


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


def count_up_to(connection: Connection, rows: Select[Any], most: int) -> int:
    """Return how many rows a query has, but no more than ``most``."""
    found: Subquery = rows.limit(most).subquery()
    return connection.execute(select(func.count()).select_from(found)).scalar_one()


def ways(connection: Connection, where: Filter, columns: Columns) -> list[Arms]:
    """Return what those that a filter means have in common, as far as that can be walked."""
    found: list[Arms] = []
    if where.session_id.any_of:
        found.append(Arms(columns.session_id, where.session_id.any_of))
    if where.visible_to is not None or where.initiator_id.any_of:
        # All, or all but some, are no narrow way. Who is meant has to have anything on record.
        id_ = initiator_kinds.c.initiator_id
        known = select(id_).distinct().where(*initiated(id_, where)).limit(arms.MOST + 1)
        found.append(Arms(columns.initiator_id, connection.scalars(known).all()))
    if where.kinds() != EVERYTHING:
        kinds = chosen_kinds(where).limit(arms.MOST + 1)
        found.append(Arms(columns.kind_id, connection.scalars(kinds).all()))
    if where.tokens != ANY_NUMBER:
        found.append(Arms(columns.magnitude, magnitudes(where.tokens.least, where.tokens.most)))
    return [one for one in found if len(one.values) <= arms.MOST]


def _page(where: Filter, most: int, before: Place | None) -> Select[Any]:
    statement = select(_c.started_at, _c.id).where(*matching(where)).order_by(*_NEWEST)
    return _before(statement, before).limit(most)


def _before(statement: Select[Any], before: Place | None) -> Select[Any]:
    if before is None:
        return statement
    # Said twice: an engine that does not walk along pairs does so along times.
    place = tuple_(literal(before.started_at, Time), literal(before.id))
    return statement.where(_c.started_at <= before.started_at, place > _PLACE)


class _Way(ABC):
    """A way to the interceptions that a filter means."""

    glances: Sequence[int] = ()
    """How many of the newest of all are looked at first, among which many may match."""
    can_walk = False
    """Whether to go along the way is hardly dearer than to look at these."""

    def __init__(self, connection: Connection, where: Filter) -> None:
        self.connection = connection
        self.where = where

    @abstractmethod
    def size(self) -> int:
        """Return how many stand along the way, but no more than `FEW`."""

    @abstractmethod
    def newest(self, most: int, before: Place | None) -> list[Place]:
        """Return the newest ``most`` that match, of those that stand before a place."""

    def count(self, most: int) -> int:
        """Return how many match, but no more than ``most``."""
        return len(self.newest(most, None))


class _Plain(_Way):
    """Along all that has ended."""

    def __init__(self, connection: Connection, where: Filter) -> None:
        super().__init__(connection, where)
        self.glances = GLANCES if where.unwanted_words() else ()

    def size(self) -> int:
        return FEW

    def newest(self, most: int, before: Place | None) -> list[Place]:
        rows = self.connection.execute(_page(self.where, most, before)).all()
        return [Place(*row) for row in rows]

    def count(self, most: int) -> int:
        return count_up_to(self.connection, select(_c.id).where(*matching(self.where)), most)


class _Armed(_Way):
    """Along those that have one of several values in common."""

    def __init__(self, connection: Connection, where: Filter, armed: Arms) -> None:
        super().__init__(connection, where)
        self._arms = armed
        if len(armed.values) > arms.FEW:
            asks_tokens_alone = where == replace(where.times(), tokens=where.tokens)
            self.glances = LONG_GLANCES if asks_tokens_alone else GLANCES
            self.can_walk = not asks_tokens_alone

    def _rows(self) -> Select[Any]:
        these = among(self.connection, self._arms.column, self._arms.values)
        return select(_c.id).where(_c.ended_at.is_not(None), these)

    def size(self) -> int:
        return count_up_to(self.connection, self._rows(), FEW)

    def newest(self, most: int, before: Place | None) -> list[Place]:
        if self.glances and before is not None and self.connection.dialect.name == "postgresql":
            # Each arm is a look into each partition: first into those of a week, which may do.
            since = max(self.where.started_after or 0, before.started_at - WEEK)
            meanwhile = may_have_started(_c.id, since, before.started_at)
            where = self.where.between(since, self.where.started_before)
            found = self._walk(where, most, before, meanwhile)
            if len(found) == most:
                return found
        return self._walk(self.where, most, before)

    def _walk(
        self, where: Filter, most: int, before: Place | None, *more: ColumnElement[bool]
    ) -> list[Place]:
        def page(some: int, key: arms.Key | None) -> Select[Any]:
            return _page(where, some, None if key is None else Place(*key)).where(*more)

        found = arms.walk(self.connection, self._arms, page, most, before)
        return [Place(*key) for key in found]

    def count(self, most: int) -> int:
        return count_up_to(self.connection, self._rows().where(*matching(self.where)), most)


class _Words(_Way):
    """Along those in whose texts the words stand."""

    def size(self) -> int:
        return text_index.frequency(self.connection, self.where.wanted_words(), FEW)

    def newest(self, most: int, before: Place | None) -> list[Place]:
        if before is None:
            return self._head.first(most)
        return list(islice(self._found(before), most))

    @cached_property
    def _head(self) -> Kept[Place]:
        return Kept(self._found(None))

    def _found(self, before: Place | None) -> Iterator[Place]:
        """Yield what matches, newest first; the index knows times, and not the order within one."""
        where = self.where
        bounds = [where.started_before, None if before is None else before.started_at]
        last = min((moment for moment in bounds if moment is not None), default=None)
        others, words = matching(where.without_wanted_words()), where.wanted_words()
        for ids in text_index.portions(self.connection, words, where.started_after, last):
            these = among(self.connection, _c.id, ids)
            statement = select(_c.started_at, _c.id).where(*others, these)
            rows = _before(statement, before).order_by(*_NEWEST)
            for row in self.connection.execute(rows).all():
                yield Place(*row)
