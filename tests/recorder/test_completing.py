"""An end that is seen after another was recorded: the more final one counts, and once."""

import asyncio
from contextlib import closing

import pytest
from structlog.testing import capture_logs

from aibridge.dialects.facts import Prompt, PromptKind, Thought, TokenUsage, ToolCall
from aibridge.gateway import outcome
from aibridge.gateway.polled import polled
from aibridge.recorder import writer as writers
from aibridge.recorder.correlation import conversation_key, response_key, stored_key
from aibridge.recorder.recorder import Recorder
from aibridge.recorder.records import End, Start, Status, unseen_end
from aibridge.recorder.recovery import close_interrupted
from aibridge.store import keyed
from aibridge.store.checking import disagreements
from aibridge.store.measures import Shape
from aibridge.store.spool import Spool
from aibridge.store.standing import Finality
from tests.builders import indexed_words
from tests.databases import locked
from tests.recorder.facts import ANA, end, facts, start
from tests.recorder.spooling import Turns

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


@pytest.fixture
async def recorder(database):
    recorder = Recorder(database)
    yield recorder
    await recorder.close()


async def record(recorder: Recorder, over: End, **more) -> Start:
    """Record a response that its provider stores."""
    fields = {"provider": "openai", "route": "/v1/responses", "stores": True, **more}
    ticket = recorder.start(start(**fields))
    await recorder.started(ticket)
    recorder.finish(ticket, over)
    await recorder.ended(ticket)
    return ticket.start


def found(database, id_: str = RESPONSE) -> keyed.Keyed:
    with database.read() as connection:
        found = keyed.find(connection, ANA, response_key(id_))
    assert found is not None
    return found


async def complete(recorder: Recorder, database, over: End = FINAL) -> None:
    interception = polled(found(database))
    assert interception is not None
    await recorder.ended(recorder.complete(interception.start, over))


def check(database) -> None:
    with database.read() as connection:
        assert list(disagreements(connection)) == []


@pytest.mark.parametrize("first", [QUEUED, BROKEN], ids=["queued", "broken off"])
async def test_a_later_end_takes_the_place_of_one_that_was_not_final(
    recorder, database, rows, first
):
    twin = await record(recorder, FINAL, provider="openai", stores=False)
    lost = await record(recorder, first, client_session_id="s-1")
    await complete(recorder, database)
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


async def test_it_is_completed_once_however_often_it_is_seen(recorder, database, rows):
    await record(recorder, QUEUED)
    interception = polled(found(database))
    assert interception is not None
    with locked(database):  # so that they are written together
        tickets = [recorder.complete(interception.start, FINAL) for _ in range(5)]
    await asyncio.gather(*map(recorder.ended, tickets))
    await recorder.ended(recorder.complete(interception.start, FINAL))
    check(database)
    assert len(rows("token_usages")) == len(rows("tool_usages")) == 1
    assert polled(found(database)) is None


@pytest.mark.parametrize("less", [QUEUED, BROKEN], ids=["queued", "broken off"])
async def test_a_less_final_end_takes_no_place(recorder, database, rows, less):
    await record(recorder, QUEUED)
    again = polled(found(database))
    assert again is not None
    await complete(recorder, database)
    before = {table: rows(table) for table in TABLES}
    await recorder.ended(recorder.complete(again.start, less))
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
async def test_the_database_and_the_recorder_agree_on_what_is_final(
    recorder, database, over, finality
):
    over.facts.response_id = RESPONSE
    assert over.finality is finality
    await record(recorder, over)
    assert found(database).finality is finality


def test_an_end_that_nobody_saw_is_the_least_final():
    assert unseen_end(start()).finality is Finality.UNSEEN
    interrupted = end(status=Status.FAILED, error_type=outcome.INTERRUPTED[1])
    assert interrupted.finality is Finality.UNSEEN
    assert sorted(Finality) == [Finality.UNSEEN, Finality.QUEUED, Finality.BROKEN_OFF, 4]


async def test_what_the_start_said_is_kept(recorder, database, rows):
    prompts = (Prompt("One."), Prompt("Sum up.", PromptKind.SUMMARY))
    await record(recorder, QUEUED, prompts=prompts, unread=True, edits=["e"], metadata={"a": 1})
    await complete(recorder, database)
    (row,) = rows("interceptions")
    assert (row["edits"], row["metadata"]) == ('["e"]', '{"a":1}')
    (kind,) = [each for each in rows("kinds") if each["id"] == row["kind_id"]]
    assert kind["shape"] & Shape.UNREAD
    assert kind["shape"] & Shape.SUMMARY
    assert [each["prompt"] for each in rows("user_prompts")] == ["One.", "Sum up."]
    assert {each["provider_response_id"] for each in rows("user_prompts")} == {RESPONSE}


async def test_while_the_database_is_away_the_end_waits_on_the_spool(
    database, rows, tmp_path, monkeypatch
):
    monkeypatch.setattr(writers, "PROBE_SECONDS", 0.02)
    monkeypatch.setattr(writers, "LOCK_SECONDS", 0.01)
    with closing(Spool(tmp_path / "spool.db", max_bytes=1 << 20)) as spool, capture_logs():
        recorder = Recorder(database, spool, patience_seconds=0.05)
        turns = Turns(recorder)
        await record(recorder, QUEUED)
        interception = polled(found(database))
        assert interception is not None
        with locked(database):
            for _ in range(2):
                await recorder.ended(recorder.complete(interception.start, FINAL))
            assert spool.waiting == 2
        await turns.until(away=False)
        await recorder.close()
    assert rows("interceptions")[0]["status"] == "completed"
    assert len(rows("token_usages")) == 1
    check(database)


async def test_an_answer_of_a_bridge_that_is_gone_stays_as_it_is(recorder, database, rows):
    ticket = recorder.start(start(stores=True))
    await recorder.started(ticket)
    await recorder.close()
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
async def test_what_a_provider_stores_has_a_key(recorder, rows, more, over, key):
    made = await record(recorder, over, client_session_id="s-1", **more)
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


async def test_nobody_is_found_by_a_key_of_somebody_else(recorder, database):
    await record(recorder, FINAL)
    with database.read() as connection:
        assert keyed.find(connection, "other", response_key(RESPONSE)) is None
        assert keyed.find(connection, ANA, conversation_key(RESPONSE)) is None
