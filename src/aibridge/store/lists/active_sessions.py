"""Which sessions match a filter without words, the most recently active first.

A session matches when any of its interceptions is as every field says; its tokens are those of all.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    func,
    select,
    true,
)

from aibridge.store.engine.conditions import is_any, one_of, unindexed
from aibridge.store.lists.calls import Calls, Conditions
from aibridge.store.lists.filters import (
    ANY,
    ANY_NUMBER,
    EVERYTHING,
    Filter,
    chosen,
    initiated,
    within,
)
from aibridge.store.lists.windows import Lead, Way, Window, grow, rarest
from aibridge.store.schema.measures import MAX_TIME, longest, magnitudes
from aibridge.store.schema.tables import interceptions, session_kinds, sessions

USUAL = 5
"""The `length` of sessions up to about a day: of longer ones there are few."""
_UNTIMED = {Lead.SESSION, Lead.KINDS}
"""What sessions are looked up by whatever their time is."""

_s, _c, _k = sessions.c, interceptions.c, session_kinds.c
_KEY = (_s.last_active_at, _s.id, _s.initiator_id)


class Sessions:
    """The sessions that a filter without words means, the most recently active first."""

    key_length = 3

    def __init__(self, connection: Connection, where: Filter) -> None:
        self._connection = connection
        self._where = where
        self._calls = Calls(connection, _of_one(where))
        self._longest: int = 1
        if where.times() != EVERYTHING:
            self._longest = connection.scalar(select(func.max(_s.length))) or 1

    def windows(self, last: int) -> Iterator[Window]:
        """Yield the windows of the list, the newest first, beginning at a moment.

        A session that has an interception in a time was active last within a day of it, unless it
        is one of the few that are longer: these are looked for by their length.
        """
        if not self._calls.can_be():
            return
        slack = longest(min(self._longest, USUAL)) if self._where.times() != EVERYTHING else 0
        since, until = self._calls.bounds(MAX_TIME)
        first, top = max(0, since - slack), min(last, until + slack)
        has_long = self._longest > USUAL
        if has_long and top < last:
            yield Window(top + 1, last, Way(Lead.LENGTH))
        yield from grow(self._connection, _s.last_active_at, true(), (first, top), self._rarest)
        if has_long and first > 0:
            yield Window(0, min(first - 1, last), Way(Lead.LENGTH))

    def rows(self, window: Window) -> Select[Any]:
        """Return a query for the keys of what matches in a window, in no order."""
        led = [] if window.lead is Lead.TIME else [self._leads(window)[window.lead]]
        at = unindexed(_s.last_active_at) if window.lead in _UNTIMED else _s.last_active_at
        mine = at.between(window.since, window.until)
        return select(*_KEY).where(*led, mine, *self._matching())

    def last_of(self, id_: str, initiator_id: str | None) -> Select[Any]:
        """Return a query for the key of the last session of an id in the list."""
        mine = [_s.id == id_] + ([] if initiator_id is None else [_s.initiator_id == initiator_id])
        last = select(*_KEY).where(*mine, *self._matching())
        return last.order_by(_s.last_active_at, _s.initiator_id).limit(1)

    def _rarest(self, window: Window) -> Way:
        rows = select(_s.id).where(_s.last_active_at.between(window.since, window.until))
        return rarest(self._connection, self._leads(window), rows, None)

    def _leads(self, window: Window) -> dict[Lead, ColumnElement[bool]]:
        """Return what sessions can be looked up by in a window, each along an index."""
        where, found = self._where, dict[Lead, ColumnElement[bool]]()
        if window.lead is Lead.LENGTH:
            found[Lead.LENGTH] = _s.length.in_(range(USUAL + 1, self._longest + 1))
        if where.session_id.any_of:
            found[Lead.SESSION] = _s.id.in_(where.session_id.any_of)
        if people := where.one_of_people():
            found[Lead.PERSON] = _s.initiator_id.in_(people)
        if where.tokens != ANY_NUMBER:
            found[Lead.TOKENS] = of_tokens(self._connection, where)
        if self._calls.kinds is not None:
            these = self._calls.of_kind(_k.kind_id)
            active = _k.last_active_at.between(window.since, window.until)
            found[Lead.KINDS] = _s.id.in_(select(_k.session_id).where(these, active))
        return found

    def _matching(self) -> Conditions:
        """Return the conditions on sessions, none of which is for an index."""
        where, after, before = self._where, self._where.started_after, self._where.started_before
        found = [
            *chosen(unindexed(_s.id), where.session_id),
            *initiated(unindexed(_s.initiator_id), where),
            *within(_s.tokens, where.tokens),
        ]
        if after is not None:
            found.append(_s.last_started_at >= after)
        if before is not None:
            found.append(_s.started_at <= before)
        has_kinds = self._calls.kinds is not None
        if (after, before) != (None, None) and (has_kinds or None not in {after, before}):
            return [*found, self._has_call()]  # one interception has to be of a kind, and then
        return [*found, self._has_kind()] if has_kinds else found

    def _has_kind(self) -> ColumnElement[bool]:
        mine = (_k.session_id == _s.id, _k.initiator_id == _s.initiator_id)
        these = self._calls.of_kind(unindexed(_k.kind_id))
        return is_any(select(_k.kind_id).where(*mine, these).correlate(sessions))

    def _has_call(self) -> ColumnElement[bool]:
        # Apart from its index: that of initiators would lead through all that somebody ever asked.
        mine = (_c.session_id == _s.id, unindexed(_c.initiator_id) == _s.initiator_id)
        asked = self._calls.of_session(_c, self._calls.bounds(MAX_TIME))
        return is_any(select(_c.id).where(*mine, *asked).correlate(sessions))


def of_tokens(connection: Connection, where: Filter) -> ColumnElement[bool]:
    """Return whether a session may have so many tokens, for an index."""
    these = magnitudes(where.tokens.least, where.tokens.most)
    return one_of(connection, _s.magnitude, these)


def _of_one(where: Filter) -> Filter:
    """Return what one interception of a session has to answer, and the session's row does not."""
    return replace(where, initiator_id=ANY, session_id=ANY, visible_to=None, tokens=ANY_NUMBER)
