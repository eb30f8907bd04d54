"""What the row of a session says once some of its interceptions are gone, or have changed."""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    and_,
    delete,
    exists,
    func,
    select,
    update,
)

from aibridge.store.engine.conditions import unindexed
from aibridge.store.record.threads import of_person, typed
from aibridge.store.schema.measures import length_of
from aibridge.store.schema.tables import interceptions, session_kinds, sessions, user_prompts

_c, _s, _k, _p = interceptions.c, sessions.c, session_kinds.c, user_prompts.c

Key = tuple[str, str]
"""The id and the initiator of a session."""


def follow(connection: Connection, key: Key, before: int | None, kinds: Iterable[int]) -> None:
    """Let a session begin with the oldest that is left of it.

    What was gone was older than ``before``, and of these ``kinds``. Its sums are not touched, nor
    when it was active last unless the last prompt is gone; without ``before`` anything of it may
    have changed.
    """
    first = connection.execute(_first(key)).first()
    row = connection.execute(select(_s.last_prompt_at).where(*_is(key))).first()
    if first is None or row is None:
        return
    values = _beginning(connection, key, first)
    if before is None or (row.last_prompt_at is not None and row.last_prompt_at < before):
        values |= _last_prompt(connection, key, first.started_at)
    connection.execute(update(sessions).where(*_is(key)).values(values))
    _follow_kinds(connection, key, kinds, values.get("last_active_at"))


def _is(key: Key) -> tuple[ColumnElement[bool], ...]:
    return _s.id == key[0], _s.initiator_id == key[1]


def _within(key: Key) -> tuple[ColumnElement[bool], ...]:
    # Apart from its index: that of initiators would lead through all that somebody ever asked.
    initiator_id = func.coalesce(_c.initiator_id, "")
    return _c.session_id == key[0], initiator_id == key[1], _c.ended_at.is_not(None)


def _first(key: Key, *those: ColumnElement[bool]) -> Any:  # noqa: ANN401 - a query
    found = select(_c.started_at, _c.client, _c.metadata).where(*_within(key), *those)
    return found.order_by(_c.started_at, _c.id).limit(1)


def _beginning(connection: Connection, key: Key, first: Row[Any]) -> dict[str, Any]:
    """Return what the first tells; the metadata are those of the person's first."""
    persons = connection.execute(_first(key, of_person(_c))).first()
    return {
        "started_at": first.started_at,
        "client": first.client,
        "metadata": (persons or first).metadata,
        "length": length_of(_s.last_started_at - first.started_at),
    }


def _last_prompt(connection: Connection, key: Key, started_at: int) -> dict[str, Any]:
    """Return the last prompt that is left; without one a session is as active as its beginning."""
    prompted = exists().where(_p.interception_id == _c.id, typed(_p)).correlate(interceptions)
    newest = select(_c.id).where(*_within(key), prompted)
    newest = newest.order_by(_c.started_at.desc(), _c.id.desc()).limit(1)
    id_ = connection.scalar(newest)
    if id_ is None:
        return {"last_prompt_at": None, "last_prompt": None, "last_active_at": started_at}
    mine = select(_p.created_at, _p.prompt).where(_p.interception_id == id_, typed(_p))
    rows = connection.execute(mine.order_by(_p.created_at, _p.id)).all()
    at = rows[-1].created_at
    text = "\n".join(row.prompt for row in rows)
    return {"last_prompt_at": at, "last_prompt": text, "last_active_at": at}


def _follow_kinds(
    connection: Connection, key: Key, kinds: Iterable[int], last_active_at: int | None
) -> None:
    mine = and_(_k.session_id == key[0], _k.initiator_id == key[1])
    for kind in sorted(kinds):
        is_left = select(_c.id).where(*_within(key), unindexed(_c.kind_id) == kind).limit(1)
        if connection.scalar(is_left) is None:
            connection.execute(delete(session_kinds).where(mine, _k.kind_id == kind))
    if last_active_at is not None:
        connection.execute(update(session_kinds).where(mine).values(last_active_at=last_active_at))
