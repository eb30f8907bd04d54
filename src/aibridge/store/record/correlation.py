"""Finding what a request goes on with: an interception, or a session.

An interception is found by a tool call that it issued, or by a key under which it is kept
(`aibridge.recorder.correlation`); a session by the id that its client gives it.
"""

from collections import OrderedDict
from typing import Any

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Select,
    and_,
    bindparam,
    case,
    func,
    literal_column,
    or_,
    select,
)

from aibridge.store.record.threads import of_person
from aibridge.store.schema import tables as schema

_c = schema.interceptions.c
_root = case((_c.thread_root_id.is_(None), _c.id), else_=_c.thread_root_id)
_FOUND = (_c.id, _root, _c.session_id, _c.status, _c.started_at)
"""The columns of `aibridge.store.schema.rows.Linked`."""

PAUSE = 24 * 3600 * 1_000_000
"""Microseconds without a request after which a session has ended, where nothing else is set."""
MAX_SESSIONS = 10_000
"""Sessions that are remembered; of more those that were used longest ago are forgotten."""

SEPARATOR = "@"
"""What stands between a client's session id and the time from which it is another session."""
_AFTER_SEPARATOR = chr(ord(SEPARATOR) + 1)


def _unindexed(column: ColumnElement[str]) -> ColumnElement[str]:
    """Return a column as no index has it: what is somebody's may be much, of one session little."""
    return func.coalesce(column, literal_column("''"))


def by_call(*, in_session: bool, bounded: bool) -> Select[Any]:
    """Find the newest interception of a person that issued a tool call.

    ``in_session`` asks for those of a client's session, ``bounded`` for those with ids that are
    not less than ``since``.
    """
    tools = schema.tool_usages
    statement = (
        select(*_FOUND)
        .join(tools, _c.id == tools.c.interception_id)
        .where(
            tools.c.initiator_id == bindparam("initiator_id"),
            tools.c.provider_tool_call_id == bindparam("call_id"),
            tools.c.provider_tool_call_id != literal_column("''"),  # as in the index, so it is used
        )
        .order_by(tools.c.created_at.desc())
    )
    if in_session:
        statement = statement.where(_c.client_session_id == bindparam("session_id"))
    if bounded:
        since: BindParameter[str] = bindparam("since")
        statement = statement.where(tools.c.interception_id >= since, _c.id >= since)
    return statement


def by_key() -> Select[Any]:
    """Find the interception of a person that is kept under a key."""
    keys = schema.correlation_keys.c
    return (
        select(*_FOUND)
        .join(schema.correlation_keys, _c.id == keys.interception_id)
        .where(
            keys.initiator_id == bindparam("initiator_id"),
            keys.key == bindparam("correlation_key"),
        )
    )


def newest_own() -> Select[Any]:
    """Find the newest interception of a session that is the person's own: no agent's kind is."""
    return (
        select(*_FOUND)
        .where(
            _c.session_id == bindparam("session_id"),
            _unindexed(_c.initiator_id) == bindparam("initiator_id"),
            of_person(_c),
            _c.ended_at.is_not(None),
        )
        .order_by(_c.started_at.desc(), _c.id.desc())
    )


def of_client_session() -> list[ColumnElement[bool]]:
    """Return the conditions on sessions of a person that a client gave one id.

    The first has that id, the others have the time at which they began behind it. The parameters
    are those of `latest_session_names`.
    """
    s = schema.sessions.c
    later = and_(s.id >= bindparam("first"), s.id < bindparam("beyond"))
    return [
        or_(s.id == bindparam("session_id"), later),
        _unindexed(s.initiator_id) == bindparam("initiator_id"),
    ]


def latest_session() -> Select[Any]:
    """Find the newest session of a client's id, and when it was active."""
    s = schema.sessions.c
    active = case((s.ended_at > s.last_started_at, s.ended_at), else_=s.last_started_at)
    return select(s.id, active).where(*of_client_session()).order_by(s.started_at.desc())


def latest_session_names(initiator_id: str, client_session_id: str) -> dict[str, str]:
    """Return the parameters of `latest_session`."""
    return {
        "initiator_id": initiator_id,
        "session_id": client_session_id,
        "first": client_session_id + SEPARATOR,
        "beyond": client_session_id + _AFTER_SEPARATOR,
    }


def session_id_from(client_session_id: str, started_at: str) -> str:
    """Return the id of a session that begins, under a client's id, after another has ended."""
    return f"{client_session_id[: 255 - len(started_at)]}{SEPARATOR}{started_at}"


class ActiveSessions:
    """Remembers the sessions that were active last, so that few requests have to ask for theirs.

    They are kept by person and client's session id. A session ends after a ``pause``, in
    microseconds.
    """

    def __init__(self, pause: int) -> None:
        self.pause = pause
        self._sessions: OrderedDict[tuple[str, str], tuple[str, int]] = OrderedDict()

    def get(self, initiator_id: str, client_session_id: str) -> tuple[str, int] | None:
        """Return a session and when it was active, ``None`` if it is not remembered."""
        return self._sessions.get((initiator_id, client_session_id))

    def put(self, initiator_id: str, client_session_id: str, session_id: str, at: int) -> None:
        """Remember that a session was active at a moment, in microseconds."""
        key = initiator_id, client_session_id
        self._sessions[key] = (session_id, at)
        self._sessions.move_to_end(key)
        if len(self._sessions) > MAX_SESSIONS:
            self._sessions.popitem(last=False)
