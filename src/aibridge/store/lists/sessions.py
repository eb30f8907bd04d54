"""The list of sessions: their summaries, by page or by id.

A session is known by its id and its initiator: two users may send the same id.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    select,
)

from aibridge.store.engine.conditions import one_of
from aibridge.store.lists import counts
from aibridge.store.lists.active_sessions import Sessions
from aibridge.store.lists.beginnings import beginning
from aibridge.store.lists.counts import Page
from aibridge.store.lists.filters import Filter, initiated, only
from aibridge.store.lists.found_sessions import FoundSessions
from aibridge.store.lists.interceptions import CursorNotFoundError, UserRow, user_columns
from aibridge.store.lists.windows import Key, walk
from aibridge.store.schema.measures import Shape
from aibridge.store.schema.rows import SessionRow
from aibridge.store.schema.tables import (
    kinds,
    session_kinds,
    sessions,
    users,
)

MAX_PREVIEW = 1000
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
    these = statement.distinct().where(one_of(connection, _k.session_id, ids))
    for id_, initiator_id, provider, model, shape in connection.execute(these).all():
        facets = found[id_, initiator_id]
        facets.providers.add(provider)
        facets.models.update([model] if model else [])
        facets.shapes |= shape
    return found


def page(
    connection: Connection,
    where: Filter,
    *,
    limit: int,
    offset: int = 0,
    after: SessionCursor | None = None,
) -> Page[RecordedSession]:
    """Return the sessions any of whose interceptions matches, in their order, and how many.

    A caller that pages by ids alone gets a page that goes on to one after which its id leads: see
    `_until_settled`. Raises `CursorNotFoundError` when there is no session to continue ``after``.
    """
    listing = listed(connection, where)
    before = None if after is None else _key(connection, listing, where, after)
    found = counts.page(connection, listing, where, limit=limit, offset=offset, before=before)
    keys = found.rows
    if not offset and (after is None or after.initiator_id is None):
        keys += _until_settled(connection, where, keys)
    return Page(_read(connection, keys), found.count, found.is_more)


def listed(connection: Connection, where: Filter) -> Sessions | FoundSessions:
    """Return the list of sessions under a filter."""
    kind = FoundSessions if where.has_words() else Sessions
    return kind(connection, where)


def _until_settled(connection: Connection, where: Filter, keys: Sequence[Key]) -> list[Key]:
    """Return what a page has to go on with, so that the id of its last session is a cursor.

    Such a cursor is the last session of that id in the list. Where two people's sessions have one
    id, and the page ended with the first, the next would begin after the second: what stands
    between them would be on neither.
    """
    listing = listed(connection, where)
    more: list[Key] = []
    last = keys[-1] if keys else None
    while last is not None and len(more) < MOST_MORE and _recurs(connection, where, last):
        following = walk(connection, listing, MORE, last)
        settled = (n for n, one in enumerate(following) if not _recurs(connection, where, one))
        more += following[: next(settled, MORE) + 1]
        last = more[-1]
    return more


def _recurs(connection: Connection, where: Filter, key: Key) -> bool:
    """Return whether another session of this id stands further down in the list."""
    others = select(_s.id).where(_s.id == key.id, _s.initiator_id != key.initiator_id).limit(1)
    if connection.scalar(others) is None:
        return False
    of_this_id = listed(connection, replace(where, session_id=only(key.id)))
    return bool(walk(connection, of_this_id, 1, key))


def _read(connection: Connection, keys: Sequence[Key]) -> list[RecordedSession]:
    """Return the sessions of these keys, in their order.

    They are fetched by their ids alone, which few people share: SQLite has no index for pairs.
    """
    ids = {key.id for key in keys}
    these = _recorded_sessions().where(one_of(connection, _s.id, list(ids)))
    fetched = _fetch(connection, these)
    found = {(one.row.id, one.row.initiator_id): one for one in fetched}
    return [found[key.id, key.initiator_id] for key in keys]


def _key(
    connection: Connection,
    listing: Sessions | FoundSessions,
    where: Filter,
    after: SessionCursor,
) -> Key:
    """Return the cursor's place in the list.

    Without an initiator it is looked for among the sessions that the list shows: one with the same
    id that the filter leaves out must not move it. Only when none is left, any of that id counts.
    """
    mine = [_s.id == after.id, *initiated(_s.initiator_id, Filter(visible_to=where.visible_to))]
    if after.initiator_id is not None:
        mine.append(_s.initiator_id == after.initiator_id)
    last = select(_s.last_active_at, _s.id, _s.initiator_id).where(*mine)
    last = last.order_by(_s.last_active_at, _s.initiator_id).limit(2)
    keys = [Key(*row) for row in connection.execute(last)]
    if not keys:
        raise CursorNotFoundError(after.id)
    if len(keys) == 1 and isinstance(listing, Sessions):
        return keys[0]
    found = connection.execute(listing.last_of(after.id, after.initiator_id)).first()
    return keys[0] if found is None else Key(*found)


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
