"""Statements that take back what an end added, for one that was seen after it."""

from sqlalchemy import bindparam, delete, exists, literal_column, null, update
from sqlalchemy.sql import ClauseElement

from aibridge.store.schema.rows import SessionKindRow
from aibridge.store.schema.tables import (
    initiator_kinds,
    interceptions,
    model_thoughts,
    session_kinds,
    token_usages,
    tool_usages,
)

_c = interceptions.c


def reopening() -> ClauseElement:
    """Let an interception stand without an end, by its id; its columns are those of the old one."""
    changed = update(interceptions).where(_c.id == bindparam("of_id"))
    return changed.values(ended_at=null(), kind_id=null()).returning(_c.id)


def removing_facts() -> list[ClauseElement]:
    """Remove what an answer said, by the id of its interception."""
    return [
        delete(table).where(table.c.interception_id == bindparam("of_id")).returning(table.c.id)
        for table in (token_usages, tool_usages, model_thoughts)
    ]


def removing_session_kind() -> ClauseElement:
    """Remove a kind of a session, unless another of its interceptions is of that kind."""
    names = SessionKindRow._fields
    others = exists().where(
        *(_c[name] == bindparam(f"of_{name}") for name in names), _c.ended_at.is_not(None)
    )
    mine = (session_kinds.c[name] == bindparam(f"of_{name}") for name in names)
    return delete(session_kinds).where(*mine, ~others).returning(session_kinds.c.kind_id)


def removing_initiator_kind() -> ClauseElement:
    """Remove the number of an initiator's interceptions of a kind once there are none."""
    c = initiator_kinds.c
    mine = (c.initiator_id == bindparam("of_initiator_id"), c.kind_id == bindparam("of_kind_id"))
    return (
        delete(initiator_kinds)
        .where(*mine, c.interceptions <= literal_column("0"))
        .returning(c.kind_id)
    )
