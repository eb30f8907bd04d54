"""Writing the record: rows as the tables have them, in transactions, whole or not at all."""

import sqlite3
from itertools import count, permutations
from typing import Any, get_args

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Boolean, delete, select
from sqlalchemy.exc import IntegrityError

from aibridge.store.record.statements import Statements
from aibridge.store.record.writer import BatchWriter
from aibridge.store.schema import rows as kinds
from aibridge.store.schema import tables as schema
from aibridge.store.schema.rows import (
    AccountSpendRow,
    AnnotationRow,
    CorrelationRow,
    DailyUsageRow,
    EndRow,
    InitiatorKindRow,
    InterceptionRow,
    Kind,
    Linked,
    ModelThoughtRow,
    PromptIdRow,
    Row,
    SessionKindRow,
    SessionRow,
    TextRow,
    TokenUsageRow,
    ToolUsageRow,
    UserPromptRow,
)
from tests.builders import indexed_words

TABLES: dict[type[Row], Any] = {
    InterceptionRow: schema.interceptions,
    UserPromptRow: schema.user_prompts,
    TokenUsageRow: schema.token_usages,
    ToolUsageRow: schema.tool_usages,
    ModelThoughtRow: schema.model_thoughts,
    SessionRow: schema.sessions,
    InitiatorKindRow: schema.initiator_kinds,
    DailyUsageRow: schema.daily_usage,
    AccountSpendRow: schema.account_spend,
    CorrelationRow: schema.correlation_keys,
}
UPDATES: dict[type[Row], Any] = {
    EndRow: (schema.interceptions, "id"),
    PromptIdRow: (schema.user_prompts, "interception_id"),
}
_numbers = count(1)


@pytest.fixture
def writer(record_database):
    writer = BatchWriter(record_database)
    yield writer
    writer.close()


def write(writer: BatchWriter, *rows: Row) -> None:
    with writer.transaction():
        writer.add(rows)


def read(database, table) -> list[tuple[Any, ...]]:
    with database.read() as connection:
        found = connection.execute(select(table).order_by(*table.primary_key))
        return [tuple(row) for row in found]


def made(kind: type[Row], **given: Any) -> Any:
    """Return a row whose every value is another one, but for those that are given."""
    table = TABLES[kind]
    values: dict[str, Any] = {}
    for column in table.columns:
        number = next(_numbers)
        if isinstance(column.type, Boolean):
            values[column.name] = bool(number % 2)
        else:
            values[column.name] = number if column.type.python_type is int else f"v{number}"
    return kind(**values | given)


def test_there_is_a_statement_for_every_kind_of_row():
    known = {*TABLES, *UPDATES, SessionKindRow, TextRow}
    for engine in (True, False):
        assert set(get_args(Row)) == {*Statements(is_postgresql=engine).writes, TextRow} == known


@pytest.mark.parametrize("kind", TABLES, ids=lambda kind: kind.__name__)
def test_the_fields_of_a_row_are_the_columns_of_its_table(kind):
    assert kind._fields == tuple(column.name for column in TABLES[kind].columns)


@pytest.mark.parametrize("kind", UPDATES, ids=lambda kind: kind.__name__)
def test_a_change_names_columns_and_its_key_last(kind):
    table, key = UPDATES[kind]
    assert kind._fields[-1] == key
    assert set(kind._fields) <= {column.name for column in table.columns}


def test_every_named_tuple_is_known_here():
    found = {each for each in vars(kinds).values() if hasattr(each, "_fields")}
    assert found == {*TABLES, *UPDATES, SessionKindRow, TextRow, Kind, AnnotationRow}


@pytest.mark.parametrize("size", [0, 1, 2, 31, 32, 33, 100])
@pytest.mark.parametrize("kind", TABLES, ids=lambda kind: kind.__name__)
def test_rows_come_back_as_they_were_written(record_database, writer, kind, size):
    rows = [made(kind) for _ in range(size)]
    write(writer, *rows)
    assert read(record_database, TABLES[kind]) == sorted(map(tuple, rows), key=lambda row: row[:4])


def test_nothing_may_be_missing_but_what_may_be_unknown():
    nullable = {
        (table.name, column.name)
        for table in TABLES.values()
        for column in table.columns
        if column.nullable
    }
    assert nullable == {
        ("interceptions", "api_key_id"),
        ("interceptions", "client"),
        ("interceptions", "client_session_id"),
        ("interceptions", "thread_parent_id"),
        ("interceptions", "thread_root_id"),
        ("interceptions", "ended_at"),
        ("interceptions", "http_status"),
        ("interceptions", "first_byte_us"),
        ("interceptions", "kind_id"),
        ("interceptions", "server_id"),
        ("interceptions", "annotation_id"),
        ("token_usages", "price_id"),
        ("sessions", "client"),
        ("sessions", "last_prompt_at"),
        ("sessions", "last_prompt"),
    }


def end(id_: str, **given: Any) -> EndRow:
    fields: dict[str, Any] = {
        "edits": "[1]",
        "notes": "[2]",
        "ended_at": 9,
        "status": "completed",
        "http_status": 200,
        "error_type": "",
        "error_message": "",
        "stop_reason": "stop",
        "first_byte_us": 3,
        "response_bytes": 4,
        "kind_id": 5,
        "tokens": 6,
        "magnitude": 16,
        "annotation_id": 7,
        "id": id_,
    }
    return EndRow(**fields | given)


@pytest.mark.parametrize("size", [1, 2, 33, 100])
def test_ends_change_their_own_rows_only(record_database, writer, size):
    begun = [made(InterceptionRow, ended_at=None, status="running") for _ in range(size + 5)]
    write(writer, *begun)
    write(writer, *(end(row.id, ended_at=number) for number, row in enumerate(begun[:size])))
    found = {row[0]: InterceptionRow(*row) for row in read(record_database, schema.interceptions)}
    for number, row in enumerate(begun):
        change = end(row.id, ended_at=number)._asdict() if number < size else {}
        assert found[row.id] == row._replace(**change)


def test_only_the_first_end_counts(record_database, writer):
    begun = made(InterceptionRow, ended_at=None)
    write(writer, begun, end(begun.id, http_status=200))
    write(writer, end(begun.id, http_status=500), end("nobody"))
    (row,) = read(record_database, schema.interceptions)
    assert InterceptionRow(*row).http_status == 200


def test_an_end_may_leave_unknown_what_is_unknown(record_database, writer):
    begun = made(InterceptionRow, ended_at=None)
    write(writer, begun, end(begun.id, http_status=None, first_byte_us=None))
    (row,) = read(record_database, schema.interceptions)
    assert (InterceptionRow(*row).http_status, InterceptionRow(*row).first_byte_us) == (None, None)


def test_a_prompt_gets_its_answers_id(record_database, writer):
    first, second = made(UserPromptRow), made(UserPromptRow)
    write(writer, first, second)
    write(writer, PromptIdRow("msg-1", first.interception_id), PromptIdRow("x", "nobody"))
    assert set(read(record_database, schema.user_prompts)) == {
        first._replace(provider_response_id="msg-1"),
        second,
    }


@pytest.mark.parametrize("size", [1, 2, 33, 100])
def test_texts_are_indexed(record_database, writer, size):
    rows = [
        TextRow(f"i{number}", number, f"p{number}", f"t{number}", f"e{number}")
        for number in range(size)
    ]
    write(writer, *rows[:1])
    write(writer, *rows[1:])
    with record_database.read() as connection:
        assert indexed_words(connection) == {
            (row.interception_id, name, getattr(row, name), 0)
            for row in rows
            for name in ("prompt", "tool", "error")
        }


def test_a_kind_is_kept_once_and_has_one_number(record_database, writer):
    first, second = Kind("p", "n", "m", "", 0), Kind("p", "n", "m", "", 1)
    numbers = [writer.number(kind) for kind in (first, second, first)]
    other = BatchWriter(record_database)
    assert [other.number(second), other.number(first)] == numbers[1:]
    other.close()
    found = {row[1:]: row[0] for row in read(record_database, schema.kinds)}
    assert found == {first: numbers[0], second: numbers[1]}
    assert numbers[0] == numbers[2] != numbers[1]


def test_a_price_is_kept_once_and_has_one_number(record_database, writer):
    first, other, again = (writer.number(price) for price in ("{}", "[]", "{}"))
    assert first == again != other
    assert set(read(record_database, schema.prices)) == {(first, "{}"), (other, "[]")}


def test_interceptions_of_a_kind_are_counted(record_database, writer):
    write(writer, *[InitiatorKindRow("i", 7, 1)] * 3, InitiatorKindRow("i", 8, 1))
    write(writer, InitiatorKindRow("j", 7, 1), InitiatorKindRow("i", 7, 1))
    assert set(read(record_database, schema.initiator_kinds)) == {
        ("i", 7, 4),
        ("i", 8, 1),
        ("j", 7, 1),
    }


def test_kinds_of_a_session_stand_where_the_session_does(record_database, writer):
    def kinds() -> list[tuple[Any, ...]]:
        return read(record_database, schema.session_kinds)

    write(writer, sums(started_at=10, prompt="a"), *[SessionKindRow("s", "i", 7)] * 2)
    assert kinds() == [("s", "i", 7, 10)]
    write(writer, sums(started_at=20), SessionKindRow("s", "i", 8))
    assert kinds() == [("s", "i", 7, 10), ("s", "i", 8, 10)]
    write(writer, sums(started_at=30, prompt="b"), SessionKindRow("s", "i", 8))
    assert kinds() == [("s", "i", 7, 30), ("s", "i", 8, 30)]


def test_a_batch_is_written_whole_or_not_at_all(record_database, writer):
    good = made(InterceptionRow)
    text = TextRow(good.id, good.started_at, "Hello.", "", "")
    with pytest.raises((sqlite3.IntegrityError, IntegrityError)):
        write(writer, good, text, made(TokenUsageRow, input_tokens=None))
    assert read(record_database, schema.interceptions) == []
    with record_database.read() as connection:
        assert indexed_words(connection) == set()
    write(writer, good)
    assert len(read(record_database, schema.interceptions)) == 1


def test_a_transaction_that_fails_leaves_the_connection_usable(record_database, writer):
    def fail() -> None:
        with writer.transaction():
            writer.add([made(InterceptionRow)])
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    write(writer, made(InterceptionRow))
    assert len(read(record_database, schema.interceptions)) == 1


def test_a_commit_is_durable_at_once(record_database, writer):
    def value(name: str) -> Any:
        return writer._link.cursor.execute(name).fetchone()[0]

    if record_database.is_postgresql:
        assert value("SHOW synchronous_commit") == "on"
    else:
        found = value("PRAGMA journal_mode"), value("PRAGMA synchronous")
        assert found == ("wal", 2)


def sums(**given: Any) -> SessionRow:
    """Return what a call adds to the session; prompts are at the start of their call."""
    prompt = given.pop("prompt", None)
    at = given["started_at"]
    fields: dict[str, Any] = {
        "id": "s",
        "initiator_id": "i",
        "client": f"c{at}",
        "metadata": f"m{at}",
        "ended_at": at + 5,
        "last_active_at": at,
        "last_started_at": at,
        "length": 1,
        "magnitude": 21,
        "threads": 1,
        "interceptions": 1,
        "tokens": 10,
        "last_prompt_at": None if prompt is None else at,
        "last_prompt": prompt,
        "input_tokens": 1,
        "output_tokens": 2,
        "cache_read_input_tokens": 3,
        "cache_write_input_tokens": 4,
        "cost_micros": 5,
        "unpriced": 1,
    }
    return SessionRow(**fields | given)


def test_calls_add_up_to_their_session(record_database, writer):
    write(writer, sums(started_at=10, prompt="a"), sums(started_at=20, threads=0, ended_at=21))
    write(writer, sums(started_at=30, prompt="b", ended_at=99))
    (row,) = read(record_database, schema.sessions)
    assert SessionRow(*row) == SessionRow(
        id="s",
        initiator_id="i",
        client="c10",
        metadata="m10",
        started_at=10,
        ended_at=99,
        last_active_at=30,
        last_prompt_at=30,
        last_prompt="b",
        last_started_at=30,
        length=1,
        magnitude=23,
        threads=2,
        interceptions=3,
        tokens=30,
        input_tokens=3,
        output_tokens=6,
        cache_read_input_tokens=9,
        cache_write_input_tokens=12,
        cost_micros=15,
        unpriced=3,
    )


def test_sessions_of_one_name_belong_to_their_people(record_database, writer):
    write(writer, sums(started_at=1), sums(started_at=2, initiator_id="j"))
    assert len(read(record_database, schema.sessions)) == 2


_prompts = st.lists(st.none() | st.sampled_from(["", "a", "b"]), min_size=2, max_size=4)


@settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(prompts=_prompts, ends=st.lists(st.integers(0, 90), min_size=4, max_size=4))
def test_the_order_in_which_calls_end_does_not_matter(record_database, writer, prompts, ends):
    calls = [
        sums(started_at=10 * number, prompt=prompt, ended_at=10 * number + ends[number])
        for number, prompt in enumerate(prompts)
    ]
    found = set()
    for order in permutations(calls):
        write(writer, *order)
        found |= set(read(record_database, schema.sessions))
        with record_database.write() as connection:
            connection.execute(delete(schema.sessions))
    assert len(found) == 1


def test_a_tool_call_leads_to_the_interception_that_issued_it(writer):
    session = {"client_session_id": "s-1"}
    root = made(InterceptionRow, thread_root_id=None, **session)
    member = made(InterceptionRow, thread_root_id=root.id, **session)
    call = {"initiator_id": "i", "provider_tool_call_id": "c"}
    write(
        writer,
        root,
        member,
        made(ToolUsageRow, interception_id=root.id, **call),
        made(ToolUsageRow, interception_id=member.id, **call | {"provider_tool_call_id": "d"}),
        made(ToolUsageRow, interception_id=member.id, initiator_id="i", provider_tool_call_id=""),
    )
    first = Linked(root.id, root.id, root.session_id, root.status, root.started_at)
    second = Linked(member.id, root.id, member.session_id, member.status, member.started_at)
    assert writer.by_call("i", "c", None) == first
    assert writer.by_call("i", "d", None) == second
    assert writer.by_call("i", "d", "s-1") == second
    assert writer.by_call("i", "d", "s-2") is None
    assert writer.by_call("j", "d", None) is None
    assert writer.by_call("i", "", None) is None


def test_of_two_that_issued_a_call_the_newest_counts(writer):
    first, second = (made(InterceptionRow, thread_root_id=None) for _ in range(2))
    for row, at in ((second, 2), (first, 1)):
        call = made(
            ToolUsageRow,
            interception_id=row.id,
            initiator_id="i",
            provider_tool_call_id="c",
            created_at=at,
        )
        write(writer, row, call)
    found = writer.by_call("i", "c", None)
    assert found is not None
    assert found.id == second.id


@pytest.mark.parametrize("name", ["by_call", "by_call_in_session"])
def test_a_tool_call_is_found_by_its_index(record_database, writer, name):
    if record_database.is_postgresql:
        with writer.transaction():  # a table as small as this would be read whole
            writer._link.cursor.execute("SET LOCAL enable_seqscan = off")
            steps = plan_of(writer, "EXPLAIN", name)
        assert any("Index Scan using tool_usages" in step for step in steps)
        assert not any("Seq Scan" in step for step in steps)
    else:
        steps = plan_of(writer, "EXPLAIN QUERY PLAN", name)
        assert any("USING INDEX ix_tool_usages_call" in step for step in steps)
        assert not any(step.startswith("SCAN") for step in steps)


@pytest.mark.parametrize(
    ("name", "index"),
    [
        ("by_key", "PRIMARY KEY (initiator_id=? AND key=?)"),
        ("newest_own", "USING INDEX ix_interceptions_session (session_id=?"),
        ("latest_session", "USING PRIMARY KEY (id="),
    ],
)
def test_what_a_request_goes_on_with_is_found_by_its_own_index(
    record_database, writer, name, index
):
    if record_database.is_postgresql:
        with writer.transaction():  # tables as small as these would be read whole
            writer._link.cursor.execute("SET LOCAL enable_seqscan = off")
            assert not any("Seq Scan" in step for step in plan_of(writer, "EXPLAIN", name))
    else:
        steps = plan_of(writer, "EXPLAIN QUERY PLAN", name)
        assert any(index in step for step in steps)


def plan_of(writer: BatchWriter, explain: str, name: str) -> list[str]:
    """Return the steps by which a statement is run."""
    values = {"initiator_id": "i", "call_id": "c", "session_id": "s", "since": ""}
    values |= {"correlation_key": "k", "first": "s@", "beyond": "sA"}
    sql = f"{explain} {getattr(writer._statements, name)}"
    return [step[-1] for step in writer._link.select(sql, values, 99)]


def test_open_interceptions_come_oldest_first_with_their_prompts(writer):
    late = made(InterceptionRow, ended_at=None, started_at=2, stream=True)
    early = made(InterceptionRow, ended_at=None, started_at=1)
    over = made(InterceptionRow, started_at=0)
    prompts = [made(UserPromptRow, interception_id=late.id, prompt=text) for text in "ab"]
    write(writer, late, early, over, *prompts)
    assert writer.open_interceptions(9) == [early, late]
    assert writer.open_interceptions(1) == [early]
    assert writer.prompts(late.id) == [(each.prompt, each.metadata) for each in prompts]
    assert writer.prompts(early.id) == []
