"""Sessions are summed up in the transaction that ends each call: the sum is always right."""

import json
from collections import Counter
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from aibridge.dialects.facts import Prompt, PromptKind, TokenUsage
from aibridge.ids import new_id
from aibridge.recorder.batch import commit
from aibridge.recorder.pending import Pending
from aibridge.recorder.records import End, Start, UsageCost
from aibridge.store.record.writer import BatchWriter
from aibridge.store.schema import tables as schema
from aibridge.store.schema.measures import Shape, length, magnitude
from tests.recorder.facts import end, facts, start

COUNTERS = ("input_tokens", "output_tokens", "cache_read_input_tokens", "cache_write_input_tokens")
TABLES = (
    schema.interceptions,
    schema.user_prompts,
    schema.token_usages,
    schema.tool_usages,
    schema.model_thoughts,
    schema.sessions,
    schema.session_kinds,
    schema.initiator_kinds,
    schema.kinds,
)
_times = count(1_000_000)
_tokens = st.builds(TokenUsage, *[st.integers(0, 1 << 40)] * 4)
_costs = st.builds(UsageCost, st.integers(0, 1 << 40), st.sampled_from(["", "output"]))


@pytest.fixture(scope="module")
def database(databases):
    with databases.open() as database:
        yield database


@st.composite
def calls(draw: st.DrawFn) -> tuple[Start, End | None]:
    """Draw a call of one of two people, in a session of its own or one that is shared."""
    kind = draw(st.sampled_from([PromptKind.TYPED, PromptKind.SIDE_CALL]))
    text = draw(st.none() | st.sampled_from(["", "Hi.", "Bye."]))
    begun = start(
        initiator_id=draw(st.sampled_from("ab")),
        client_session_id=draw(st.sampled_from([None, "s-1", "s-2"])),
        client=draw(st.sampled_from([None, "Codex", "Claude Code"])),
        provider=draw(st.sampled_from(["anthropic", "openai"])),
        model=draw(st.sampled_from(["", "m-1", "m-2"])),
        prompts=() if text is None else (Prompt(text, kind),),
        kind=kind,
        metadata={} if kind is PromptKind.TYPED else {"kind": kind.value},
        tool_result_ids=tuple(draw(st.lists(st.sampled_from("xyz"), max_size=2))),
    )
    said = draw(st.lists(st.sampled_from("xyz"), max_size=2, unique=True))
    used = draw(st.lists(_tokens, max_size=2))
    costs = tuple(draw(st.lists(_costs, max_size=len(used))))
    ended_at = draw(st.integers(0, 50))
    over = end(facts=facts(*said, usages=used), costs=costs, ended_at=ended_at)
    return begun, draw(st.sampled_from([over, over, over, None]))


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data(), drawn=st.lists(calls(), min_size=1, max_size=8))
def test_summaries_equal_the_sum_of_the_raw_rows(database, data, drawn):
    mark = new_id()[:8] + new_id()[-12:]
    tickets = [ticket(begun, over, mark, data.draw(st.integers(0, 50))) for begun, over in drawn]
    ends = [over for _, over in drawn]
    store = BatchWriter(database)
    try:
        for batch in batches(data, tickets, ends):
            commit(store, batch).note()
    finally:
        store.close()
    kept, expected = read(database, mark)
    assert kept == expected


def ticket(begun: Start, over: End | None, mark: str, gap: int) -> Pending:
    """Make it of this example, and at a time of its own."""
    at = next(_times) * 100 + gap
    begun = replace(begun, id=new_id(), initiator_id=begun.initiator_id + mark, started_at=at)
    if over is not None:
        over.ended_at += at
    return Pending(begun)


def batches(data: st.DataObject, tickets: list[Pending], ends: list[End | None]):
    """Yield the tickets in any order and company, some of them before they have ended."""
    early = [one for one in tickets if data.draw(st.booleans())]
    if early:
        yield early
    late = data.draw(st.permutations(range(len(tickets))))
    size = data.draw(st.integers(1, 4))
    for first in range(0, len(late), size):
        batch = late[first : first + size]
        for number in batch:
            tickets[number].end = ends[number]
        yield [tickets[number] for number in batch]


def read(database, mark: str) -> tuple[Any, Any]:
    """Return the summaries and facets of an example, as kept and as the raw rows have them."""
    tables = {}
    with database.read() as connection:
        for table in TABLES:
            rows = connection.execute(table.select()).mappings()
            tables[table.name] = [dict(row) for row in rows]
    mine = [row for row in tables["interceptions"] if row["initiator_id"].endswith(mark)]
    sessions = [row for row in tables["sessions"] if row["initiator_id"].endswith(mark)]
    keys = {(row["initiator_id"], row["session_id"]) for row in mine if row["ended_at"]}
    ended = {
        key: [
            row
            for row in mine
            if row["ended_at"] and key == (row["initiator_id"], row["session_id"])
        ]
        for key in keys
    }
    expected = {key: summary(key, rows, tables) for key, rows in ended.items()}
    kept = {(row["initiator_id"], row["id"]): row for row in sessions}
    kinds = {row["id"]: row for row in tables["kinds"]}
    kept_kinds = {tuple(row.values()) for row in of_mark(tables["session_kinds"], mark)}
    expected_kinds = {
        (session, initiator, row["kind_id"], expected[initiator, session]["last_active_at"])
        for (initiator, session), rows in ended.items()
        for row in rows
    }
    counted = {tuple(row.values()) for row in of_mark(tables["initiator_kinds"], mark)}
    numbers = Counter((row["initiator_id"], row["kind_id"]) for row in mine if row["ended_at"])
    for row in mine:
        if row["ended_at"]:
            assert kinds[row["kind_id"]]["model"] == row["model"]
            assert kinds[row["kind_id"]]["shape"] == shape(row["id"], row, tables)
    expected_counts = {(*key, number) for key, number in numbers.items()}
    return (kept, kept_kinds, counted), (expected, expected_kinds, expected_counts)


def of_mark(rows: list[dict[str, Any]], mark: str) -> list[dict[str, Any]]:
    return [row for row in rows if row["initiator_id"].endswith(mark)]


def shape(id_: str, row: dict[str, Any], tables: Any) -> int:
    has = [
        table
        for table in tables
        if any(child.get("interception_id") == id_ for child in tables[table])
    ]
    return (
        Shape.ERROR * bool(row["error_type"] or row["error_message"])
        + sum({_SHAPES[each] for each in {*kinds_of(row), *prompt_kinds(id_, tables)}})
        + Shape.THINKING * ("model_thoughts" in has)
        + Shape.TOOL * ("tool_usages" in has)
    )


_SHAPES = {
    "typed": Shape.PROMPT,
    "side_call": Shape.SIDE_CALL,
    "retry": Shape.RETRY,
}


def kinds_of(row: dict[str, Any]) -> set[str]:
    """Return the kind of an interception that is not the person's own."""
    return set(json.loads(row["metadata"]).values())


def prompt_kinds(id_: str, tables: Any) -> set[str]:
    rows = [row for row in tables["user_prompts"] if row["interception_id"] == id_]
    return {json.loads(row["metadata"])["kind"] for row in rows}


def summary(key: tuple[str, str], rows: list[dict[str, Any]], tables: Any) -> dict[str, Any]:
    ids = {row["id"] for row in rows}
    first = min(rows, key=lambda row: row["started_at"])
    prompts = [
        row
        for row in tables["user_prompts"]
        if row["interception_id"] in ids and json.loads(row["metadata"]) == {"kind": "typed"}
    ]
    usages = [row for row in tables["token_usages"] if row["interception_id"] in ids]
    last = max(prompts, key=lambda row: row["created_at"], default=None)
    return {
        "id": key[1],
        "initiator_id": key[0],
        "client": first["client"],
        "metadata": "{}",
        "started_at": first["started_at"],
        "ended_at": max(row["ended_at"] for row in rows),
        "last_active_at": last["created_at"] if last else first["started_at"],
        "last_prompt_at": last["created_at"] if last else None,
        "last_prompt": last["prompt"] if last else None,
        "last_started_at": max(row["started_at"] for row in rows),
        "length": length(max(row["started_at"] for row in rows) - first["started_at"]),
        "magnitude": magnitude(sum(row["tokens"] for row in rows)),
        "threads": sum(row["thread_root_id"] is None and row["metadata"] == "{}" for row in rows),
        "interceptions": len(rows),
        "tokens": sum(row[name] for row in usages for name in COUNTERS),
        **{name: sum(row[name] for row in usages) for name in (*COUNTERS, "cost_micros")},
        "unpriced": sum(row["unpriced"] != "" for row in usages),
    }
