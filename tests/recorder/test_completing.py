"""An end that is seen after another was recorded: the more final one counts, and once."""

from typing import Any

import pytest

from aibridge.dialects.facts import Thought, TokenUsage, ToolCall
from aibridge.reading import outcome
from aibridge.recorder.correlation import conversation_key, response_key, stored_key
from aibridge.recorder.pending import Pending
from aibridge.recorder.records import End, Start, Status, unseen_end
from aibridge.recorder.recovery import close_interrupted
from aibridge.recorder.restoring import read_start
from aibridge.store.engine.database import Database
from aibridge.store.record import keyed
from aibridge.store.record.stored import Finality
from aibridge.store.transfer.checking import disagreements
from tests.builders import indexed_words
from tests.recorder.facts import ANA, end, facts, start
from tests.recorder.writing import record, write

RESPONSE = "resp_1"
QUEUED = end(
    status=Status.QUEUED,
    facts=facts(response_id=RESPONSE, stop_reason="", usages=[], thoughts=[], is_queued=True),
)
BROKEN = end(
    status=Status.CANCELLED,
    error_message="the client closed the connection",
    facts=facts(
        response_id=RESPONSE,
        stop_reason="",
        usages=[TokenUsage(500, 600, 700, 800), TokenUsage(1, 1, 1, 1, is_estimate=True)],
        tool_calls=[ToolCall("half", '{"a":', call_id="call-1")],
        thoughts=[Thought("Half a")],
        ended=False,
    ),
)
FINAL = end(facts=facts("call-1", response_id=RESPONSE, stop_reason="completed"), response_bytes=99)
TABLES = ("token_usages", "tool_usages", "model_thoughts", "user_prompts", "interceptions")


def stored(database: Database, over: End | None, **more: Any) -> Start:
    """Record a response that its provider stores."""
    fields = {"provider": "openai", "route": "/v1/responses", "stores": True, **more}
    return record(database, start(**fields), over).start


def found(database, id_: str = RESPONSE) -> keyed.Keyed:
    with database.read() as connection:
        found = keyed.find(connection, ANA, response_key(id_))
    assert found is not None
    return found


def complete(database: Database, over: End = FINAL, times: int = 1) -> None:
    """Write a later end of what is on record, as if it had been seen several times at once."""
    it = found(database)
    write(
        database,
        *(Pending(read_start(it.row, it.prompts), over, unsure=True) for _ in range(times)),
    )


def check(database) -> None:
    with database.read() as connection:
        assert list(disagreements(connection)) == []


@pytest.mark.parametrize("first", [QUEUED, BROKEN], ids=["queued", "broken off"])
def test_a_later_end_takes_the_place_of_one_that_was_not_final(database, rows, first):
    twin = stored(database, FINAL, provider="openai", stores=False)
    lost = stored(database, first, client_session_id="s-1")
    complete(database)
    check(database)
    is_of = {table: "id" if table == "interceptions" else "interception_id" for table in TABLES}
    own = {"id", "interception_id", "session_id", "client_session_id", "started_at", "created_at"}
    for table, name in is_of.items():
        each = [[row for row in rows(table) if row[name] == one.id] for one in (twin, lost)]
        twins, losts = (
            [{key: value for key, value in row.items() if key not in own} for row in its]
            for its in each
        )
        assert losts == twins
    with database.read() as connection:
        words = {word for id_, _, word, _ in indexed_words(connection) if id_ == lost.id}
    assert "bash" in words
    assert not words & {"half", "closed"}
    counted = {row["kind_id"] for row in rows("initiator_kinds")}
    assert counted == {row["kind_id"] for row in rows("interceptions")}
    assert {row["kind_id"] for row in rows("session_kinds")} == counted


def test_it_is_completed_once_however_often_it_is_seen(database, rows):
    stored(database, QUEUED)
    complete(database, times=5)
    complete(database)
    check(database)
    assert len(rows("token_usages")) == len(rows("tool_usages")) == 1
    assert found(database).finality is Finality.FINAL


@pytest.mark.parametrize("less", [QUEUED, BROKEN], ids=["queued", "broken off"])
def test_a_less_final_end_takes_no_place(database, rows, less):
    stored(database, FINAL)
    before = {table: rows(table) for table in TABLES}
    complete(database, less)
    assert {table: rows(table) for table in TABLES} == before
    check(database)


@pytest.mark.parametrize(
    ("over", "finality"),
    [
        (QUEUED, Finality.QUEUED),
        (BROKEN, Finality.BROKEN_OFF),
        (FINAL, Finality.FINAL),
        (end(status=Status.FAILED, facts=facts(stop_reason="")), Finality.BROKEN_OFF),
        (end(status=Status.FAILED, facts=facts(stop_reason="failed")), Finality.FINAL),
        (end(status=Status.CANCELLED, facts=facts(stop_reason="cancelled")), Finality.FINAL),
        (end(facts=facts(stop_reason="")), Finality.FINAL),
    ],
)
def test_the_database_and_the_recorder_agree_on_what_is_final(database, over, finality):
    over.facts.response_id = RESPONSE
    assert over.finality is finality
    stored(database, over)
    assert found(database).finality is finality


def test_an_end_that_nobody_saw_is_the_least_final():
    assert unseen_end(start()).finality is Finality.UNSEEN
    interrupted = end(status=Status.FAILED, error_type=outcome.INTERRUPTED[1])
    assert interrupted.finality is Finality.UNSEEN
    assert sorted(Finality) == [Finality.UNSEEN, Finality.QUEUED, Finality.BROKEN_OFF, 4]


def test_an_answer_of_a_bridge_that_is_gone_has_no_key(database, rows):
    stored(database, None)
    assert close_interrupted(database) == 1
    assert not [row for row in rows("correlation_keys") if row["key"].startswith("response:")]


@pytest.mark.parametrize(
    ("more", "over", "key"),
    [
        ({}, FINAL, response_key(RESPONSE)),
        ({"route": "/v1/conversations"}, FINAL, conversation_key(RESPONSE)),
        ({"stores": False}, FINAL, None),
        ({"stores": False}, QUEUED, response_key(RESPONSE)),
        ({}, end(facts=facts(response_id="")), None),
    ],
)
def test_what_a_provider_stores_has_a_key(database, rows, more, over, key):
    made = stored(database, over, client_session_id="s-1", **more)
    expected = [(ANA, key, made.id, made.started_at)] if key else []
    kept = [tuple(row.values()) for row in rows("correlation_keys")]
    assert [row for row in kept if not row[1].startswith("attempt:")] == expected


def test_keys_are_short_and_of_one_sort():
    keys = [
        response_key("x" * 5000),
        conversation_key("x"),
        response_key("x"),
        response_key("\ud800"),
    ]
    assert len(set(keys)) == 4
    assert max(map(len, keys)) <= 64
    compact = start(route="/v1/responses/compact", stores=True)
    assert stored_key(compact, end(facts=facts(response_id="x"))) == response_key("x")


def test_nobody_is_found_by_a_key_of_somebody_else(database):
    stored(database, FINAL)
    with database.read() as connection:
        assert keyed.find(connection, "other", response_key(RESPONSE)) is None
        assert keyed.find(connection, ANA, conversation_key(RESPONSE)) is None
