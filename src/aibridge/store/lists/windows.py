"""Walking a list back in time, in windows that grow until a page is full.

A window is a span of time, and is looked through by one statement with every condition. The first
holds about 1,000 rows, and each is four times as long as the one before. One that did not fill the
page has shown that matches are rare in it, so that the next, which is longer, holds few as well.

The first two windows are read along time. Where these did not do, the condition that was the rarest
in them leads: what it is for is looked up by its index.
"""

from collections.abc import Callable, Iterator, Mapping
from enum import StrEnum
from typing import Any, NamedTuple, Protocol

from sqlalchemy import ColumnElement, Connection, Select, false, func, literal, select, tuple_

from aibridge.store.engine.conditions import unindexed
from aibridge.store.schema.measures import MAX_TIME
from aibridge.store.schema.tables import Time

FIRST = 1000
"""Rows of the first window."""
GROWTH = 4
"""How many times as long as the one before a window is."""
ALONG_TIME = 2
"""Windows that are read along time, whatever is asked."""
AS_DEAR = 10
"""How many texts are looked up by their words in the time that it takes to look into one."""


class Lead(StrEnum):
    """By what the rows of a window are looked up; of two that are as rare the first."""

    TIME = "time"
    SESSION = "session"
    PERSON = "person"
    WORDS = "words"
    TOKENS = "tokens"
    KINDS = "kinds"
    LENGTH = "length"


class Way(NamedTuple):
    """How the rows of a window are found, and held against words that must or must not be in them.

    These are gathered once from all texts of the window, or looked for in the texts of each row.
    """

    lead: Lead = Lead.TIME
    gathers: bool = True
    gathers_unwanted: bool = True


class Window(NamedTuple):
    """A span of time, both ends included, in microseconds since 1970."""

    since: int
    until: int
    way: Way = Way()

    @property
    def times(self) -> tuple[int, int]:
        """Its two ends."""
        return self.since, self.until

    @property
    def lead(self) -> Lead:
        """By what its rows are looked up."""
        return self.way.lead


class Key(NamedTuple):
    """Where a row stands in its list: of two rows the one with the greater key comes first."""

    at: int
    id: str
    initiator_id: str = ""


Leads = Mapping[Lead, ColumnElement[bool]]
"""Conditions by which rows can be looked up along an index."""


class Listing(Protocol):
    """A list under a filter."""

    key_length: int
    """Fields of a key that tell its rows apart."""

    def windows(self, last: int) -> Iterator[Window]:
        """Yield the windows of the list, the newest first, beginning at a moment."""

    def rows(self, window: Window) -> Select[Any]:
        """Return a query for the keys of what matches in a window, in no order."""


def walk(
    connection: Connection, listing: Listing, limit: int, before: Key | None = None
) -> list[Key]:
    """Return the keys of the first ``limit`` rows of a list, after the one ``before`` if given."""
    found: list[Key] = []
    for window in listing.windows(MAX_TIME if before is None else before.at):
        page = _page(listing, window, before).limit(limit - len(found))
        found += [Key(*row) for row in connection.execute(page)]
        if len(found) >= limit:
            break
    return found


def _page(listing: Listing, window: Window, before: Key | None) -> Select[Any]:
    rows = listing.rows(window).subquery()
    at, *rest = rows.c
    page = select(rows)
    if before is not None:
        key = tuple_(literal(before.at, Time), *map(literal, before[1 : listing.key_length]))
        page = page.where(key > tuple_(*rows.c))
    # What leads is not to be left for an index that has the order.
    order = at if window.lead is Lead.TIME else unindexed(at)
    return page.order_by(order.desc(), *(column.desc() for column in rest))


def grow(
    connection: Connection,
    moments: ColumnElement[int],
    ended: ColumnElement[bool],
    bounds: tuple[int, int],
    rarest: Callable[[Window], Way],
) -> Iterator[Window]:
    """Yield windows from the last of two moments back to the first, as far as there are rows.

    ``moments`` are the times of the rows, of which only those that have ``ended`` are listed.
    """
    first, last = bounds
    mine = select(moments).where(ended, moments <= last).limit(1)
    newest_first = mine.order_by(moments.desc())
    marks = (newest_first, newest_first.offset(FIRST), mine.order_by(moments))
    newest, nth, oldest = connection.execute(
        select(*(mark.scalar_subquery() for mark in marks))
    ).one()
    if newest is None:
        return
    first, until, span = max(first, oldest), newest, newest - (oldest if nth is None else nth)
    way, number = Way(), 0
    while until >= first:
        if number == ALONG_TIME:
            way = rarest(Window(until + 1, newest))
        since = max(first, until - span)
        yield Window(since, until, way)
        until, span, number = since - 1, max(1, span) * GROWTH, number + 1


def rarest(
    connection: Connection,
    leads: Leads,
    rows: Select[Any],
    unwanted: ColumnElement[bool] | None,
) -> Way:
    """Return by which condition the fewest rows of a query are found, and how to go on from there.

    Without any that can lead, windows are read along time. ``unwanted`` is whether words stand in
    a row that must not.
    """
    if len(leads) < 2 and (unwanted is None or not leads):  # noqa: PLR2004 - there is no choice
        return Way(next(iter(leads), Lead.TIME))
    conditions = [*leads.values(), false() if unwanted is None else unwanted]
    counts = (func.count().filter(condition) for condition in conditions)
    *numbers, hits = connection.execute(rows.with_only_columns(*counts)).one()
    found = dict(zip(leads, numbers, strict=True))
    lead = min(found, key=found.__getitem__)
    few = AS_DEAR * found[lead]
    return Way(lead, found.get(Lead.WORDS, 0) <= few, hits <= few)
