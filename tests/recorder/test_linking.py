"""Linking: sessions and threads of requests that carry ids, texts or nothing of what was before."""

from typing import Any

import pytest

from aibridge.dialects.facts import Digests, Prompt, PromptKind, ToolCall
from aibridge.durations import microseconds
from aibridge.recorder.batch import commit
from aibridge.recorder.pending import Pending
from aibridge.recorder.records import End, Start, Status
from aibridge.store.engine.database import Database
from aibridge.store.record.writer import BatchWriter
from tests.recorder.facts import end, facts, start

SECOND = 1_000_000
HOUR = 3600 * SECOND
DAY = 24 * HOUR
TEN_O_CLOCK = 1_796_032_800 * SECOND


class Story:
    """Requests of one person, an hour apart or as said, and where they were found to belong."""

    def __init__(self, writer: BatchWriter, rows: Any) -> None:
        self._writer = writer
        self._rows = rows
        self._at = TEN_O_CLOCK

    def ask(self, text: str | None = None, *calls: str | ToolCall, **more: Any) -> Start:
        """Record a request in which a text was typed, and an answer that calls tools."""
        kind = more.get("kind", PromptKind.TYPED)
        self._at += more.pop("after", HOUR)
        given: dict[str, Any] = {
            "started_at": self._at,
            "prompts": () if text is None else (Prompt(text, kind),),
            "metadata": {} if kind is PromptKind.TYPED else {"kind": kind.value},
        }
        over = more.pop("over", None) or self.answer(*calls, **more.pop("says", {}))
        asked = start(**given | more)
        commit(self._writer, [Pending(asked, over)]).note()
        return asked

    def answer(self, *calls: str | ToolCall, **more: Any) -> End:
        found = [call if isinstance(call, ToolCall) else _call(call) for call in calls]
        return end(ended_at=self._at + SECOND, facts=facts(tool_calls=found, **more))

    def failure(self, status: Status = Status.FAILED) -> End:
        return end(ended_at=self._at + SECOND, status=status, error_type="overloaded")

    def sessions(self, *asked: Start) -> list[str]:
        return [self._row(each)["session_id"] for each in asked]

    def links(self, *asked: Start) -> list[tuple[str | None, str | None]]:
        """Return the parent and the root of each."""
        rows = map(self._row, asked)
        return [(row["thread_parent_id"], row["thread_root_id"]) for row in rows]

    def kinds(self, asked: Start) -> list[str]:
        rows = [row for row in self._rows("user_prompts") if row["interception_id"] == asked.id]
        return [row["metadata"] for row in rows]

    def summaries(self) -> list[tuple[str, int, str | None]]:
        return [(row["id"], row["threads"], row["last_prompt"]) for row in self._rows("sessions")]

    def _row(self, asked: Start) -> dict[str, Any]:
        rows: list[dict[str, Any]] = self._rows("interceptions")
        (row,) = (row for row in rows if row["id"] == asked.id)
        return row


def _call(id_: str) -> ToolCall:
    return ToolCall("bash", "{}", call_id=id_)


def delegating(text: str, name: str = "Agent", field: str = "prompt") -> ToolCall:
    return ToolCall(name, f'{{"{field}":"{text}"}}', call_id=f"call-{text}")


@pytest.fixture
def story(database: Database, rows: Any):
    writer = BatchWriter(database)
    yield Story(writer, rows)
    writer.close()


def test_a_prompt_typed_beside_a_tool_result_begins_a_thread_that_follows_the_other(story):
    first = story.ask("run it", "c1", client_session_id="s")
    second = story.ask("stop", tool_result_ids=("c1",), client_session_id="s")
    third = story.ask(tool_result_ids=("c1",), client_session_id="s")
    assert story.links(second, third) == [(first.id, None), (first.id, first.id)]
    assert story.summaries() == [("s", 2, "stop")]


@pytest.mark.parametrize("kind", [PromptKind.COMPACTION, PromptKind.AUTOMATION])
def test_what_an_agent_says_by_itself_goes_on_with_the_thread_before(story, kind):
    first = story.ask("run it", "c1", client_session_id="s")
    ask = {"kind": kind, "client_session_id": "s"}
    beside = story.ask("goes on", tool_result_ids=("c1",), **ask)
    after = story.ask("goes on", history_ids=("c0", "c1"), **ask)
    assert story.links(beside, after) == [(first.id, first.id)] * 2
    assert story.summaries() == [("s", 1, "run it")]


@pytest.mark.parametrize("kind", [PromptKind.COMPACTION, PromptKind.AUTOMATION])
def test_what_an_agent_says_by_itself_follows_the_last_prompt_though_that_called_no_tool(
    story, kind
):
    story.ask("run it", "c1", client_session_id="s")
    asked = {"history_ids": ("c1",), "client_session_id": "s"}
    second = story.ask("how deep", metadata={"agent_type": "lead"}, **asked)
    story.ask("title?", kind=PromptKind.SIDE_CALL, client_session_id="s")
    ask = {"kind": kind, "client_session_id": "s", "history_ids": ("c1",)}
    assert story.links(story.ask("goes on", **ask)) == [(second.id, second.id)]


def test_after_a_compaction_the_summary_goes_on_with_the_thread(story):
    first = story.ask("run it", "c1", client_session_id="s")
    ask = {"history_ids": ("c1",), "client_session_id": "s"}
    compaction = story.ask("summarize", kind=PromptKind.COMPACTION, **ask)
    summary = story.ask("continued", kind=PromptKind.SUMMARY, client_session_id="s")
    assert story.links(compaction, summary) == [(first.id, first.id), (compaction.id, first.id)]


def test_a_side_call_joins_its_session_and_is_no_thread_of_it(story):
    title = story.ask("title?", kind=PromptKind.SIDE_CALL, client_session_id="s")
    story.ask("run it", client_session_id="s")
    assert story.links(title) == [(None, None)]
    assert story.summaries() == [("s", 1, "run it")]


# Attempts


@pytest.mark.parametrize("status", [Status.FAILED, Status.CANCELLED])
def test_the_same_prompt_after_a_failure_is_one_thread_with_one_prompt(story, status):
    first = story.ask("run it", over=story.failure(status), client_session_id="s")
    second = story.ask("run it\n", over=story.failure(status), client_session_id="s")
    third = story.ask(" run it", client_session_id="s")
    assert [parent for parent, _ in story.links(second, third)] != [None, None]
    assert [root for _, root in story.links(first, second, third)] == [None, first.id, first.id]
    assert story.kinds(first) == ['{"kind":"typed"}']
    assert story.kinds(second) == story.kinds(third) == ['{"kind":"retry"}']
    assert story.summaries() == [("s", 1, "run it")]


def test_the_same_prompt_after_an_answer_is_another_one(story):
    asked = [story.ask("go on", client_session_id="s") for _ in range(2)]
    assert story.links(*asked) == [(None, None)] * 2
    assert story.summaries() == [("s", 2, "go on")]


def test_once_a_prompt_was_answered_the_same_one_is_another(story):
    story.ask("go on", over=story.failure(), client_session_id="s")
    story.ask("go on", client_session_id="s")
    third = story.ask("go on", client_session_id="s")
    assert story.links(third) == [(None, None)]
    assert story.summaries() == [("s", 2, "go on")]


def test_the_same_prompt_at_another_point_of_the_conversation_is_another_one(story):
    story.ask("go on", over=story.failure(), client_session_id="s")
    later = story.ask("go on", history_ids=("c1",), client_session_id="s")
    assert story.links(later) == [(None, None)]


def test_a_client_that_says_to_try_again_is_believed_whatever_became_of_the_last(story):
    first = story.ask("run it", over=story.failure(), client_session_id="s")
    second = story.ask("run it", retries=1, client_session_id="s")
    third = story.ask("run it", retries=2, client_session_id="s")
    assert story.links(second, third) == [(first.id, first.id), (second.id, first.id)]


def test_without_a_session_id_an_attempt_is_known_too(story):
    first = story.ask("run it", over=story.failure())
    second = story.ask("run it", retries=1)
    assert story.links(second) == [(first.id, first.id)]
    assert story.sessions(second) == [first.id]
    assert story.links(story.ask("run it", retries=1, initiator_id="b" * 36)) == [(None, None)]


# Sub-agents


def test_a_sub_agent_belongs_to_the_session_of_the_call_that_gave_it_its_task(story):
    first = story.ask("look around", delegating("find it"), client_session_id="s")
    child = story.ask("find it", "c2", kind=PromptKind.SUBAGENT, client_session_id="s")
    goes_on = story.ask(tool_result_ids=("c2",), client_session_id="s")
    assert story.links(child, goes_on) == [(first.id, None), (child.id, child.id)]
    assert story.summaries() == [("s", 1, "look around")]


@pytest.mark.parametrize(("name", "field"), [("task", "prompt"), ("spawn_agent", "message")])
def test_where_nothing_names_a_session_the_task_tells_the_sub_agent(story, name, field):
    first = story.ask("look around", delegating("find it", name, field), "c0")
    child = story.ask("find it", after=SECOND)
    assert story.links(child) == [(first.id, None)]
    assert story.sessions(child) == [first.id]
    assert story.kinds(child) == ['{"kind":"subagent"}']
    assert story.summaries() == [(first.id, 1, "look around")]


@pytest.mark.parametrize(
    "more",
    [
        {"initiator_id": "b" * 36},
        {"client_session_id": "another"},
        {"history_ids": ("c9",)},
        {"after": 2 * HOUR},
    ],
    ids=str,
)
def test_the_words_of_a_task_are_typed_where_nothing_says_otherwise(story, more):
    story.ask("look around", delegating("find it"))
    typed = story.ask("find it", **more)
    assert story.kinds(typed) == ['{"kind":"typed"}']


def test_a_sub_agent_with_a_session_of_its_own_joins_its_parents(story):
    first = story.ask("look", delegating("find it"), client_session_id="s")
    own = {"client_session_id": "child", "parent_session_id": "s"}
    child = story.ask("find it", "c2", kind=PromptKind.SUBAGENT, **own)
    goes_on = story.ask(tool_result_ids=("c2",), **own)
    assert story.sessions(child, goes_on) == ["s", "s"]
    assert story.links(child, goes_on) == [(first.id, None), (child.id, child.id)]


# Sessions without an id


def test_an_earlier_call_anywhere_in_the_history_tells_the_session(story):
    first = story.ask("run it", "c1")
    second = story.ask("once more", history_ids=("c1", "unknown"))
    assert story.sessions(second) == [first.id]
    assert story.links(second) == [(None, None)]
    assert story.summaries() == [(first.id, 2, "once more")]
    stranger = story.ask("once more", history_ids=("c1",), initiator_id="b" * 36)
    assert story.sessions(stranger) == [stranger.id]


def test_the_response_before_tells_the_session(story):
    first = story.ask("run it", "c1", stores=True, says={"response_id": "r1"})
    ask = {"stores": True, "previous_response_id": "r1"}
    second = story.ask(tool_result_ids=("c1",), says={"response_id": "r2"}, **ask)
    third = story.ask("once more", stores=True, previous_response_id="r2")
    assert story.sessions(second, third) == [first.id] * 2
    assert story.links(second, third) == [(first.id, first.id), (None, None)]


def test_texts_tell_the_session_where_there_is_no_id(story):
    first = story.ask("one", digests=Digests("a"))
    second = story.ask("two", digests=Digests("b", before="a", first="f"))
    third = story.ask("three", digests=Digests("c", before="b", first="f"))
    cut = story.ask("four", digests=Digests("d", before="x", first="f"))
    assert story.sessions(second, third, cut) == [first.id] * 3
    assert story.summaries() == [(first.id, 4, "four")]


@pytest.mark.parametrize(
    "more",
    [
        {"initiator_id": "b" * 36},
        {"client": "another"},
        {"credential_hint": "x"},
        {"after": 2 * DAY},
    ],
    ids=str,
)
def test_the_same_texts_of_others_or_of_long_ago_are_another_session(story, more):
    story.ask("one", digests=Digests("a"))
    second = story.ask("two", digests=Digests("b", before="a"), **more)
    assert story.sessions(second) == [second.id]


def test_examples_that_stand_first_in_many_conversations_make_no_session_of_them(story):
    asked = [
        story.ask(text, digests=Digests(text, before="examples", first="example"))
        for text in ("one", "two")
    ]
    assert story.sessions(*asked) == [each.id for each in asked]


# Pauses


def test_after_a_long_pause_the_same_id_is_another_session(story):
    ask = {"client_session_id": "app"}
    first = story.ask("one", **ask)
    second = story.ask("two", after=DAY - SECOND, **ask)
    third = story.ask("three", after=DAY + 2 * SECOND, **ask)
    fourth = story.ask("four", **ask)
    found = story.sessions(first, second, third, fourth)
    assert found[:2] == ["app", "app"]
    assert found[2] == found[3] == "app@20261202T110001Z"
    assert [threads for _, threads, _ in story.summaries()] == [2, 2]


def test_a_server_that_has_just_started_finds_the_session_that_goes_on(story, database, rows):
    ask = {"client_session_id": "app"}
    story.ask("one", **ask)
    later = story.ask("two", after=3 * DAY, **ask)
    story._writer.sessions = BatchWriter(database).sessions
    assert story.sessions(story.ask("three", **ask)) == story.sessions(later)
    other = story.ask("x", client_session_id="appA")
    assert story.sessions(other) == ["appA"]


def test_a_tool_loop_stays_in_its_session_however_long_a_tool_takes(story):
    first = story.ask("one", "c1", client_session_id="app")
    second = story.ask(tool_result_ids=("c1",), after=3 * DAY, client_session_id="app")
    assert story.sessions(second) == story.sessions(first)


def test_two_people_with_one_session_id_have_two_sessions(story):
    story.ask("mine", client_session_id="s")
    story.ask("yours", client_session_id="s", initiator_id="b" * 36)
    assert [prompt for *_, prompt in story.summaries()] == ["mine", "yours"]


def test_a_pause_may_be_without_end(database, rows):
    writer = BatchWriter(database, session_pause=microseconds(None))
    story = Story(writer, rows)
    asked = [story.ask("x", after=300 * DAY, client_session_id="app") for _ in range(2)]
    assert story.sessions(*asked) == ["app", "app"]
    writer.close()


def test_requests_of_one_batch_find_each_other(story, database):
    first = start(prompt="one", client_session_id="s")
    again = start(prompt="one", client_session_id="s")
    answer = end(facts=facts("c1"))
    result = start(prompt=None, tool_result_ids=("c1",), client_session_id="s")
    batch = [
        Pending(first, story.failure()),
        Pending(again, answer),
        Pending(result, end()),
    ]
    commit(story._writer, batch).note()
    assert story.links(first, again, result) == [
        (None, None),
        (first.id, first.id),
        (again.id, first.id),
    ]
