"""Batches: each interception and its end in one transaction, and no row of it twice."""

from collections import Counter
from contextlib import closing
from typing import Any

import pytest
from msgspec.structs import replace

from aibridge.recorder.batch import check, commit
from aibridge.recorder.pending import Pending
from aibridge.recorder.recovery import close_interrupted
from aibridge.store.engine.errors import DRIVER_ERRORS
from aibridge.store.record.journals import Advance, Position
from aibridge.store.record.writer import BatchWriter, OtherKeeperError
from aibridge.store.transfer.checking import disagreements
from tests.builders import indexed_words
from tests.recorder.facts import end, facts, start
from tests.recorder.writing import record, write

NOT_TEXT = "\ud800"
"""Half a surrogate pair: no database takes it."""
TABLES = ("user_prompts", "token_usages", "model_thoughts", "interceptions")


@pytest.fixture
def store(database):
    with closing(BatchWriter(database)) as store:
        yield store


@pytest.fixture
def counts(rows):
    """How many rows there are of what one whole interception has once."""
    return lambda: [len(rows(table)) for table in TABLES]


def indexed(database) -> set[str]:
    with database.read() as connection:
        return {id_ for id_, *_ in indexed_words(connection)}


def check_sums(database) -> None:
    with database.read() as connection:
        assert list(disagreements(connection)) == []


def test_a_start_and_its_end_are_committed_in_turn(database, rows):
    item = record(database, start())
    (row,) = rows("interceptions")
    assert (row["status"], row["ended_at"]) == ("running", None)
    assert len(rows("user_prompts")) == 1
    assert not rows("sessions")
    assert not indexed(database)
    item.end = end()
    write(database, item)
    (row,) = rows("interceptions")
    assert row["status"] == "completed"
    assert indexed(database) == {row["id"]}
    assert len(rows("token_usages")) == len(rows("sessions")) == 1
    assert rows("user_prompts")[0]["provider_response_id"] == "msg-1"


def test_what_is_written_already_is_not_written_again(database, counts):
    item = record(database, start(), end())
    for _ in range(2):
        write(database, item)
    assert counts() == [1] * 4


@pytest.mark.parametrize("over", [True, False])
def test_a_commit_whose_outcome_nobody_knows_is_settled_by_asking(store, database, counts, over):
    item = Pending(start(), end() if over else None)
    commit(store, [item])  # nobody hears of it
    item.unsure = True
    item.end = end()
    commit(store, [item]).note()
    assert counts() == [1] * 4
    check_sums(database)


@pytest.mark.parametrize("over", [True, False])
def test_nor_does_it_matter_that_it_failed(store, database, counts, over):
    item = Pending(start(), end() if over else None, unsure=True)
    commit(store, [item]).note()
    item.end = item.end or end()
    commit(store, [item]).note()
    assert counts() == [1] * 4
    check_sums(database)


def test_what_is_only_tried_leaves_nothing(store, rows):
    check(store, Pending(start(), end()))
    assert not rows("interceptions")


@pytest.mark.parametrize("poison", [{"prompt": NOT_TEXT}, {"request_bytes": 1 << 70}])
def test_what_the_database_never_takes_is_found_by_trying(store, poison):
    with pytest.raises((UnicodeError, OverflowError, *DRIVER_ERRORS)):
        check(store, Pending(start(**poison), end()))


def test_a_batch_of_which_one_cannot_be_written_leaves_nothing(store, rows):
    bad = Pending(start(prompt=NOT_TEXT), end())
    with pytest.raises((UnicodeError, *DRIVER_ERRORS)):
        commit(store, [Pending(start(), end()), bad], [Advance("j", None, Position(5, 5))])
    assert not rows("interceptions")
    assert not rows("journals")


def test_a_step_in_a_journal_is_taken_with_what_is_written(store, rows):
    commit(store, [Pending(start(), end())], [Advance("j", None, Position(9, 5))])
    assert store.position_in("j") == Position(9, 5)
    commit(store, [], [Advance("j", Position(9, 5), Position(12, 12))])
    assert store.position_in("j") == Position(12, 12)


@pytest.mark.parametrize("before", [None, Position(5, 5)])
def test_a_step_that_another_has_taken_undoes_the_batch(store, rows, before):
    commit(store, [], [Advance("j", None, Position(9, 5))])
    with pytest.raises(OtherKeeperError):
        commit(store, [Pending(start(), end())], [Advance("j", before, Position(12, 12))])
    assert not rows("interceptions")
    assert store.position_in("j") == Position(9, 5)


def test_a_request_finds_its_thread(database, rows):
    def call(*calls: str, **more: Any) -> str:
        prompt = None if "tool_result_ids" in more else "Hello."
        return record(database, start(prompt=prompt, **more), end(facts=facts(*calls))).start.id

    first = call("a", "b")
    second = call("c", tool_result_ids=("a", "b"))
    third = call(tool_result_ids=("a", "b", "c"))
    stranger = call(tool_result_ids=("a",), initiator_id="somebody-else")
    unknown = call(tool_result_ids=("z",))
    other = call(tool_result_ids=("a",), client_session_id="another")
    found = {
        row["id"]: (row["thread_parent_id"], row["thread_root_id"], row["session_id"])
        for row in rows("interceptions")
    }
    assert found == {
        first: (None, None, first),
        second: (first, first, first),
        third: (second, first, first),
        stranger: (None, None, stranger),
        unknown: (None, None, unknown),
        other: (None, None, "another"),
    }


def test_a_request_finds_its_thread_in_the_same_batch(store, rows):
    loop = [
        Pending(
            start(prompt=None, tool_result_ids=(f"c{number - 1}",)),
            end(facts=facts(f"c{number}")),
        )
        for number in range(40)
    ]
    commit(store, loop)
    ids = [each.start.id for each in loop]
    assert [row["thread_parent_id"] for row in rows("interceptions")] == [None, *ids[:-1]]


def test_a_call_that_the_provider_runs_itself_is_nobodys_parent(database, rows):
    for _ in range(2):
        record(database, start(tool_result_ids=("",)), end(facts=facts("")))
    assert [row["thread_parent_id"] for row in rows("interceptions")] == [None, None]


@pytest.mark.parametrize("times", [1, 2], ids=["", "written-twice"])
def test_an_end_that_was_seen_replaces_one_that_nobody_saw(database, rows, times):
    """A bridge elsewhere took this one for gone, and closed what it had under way."""
    twin = record(database, start(client_session_id="twin"), end(facts=facts("call")))
    lost = record(database, start(client_session_id="lost", started_at=twin.start.started_at))
    other = record(database, start(client_session_id="lost"))
    assert close_interrupted(database) == 2
    before = sessions(rows)
    assert twin.end is not None
    for _ in range(times):
        write(database, Pending(lost.start, replace(twin.end), unsure=True))
    found = {row["id"]: row for row in rows("interceptions")}
    own = {"id", "session_id", "client_session_id"}
    assert {name: found[lost.start.id][name] for name in found[lost.start.id].keys() - own} == {
        name: found[twin.start.id][name] for name in found[twin.start.id].keys() - own
    }
    assert found[other.start.id]["error_type"] == "interrupted"
    for table in ("token_usages", "tool_usages", "model_thoughts"):
        ids = sorted(row["interception_id"] for row in rows(table))
        assert ids == sorted([twin.start.id, lost.start.id])
    after = sessions(rows)
    assert (before["lost"]["interceptions"], after["lost"]["interceptions"]) == (2, 2)
    assert after["lost"]["threads"] == 2
    assert after["lost"]["tokens"] == after["twin"]["tokens"] > 0
    kinds = {(row["session_id"], row["kind_id"]) for row in rows("session_kinds")}
    assert kinds == {(row["session_id"], row["kind_id"]) for row in found.values()}
    with database.read() as connection:
        words = {(id_, word) for id_, _, word, _ in indexed_words(connection)}
    assert (lost.start.id, "bash") in words
    assert (lost.start.id, "interrupted") not in words
    assert (other.start.id, "interrupted") in words


@pytest.mark.parametrize("others", [0, 1])
def test_no_kind_is_left_that_nothing_is_of_when_an_end_is_taken_back(database, rows, others):
    lost, *_ = [record(database, start(model="m-lost")) for _ in range(1 + others)]
    assert close_interrupted(database) == 1 + others
    write(database, Pending(lost.start, end(), unsure=True))
    assert rows("interceptions")[0]["status"] == "completed"
    counted = [(row["kind_id"], row["interceptions"]) for row in rows("initiator_kinds")]
    kinds = Counter(row["kind_id"] for row in rows("interceptions"))
    assert sorted(counted) == sorted(kinds.items())


def sessions(rows) -> dict[str, dict[str, Any]]:
    return {row["id"]: row for row in rows("sessions")}
