"""Which interceptions match a filter: the conditions of a window, and what can lead to its rows."""

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, or_, select
from sqlalchemy.sql.base import ReadOnlyColumnCollection

from aibridge.store.engine.conditions import one_of, unindexed
from aibridge.store.lists.filters import (
    ANY_NUMBER,
    EVERYTHING,
    Filter,
    chosen,
    chosen_kinds,
    initiated,
    within,
)
from aibridge.store.lists.windows import Lead, Leads, Way, Window, rarest
from aibridge.store.schema.measures import MAX_TIME, magnitudes, may_have_started
from aibridge.store.schema.tables import interceptions
from aibridge.store.search import index as text_index
from aibridge.store.search.index import Words

Conditions = list[ColumnElement[bool]]
Columns = ReadOnlyColumnCollection[str, Any]


class Calls:
    """The interceptions that a filter means: it looks up once which kinds these can have."""

    def __init__(self, connection: Connection, where: Filter) -> None:
        self.connection = connection
        self.where = where
        self.kinds: Sequence[int] | None = None
        if where.asks_kinds():
            self.kinds = list(connection.scalars(chosen_kinds(where)))

    def can_be(self) -> bool:
        """Return whether there may be any: of such a kind, and with such words."""
        words = self.where.wanted_words()
        return self.kinds != [] and (not words or text_index.knows(self.connection, words))

    def bounds(self, last: int) -> tuple[int, int]:
        """Return the first and the last moment at which they may have started, up to ``last``."""
        first, most = self.where.started_after, self.where.started_before
        return max(0, first or 0), min(last, MAX_TIME if most is None else most)

    def of_kind(self, kind_id: ColumnElement[int]) -> ColumnElement[bool]:
        """Return whether a kind is one of these."""
        return one_of(self.connection, kind_id, self.kinds or [])

    def leads(self, window: Window) -> dict[Lead, ColumnElement[bool]]:
        """Return what they can be looked up by in a window, each along an index."""
        where, c = self.where, interceptions.c
        found: dict[Lead, ColumnElement[bool]] = {}
        if where.session_id.any_of:
            found[Lead.SESSION] = c.session_id.in_(where.session_id.any_of)
        if people := where.one_of_people():
            found[Lead.PERSON] = c.initiator_id.in_(people)
        if words := where.wanted_words():
            find = text_index.gathers if window.lead is Lead.TIME else text_index.looks_up
            found[Lead.WORDS] = find(self.connection, c.id, words, window.times)
        if where.tokens != ANY_NUMBER:
            these = magnitudes(where.tokens.least, where.tokens.most)
            found[Lead.TOKENS] = one_of(self.connection, c.magnitude, these)
        if self.kinds is not None:
            found[Lead.KINDS] = self.of_kind(c.kind_id)
        return found

    def in_window(self, window: Window) -> Conditions:
        """Return all conditions, and that of the window's lead once more for an index."""
        found = list(self.matching(interceptions.c, window))
        return found if window.lead is Lead.TIME else [self.leads(window)[window.lead], *found]

    def matching(self, c: Columns, window: Window) -> Iterator[ColumnElement[bool]]:
        """Yield the conditions on columns of ``interceptions``; no index is for any but the time.

        Wanted words are held against the rows unless these were found by them.
        """
        started_at = unindexed(c.started_at) if window.lead is Lead.WORDS else c.started_at
        yield started_at.between(*window.times)
        yield from self._plain(c, window.times)
        is_far = window.lead is not Lead.TIME
        if window.lead is not Lead.WORDS and (words := self.where.wanted_words()):
            gathered = self._gathered(c, words, window.times, looked_up=is_far)
            yield gathered if window.way.gathers else self._found(c, words)
        if unwanted := self.where.unwanted_words():
            gathers = window.way.gathers_unwanted
            yield ~self._any(c, unwanted, window if gathers else None)

    def of_session(
        self, c: Columns, times: tuple[int, int], *, gathered: bool = False
    ) -> Iterator[ColumnElement[bool]]:
        """Yield the conditions on the interceptions of one session, in a time.

        Where few texts have the words, they are ``gathered`` once for all sessions.
        """
        yield c.started_at.between(*times)
        yield from self._plain(c, times)
        if words := self.where.wanted_words():
            by_index = self._gathered(c, words, times, looked_up=True)
            yield by_index if gathered else self._found(c, words)
        if unwanted := self.where.unwanted_words():
            yield ~self._any(c, unwanted, None)

    def _any(self, c: Columns, words: Words, gathered: Window | None) -> ColumnElement[bool]:
        """Return whether words of any of these sorts stand in the texts of an interception."""
        each = [{name: values} for name, values in words.items()]
        if gathered is None:
            return or_(*(self._found(c, one) for one in each))
        looked_up, times = gathered.lead is not Lead.TIME, gathered.times
        return or_(*(self._gathered(c, one, times, looked_up=looked_up) for one in each))

    def _gathered(
        self, c: Columns, words: Words, times: tuple[int, int], *, looked_up: bool = False
    ) -> ColumnElement[bool]:
        return text_index.gathers(self.connection, c.id, words, times, looked_up=looked_up)

    def _found(self, c: Columns, words: Words) -> ColumnElement[bool]:
        return text_index.finds(self.connection, c.started_at, c.id, words)

    def _plain(self, c: Columns, times: tuple[int, int]) -> Iterator[ColumnElement[bool]]:
        """Yield the conditions that a row answers, apart from all indexes."""
        yield c.ended_at.is_not(None)
        if self.connection.dialect.name == "postgresql":
            yield may_have_started(c.id, *times)
        yield from chosen(unindexed(c.session_id), self.where.session_id)
        yield from initiated(unindexed(c.initiator_id), self.where)
        yield from within(c.tokens, self.where.tokens)
        if self.kinds is not None:
            yield self.of_kind(unindexed(c.kind_id))

    def rarest(self, window: Window, leads: Leads) -> Way:
        """Return by what the fewest of all that stands in a window are found."""
        c = interceptions.c
        rows = Calls(self.connection, EVERYTHING).matching(c, window)
        words = self.where.unwanted_words()
        unwanted = self._any(c, words, window) if words else None
        return rarest(self.connection, leads, select(c.id).where(*rows), unwanted)
