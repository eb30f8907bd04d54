"""Calls that are read again: what a worse reader has written of them is corrected."""

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, nullcontext
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from sqlalchemy import delete, select
from sqlalchemy.exc import DataError, OperationalError

from aibridge.dialects.facts import Prompt, PromptKind, Thought, TokenUsage, ToolCall
from aibridge.journal.contents import How
from aibridge.journal.segments import listed
from aibridge.keeper import completing, reading, rereading
from aibridge.keeper.bounds import TooMuch
from aibridge.keeper.calls import GAP_NOTE, Call
from aibridge.keeper.prices import Prices
from aibridge.keeper.reading import CallReader
from aibridge.keeper.rereading import Reread, Rereader
from aibridge.reading.call import read_answer
from aibridge.recorder.pending import Pending
from aibridge.recorder.records import End, Start, Status
from aibridge.store.engine.database import Database
from aibridge.store.record.correcting import correct
from aibridge.store.schema import tables as schema
from aibridge.store.transfer import purging
from aibridge.store.transfer.checking import disagreements
from tests.builders import indexed_words
from tests.databases import Databases, locked
from tests.keeper.journals import CATALOGUE, RULES, Gateway, answer, keep, process_of

Worse = Callable[[Start, End], None]

FACTS = ("user_prompts", "token_usages", "tool_usages", "model_thoughts")
SUMS = ("session_kinds", "initiator_kinds", "daily_usage", "account_spend")
COMPARED = (*FACTS, "interceptions", "sessions", *SUMS)
ALL = (*COMPARED, "correlation_keys")
LOCKED = (OperationalError, sqlite3.OperationalError)
SESSION = [(b"x-ai-bridge-session-id", b"s-1")]


@contextmanager
def reading_as(worse: Worse) -> Iterator[None]:
    """Have the keeper read calls worse than it can."""
    as_it_is = CallReader.read

    def read(reader: CallReader, call: Call) -> Pending:
        pending = as_it_is(reader, call)
        worse(pending.start, pending.end or End(0, Status.COMPLETED))
        return pending

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(CallReader, "read", read)
        yield


def reread(
    root: Path, database: Database, *, since: int = 0, is_dry: bool = False
) -> list[Reread | None]:
    """Read all calls again that began since then."""
    prices = Prices(database, CATALOGUE, {})
    with closing(Rereader(root, database, RULES.reading, nullcontext, prices)) as rereader:
        return [rereader.reread(call, is_dry=is_dry) for call in rereader.calls(since)]


def differing(found: Sequence[Reread | None]) -> dict[str, set[str]]:
    """Return the fields in which calls differ, by their ids."""
    return {one.interception_id: set(one.fields) for one in found if one and one.fields}


def reasons(found: Sequence[Reread | None]) -> list[str]:
    return [one.reason for one in found if one and one.reason]


def contents(database: Database, tables: Sequence[str] = COMPARED) -> dict[str, Any]:
    """Return what tables have, and the index of texts: without ids that are made for each row."""
    with database.read() as connection:
        assert list(disagreements(connection)) == []
        tables_named = {"kind_id": schema.kinds, "price_id": schema.prices}
        named = {
            key: {row[0]: tuple(row[1:]) for row in connection.execute(select(table))}
            for key, table in tables_named.items()
        }
        found: dict[str, Any] = {"texts": indexed_words(connection)}
        for name in tables:
            table = schema.metadata.tables[name]
            rows = connection.execute(select(table).order_by(*table.primary_key)).mappings()
            found[name] = [
                {key: named.get(key, {}).get(value, value) for key, value in row.items()}
                for row in rows
            ]
    for name in FACTS:
        for row in found[name]:
            del row["id"]
    for name in SUMS:
        found[name].sort(key=str)
    return found


def no_model(start: Start, _: End) -> None:
    start.model, start.stream, start.client = "", True, "Another"


def no_prompts(start: Start, _: End) -> None:
    start.prompts, start.unread = (), True
    start.notes.add("request: not understood")


def one_prompt_more(start: Start, _: End) -> None:
    start.prompts = (Prompt("Made up."), *start.prompts[:1])


def automation(start: Start, _: End) -> None:
    start.kind, start.metadata = PromptKind.AUTOMATION, {"kind": "automation"}
    start.prompts = tuple(replace(each, kind=start.kind) for each in start.prompts)


def no_usage(_: Start, end: End) -> None:
    end.facts.usages = []


def other_usage(_: Start, end: End) -> None:
    end.facts.usages = [TokenUsage(900, 800, 70, 6), TokenUsage(1, is_estimate=True)]


def other_words(_: Start, end: End) -> None:
    end.facts.thoughts = [Thought("Hm."), Thought("So.")]
    end.facts.tool_calls = [ToolCall("other", '{"an": "argument"}', call_id="x")]
    end.facts.response_id = "another"


def failure(_: Start, end: End) -> None:
    end.status, end.error_type, end.error_message = Status.FAILED, "truncated", "no end was seen"
    end.facts.stop_reason = ""
    end.notes = [*end.notes, "answer: not understood"]


@pytest.mark.parametrize(
    ("worse", "fields"),
    [
        (no_model, {"model", "stream", "client", "kind"}),
        (no_prompts, {"notes", "user_prompts", "kind"}),
        (one_prompt_more, {"user_prompts"}),
        (automation, {"metadata", "user_prompts", "kind"}),
        (no_usage, {"tokens", "magnitude", "token_usages"}),
        (other_usage, {"tokens", "magnitude", "token_usages", "kind"}),
        (other_words, {*FACTS, "kind"}),
        (failure, {"status", "error_type", "error_message", "stop_reason", "notes", "kind"}),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_the_record_is_as_if_this_release_had_written_it(
    gateway: Gateway,
    root: Path,
    database: Database,
    databases: Databases,
    worse: Worse,
    fields: set[str],
) -> None:
    id_ = gateway.call("Mend \0 it.", "call-1", headers=SESSION)
    with reading_as(worse):
        keep(root, database)
    gateway.call("Go on.", headers=SESSION)
    keep(root, database)
    assert differing(reread(root, database)) == {id_: fields}
    assert not any(one and (one.fields or one.reason) for one in reread(root, database))
    with databases.open() as other:
        keep(root, other)
        assert contents(database) == contents(other)


def test_what_does_not_differ_stays_with_its_ids(
    gateway: Gateway, root: Path, database: Database, rows: Any
) -> None:
    id_ = gateway.call("Mend it.", "call-1")
    gateway.call("Go on.", "call-2")
    keep(root, database)
    before = {name: rows(name) for name in ALL}
    first = gateway.call("Another.", "call-3")
    with reading_as(no_usage):
        keep(root, database)
    others = {name: rows(name) for name in ALL}
    assert set(differing(reread(root, database))) == {first}
    for name in (*FACTS, "correlation_keys"):
        after = rows(name)
        assert [row for row in after if row in before[name]] == before[name]
        assert name == "token_usages" or after == others[name]
    assert rows("interceptions")[0]["id"] == id_


def test_a_dry_run_says_what_differs_and_changes_nothing(
    gateway: Gateway, root: Path, database: Database, rows: Any
) -> None:
    id_ = gateway.call()
    with reading_as(no_model):
        keep(root, database)
    before = {name: rows(name) for name in (*ALL, "kinds")}
    found = reread(root, database, is_dry=True)
    assert differing(found) == {id_: {"model", "stream", "client", "kind"}}
    assert {name: rows(name) for name in (*ALL, "kinds")} == before


def test_a_session_and_a_thread_stay_and_so_does_what_linking_has_found(
    gateway: Gateway, root: Path, database: Database, rows: Any
) -> None:
    first = gateway.begin("Try it.")
    gateway.end(first, b"", how=How.FAILED, http_status=None, error_type="unreachable")
    again = gateway.call("Try it.")
    with reading_as(no_usage):
        keep(root, database)
    place = ("session_id", "thread_parent_id", "thread_root_id", "metadata")
    places = [{name: row[name] for name in place} for row in rows("interceptions")]
    assert places[1]["thread_parent_id"] == first.id
    assert places[1]["metadata"] == '{"kind":"retry"}'
    found = differing(reread(root, database))
    assert found == {again: {"tokens", "magnitude", "token_usages"}}
    assert [{name: row[name] for name in place} for row in rows("interceptions")] == places


def test_what_was_purged_stays_away(
    gateway: Gateway, root: Path, database: Database, rows: Any
) -> None:
    id_ = gateway.call()
    keep(root, database)
    with database.write() as connection:
        connection.execute(delete(schema.interceptions))
    assert reread(root, database) == [Reread(id_, is_on_record=False)]
    assert rows("interceptions") == []


def test_what_is_under_way_and_what_the_database_has_not_yet_is_left_alone(
    gateway: Gateway, root: Path, database: Database, rows: Any
) -> None:
    call = gateway.begin()
    with reading_as(no_model):
        keep(root, database)
    gateway.end(call)
    gateway.call("Another.")
    assert reread(root, database) == []
    assert [row["model"] for row in rows("interceptions")] == [""]
    keep(root, database)
    assert differing(reread(root, database)) == {call.id: {"model", "stream", "client"}}


def test_an_interception_whose_end_is_not_on_record_is_left_alone(
    gateway: Gateway, root: Path, database: Database, rows: Any
) -> None:
    gateway.call()
    keep(root, database)
    with database.write() as connection:
        connection.execute(schema.interceptions.update().values(ended_at=None, model="m-0"))
    assert reread(root, database) == [None]
    assert [row["model"] for row in rows("interceptions")] == ["m-0"]


def test_only_what_began_since_a_time_is_read(
    gateway: Gateway, root: Path, database: Database
) -> None:
    ids = [gateway.call(at=1_000_000 * number) for number in (1, 2, 3)]
    keep(root, database)
    found = reread(root, database, since=2_000_000)
    assert [one.interception_id for one in found if one] == ids[1:]


def test_calls_of_processes_that_are_gone_are_read_in_all_journals(
    root: Path, database: Database
) -> None:
    with process_of(root) as one, process_of(root) as other:
        one.begin("Broken off.")
        other.call("Another.")
    with reading_as(no_model):
        keep(root, database)
    assert len(differing(reread(root, database))) == 2


def fails(error: BaseException) -> Callable[..., Any]:
    def fail(*_: Any) -> Any:
        raise error

    return fail


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (TooMuch(), reading.TOO_SLOW),
        (MemoryError(), reading.TOO_LARGE),
        (KeyError("x"), reading.UNREADABLE),
        (FileNotFoundError(), reading.GONE),
    ],
)
def test_a_call_that_cannot_be_read_again_is_named_and_left_as_it_is(
    gateway: Gateway,
    root: Path,
    database: Database,
    monkeypatch: pytest.MonkeyPatch,
    error: BaseException,
    reason: str,
) -> None:
    id_ = gateway.call()
    keep(root, database)
    before = contents(database)
    monkeypatch.setattr(rereading, "read_request", fails(error))
    assert reread(root, database) == [Reread(id_, reason=reason)]
    assert contents(database) == before


def test_a_call_whose_bytes_are_not_all_there_any_more_is_left_as_it_is(
    root: Path, database: Database
) -> None:
    with process_of(root) as process:
        call = process.begin("Damaged in the middle.")
        process.piece(call, answer()[:10])
        process.end(call, answer()[10:], response_bytes=len(answer()))
        lost = process.begin("Without an end.")
        process.end(lost)
        (segment,) = listed(process.claim.folder)
    keep(root, database)
    before = contents(database)
    content = bytearray(segment.path.read_bytes())
    content[content.index(answer()[:10])] ^= 1
    content[content.rindex(answer())] ^= 1
    segment.path.write_bytes(content)
    assert reasons(reread(root, database)) == [GAP_NOTE, rereading.ENDLESS]
    assert contents(database) == before


@pytest.mark.parametrize("how", [How.LEFT, How.STOPPED])
def test_an_end_that_a_later_call_told_stays_and_the_beginning_is_corrected(
    gateway: Gateway, root: Path, database: Database, how: How
) -> None:
    first = gateway.begin("Mend it.")
    gateway.end(first, answer()[:20], how=how)
    with reading_as(one_prompt_more):
        keep(root, database)
    gateway.end(gateway.begin(completes=first.id), answer("call-1"))
    keep(root, database)
    before = contents(database)
    (row,) = before["interceptions"]
    assert row["status"] == "completed"
    assert completing.NOTE in row["notes"]
    assert differing(reread(root, database)) == {first.id: {"user_prompts"}}
    assert [one.fields for one in reread(root, database) if one] == [[]]
    after = contents(database)
    assert [each["prompt"] for each in after["user_prompts"]] == ["Mend it."]
    assert after["user_prompts"][0] == before["user_prompts"][1]
    assert all(after[name] == before[name] for name in (*FACTS[1:], "interceptions"))


def test_what_was_estimated_is_estimated_alike_and_counts_once(
    gateway: Gateway, root: Path, database: Database
) -> None:
    call = gateway.begin()
    gateway.end(call, answer()[:20], how=How.LEFT)
    keep(root, database)
    before = contents(database)
    (used,), (day,) = before["token_usages"], before["daily_usage"]
    assert '"estimated":{' in used["metadata"]
    assert 0 < used["cost_micros"] == day["cost_micros"]
    assert differing(reread(root, database)) == {}
    assert contents(database) == before


def test_an_estimate_that_an_earlier_release_did_not_make_is_added_once(
    gateway: Gateway, root: Path, database: Database
) -> None:
    call = gateway.begin()
    gateway.end(call, answer()[:20], how=How.FAILED)
    with reading_as(no_usage):
        keep(root, database)
    assert [day["cost_micros"] for day in contents(database)["daily_usage"]] == [0]
    assert call.id in differing(reread(root, database))
    corrected = contents(database)
    assert differing(reread(root, database)) == {}
    (used,) = corrected["token_usages"]
    assert used["cost_micros"] > 0
    assert sum(day["cost_micros"] for day in corrected["daily_usage"]) == used["cost_micros"]


def test_what_the_database_refuses_is_named_and_the_others_are_corrected(
    gateway: Gateway, root: Path, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = gateway.call("One."), gateway.call("Two.")
    with reading_as(no_model):
        keep(root, database)

    def refuse(connection: Any, old: Any, *more: Any) -> None:
        correct(connection, old, *more)
        if old.row.id == first:
            raise DataError(None, None, ValueError("too long"))

    monkeypatch.setattr(rereading, "correct", refuse)
    found = reread(root, database)
    assert differing(found) == {second: {"model", "stream", "client", "kind"}}
    assert reasons(found) == ["the database did not take all of it: ValueError"]
    contents(database)
    monkeypatch.undo()
    assert set(differing(reread(root, database))) == {first}


def test_what_is_purged_while_it_is_read_is_named_and_stays_away(
    gateway: Gateway, root: Path, database: Database, rows: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    id_ = gateway.call()
    with reading_as(no_model):
        keep(root, database)

    def purged(*given: Any) -> End:
        with database.write() as connection:
            connection.execute(delete(schema.interceptions))
        return read_answer(*given)

    monkeypatch.setattr(rereading, "read_answer", purged)
    assert reread(root, database) == [Reread(id_, reason=rereading.CHANGED)]
    assert rows("interceptions") == []


def test_a_correction_that_was_broken_off_leaves_nothing_half_done(
    gateway: Gateway, root: Path, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    id_ = gateway.call()
    with reading_as(other_words):
        keep(root, database)
    before = contents(database)
    with monkeypatch.context() as patch:
        patch.setattr(
            "aibridge.store.record.correcting.remaining.follow", fails(KeyboardInterrupt())
        )
        with pytest.raises(KeyboardInterrupt):
            reread(root, database)
    assert contents(database) == before
    assert set(differing(reread(root, database))) == {id_}


def test_it_gives_way_to_whoever_writes(
    gateway: Gateway, root: Path, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    gateway.call()
    with reading_as(no_usage):
        keep(root, database)
    monkeypatch.setattr(rereading, "LOCK_SECONDS", 0.01)
    with locked(database), pytest.raises(LOCKED):
        reread(root, database)
    assert len(differing(reread(root, database))) == 1


@pytest.mark.parametrize("databases", ["postgresql"], indirect=True)
def test_nothing_is_corrected_while_somebody_purges(
    gateway: Gateway, root: Path, database: Database
) -> None:
    gateway.call()
    with reading_as(no_usage):
        keep(root, database)
    with database.write_beside(lock_seconds=1) as connection:
        purging.take_lock(connection)
        with pytest.raises(purging.OtherPurgeError):
            reread(root, database)
    assert len(differing(reread(root, database))) == 1


def test_the_session_goes_on_after_a_correction(
    gateway: Gateway, root: Path, database: Database, rows: Any
) -> None:
    gateway.call("First.", headers=SESSION)
    with reading_as(automation):
        keep(root, database)
    assert [row["last_prompt"] for row in rows("sessions")] == [None]
    reread(root, database)
    assert [row["last_prompt"] for row in rows("sessions")] == ["First."]
    gateway.call("Second.", headers=SESSION)
    keep(root, database)
    (session,) = rows("sessions")
    assert (session["last_prompt"], session["threads"], session["interceptions"]) == (
        "Second.",
        2,
        2,
    )
    contents(database)
