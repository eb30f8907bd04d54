"""Reading sessions back: their summaries, and one session's threads.

A session is known by its id and its initiator: two users may send the same id. A thread is
known by the id of its root, and stays visible when the root itself is not.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    Tuple,
    case,
    func,
    literal,
    or_,
    select,
    tuple_,
)

from aibridge.store.among import among
from aibridge.store.filters import Filter, initiated, matching
from aibridge.store.interceptions import CursorNotFoundError, UserRow, user_columns
from aibridge.store.latest import Search
from aibridge.store.listed import KEY, Place, matching_sessions
from aibridge.store.rows import InterceptionRow, SessionRow
from aibridge.store.schema import (
    Time,
    interceptions,
    kinds,
    session_kinds,
    sessions,
    token_usages,
    users,
)


class ForeignCursorError(LookupError):
    """The row that a page should continue from is in another session."""


class RecordedSession(NamedTuple):
    """A session's summary, who made it, and its distinct provider types and models, ascending."""

    row: SessionRow
    user: UserRow
    providers: list[str]
    models: list[str]


class SessionCursor(NamedTuple):
    """The last session of a page; without ``initiator_id`` the last of that id in the list."""

    id: str
    initiator_id: str | None = None


_s, _c, _k = sessions.c, interceptions.c, session_kinds.c
_LATEST_FIRST = (_s.last_active_at.desc(), _s.id.desc(), _s.initiator_id.desc())
_thread = func.coalesce(_c.thread_root_id, _c.id)


def _recorded_sessions() -> Select[Any]:
    columns = (_s[name] for name in SessionRow._fields)
    statement = select(*columns, *user_columns(_s.initiator_id))
    return statement.outerjoin_from(sessions, users, users.c.id == _s.initiator_id)


def _fetch(connection: Connection, statement: Select[Any]) -> list[RecordedSession]:
    """Run a statement of `_recorded_sessions` and add the facets of all its rows."""
    own = len(SessionRow._fields)
    found = connection.execute(statement).all()
    rows = [(SessionRow(*row[:own]), UserRow(*row[own:])) for row in found]
    facets = _facets(connection, [row.id for row, _ in rows])
    return [
        RecordedSession(row, user, *map(sorted, facets[row.id, row.initiator_id]))
        for row, user in rows
    ]


def _facets(
    connection: Connection, ids: Sequence[str]
) -> Mapping[tuple[str, str], tuple[set[str], set[str]]]:
    """Return the provider types and models of sessions with these ids, whoever sent them."""
    found: defaultdict[tuple[str, str], tuple[set[str], set[str]]]
    found = defaultdict(lambda: (set(), set()))
    columns = (_k.session_id, _k.initiator_id, kinds.c.provider, kinds.c.model)
    statement = select(*columns).join_from(session_kinds, kinds, kinds.c.id == _k.kind_id)
    these = statement.distinct().where(among(connection, _k.session_id, ids))
    for id_, initiator_id, provider, model in connection.execute(these).all():
        providers, models = found[id_, initiator_id]
        providers.add(provider)
        models.update([model] if model else [])
    return found


def page(
    search: Search, *, limit: int, offset: int = 0, after: SessionCursor | None = None
) -> list[RecordedSession]:
    """Return the sessions any of whose interceptions matches, most recently active first.

    Raises `CursorNotFoundError` when there is no session to continue ``after``.
    """
    connection = search.connection
    before = None if after is None else _place(connection, search.where, after)
    return _read(connection, search.latest(limit + offset, before)[offset:])


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


def usage_metadata(connection: Connection, session: SessionRow) -> list[str]:
    """Return the metadata of every token usage in the session, as JSON texts."""
    statement = (
        select(token_usages.c.metadata)
        .join(interceptions, _c.id == token_usages.c.interception_id)
        .where(*_within(session))
        .order_by(token_usages.c.created_at, token_usages.c.id)
    )
    return list(connection.scalars(statement))


def _within(session: SessionRow) -> list[ColumnElement[bool]]:
    # Apart from its index: that of initiators would lead through all that somebody ever asked.
    initiator_id = func.coalesce(_c.initiator_id, "")
    mine = (_c.session_id == session.id, initiator_id == session.initiator_id)
    return [_c.ended_at.is_not(None), *mine]


def thread_page(
    connection: Connection,
    session: SessionRow,
    *,
    limit: int,
    after_id: str | None = None,
    before_id: str | None = None,
    visible_to: str | None = None,
) -> list[InterceptionRow]:
    """Return the ended interceptions of one page of threads, oldest first.

    The page holds the ``limit`` threads nearest to the cursor: after ``after_id``, before
    ``before_id``, else from the beginning. A cursor is the id of a thread or of any
    interception in it. Raises `CursorNotFoundError`, and `ForeignCursorError` where the cursor
    is in another session, of ``visible_to`` if that is given: of others' nobody is to learn.
    """
    started = func.min(_c.started_at).label("started_at")
    threads = select(_thread.label("id"), started).where(*_within(session)).group_by(_thread)
    found = threads.subquery()
    start, id_ = found.c.started_at, found.c.id
    statement = select(id_).order_by(start, id_)
    if before_id is not None:
        before = _thread_position(connection, session, before_id, visible_to)
        nearest = select(id_).order_by(start.desc(), id_.desc())
        statement = nearest.where(before > tuple_(start, id_))
    elif after_id is not None:
        after = _thread_position(connection, session, after_id, visible_to)
        statement = statement.where(after < tuple_(start, id_))
    ids = connection.scalars(statement.limit(limit)).all()
    rows = select(*(_c[name] for name in InterceptionRow._fields)).where(*_within(session))
    rows = rows.where(among(connection, _thread, ids)).order_by(_c.started_at, _c.id)
    return [InterceptionRow(*row) for row in connection.execute(rows).all()]


def _thread_position(
    connection: Connection, session: SessionRow, cursor: str, visible_to: str | None
) -> Tuple:
    """Return the place in the session of the thread that ``cursor`` names, or else is part of."""
    root = select(_thread).where(_c.id == cursor, *_within(session)).scalar_subquery()
    named = case((_thread == cursor, 0), else_=1)
    meant = select(_thread, func.min(_c.started_at)).where(*_within(session))
    meant = meant.where(or_(_thread == cursor, _thread == root)).group_by(_thread)
    row = connection.execute(meant.order_by(named)).first()
    if row is not None:
        return tuple_(literal(row[1], Time), literal(row[0]))
    visible = matching(Filter(visible_to=visible_to))
    elsewhere = select(_c.id).where(_c.id == cursor, *visible)
    if connection.scalar(elsewhere) is not None:
        raise ForeignCursorError(cursor)
    raise CursorNotFoundError(cursor)
