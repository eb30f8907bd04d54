"""Writing the record: rows of a whole batch in one transaction, as cheaply as the driver can.

The statements are built from the tables once; what runs is their text on the bare driver
connection: the batch is the hot path, and SQLAlchemy's own execution costs several times as much.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Table,
    and_,
    bindparam,
    case,
    literal_column,
    or_,
    select,
)
from sqlalchemy.dialects import sqlite
from sqlalchemy.sql import ClauseElement

from aibridge.store import breaking, schema, standing, text_index
from aibridge.store.database import Database
from aibridge.store.measures import length_of, magnitude_of
from aibridge.store.portions import write_many
from aibridge.store.rows import (
    EndRow,
    InitiatorKindRow,
    InterceptionRow,
    Kind,
    ModelThoughtRow,
    Parent,
    PromptIdRow,
    Row,
    SessionKindRow,
    SessionRow,
    TextRow,
    TokenUsageRow,
    ToolUsageRow,
    UserPromptRow,
)


def _sql(statement: ClauseElement) -> str:
    """Return the statement as text with positional parameters, in the order they stand in it."""
    return str(statement.compile(dialect=_DIALECT))


def _insert(table: Table) -> str:
    return _sql(sqlite.insert(table))


def _update(table: Table, row: type[Row], *, key: str, only: str = "") -> str:
    """Return a statement that changes the rows whose ``key``, the last field, is given.

    It takes its values from a list, as an insert does, so that one statement changes many rows.
    """
    columns = [table.c[name].name for name in row._fields]
    changes = ", ".join(f"{name} = new.{name}" for name in columns if name != key)
    values = ", ".join("?" * len(columns))
    return (
        f"WITH new ({', '.join(columns)}) AS (VALUES ({values})) "  # noqa: S608 - names of ours
        f"UPDATE {table.name} SET {changes} FROM new WHERE {table.name}.{key} = new.{key}{only}"
    )


def _merge_session() -> str:
    """Add an interception to its session: sums grow, the first and the last of each kind win."""
    table = schema.sessions
    insert = sqlite.insert(table)
    new = insert.excluded

    def first(name: str) -> ColumnElement[Any]:
        earlier = new.started_at < table.c.started_at
        return case((earlier, new[name]), else_=table.c[name])

    def last(name: str) -> ColumnElement[Any]:
        nothing_yet = table.c.last_prompt_at.is_(None)
        later = or_(nothing_yet, new.last_prompt_at >= table.c.last_prompt_at)
        return case((and_(new.last_prompt_at.is_not(None), later), new[name]), else_=table.c[name])

    active_at = case(
        (and_(table.c.last_prompt_at.is_(None), new.last_prompt_at.is_(None)), first("started_at")),
        else_=last("last_prompt_at"),
    )
    counts = SessionRow._fields[SessionRow._fields.index("threads") :]

    def later(name: str) -> ColumnElement[Any]:
        return case((new[name] > table.c[name], new[name]), else_=table.c[name])

    changes: dict[str, ColumnElement[Any]] = {
        **{name: first(name) for name in ("client", "metadata", "started_at")},
        **{name: last(name) for name in ("last_prompt_at", "last_prompt")},
        **{name: later(name) for name in ("ended_at", "last_started_at")},
        **{name: table.c[name] + new[name] for name in counts},
        "last_active_at": active_at,
        "length": length_of(later("last_started_at") - first("started_at")),
        "magnitude": magnitude_of(table.c.tokens + new.tokens),
    }
    key = [table.c.initiator_id, table.c.id]
    return _sql(insert.on_conflict_do_update(index_elements=key, set_=changes))


def _add_session_kinds() -> str:
    """Add kinds to sessions, which stand in the database by then; those that are there stay."""
    return _of_sessions(
        SessionKindRow,
        "INSERT INTO session_kinds (session_id, initiator_id, kind_id, last_active_at) "
        "SELECT new.session_id, new.initiator_id, new.kind_id, sessions.last_active_at "
        "FROM new CROSS JOIN sessions WHERE {these} ON CONFLICT DO NOTHING",
    )


def _move_session_kinds() -> str:
    """Let the kinds of sessions stand where the sessions stand now."""
    return _of_sessions(
        SessionKindRow,
        "UPDATE session_kinds SET last_active_at = sessions.last_active_at "
        "FROM new CROSS JOIN sessions WHERE {these} "
        "AND session_kinds.session_id = new.session_id "
        "AND session_kinds.initiator_id = new.initiator_id "
        "AND session_kinds.last_active_at <> sessions.last_active_at",
    )


def _of_sessions(row: type[Row], statement: str) -> str:
    """Return a statement about the sessions of the rows in ``new``."""
    values = ", ".join("?" * len(row._fields))
    these = "sessions.id = new.session_id AND sessions.initiator_id = new.initiator_id"
    new = f"WITH new ({', '.join(row._fields)}) AS (VALUES ({values})) "
    return new + statement.format(these=these)


def _count_kinds() -> str:
    """Add to the numbers of interceptions of each initiator and kind."""
    table = schema.initiator_kinds
    insert = sqlite.insert(table)
    sums = {"interceptions": table.c.interceptions + insert.excluded.interceptions}
    key = [table.c.initiator_id, table.c.kind_id]
    return _sql(insert.on_conflict_do_update(index_elements=key, set_=sums))


def _find_kind() -> str:
    table = schema.kinds
    return _sql(
        select(table.c.id).where(*(table.c[name] == bindparam(name) for name in Kind._fields))
    )


def _find_parent(*, in_session: bool) -> str:
    """Find the newest interception of this person that issued a tool call, if any did."""
    tools, calls = schema.tool_usages, schema.interceptions
    root = case((calls.c.thread_root_id.is_(None), calls.c.id), else_=calls.c.thread_root_id)
    statement = (
        select(calls.c.id, root, calls.c.session_id)
        .join(calls, calls.c.id == tools.c.interception_id)
        .where(
            tools.c.initiator_id == bindparam("initiator_id"),
            tools.c.provider_tool_call_id == bindparam("call_id"),
            tools.c.provider_tool_call_id != literal_column("''"),  # as in the index, so it is used
        )
        .order_by(tools.c.created_at.desc())
    )
    if in_session:
        statement = statement.where(calls.c.session_id == bindparam("session_id"))
    return _sql(statement)


def _open_interceptions() -> str:
    """Select what is running, whole rows with the prompt of each."""
    calls, prompts = schema.interceptions, schema.user_prompts
    prompt = select(prompts.c.prompt).where(prompts.c.interception_id == calls.c.id)
    running = select(calls, prompt.scalar_subquery()).where(calls.c.ended_at.is_(None))
    return _sql(running.order_by(calls.c.started_at))


@cache
def _standing(count: int) -> str:
    return _sql(standing.statement(count))


_DIALECT = sqlite.dialect(paramstyle="qmark")
_WRITES: dict[type[Row], str] = {
    InterceptionRow: _insert(schema.interceptions),
    UserPromptRow: _insert(schema.user_prompts),
    TokenUsageRow: _insert(schema.token_usages),
    ToolUsageRow: _insert(schema.tool_usages),
    ModelThoughtRow: _insert(schema.model_thoughts),
    EndRow: _update(
        schema.interceptions, EndRow, key="id", only=" AND interceptions.ended_at IS NULL"
    ),
    PromptIdRow: _update(schema.user_prompts, PromptIdRow, key="interception_id"),
    SessionRow: _merge_session(),
    SessionKindRow: _add_session_kinds(),
    InitiatorKindRow: _count_kinds(),
}
"""A statement for every kind of row but texts, in the order in which a batch is written."""
_MOVE_SESSION_KINDS = _move_session_kinds()
_ADD_KIND = _sql(
    sqlite.insert(schema.kinds).values(dict.fromkeys(Kind._fields)).on_conflict_do_nothing()
)
_KIND = _find_kind()
_PARENT = _find_parent(in_session=False)
_PARENT_IN_SESSION = _find_parent(in_session=True)
_OPEN = _open_interceptions()


MAX_KINDS_KNOWN = 10_000
"""Kinds whose numbers are kept in memory: clients may name as many models as they like."""


class BatchWriter:
    """A connection that writes batches of rows, each in a transaction of its own.

    It belongs to the thread that uses it. Trouble with the database raises
    `sqlite3.OperationalError` or another `sqlite3.Error`, with nothing of the batch written.
    """

    def __init__(self, database: Database, *, lock_seconds: float | None = None) -> None:
        """Connect; ``lock_seconds`` is how long to wait for another writer, if not as usual."""
        self._connection = database.engine.raw_connection()
        if lock_seconds is not None:
            self._connection.detach()  # nobody else gets it after this
            breaking.wait_at_most(self._connection.dbapi_connection, lock_seconds)
        self._cursor = self._connection.cursor()
        self._kinds: dict[Kind, int] = {}

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Make everything done inside durable at the end, or nothing of it."""
        self._cursor.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._cursor.execute("COMMIT")
        except BaseException:
            if self._connection.dbapi_connection.in_transaction:  # type: ignore[union-attr]
                self._cursor.execute("ROLLBACK")
            raise

    def parent(self, initiator_id: str, call_id: str, session_id: str | None) -> Parent | None:
        """Return the interception that issued the call, in this session if one is named."""
        if session_id is None:
            self._cursor.execute(_PARENT, (initiator_id, call_id))
        else:
            self._cursor.execute(_PARENT_IN_SESSION, (initiator_id, call_id, session_id))
        row = self._cursor.fetchone()
        return Parent(*row) if row else None

    def standing(self, ids: Sequence[str]) -> dict[str, standing.Standing]:
        """Return which of the interceptions are in the database, and how they stand.

        To be asked in the transaction that goes on with them: until it ends nobody else does.
        """
        found: dict[str, standing.Standing] = {}
        for first in range(0, len(ids), standing.PORTION):
            portion = tuple(ids[first : first + standing.PORTION])
            self._cursor.execute(_standing(len(portion)), portion)
            for id_, *rest in self._cursor.fetchall():
                found[id_] = standing.Standing(*rest)
        return found

    def open_interceptions(self, most: int) -> list[tuple[InterceptionRow, str | None]]:
        """Return interceptions without an end, oldest first, each with its prompt."""
        self._cursor.execute(_OPEN)
        return [(InterceptionRow(*row[:-1]), row[-1]) for row in self._cursor.fetchmany(most)]

    def kind_id(self, kind: Kind) -> int:
        """Return the number of a kind, which is added where it is new. Not in a transaction."""
        if kind not in self._kinds:
            if len(self._kinds) >= MAX_KINDS_KNOWN:
                self._kinds.clear()
            self._cursor.execute(_ADD_KIND, kind)
            self._cursor.execute(_KIND, kind)
            row: tuple[int] = self._cursor.fetchone()  # type: ignore[assignment]
            (self._kinds[kind],) = row
        return self._kinds[kind]

    def add(self, rows: Iterable[Row]) -> None:
        """Write the rows, sort by sort."""
        sorts: dict[type[Row], list[Any]] = {sort: [] for sort in (*_WRITES, TextRow)}
        for row in rows:
            sorts[type(row)].append(row)
        sorts[SessionKindRow] = sorted(set(sorts[SessionKindRow]))
        sorts[InitiatorKindRow] = _summed(sorts[InitiatorKindRow])
        text_index.add(self._cursor, sorts.pop(TextRow))
        for sort, group in sorts.items():
            write_many(self._cursor, _WRITES[sort], group)
        write_many(self._cursor, _MOVE_SESSION_KINDS, sorts[SessionKindRow])

    def break_off(self) -> None:
        """Let what the writer's thread waits for fail now. For another thread."""
        breaking.break_off(self._connection.dbapi_connection)

    def close(self) -> None:
        """Give the connection back."""
        self._connection.close()


def _summed(rows: Iterable[InitiatorKindRow]) -> list[InitiatorKindRow]:
    """Return one row for each initiator and kind, in their order."""
    sums: defaultdict[tuple[str, int], int] = defaultdict(int)
    for row in rows:
        sums[row.initiator_id, row.kind_id] += row.interceptions
    return [InitiatorKindRow(*key, number) for key, number in sorted(sums.items())]
