"""Reading sessions back: their summaries, by page or by id.

A session is known by its id and its initiator: two users may send the same id.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    select,
    tuple_,
)

from aibridge.store.among import among
from aibridge.store.beginnings import beginning
from aibridge.store.filters import Filter, initiated
from aibridge.store.interceptions import CursorNotFoundError, UserRow, user_columns
from aibridge.store.latest import Search
from aibridge.store.listed import KEY, Place, at, matching_sessions
from aibridge.store.measures import Shape
from aibridge.store.rows import SessionRow
from aibridge.store.schema import (
    kinds,
    session_kinds,
    sessions,
    users,
)

MAX_PREVIEW = 4096
"""Characters of a session's last prompt that are shown; there are more where it is longer."""
MOST_MORE, MORE = 1000, 50
"""How many sessions a page may have beyond its limit, and how many of them are read at once."""


class RecordedSession(NamedTuple):
    """A session's summary, who made it, and its distinct provider types and models, ascending.

    Of the last prompt there are the first characters, see `MAX_PREVIEW`.
    """

    row: SessionRow
    user: UserRow
    providers: list[str]
    models: list[str]
    is_estimated: bool = False


class SessionCursor(NamedTuple):
    """The last session of a page; without ``initiator_id`` the last of that id in the list."""

    id: str
    initiator_id: str | None = None


_s, _k = sessions.c, session_kinds.c
_LATEST_FIRST = (_s.last_active_at.desc(), _s.id.desc(), _s.initiator_id.desc())


def _recorded_sessions() -> Select[Any]:
    columns = {name: _s[name] for name in SessionRow._fields}
    preview = {"last_prompt": beginning(_s.last_prompt, MAX_PREVIEW)}
    statement = select(*(columns | preview).values(), *user_columns(_s.initiator_id))
    return statement.outerjoin_from(sessions, users, users.c.id == _s.initiator_id)


def _fetch(connection: Connection, statement: Select[Any]) -> list[RecordedSession]:
    """Run a statement of `_recorded_sessions` and add the facets of all its rows."""
    own = len(SessionRow._fields)
    found = connection.execute(statement).all()
    rows = [(SessionRow(*row[:own]), UserRow(*row[own:])) for row in found]
    facets = _facets(connection, [row.id for row, _ in rows])
    return [
        RecordedSession(row, user, *facets[row.id, row.initiator_id].told()) for row, user in rows
    ]


@dataclass(slots=True)
class _Facets:
    """What the kinds of a session's interceptions tell of it."""

    providers: set[str] = field(default_factory=set)
    models: set[str] = field(default_factory=set)
    shapes: int = 0

    def told(self) -> tuple[list[str], list[str], bool]:
        is_estimated = bool(self.shapes & Shape.ESTIMATED)
        return sorted(self.providers), sorted(self.models), is_estimated


def _facets(connection: Connection, ids: Sequence[str]) -> Mapping[tuple[str, str], _Facets]:
    """Return the facets of sessions with these ids, whoever sent them."""
    found: defaultdict[tuple[str, str], _Facets] = defaultdict(_Facets)
    columns = (_k.session_id, _k.initiator_id, kinds.c.provider, kinds.c.model, kinds.c.shape)
    statement = select(*columns).join_from(session_kinds, kinds, kinds.c.id == _k.kind_id)
    these = statement.distinct().where(among(connection, _k.session_id, ids))
    for id_, initiator_id, provider, model, shape in connection.execute(these).all():
        facets = found[id_, initiator_id]
        facets.providers.add(provider)
        facets.models.update([model] if model else [])
        facets.shapes |= shape
    return found


def page(
    search: Search, *, limit: int, offset: int = 0, after: SessionCursor | None = None
) -> list[RecordedSession]:
    """Return the sessions any of whose interceptions matches, most recently active first.

    A caller that pages by ids alone gets a page that goes on to one after which its id leads: see
    `_until_settled`. Raises `CursorNotFoundError` when there is no session to continue ``after``.
    """
    connection = search.connection
    before = None if after is None else _place(connection, search.where, after)
    places = search.latest(limit + offset, before)[offset:]
    if not offset and (after is None or after.initiator_id is None):
        places += _until_settled(search, places)
    return _read(connection, places)


def _until_settled(search: Search, places: Sequence[Place]) -> list[Place]:
    """Return what a page has to go on with, so that the id of its last session is a cursor.

    Such a cursor is the last session of that id in the list. Where two people's sessions have one
    id, and the page ended with the first, the next would begin after the second: what stands
    between them would be on neither.
    """
    more: list[Place] = []
    last = places[-1] if places else None
    while last is not None and len(more) < MOST_MORE and _recurs(search, last):
        following = search.latest(MORE, last)
        settled = next((n for n, one in enumerate(following) if not _recurs(search, one)), MORE)
        more += following[: settled + 1]
        last = more[-1]
    return more


def _recurs(search: Search, place: Place) -> bool:
    """Return whether another session of this id stands further down in the list."""
    others = select(_s.id).where(_s.id == place.id, at(place) > tuple_(*KEY))
    found = others.where(*matching_sessions(search.where)).limit(1)
    return search.connection.execute(found).first() is not None


def _read(connection: Connection, places: Sequence[Place]) -> list[RecordedSession]:
    """Return the sessions that stand at these places, in their order.

    They are fetched by their ids alone, which few people share: SQLite has no index for pairs.
    """
    ids = {place.id for place in places}
    these = _recorded_sessions().where(among(connection, _s.id, list(ids)))
    fetched = _fetch(connection, these)
    found = {(one.row.id, one.row.initiator_id): one for one in fetched}
    return [found[place.id, place.initiator_id] for place in places]


def _place(connection: Connection, where: Filter, after: SessionCursor) -> Place:
    """Return the cursor's place in the list.

    Without an initiator it is looked for among the sessions that the list shows: one with the same
    id that the filter leaves out must not move it. Only when none is left, any of that id counts.
    """
    named = [_s.id == after.id, *initiated(_s.initiator_id, Filter(visible_to=where.visible_to))]
    if after.initiator_id is not None:
        named.append(_s.initiator_id == after.initiator_id)
    last = select(*KEY).where(*named).order_by(_s.last_active_at, _s.initiator_id)
    places = [Place(*row) for row in connection.execute(last.limit(2))]
    if not places:
        raise CursorNotFoundError(after.id)
    if len(places) > 1:
        listed = connection.execute(last.where(*matching_sessions(where)).limit(1)).first()
        return places[0] if listed is None else Place(*listed)
    return places[0]


def find(
    connection: Connection,
    session_id: str,
    *,
    initiator: str | None = None,
    visible_to: str | None = None,
) -> RecordedSession | None:
    """Return the session of that id, of ``initiator`` (a user's id or name) if one is named.

    Else, where several users have sent the same id, the one that was active last. Of others
    than ``visible_to``, where that is given, nothing is found.
    """
    statement = _recorded_sessions().where(_s.id == session_id)
    statement = statement.where(*initiated(_s.initiator_id, Filter(visible_to=visible_to)))
    if initiator is not None:
        statement = statement.where(_is_user(initiator))
    found = _fetch(connection, statement.order_by(*_LATEST_FIRST).limit(1))
    return found[0] if found else None


def _is_user(text: str) -> ColumnElement[bool]:
    try:
        return _s.initiator_id == str(UUID(text))
    except ValueError:
        return users.c.username_key == text.lower()
