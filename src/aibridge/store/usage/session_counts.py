"""How many sessions people had in a time: each counts once, when it was active last."""

from sqlalchemy import Connection, func, select

from aibridge.store.engine.conditions import one_of
from aibridge.store.lists.filters import EVERYTHING, chosen_kinds
from aibridge.store.schema.tables import session_kinds, sessions
from aibridge.store.usage.daily import UsageFilter


def count_sessions(connection: Connection, where: UsageFilter) -> dict[str, int]:
    """Return the number of sessions of each user who had any, of those that are on record yet.

    Which group they are charged to is not looked at.
    """
    of_kinds = where.kinds != EVERYTHING
    c = session_kinds.c if of_kinds else sessions.c
    number = func.count(c.session_id.distinct()) if of_kinds else func.count()
    query = select(c.initiator_id, number).where(
        c.last_active_at >= where.start, c.last_active_at < where.end
    )
    if of_kinds:
        # They are looked up first: with a subquery PostgreSQL reads the sessions of all kinds.
        ids = list(connection.scalars(chosen_kinds(where.kinds)))
        query = query.where(one_of(connection, c.kind_id, ids))
    if where.user_ids is not None:
        query = query.where(c.initiator_id.in_(where.user_ids))
    return {row[0]: row[1] for row in connection.execute(query.group_by(c.initiator_id))}
