"""Removing interceptions with all that belongs to them, and sessions of which nothing is left.

What was added when they ended is taken out again: children, texts in the index, the sums of
sessions, the numbers of kinds. The kinds themselves stay, as writers know them by their numbers; no
list shows one that nothing is of.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from sqlalchemy import (
    ColumnElement,
    Connection,
    Table,
    bindparam,
    delete,
    func,
    select,
    tuple_,
    update,
)

from aibridge.store.record import remaining
from aibridge.store.record.threads import begins_thread
from aibridge.store.record.used import used_sums
from aibridge.store.schema.measures import magnitude_of
from aibridge.store.schema.rows import USED, TextRow
from aibridge.store.schema.tables import (
    correlation_keys,
    initiator_kinds,
    interceptions,
    model_thoughts,
    session_kinds,
    sessions,
    token_usages,
    tool_usages,
    user_prompts,
)
from aibridge.store.search import index as text_index
from aibridge.store.search.index import tsvector
from aibridge.store.search.texts import text_row
from aibridge.store.transfer.aging import AgingSession, older
from aibridge.store.transfer.due import DueSession

CHILDREN = (user_prompts, token_usages, tool_usages, model_thoughts)

_c, _s = interceptions.c, sessions.c


class _Call(NamedTuple):
    """What there is to know of an interception that goes."""

    id: str
    session_id: str
    initiator_id: str
    thread_root_id: str | None
    metadata: str
    started_at: int
    error_type: str
    error_message: str
    kind_id: int | None
    tokens: int


def remove(connection: Connection, chosen: Sequence[DueSession], most: int) -> tuple[int, int]:
    """Remove what has ended of sessions, and the sessions, and return the numbers of both.

    That is the numbers of sessions and interceptions. Where ``most`` interceptions are not all of
    them, the sessions stay, with what is left of them. To be called in a transaction that nobody
    else writes these sessions in.
    """
    calls = _oldest(connection, chosen, most)
    are_all = len(calls) < most
    if not are_all:
        _reduce_sessions(connection, calls)
    _remove_calls(connection, calls)
    if are_all:
        _remove_sessions(connection, chosen)
    _count_kinds_down(connection, calls)  # last, as writers are waiting for these rows
    return len(chosen) if are_all else 0, len(calls)


def remove_older(
    connection: Connection, chosen: Sequence[AgingSession], before: int, most: int
) -> tuple[int, AgingSession | None]:
    """Remove what is older than ``before`` of sessions that go on, ``most`` interceptions of them.

    Returns how many went, and the last session of which all did. To be called in a transaction
    that nobody else writes these sessions in.
    """
    calls: list[_Call] = []
    done: AgingSession | None = None
    for session in chosen:
        mine = _older(connection, session, before, most - len(calls))
        calls += mine
        if len(calls) == most:
            break
        done = session
    _reduce_sessions(connection, calls)
    _remove_calls(connection, calls)
    for key, its_own in _by_session(calls):
        kinds = {call.kind_id for call in its_own if call.kind_id is not None}
        remaining.follow(connection, key, before, kinds)
    _count_kinds_down(connection, calls)  # last, as writers are waiting for these rows
    return len(calls), done


def _older(connection: Connection, session: AgingSession, before: int, most: int) -> list[_Call]:
    initiator_id = func.coalesce(_c.initiator_id, "")  # apart from its index, as below
    found = (
        select(*(_c[name] for name in _Call._fields))
        .where(_c.session_id == session.id, initiator_id == session.initiator_id)
        .where(*older(before))
        .order_by(_c.started_at, _c.id)
        .limit(most)
    )
    return [_Call(*row) for row in connection.execute(found)]


def _oldest(connection: Connection, chosen: Sequence[DueSession], most: int) -> list[_Call]:
    ids = sorted({one.id for one in chosen})
    # Its interceptions stand together by their session; an index by initiator would be the wrong.
    pair = tuple_(_c.session_id, func.coalesce(_c.initiator_id, ""))
    found = (
        select(*(_c[name] for name in _Call._fields))
        .where(_c.session_id.in_(ids), _c.ended_at.is_not(None))
        .where(pair.in_([(one.id, one.initiator_id) for one in chosen]))
        .order_by(_c.session_id, _c.started_at, _c.id)
        .limit(most)
    )
    return [_Call(*row) for row in connection.execute(found)]


def _remove_calls(connection: Connection, calls: Sequence[_Call]) -> None:
    if not calls:
        return
    ids = sorted(call.id for call in calls)
    _remove_texts(connection, calls, ids)
    for table in CHILDREN:
        connection.execute(delete(table).where(*_among(table.c.interception_id, ids)))
    keys = correlation_keys
    connection.execute(delete(keys).where(keys.c.interception_id.in_(ids)))
    connection.execute(delete(interceptions).where(*_among(_c.id, ids)))


def _among(column: ColumnElement[str], ids: Sequence[str]) -> list[ColumnElement[bool]]:
    """Return that a column has one of the ids, and between which: other partitions have none."""
    return [column.in_(ids), column.between(ids[0], ids[-1])]


def _remove_texts(connection: Connection, calls: Sequence[_Call], ids: Sequence[str]) -> None:
    if connection.dialect.name == "postgresql":
        tsvector.remove_many(connection, [call.started_at for call in calls], [*_ids(calls)])
        return
    cursor = connection.connection.cursor()
    for row in _texts(connection, calls, ids):
        text_index.remove(cursor, row)


def _ids(calls: Sequence[_Call]) -> Iterator[str]:
    return (call.id for call in calls)


def _texts(connection: Connection, calls: Sequence[_Call], ids: Sequence[str]) -> Iterator[TextRow]:
    """Yield what was indexed of interceptions, made once more from the record."""
    prompts = _children(connection, user_prompts, ids, "prompt")
    tools = _children(connection, tool_usages, ids, "tool", "input")
    for call in calls:
        row = text_row(
            call.id,
            call.started_at,
            prompt="\n".join(text for (text,) in prompts[call.id]),
            tools=tools[call.id],
            error=(call.error_type, call.error_message),
        )
        if row is not None:
            yield row


def _children(
    connection: Connection, table: Table, ids: Sequence[str], *names: str
) -> defaultdict[str, list[Any]]:
    """Return columns of what is under each interception, in the order of recording."""
    c = table.c
    mine = select(c.interception_id, *(c[name] for name in names)).where(c.interception_id.in_(ids))
    found: defaultdict[str, list[Any]] = defaultdict(list)
    for interception_id, *values in connection.execute(mine.order_by(c.interception_id, c.id)):
        found[interception_id].append(tuple(values))
    return found


def _remove_sessions(connection: Connection, chosen: Sequence[DueSession]) -> None:
    for table, id_ in ((session_kinds, session_kinds.c.session_id), (sessions, _s.id)):
        its_own = (id_ == bindparam("of_id"), table.c.initiator_id == bindparam("of_initiator"))
        connection.execute(delete(table).where(*its_own), [_key(one) for one in chosen])


def _key(session: DueSession) -> dict[str, Any]:
    return {"of_id": session.id, "of_initiator": session.initiator_id}


def _reduce_sessions(connection: Connection, calls: Sequence[_Call]) -> None:
    """Take from the sums of sessions what their interceptions have added."""
    for (id_, initiator_id), its_own in _by_session(calls):
        less = _sums(connection, its_own)
        values = {name: _s[name] - number for name, number in less.items()}
        values["magnitude"] = magnitude_of(values["tokens"])
        session = update(sessions).where(_s.id == id_, _s.initiator_id == initiator_id)
        connection.execute(session.values(values))


def _by_session(calls: Sequence[_Call]) -> list[tuple[tuple[str, str], list[_Call]]]:
    found: defaultdict[tuple[str, str], list[_Call]] = defaultdict(list)
    for call in calls:
        found[call.session_id, call.initiator_id].append(call)
    return sorted(found.items())


def _sums(connection: Connection, calls: Sequence[_Call]) -> dict[str, int]:
    used = token_usages.c
    sums = select(*(func.coalesce(each, 0) for each in used_sums()))
    row = connection.execute(sums.where(*_among(used.interception_id, sorted(_ids(calls))))).one()
    return {
        "threads": sum(begins_thread(call.thread_root_id, call.metadata) for call in calls),
        "interceptions": len(calls),
        "tokens": sum(call.tokens for call in calls),
        **{name: int(number) for name, number in zip(USED, row, strict=True)},
    }


def _count_kinds_down(connection: Connection, calls: Sequence[_Call]) -> None:
    """Take interceptions from the numbers of their kinds, in the order in which writers add."""
    counted = initiator_kinds.c
    numbers = Counter((call.initiator_id, call.kind_id) for call in calls if call.kind_id)
    if not numbers:
        return
    mine = (
        counted.initiator_id == bindparam("of_initiator"),
        counted.kind_id == bindparam("of_kind"),
    )
    less = update(initiator_kinds).where(*mine)
    less = less.values(interceptions=counted.interceptions - bindparam("less"))
    rows = [
        {"of_initiator": initiator, "of_kind": kind, "less": number}
        for (initiator, kind), number in sorted(numbers.items())
    ]
    connection.execute(less, rows)
    keys = [{name: row[name] for name in ("of_initiator", "of_kind")} for row in rows]
    connection.execute(delete(initiator_kinds).where(*mine, counted.interceptions <= 0), keys)
