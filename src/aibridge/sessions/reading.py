"""Reading the record: pages of interceptions and sessions, and one session whole.

Each function reads in one transaction, so the numbers of an answer agree. What the caller may
see is for the caller of this module to have decided, and to say in the filter.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from aibridge.contract import Interception, InterceptionList, SessionDetail, SessionList, Thread
from aibridge.ids import moment
from aibridge.sessions import shape
from aibridge.sessions.metadata import read_object
from aibridge.sessions.tree import build_threads, parent_ids
from aibridge.store.engine.database import Database
from aibridge.store.lists import children as recorded_under
from aibridge.store.lists import interceptions, sessions, threads
from aibridge.store.lists.filters import ANY, Filter, Values
from aibridge.store.lists.sessions import RecordedSession, SessionCursor

READING_SECONDS = 5.0
"""How long a statement may take; no thread is held by one that looks through all there is."""


@dataclass(frozen=True, slots=True)
class ThreadPage:
    """Which threads of a session: the ``limit`` nearest to a cursor, at most one of the two."""

    limit: int
    after_id: str | None = None
    before_id: str | None = None


def list_interceptions(
    database: Database, where: Filter, *, limit: int, offset: int = 0, after_id: str | None = None
) -> InterceptionList:
    """Return a page of interceptions, newest first. Raises `CursorNotFoundError`."""
    with database.read(seconds=READING_SECONDS) as connection:
        page = interceptions.page(connection, where, limit=limit, offset=offset, after_id=after_id)
        children = recorded_under.read(connection, [recorded.row.id for recorded in page.rows])
    results = [shape.interception(recorded, children) for recorded in page.rows]
    return InterceptionList(count=page.count, count_is_estimate=page.is_more, results=results)


def show_interception(
    database: Database, id_: str, *, visible_to: str | None = None
) -> Interception | None:
    """Return an ended interception, with its texts whole; ``None`` when there is none.

    ``visible_to`` is the id of the one user whose may be seen, ``None`` for everybody's.
    """
    with database.read(seconds=READING_SECONDS) as connection:
        found = interceptions.find(connection, id_, visible_to=visible_to)
        if found is None:
            return None
        children = recorded_under.read_whole(connection, id_)
    return shape.interception(found, children)


def list_sessions(
    database: Database,
    where: Filter,
    *,
    limit: int,
    offset: int = 0,
    after: SessionCursor | None = None,
) -> SessionList:
    """Return a page of sessions, most recently active first. Raises `CursorNotFoundError`."""
    with database.read(seconds=READING_SECONDS) as connection:
        page = sessions.page(connection, where, limit=limit, offset=offset, after=after)
    return SessionList(
        count=page.count,
        count_is_estimate=page.is_more,
        sessions=[shape.session(recorded) for recorded in page.rows],
    )


def show_session(
    database: Database,
    session_id: str,
    page: ThreadPage,
    *,
    initiator: str | None = None,
    visible_to: str | None = None,
) -> SessionDetail | None:
    """Return a session with one page of its threads, ``None`` when there is no such session.

    ``initiator`` is a user's id or name, for an id that several users have sent; ``visible_to``
    the id of the one user whose sessions may be seen, ``None`` for everybody's.
    Raises `CursorNotFoundError`, `ForeignCursorError`.
    """
    with database.read(seconds=READING_SECONDS) as connection:
        found = sessions.find(connection, session_id, initiator=initiator, visible_to=visible_to)
        if found is None:
            return None
        metadata = threads.usage_metadata(connection, found.row)
        rows = threads.thread_page(
            connection,
            found.row,
            limit=page.limit,
            after_id=page.after_id,
            before_id=page.before_id,
            visible_to=visible_to,
        )
        children = recorded_under.read(connection, [row.id for row in rows], thoughts=True)
        roots = threads.roots(connection, parent_ids(rows))
    return _detail(found, metadata, build_threads(rows, children, roots))


def list_models(
    database: Database, where: Filter, *, prefixes: Values = ANY, limit: int, offset: int = 0
) -> list[str]:
    """Return the distinct models of matching interceptions that begin so, ascending."""
    with database.read(seconds=READING_SECONDS) as connection:
        return interceptions.models(
            connection, where, prefixes=prefixes, limit=limit, offset=offset
        )


def list_clients(
    database: Database, where: Filter, *, prefixes: Values = ANY, limit: int, offset: int = 0
) -> list[str]:
    """Return the distinct clients of matching interceptions that begin so, ascending."""
    with database.read(seconds=READING_SECONDS) as connection:
        return interceptions.clients(
            connection, where, prefixes=prefixes, limit=limit, offset=offset
        )


def find_initiators(database: Database, names: Iterable[str]) -> Mapping[str, str]:
    """Return the ids of users by their usernames; the unknown are left out."""
    with database.read(seconds=READING_SECONDS) as connection:
        found = {name: interceptions.find_initiator(connection, name) for name in names}
    return {name: id_ for name, id_ in found.items() if id_ is not None}


def _detail(found: RecordedSession, metadata: list[str], threads: list[Thread]) -> SessionDetail:
    row = found.row
    ends = [thread.ended_at for thread in threads if thread.ended_at is not None]
    return SessionDetail(
        id=row.id,
        initiator=shape.user(found.user),
        providers=shape.wires(found.providers),
        models=found.models,
        client=row.client,
        metadata=read_object(row.metadata),
        page_started_at=min((thread.started_at for thread in threads), default=None),
        page_ended_at=max(ends, default=None),
        started_at=moment(row.started_at),
        ended_at=moment(row.ended_at),
        token_usage_summary=shape.session_usage(row, metadata),
        threads=threads,
        cost_micros=row.cost_micros,
        unpriced_usage_count=row.unpriced,
    )
