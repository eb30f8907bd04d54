"""Which sessions match a filter with words, by the newest of their interceptions that match.

Words are found in interceptions, so that is the order in which their sessions are found. A session
stands in the window of its newest match: it is on one page, and once.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, func, select

from aibridge.store.engine.conditions import is_any, unindexed
from aibridge.store.lists.active_sessions import of_tokens
from aibridge.store.lists.calls import Calls, Columns
from aibridge.store.lists.filters import ANY_NUMBER, Filter, within
from aibridge.store.lists.windows import Lead, Way, Window, grow
from aibridge.store.schema.measures import MAX_TIME
from aibridge.store.schema.tables import interceptions, sessions

_s, _c = sessions.c, interceptions.c


class FoundSessions:
    """The sessions that a filter with words means; a key is the start of the newest match."""

    key_length = 3

    def __init__(self, connection: Connection, where: Filter) -> None:
        self._connection = connection
        self._where = where
        self._calls = Calls(connection, replace(where, tokens=ANY_NUMBER))

    def windows(self, last: int) -> Iterator[Window]:
        """Yield the windows of the list, the newest first, beginning at a moment."""
        if self._calls.can_be():
            bounds = self._calls.bounds(last)
            ended = _c.ended_at.is_not(None)
            yield from grow(self._connection, _c.started_at, ended, bounds, self._rarest)

    def rows(self, window: Window) -> Select[Any]:
        """Return a query for the sessions whose newest match stands in a window, in no order."""
        led = [] if window.lead is Lead.TIME else [self._leads(window)[window.lead]]
        asked = (*led, *self._calls.matching(_c, window))
        session = (
            unindexed(_c.session_id).label("id"),
            unindexed(_c.initiator_id).label("initiator_id"),
        )
        newest = select(func.max(_c.started_at).label("at"), *session).where(*asked)
        found = newest.group_by(*session).subquery()
        rows = select(found).where(*self._of_tokens(found.c.id, found.c.initiator_id))
        first, last = self._calls.bounds(MAX_TIME)
        since = max(first, window.until + 1)
        return rows if since > last else rows.where(~self._again(found.c, since, last, window.lead))

    def last_of(self, id_: str, initiator_id: str | None) -> Select[Any]:
        """Return a query for the key of the last session of an id in the list."""
        columns = (_c.session_id, _c.initiator_id)
        asked = self._calls.of_session(_c, self._calls.bounds(MAX_TIME))
        tokens = self._of_tokens(*columns)
        if initiator_id is not None:
            mine = (_c.session_id == id_, unindexed(_c.initiator_id) == initiator_id)
            newest = select(_c.started_at, *columns).where(*mine, *asked, *tokens)
            return newest.order_by(_c.started_at.desc()).limit(1)
        at = func.max(_c.started_at)
        newest = select(at, *columns).where(_c.session_id == id_, *asked, *tokens)
        return newest.group_by(*columns).order_by(at, _c.initiator_id).limit(1)

    def _again(self, found: Columns, since: int, last: int, lead: Lead) -> ColumnElement[bool]:
        """Return whether a session matches later than in its window."""
        c = interceptions.alias("later").c
        mine = (c.session_id == found.id, unindexed(c.initiator_id) == found.initiator_id)
        asked = self._calls.of_session(c, (since, last), gathered=lead is Lead.WORDS)
        return is_any(select(c.id).where(*mine, *asked))

    def _rarest(self, window: Window) -> Way:
        way = self._calls.rarest(window, self._leads(window))
        # What sessions are found by is joined: a condition that costs nothing would lead instead.
        return way._replace(gathers=False) if way.lead is Lead.TOKENS else way

    def _leads(self, window: Window) -> dict[Lead, ColumnElement[bool]]:
        """Return what interceptions can be looked up by, which may be the tokens of a session."""
        found = self._calls.leads(window)
        if self._where.tokens == ANY_NUMBER:
            return found
        if window.lead is Lead.TIME:
            (found[Lead.TOKENS],) = self._of_tokens(_c.session_id, _c.initiator_id)
        else:
            these = of_tokens(self._connection, self._where)
            found[Lead.TOKENS] = _c.session_id.in_(select(_s.id).where(these))
        return found

    def _of_tokens(
        self, id_: ColumnElement[str], initiator_id: ColumnElement[str]
    ) -> list[ColumnElement[bool]]:
        """Return the condition on the tokens of a session, if there is one."""
        if self._where.tokens == ANY_NUMBER:
            return []
        mine = (_s.id == id_, _s.initiator_id == initiator_id)
        found = select(_s.id).where(*mine, *within(_s.tokens, self._where.tokens))
        return [is_any(found.correlate_except(sessions))]
