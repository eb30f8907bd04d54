"""The statements that write the record, made from the tables once for each engine.

Each writes any number of rows of one kind. SQLite takes them as a list of values, PostgreSQL as an
array for each column, so that its statement is the same however many rows there are.
"""

import re
from collections.abc import Iterable
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Select,
    Table,
    and_,
    bindparam,
    case,
    exists,
    or_,
    select,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.dialects.postgresql.base import PGDialect
from sqlalchemy.dialects.sqlite.base import SQLiteDialect
from sqlalchemy.sql import ClauseElement

from aibridge.store.engine.bulk import Write
from aibridge.store.record import correlation, journals, stored, taking_back
from aibridge.store.schema import tables as schema
from aibridge.store.schema.measures import length_of, magnitude_of
from aibridge.store.schema.rows import (
    COUNTERS,
    DAILY_KEYS,
    AccountSpendRow,
    AnnotationRow,
    CorrelationRow,
    DailyUsageRow,
    EndRow,
    InitiatorKindRow,
    InterceptionRow,
    Kind,
    ModelThoughtRow,
    PromptIdRow,
    Row,
    SessionKindRow,
    SessionRow,
    TokenUsageRow,
    ToolUsageRow,
    UserPromptRow,
)

_VALUES = re.compile(r"VALUES \([?, ]+\)")
_ARRAYS = {int: "%({})s::bigint[]", bool: "%({})s::boolean[]", str: "%({})b::text[]"}
"""How a column of each type is given to PostgreSQL; texts in binary, which spares escaping them."""

SUMS = SessionRow._fields[SessionRow._fields.index("threads") :]
"""What of a session grows with each of its interceptions."""
_THESE = "sessions.id = new.session_id AND sessions.initiator_id = new.initiator_id"
_ADD_SESSION_KINDS = f"""
INSERT INTO session_kinds (session_id, initiator_id, kind_id, last_active_at)
SELECT new.session_id, new.initiator_id, new.kind_id, sessions.last_active_at
FROM new CROSS JOIN sessions WHERE {_THESE} ON CONFLICT DO NOTHING"""  # noqa: S608 - names of ours
"""Add kinds to sessions, which stand in the database by then; those that are there stay."""
_MOVE_SESSION_KINDS = f"""
UPDATE session_kinds SET last_active_at = sessions.last_active_at
FROM new CROSS JOIN sessions WHERE {_THESE}
AND session_kinds.session_id = new.session_id
AND session_kinds.initiator_id = new.initiator_id
AND session_kinds.last_active_at <> sessions.last_active_at"""  # noqa: S608 - names of ours
"""Let the kinds of sessions stand where the sessions stand now."""
_ACTIVE = "(SELECT last_active_at FROM sessions WHERE id = ?1 AND initiator_id = ?2)"
_MOVE_KINDS_OF_ONE = f"""
UPDATE session_kinds SET last_active_at = {_ACTIVE}
WHERE session_id = ?1 AND initiator_id = ?2 AND last_active_at <> {_ACTIVE}"""  # noqa: S608
"""Do so for one session, on SQLite."""


class Statements:
    """All statements of an engine: ``writes`` in the order in which a batch is written.

    ``by_call`` and ``by_call_in_session`` look for a tool call among interceptions that are no
    older than the id ``since``, which has to be given only where ``in_portions`` says so.
    """

    def __init__(self, *, is_postgresql: bool) -> None:
        self.in_portions = is_postgresql
        self._insert: Any = (postgresql if is_postgresql else sqlite).insert
        self._dialect: Any = PGDialect if is_postgresql else SQLiteDialect
        self.writes: dict[type[Row], Write] = {
            InterceptionRow: self._adding(schema.interceptions),
            UserPromptRow: self._adding(schema.user_prompts),
            TokenUsageRow: self._adding(schema.token_usages),
            ToolUsageRow: self._adding(schema.tool_usages),
            ModelThoughtRow: self._adding(schema.model_thoughts),
            EndRow: self._changing(
                schema.interceptions, EndRow, key="id", only=" AND interceptions.ended_at IS NULL"
            ),
            PromptIdRow: self._changing(schema.user_prompts, PromptIdRow, key="interception_id"),
            SessionRow: self._merging_sessions(),
            SessionKindRow: self._of_sessions(_ADD_SESSION_KINDS, SessionKindRow._fields),
            InitiatorKindRow: self._adding_up(schema.initiator_kinds, InitiatorKindRow._fields, 2),
            DailyUsageRow: self._adding_up(schema.daily_usage, DailyUsageRow._fields, DAILY_KEYS),
            AccountSpendRow: self._adding_up(schema.account_spend, AccountSpendRow._fields, 2),
            CorrelationRow: self._keying(),
        }
        self.move_session_kinds = self._moving_session_kinds()
        self._stored_states: dict[int, str] = {}
        self.numbering: dict[type, tuple[str, str]] = {
            Kind: self._numbering(schema.kinds, Kind._fields),
            AnnotationRow: self._numbering(schema.annotations, AnnotationRow._fields, "digest"),
            str: self._numbering(schema.prices, ("price",)),
        }
        self.by_call = self._query(correlation.by_call(in_session=False, bounded=is_postgresql))
        self.by_call_in_session = self._query(
            correlation.by_call(in_session=True, bounded=is_postgresql)
        )
        self.newest_own = self._query(correlation.newest_own())
        self.by_key = self._query(correlation.by_key())
        self.latest_session = self._query(correlation.latest_session())
        self.open = self._query(_open_interceptions(among_several=is_postgresql))
        self.prompts = self._query(_prompts_of())
        self.one = self._query(select(schema.interceptions).where(_mine(schema.interceptions.c.id)))
        self.used = self._query(
            _facts_of(schema.token_usages, (*COUNTERS, "cost_micros", "unpriced"))
        )
        self.called = self._query(_facts_of(schema.tool_usages, ("tool", "input")))
        self.remove_facts = [self._query(each) for each in taking_back.removing_facts()]
        self.reopen = self._query(taking_back.reopening())
        self.journal_position = self._query(journals.finding())
        self.begin_journal = self._query(journals.beginning(self._insert))
        self.advance_journal = self._query(journals.advancing())
        self.remove_session_kind = self._query(taking_back.removing_session_kind())
        self.remove_initiator_kind = self._query(taking_back.removing_initiator_kind())

    def stored_states(self, count: int) -> str:
        """Return the query for how so many interceptions stand."""
        if count not in self._stored_states:
            self._stored_states[count] = self._query(stored.statement(count))
        return self._stored_states[count]

    def _query(self, statement: ClauseElement) -> str:
        """Return a query as text, with named parameters."""
        style = "pyformat" if self.in_portions else "named"
        return str(statement.compile(dialect=self._dialect(paramstyle=style)))

    def _write(self, table: Table, insert: ClauseElement, *key: str) -> Write:
        """Return a statement for any number of rows, made of an insert of all columns of one."""
        text = str(insert.compile(dialect=self._dialect(paramstyle="qmark")))
        names = tuple(table.c.keys())
        sql = _VALUES.sub(self._given(table, names), text)
        return Write(sql, names, tuple(map(names.index, key)))

    def _given(self, table: Table, names: tuple[str, ...]) -> str:
        """Return the rows that a statement is given, as a list or a query of these columns."""
        if not self.in_portions:
            return f"VALUES ({', '.join('?' * len(names))})"
        arrays = [_ARRAYS[table.c[name].type.python_type].format(name) for name in names]
        return f"SELECT * FROM unnest({', '.join(arrays)})"  # noqa: S608 - names of ours

    def _adding(self, table: Table) -> Write:
        return self._write(table, self._insert(table))

    def _of_sessions(self, statement: str, names: tuple[str, ...]) -> Write:
        """Return a statement about kinds of sessions, which are given as rows of ``new``."""
        given = self._given(schema.session_kinds, names)
        return Write(f"WITH new ({', '.join(names)}) AS ({given}) {statement}", names)

    def _moving_session_kinds(self) -> Write:
        """Let the kinds of sessions, given by their ids and initiators, move with them."""
        names = SessionKindRow._fields[:2]
        if self.in_portions:
            return self._of_sessions(_MOVE_SESSION_KINDS, names)
        return Write(_MOVE_KINDS_OF_ONE, names, takes_one=True)

    def _adding_up(self, table: Table, names: tuple[str, ...], keys: int) -> Write:
        """Add to sums by their key, which is so many columns at the beginning."""
        insert = self._insert(table)
        sums = {name: table.c[name] + insert.excluded[name] for name in names[keys:]}
        key = [table.c[name] for name in names[:keys]]
        return self._write(table, insert.on_conflict_do_update(index_elements=key, set_=sums))

    def _keying(self) -> Write:
        """Upsert correlation keys: of several interceptions with one key the newest stays."""
        table = schema.correlation_keys
        insert = self._insert(table)
        newest = {name: insert.excluded[name] for name in ("interception_id", "created_at")}
        key = [table.c.initiator_id, table.c.key]
        written = insert.on_conflict_do_update(index_elements=key, set_=newest)
        return self._write(table, written, "initiator_id", "key")

    def _numbering(self, table: Table, names: Iterable[str], *key: str) -> tuple[str, str]:
        """Return what finds a row's number, by all of it or a key, and what adds a row."""
        mine = (table.c[name] == bindparam(name) for name in key or names)
        finding = select(table.c.id).where(*mine)
        return self._query(finding), self._query(self._adding_new(table, names))

    def _adding_new(self, table: Table, names: Iterable[str]) -> ClauseElement:
        """Add a row and return its number, or nothing where it is there already."""
        insert = self._insert(table).values({name: bindparam(name) for name in names})
        added: ClauseElement = insert.on_conflict_do_nothing().returning(table.c.id)
        return added

    def _changing(self, table: Table, row: type[Row], *, key: str, only: str = "") -> Write:
        """Return a statement that changes the rows whose ``key``, the last field, is given.

        On PostgreSQL it says between which keys they are: other partitions are not looked at.
        """
        names = row._fields
        if not self.in_portions:
            changes = ", ".join(f"{name} = ?" for name in names if name != key)
            sql = f"UPDATE {table.name} SET {changes} WHERE {key} = ?{only}"  # noqa: S608 - ours
            return Write(sql, names, takes_one=True)
        changes = ", ".join(f"{name} = new.{name}" for name in names if name != key)
        only += f" AND {table.name}.{key} BETWEEN %(least)s AND %(greatest)s"
        sql = (
            f"WITH new ({', '.join(names)}) AS ({self._given(table, names)}) "  # noqa: S608 - ours
            f"UPDATE {table.name} SET {changes} FROM new WHERE {table.name}.{key} = new.{key}{only}"
        )
        return Write(sql, names, bounded=key)

    def _merging_sessions(self) -> Write:
        """Add calls to their session: sums grow, the first and the last of each kind win."""
        table = schema.sessions
        insert = self._insert(table)
        key = [table.c.initiator_id, table.c.id]
        merged = insert.on_conflict_do_update(
            index_elements=key, set_=_merged(table, insert.excluded)
        )
        return self._write(table, merged, "initiator_id", "id")


def _merged(table: Table, new: Any) -> dict[str, ColumnElement[Any]]:  # noqa: ANN401 - columns
    """Return what becomes of a session's columns when ``new`` is added to it."""

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

    def greatest(name: str) -> ColumnElement[Any]:
        return case((new[name] > table.c[name], new[name]), else_=table.c[name])

    return {
        **{name: first(name) for name in ("client", "metadata", "started_at")},
        **{name: last(name) for name in ("last_prompt_at", "last_prompt")},
        **{name: table.c[name] + new[name] for name in SUMS},
        "last_active_at": active_at,
        **{name: greatest(name) for name in ("ended_at", "last_started_at")},
        "length": length_of(greatest("last_started_at") - first("started_at")),
        "magnitude": magnitude_of(table.c.tokens + new.tokens),
    }


def _open() -> Select[Any]:
    calls = schema.interceptions
    return select(calls).where(calls.c.ended_at.is_(None))


def _mine(id_: ColumnElement[str]) -> ColumnElement[bool]:
    return id_ == bindparam("of_id")


def _facts_of(table: Table, names: Iterable[str]) -> ClauseElement:
    """Select columns of what is under an interception, in the order of recording."""
    c = table.c
    return select(*(c[name] for name in names)).where(_mine(c.interception_id)).order_by(c.id)


def _prompts_of() -> ClauseElement:
    prompts = schema.user_prompts.c
    mine = select(prompts.prompt, prompts.metadata).where(
        prompts.interception_id == bindparam("of_id")
    )
    return mine.order_by(prompts.id)


def _open_interceptions(*, among_several: bool) -> ClauseElement:
    """Select what is running, whole rows.

    Among several servers only what is running on none of them.
    """
    calls, servers = schema.interceptions, schema.servers
    running = _open()
    if among_several:
        running = running.where(~exists().where(servers.c.id == calls.c.server_id))
    return running.order_by(calls.c.started_at)
