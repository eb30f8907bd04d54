"""Reading the threads of one session back, page by page.

A thread is known by the id of its root, and stays visible when the root itself is not.
"""

from collections.abc import Sequence

from sqlalchemy import (
    ColumnElement,
    Connection,
    Tuple,
    case,
    func,
    literal,
    or_,
    select,
    tuple_,
)

from aibridge.store.engine.conditions import one_of
from aibridge.store.lists.children import portions
from aibridge.store.lists.filters import visible
from aibridge.store.lists.interceptions import CursorNotFoundError
from aibridge.store.schema.rows import InterceptionRow, SessionRow
from aibridge.store.schema.tables import Time, interceptions, token_usages

_c = interceptions.c
_thread = func.coalesce(_c.thread_root_id, _c.id)


class ForeignCursorError(LookupError):
    """The row that a page should continue from is in another session."""


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
    rows = rows.where(one_of(connection, _thread, ids)).order_by(_c.started_at, _c.id)
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
    elsewhere = select(_c.id).where(_c.id == cursor, *visible(visible_to))
    if connection.scalar(elsewhere) is not None:
        raise ForeignCursorError(cursor)
    raise CursorNotFoundError(cursor)


def roots(connection: Connection, ids: Sequence[str]) -> dict[str, str]:
    """Return the ids of the threads that interceptions are of, by their ids."""
    found: dict[str, str] = {}
    for some in portions(ids):
        rows = connection.execute(select(_c.id, _thread).where(one_of(connection, _c.id, some)))
        found |= {row[0]: row[1] for row in rows}
    return found
