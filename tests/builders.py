"""Rows of the record for tests, with the summaries that belong to them."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import count, zip_longest
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, delete, func, insert, inspect, select

from aibridge import principals
from aibridge.agents import Annotations
from aibridge.recorder.rows import annotation_row
from aibridge.store.engine.conditions import inserting
from aibridge.store.engine.database import Database
from aibridge.store.schema import tables as schema
from aibridge.store.schema.measures import Shape, length, magnitude
from aibridge.store.schema.rows import DAILY_KEYS, Kind, TextRow
from aibridge.store.search import index as text_index
from aibridge.store.search.texts import text_row

ANA, BEN, CLEO = (str(UUID(int=number)) for number in (0xA, 0xB, 0xC))
START = 1_767_225_600_000_000
"""2026-01-01T00:00:00Z in microseconds."""

SECOND = 1_000_000

RECORD = (
    schema.interceptions,
    schema.user_prompts,
    schema.token_usages,
    schema.tool_usages,
    schema.model_thoughts,
    schema.sessions,
    schema.session_kinds,
    schema.initiator_kinds,
    schema.correlation_keys,
)
"""The tables of the record; the second to the fifth are what is recorded under interceptions."""

Rows = dict[str, list[dict[str, Any]]]


def uid(number: int) -> str:
    """Return the id of interception ``number``."""
    return str(UUID(int=0x1000 + number))


@dataclass
class Call:
    """An interception and what is recorded under it; ``at`` is in seconds after `START`.

    The prompts for which ``prompt_kinds`` has none are of the kind of the request. ``costs`` are in
    micro-dollars; the tokens for which it has none are unpriced.
    """

    number: int
    at: float = 0
    initiator: str = ANA
    session: str | None = None
    root: int | None = None
    parent: int | None = None
    prompts: tuple[str, ...] = ()
    tools: tuple[str, ...] = ()
    kind: str = "typed"
    agent_type: str = ""
    prompt_kinds: tuple[str, ...] = ()
    unread: bool = False
    arguments: str = '{"path": "a.txt"}'
    thoughts: tuple[str, ...] = ()
    tokens: tuple[tuple[int, int, int, int], ...] = ()
    costs: tuple[int, ...] = ()
    token_metadata: Mapping[str, Any] | str = field(default_factory=dict)
    running: bool = False
    columns: Mapping[str, Any] = field(default_factory=dict)
    annotations: Annotations | None = None

    @property
    def id(self) -> str:
        return uid(self.number)

    @property
    def session_id(self) -> str:
        return self.session or uid(self.number if self.root is None else self.root)

    @property
    def started_at(self) -> int:
        return START + round(self.at * SECOND)

    @property
    def ended_at(self) -> int | None:
        return None if self.running else self.started_at + SECOND // 2

    def row(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "initiator_id": self.initiator,
            "api_key_id": None,
            "provider": "anthropic",
            "provider_name": "claude",
            "route": "/v1/messages",
            "model": "sonnet",
            "client": "Claude Code",
            "client_session_id": self.session,
            "session_id": self.session_id,
            "thread_parent_id": None if self.parent is None else uid(self.parent),
            "thread_root_id": None if self.root is None else uid(self.root),
            "credential_kind": "centralized",
            "credential_hint": "sk-...wxyz",
            "user_agent": "claude-cli/2.0",
            "metadata": self._metadata(),
            "stream": True,
            "request_bytes": 1000,
            "started_at": self.started_at,
            "edits": "[]",
            "notes": "[]",
            "ended_at": self.ended_at,
            "status": "running" if self.running else "completed",
            "http_status": None if self.running else 200,
            "error_type": "",
            "error_message": "",
            "stop_reason": "" if self.running else "end_turn",
            "first_byte_us": None if self.running else 1500,
            "response_bytes": 2000,
            "kind_id": None,
            "tokens": 0 if self.running else self.all_tokens,
            "magnitude": 0 if self.running else magnitude(self.all_tokens),
            **self.columns,
        }

    def _metadata(self) -> str:
        about = {} if self.kind == "typed" else {"kind": self.kind}
        return _compact(about | ({"agent_type": self.agent_type} if self.agent_type else {}))

    def kinds(self) -> list[str]:
        """Return the kind of each of its prompts."""
        missing = len(self.prompts) - len(self.prompt_kinds)
        return [*self.prompt_kinds, *[self.kind] * missing][: len(self.prompts)]

    def typed(self) -> list[str]:
        """Return those of its prompts that a person typed."""
        kinds = zip(self.prompts, self.kinds(), strict=True)
        return [text for text, kind in kinds if kind == "typed"]

    @property
    def begins_thread(self) -> bool:
        """Whether it begins a thread of the person."""
        return self.root is None and self.kind == "typed"

    @property
    def is_estimated(self) -> bool:
        """Whether its tokens are an estimate."""
        metadata = self.token_metadata
        return bool(self.tokens) and not isinstance(metadata, str) and "estimated" in metadata

    @property
    def all_tokens(self) -> int:
        return sum(map(sum, self.tokens))

    def filtered_by(self) -> Kind:
        """Return what it is filtered by."""
        row = self.row()
        error = row["error_type"] or row["error_message"]
        has = {
            Shape.ERROR: error,
            Shape.PROMPT: self.typed(),
            Shape.THINKING: self.thoughts,
            Shape.TOOL: self.tools,
            Shape.UNREAD: self.unread,
            Shape.ESTIMATED: self.is_estimated,
        }
        shape = sum(int(bit) for bit, part in has.items() if part)
        kinds = {*self.kinds(), self.kind} - {"typed"}
        shape += sum(Shape[kind.upper()] for kind in kinds)
        client = row["client"] or ""
        return Kind(row["provider"], row["provider_name"], row["model"], client, shape)

    def children(self) -> Iterator[tuple[str, dict[str, Any]]]:
        ids, moments = count(1), count(self.started_at)

        def child(**columns: Any) -> dict[str, Any]:
            return {
                "id": str(UUID(int=self.number << 64 | next(ids))),
                "interception_id": self.id,
                "provider_response_id": f"msg_{self.number}",
                "metadata": "{}",
                "created_at": next(moments),
                **columns,
            }

        for text, kind in zip(self.prompts, self.kinds(), strict=True):
            yield (
                "user_prompts",
                child(prompt=text, metadata=_compact({"kind": kind}), created_at=self.started_at),
            )
        for text in self.thoughts:
            yield "model_thoughts", child(content=text)
        for name in self.tools:
            yield "tool_usages", child(**self._tool(name))
        for tokens, cost in zip_longest(self.tokens, self.costs):
            counted = _counts(tokens) | ({} if cost is None else _cost(cost))
            yield "token_usages", child(metadata=self._token_metadata(), **counted)

    def text(self) -> TextRow | None:
        """Return what is indexed of it."""
        tools = [(name, self.arguments) for name in self.tools]
        row = self.row()
        if self.running:
            return None
        return text_row(
            self.id,
            self.started_at,
            prompt="\n".join(self.prompts),
            tools=tools,
            error=(row["error_type"], row["error_message"]),
        )

    def _tool(self, name: str) -> dict[str, Any]:
        return {
            "initiator_id": self.initiator,
            "tool": name,
            "input": self.arguments,
            "server_url": "",
            "injected": False,
            "invocation_error": "",
            "provider_tool_call_id": f"call_{self.number}_{name}",
            "provider_item_id": "",
        }

    def _token_metadata(self) -> str:
        metadata = self.token_metadata
        return metadata if isinstance(metadata, str) else json.dumps(metadata)


def _compact(value: object) -> str:
    """Return JSON as the recorder writes it."""
    return json.dumps(value, separators=(",", ":"))


COUNTERS = ("input_tokens", "output_tokens", "cache_read_input_tokens", "cache_write_input_tokens")


def _counts(tokens: Iterable[int]) -> dict[str, int]:
    return dict(zip(COUNTERS, tokens, strict=True))


_UNRATED = {"cost_micros": 0, "unpriced": "not rated"}


def _cost(micros: int) -> dict[str, Any]:
    return {"cost_micros": micros, "unpriced": ""}


def record(connection: Connection, *calls: Call) -> None:
    """Write calls, and summaries and facets of their sessions; once for each session."""
    rows: Rows = defaultdict(list)
    by_session: dict[tuple[str, str], list[Call]] = defaultdict(list)
    has_annotations = any(call.annotations for call in calls)  # a test may begin before they were
    for call in calls:
        kind_id = None if call.running else _kind_id(connection, call.filtered_by())
        rows["interceptions"].append(call.row() | {"kind_id": kind_id})
        if has_annotations:
            number = _annotation_id(connection, call.annotations) or None
            rows["interceptions"][-1]["annotation_id"] = number
        for table, child in call.children():
            rows[table].append(child)
        if not call.running:
            by_session[call.initiator, call.session_id].append(call)
    for (initiator, session_id), members in by_session.items():
        session = summary(initiator, session_id, members)
        rows["sessions"].append(session)
        rows["session_kinds"] += [
            {
                "session_id": session_id,
                "initiator_id": initiator,
                "kind_id": kind_id,
                "last_active_at": session["last_active_at"],
            }
            for kind_id in {_kind_id(connection, call.filtered_by()) for call in members}
        ]
    has_costs = inspect(connection).has_table(schema.daily_usage.name)  # a test may begin before
    for session in rows.get("sessions", ()) if not has_costs else ():
        del session["cost_micros"], session["unpriced"]
    for usage in rows.get("token_usages", ()) if has_costs else ():
        usage |= {**_UNRATED, **usage}
    for name, values in rows.items():
        connection.execute(insert(schema.metadata.tables[name]), values)
    _count_kinds(connection)
    if has_costs:
        _add_up_days(connection, calls)
    text_index.add(connection.connection.cursor(), list(filter(None, map(Call.text, calls))))


def summary(initiator: str, session_id: str, calls: list[Call]) -> dict[str, Any]:
    """Return the row of a session with these calls, which have ended."""
    ordered = sorted(calls, key=lambda call: (call.started_at, call.id))
    first = ordered[0].row()
    persons = next((call.row() for call in ordered if call.kind == "typed"), first)
    children = [child for call in calls for child in call.children()]
    prompts = [
        row
        for table, row in children
        if table == "user_prompts" and row["metadata"] == '{"kind":"typed"}'
    ]
    tokens = [row for table, row in children if table == "token_usages"]
    last = max(prompts, key=lambda row: (row["created_at"], row["id"]), default=None)
    return {
        "initiator_id": initiator,
        "id": session_id,
        "client": first["client"],
        "metadata": persons["metadata"],
        "started_at": first["started_at"],
        "ended_at": max(call.row()["ended_at"] for call in calls),
        "last_active_at": last["created_at"] if last else first["started_at"],
        "last_prompt_at": last["created_at"] if last else None,
        "last_prompt": last["prompt"] if last else None,
        "last_started_at": max(call.started_at for call in calls),
        "length": length(max(call.started_at for call in calls) - first["started_at"]),
        "magnitude": magnitude(sum(call.all_tokens for call in calls)),
        "threads": sum(call.begins_thread for call in calls),
        "interceptions": len(calls),
        "tokens": sum(call.all_tokens for call in calls),
        **{name: sum(row[name] for row in tokens) for name in COUNTERS},
        "cost_micros": sum(row.get("cost_micros", 0) for row in tokens),
        "unpriced": sum(bool(row.get("unpriced", "not rated")) for row in tokens),
    }


def _kind_id(connection: Connection, of: Kind) -> int:
    kind, table = of._asdict(), schema.kinds
    known = select(table.c.id).where(*(table.c[name] == value for name, value in kind.items()))
    found: int | None = connection.scalar(known)
    if found is None:
        found = connection.execute(insert(table).values(kind).returning(table.c.id)).scalar_one()
    return found


def _annotation_id(connection: Connection, of: Annotations | None) -> int:
    if of is None:
        return 0
    row, table = annotation_row(of), schema.annotations
    found: int | None = connection.scalar(select(table.c.id).where(table.c.digest == row.digest))
    if found is None:
        adding = insert(table).values(row._asdict()).returning(table.c.id)
        found = connection.execute(adding).scalar_one()
    return found


def _count_kinds(connection: Connection) -> None:
    """Count the ended interceptions of each initiator and kind anew."""
    c, counted = schema.interceptions.c, schema.initiator_kinds
    key = (c.initiator_id, c.kind_id)
    numbers = select(*key, func.count()).where(c.ended_at.is_not(None)).group_by(*key)
    connection.execute(delete(counted))
    connection.execute(insert(counted).from_select(list(counted.c.keys()), numbers))


def _add_up_days(connection: Connection, calls: Iterable[Call]) -> None:
    """Add calls that have ended to the usage of their days."""
    days: dict[tuple[Any, ...], Counter[str]] = defaultdict(Counter)
    for call in calls:
        if not call.running:
            row, facet = call.row(), _kind_id(connection, call.filtered_by()._replace(shape=0))
            day = row["ended_at"] // 86_400_000_000 * 86_400_000_000
            used = [child for table, child in call.children() if table == "token_usages"]
            noted = _annotation_id(connection, call.annotations)
            added = days[call.initiator, day, "", facet, noted]
            added.update(interceptions=1)
            for child in used:
                added.update({name: child[name] for name in COUNTERS})
                added["cost_micros"] += child.get("cost_micros", 0)
                added["unpriced"] += bool(child.get("unpriced", "not rated"))
    c = schema.daily_usage.c
    key_columns = list(c)[:DAILY_KEYS]
    sums = [column.name for column in list(c)[DAILY_KEYS:]]
    for key, added in days.items():
        mine = [column == value for column, value in zip(key_columns, key, strict=True)]
        before = connection.execute(select(schema.daily_usage).where(*mine)).mappings().first()
        values = {name: added[name] + (before[name] if before else 0) for name in sums}
        connection.execute(delete(schema.daily_usage).where(*mine))
        keys = {column.name: value for column, value in zip(key_columns, key, strict=True)}
        connection.execute(insert(schema.daily_usage), keys | values)
        if inspect(connection).has_table(schema.account_spend.name):
            _spend_with_tokens(connection, key[1], added["cost_micros"])


def _spend_with_tokens(connection: Connection, day: int, micros: int) -> None:
    row = {"account": "token:", "day": day, "cost_micros": micros}
    adding = inserting(connection, schema.account_spend).values(row)
    c = schema.account_spend.c
    sums = {"cost_micros": c.cost_micros + micros}
    connection.execute(adding.on_conflict_do_update(index_elements=[c.account, c.day], set_=sums))


DAY = 86_400 * SECOND


@dataclass
class Used:
    """What somebody used on a day, ``day`` days after `START`; ``cost`` is in micro-dollars."""

    day: int = 0
    initiator: str = ANA
    cost: int = 0
    unpriced: int = 0
    requests: int = 1
    tokens: tuple[int, int, int, int] = (0, 0, 0, 0)
    group: str = ""
    provider: str = "anthropic"
    provider_name: str = "claude"
    model: str = "sonnet"
    client: str = "Claude Code"
    annotations: Annotations | None = None


def use(connection: Connection, *days: Used) -> None:
    """Write the usage of days, each of a person, group, provider, model and client of its own."""
    kinds = [Kind(one.provider, one.provider_name, one.model, one.client, 0) for one in days]
    ids = {kind: _kind_id(connection, kind) for kind in sorted(set(kinds))}
    rows = [
        {
            "initiator_id": one.initiator,
            "day": START + one.day * DAY,
            "group_id": one.group,
            "kind_id": ids[kind],
            "annotation_id": _annotation_id(connection, one.annotations),
            "interceptions": one.requests,
            **_counts(one.tokens),
            "cost_micros": one.cost,
            "unpriced": one.unpriced,
        }
        for one, kind in zip(days, kinds, strict=True)
    ]
    if rows:
        connection.execute(insert(schema.daily_usage), rows)


def indexed_words(connection: Connection) -> set[tuple[str, str, str, int]]:
    """Return the interception, column, word and place of every word in the index of texts."""
    if connection.dialect.name == "postgresql":
        return _words_in_vectors(connection)
    words = "CREATE VIRTUAL TABLE IF NOT EXISTS temp.words USING fts5vocab(main, %s, instance)"
    connection.exec_driver_sql(words % text_index.NAME)
    found = connection.exec_driver_sql(
        "SELECT interception_id, col, term, offset FROM temp.words "
        "JOIN indexed_interceptions ON number = doc"
    )
    return {(row[0], row[1], row[2], row[3]) for row in found}


def _words_in_vectors(connection: Connection) -> set[tuple[str, str, str, int]]:
    """Return the same of PostgreSQL, for texts that lie in one row."""
    found = connection.exec_driver_sql(
        "SELECT interception_id, name, lexeme, place - 1 FROM text_index, "
        "LATERAL (VALUES ('prompt', prompt), ('tool', tool), ('error', error)) "
        "AS columns (name, vector), "
        "unnest(vector), unnest(positions) AS place"
    )
    return {(row[0], row[1], row[2], row[3]) for row in found}


def forget(connection: Connection) -> None:
    """Empty the record, and the index of its texts."""
    for table in (*RECORD, schema.correlation_keys):
        connection.execute(delete(table))
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("DELETE FROM text_index")
    else:
        connection.execute(delete(schema.indexed_interceptions))
        connection.exec_driver_sql("INSERT INTO text_index (text_index) VALUES ('delete-all')")


def add_user(connection: Connection, user_id: str, username: str, **columns: Any) -> None:
    """Write a user who may call."""
    row = {
        "id": user_id,
        "username": username,
        "username_key": username.lower(),
        "name": "",
        "avatar_url": "",
        "status": "active",
        "roles": "",
        "email": "",
        "email_key": None,
        "password_hash": None,
        "created_at": START,
        "updated_at": START,
        **columns,
    }
    connection.execute(insert(schema.users), row)


EVERYONE = {
    "id": principals.EVERYONE,
    "name": "Everyone",
    "name_key": "everyone",
    "display_name": "Everyone",
    "created_at": START,
    "updated_at": START,
}


def new_database(url: str) -> Database:
    """Open a database with all tables."""
    database = Database(url)
    with database.write() as connection:
        schema.metadata.create_all(connection)
        connection.execute(insert(schema.groups), EVERYONE)
        text_index.create(connection)
    return database
