import json
from collections import defaultdict
from collections.abc import Mapping
from typing import Any

import pytest

from aibridge.contract import Thread
from aibridge.ids import moment
from aibridge.sessions.shape import credential_hint
from aibridge.sessions.tree import MAX_TEXT, MAX_TEXTS, build_threads, parent_ids
from aibridge.store.lists.children import Children
from aibridge.store.schema.rows import (
    InterceptionRow,
    ModelThoughtRow,
    TokenUsageRow,
    ToolUsageRow,
    UserPromptRow,
)
from tests.builders import Call, uid

KINDS: Mapping[str, Any] = {
    "token_usages": TokenUsageRow,
    "user_prompts": UserPromptRow,
    "tool_usages": ToolUsageRow,
    "model_thoughts": ModelThoughtRow,
}


def threads(*calls: Call, most: int = 1000) -> list[Thread]:
    found: dict[str, Any] = {name: defaultdict(list) for name in KINDS}
    for call in calls:
        for table, child in call.children():
            found[table][call.id].append(KINDS[table](**child))
    children = Children(thoughts=found.pop("model_thoughts"), most=most, **found)
    ordered = sorted(calls, key=lambda call: (call.started_at, call.id))
    rows = [InterceptionRow(**call.row()) for call in ordered]
    roots = {call.id: uid(call.number if call.root is None else call.root) for call in calls}
    there = {id_: roots[id_] for id_ in parent_ids(rows) if id_ in roots}
    return build_threads(rows, children, there)


def test_a_thread_is_a_root_and_what_follows_from_it() -> None:
    first, second = threads(
        Call(1, at=0, prompts=("fix it",), tools=("read",)),
        Call(2, at=2, prompts=("and test it",)),
        Call(3, at=3, root=1, parent=1),
    )
    assert (first.id, first.prompt) == (uid(1), "fix it")
    assert (second.id, second.prompt) == (uid(2), "and test it")
    assert first.ended_at == moment(Call(3, at=3).ended_at or 0)


def test_only_what_was_typed_into_the_root_names_the_thread() -> None:
    (thread,) = threads(
        Call(1, prompts=("<hook>", "one", "two"), prompt_kinds=("automation",)),
        Call(2, at=1, root=1, prompts=("three",)),
    )
    assert thread.prompt == "one\ntwo"
    (silent,) = threads(Call(1), Call(2, at=1, root=1, prompts=("three",)))
    assert silent.prompt is None


def test_actions_are_the_interceptions_with_tools_in_order() -> None:
    (thread,) = threads(
        Call(1, tools=("read", "grep"), thoughts=("hm", "so"), tokens=((1, 2, 3, 4),)),
        Call(2, at=1, root=1, tools=("write",), tokens=((10, 20, 30, 40),)),
        Call(3, at=2, root=1, thoughts=("done",), tokens=((100, 200, 300, 400), (1, 0, 0, 0))),
    )
    one, two = thread.agentic_actions
    assert [call.tool for call in one.tool_calls] == ["read", "grep"]
    assert [thought.text for thought in one.thinking] == ["hm", "so"]
    assert [call.tool for call in two.tool_calls] == ["write"]
    assert two.thinking == []
    assert one.token_usage.cache_write_input_tokens == 4
    assert thread.token_usage.input_tokens == 112


def test_what_no_action_shows_is_in_final() -> None:
    (thread,) = threads(
        Call(1, tools=("read",)),
        Call(2, at=1, root=1, thoughts=("odd",), columns={"status": "failed"}),
        Call(
            3, at=2, root=1, thoughts=("done",), tokens=((5, 6, 7, 8),), columns={"model": "opus"}
        ),
    )
    assert thread.final is not None
    assert [thought.text for thought in thread.final.thinking] == ["odd", "done"]
    assert (thread.final.model, thread.final.stop_reason) == ("opus", "end_turn")
    assert thread.final.token_usage.output_tokens == 6
    (busy,) = threads(Call(1, tools=("read",)))
    assert busy.final is None


def test_tokens_of_a_thread_are_those_of_its_actions_and_its_final() -> None:
    (thread,) = threads(
        Call(1, tools=("read",), tokens=((1, 0, 0, 0),), token_metadata={"usage": {"n": 1}}),
        Call(2, at=1, root=1, tokens=((2, 0, 0, 0),), token_metadata={"usage": {"n": 4}}),
    )
    assert thread.final is not None
    shown = [*(action.token_usage for action in thread.agentic_actions), thread.final.token_usage]
    assert sum(usage.input_tokens for usage in shown) == thread.token_usage.input_tokens
    assert thread.token_usage.metadata == {"usage.n": 5}


def test_a_thread_whose_root_is_not_there_is_described_by_its_earliest_interception() -> None:
    (thread,) = threads(
        Call(2, at=1, root=1, columns={"model": "haiku"}),
        Call(3, at=2, root=1, columns={"model": "opus"}),
    )
    assert (thread.id, thread.model) == (uid(1), "haiku")


def broken(number: int, error: str, status: str = "failed", **more: Any) -> Call:
    columns = {"status": status, "error_type": error, "error_message": error and "busy"}
    return Call(number, at=number, root=None if number == 1 else 1, columns=columns, **more)


@pytest.mark.parametrize(
    ("later", "shown"),
    [
        ([broken(2, "overloaded")], ("failed", "overloaded", "busy")),
        ([broken(2, "overloaded"), Call(3, at=3, root=1)], ("completed", None, None)),
        (
            [broken(2, "overloaded"), Call(3, at=3, root=1, columns={"status": "queued"})],
            ("queued", None, None),
        ),
        ([broken(2, "overloaded"), broken(3, "timeout")], ("failed", "timeout", "busy")),
        (
            [broken(2, "overloaded"), broken(3, "", "cancelled")],
            ("cancelled", "overloaded", "busy"),
        ),
        (
            [broken(2, "overloaded"), Call(3, at=3, root=1), broken(4, "", "cancelled")],
            ("cancelled", None, None),
        ),
    ],
)
def test_an_error_is_shown_until_an_attempt_has_succeeded(later: list[Call], shown: Any) -> None:
    (thread,) = threads(Call(1), *later)
    assert (thread.status, thread.error_type, thread.error_message) == shown


def test_a_prompt_tried_again_is_one_thread_with_its_attempts() -> None:
    (thread,) = threads(
        broken(1, "overloaded", prompts=("fix it",)),
        broken(2, "overloaded", kind="retry", prompts=("fix it",)),
        Call(3, at=3, root=1, kind="retry", prompts=("fix it",)),
        Call(4, at=4, root=1),
    )
    assert (thread.kind, thread.prompt, thread.attempts) == ("typed", "fix it", 3)
    assert (thread.status, thread.error_type) == ("completed", None)
    assert [text.kind for text in thread.texts] == ["typed", "retry", "retry"]
    (rest,) = threads(Call(3, at=3, root=1, kind="retry", prompts=("fix it",)))
    assert (rest.id, rest.kind, rest.prompt, rest.attempts) == (uid(1), "typed", None, 2)


def test_a_thread_names_the_one_that_it_came_from() -> None:
    first, task, goes_on, side, orphan = threads(
        Call(1, prompts=("look into it",)),
        Call(2, at=1, root=1, parent=1, tools=("Task",)),
        Call(3, at=2, parent=2, kind="subagent", agent_type="Explore", prompts=("find it",)),
        Call(4, at=3, root=3, parent=3),
        Call(5, at=4, parent=2, prompts=("stop, do that",)),
        Call(6, at=5, kind="side_call", prompts=("a title",)),
        Call(7, at=6, parent=99, kind="subagent"),
    )
    assert (first.kind, first.parent_id, first.agent_type) == ("typed", None, "")
    assert (task.kind, task.parent_id, task.agent_type) == ("subagent", uid(1), "Explore")
    assert (task.prompt, [text.text for text in task.texts]) == (None, ["find it"])
    assert (goes_on.kind, goes_on.parent_id, goes_on.prompt) == ("typed", uid(1), "stop, do that")
    assert (side.kind, side.parent_id, side.prompt) == ("side_call", None, None)
    assert orphan.parent_id == uid(99)


def test_the_texts_of_a_thread_tell_who_wrote_them_in_order() -> None:
    (thread,) = threads(
        Call(1, prompts=("fix it", "<note>"), prompt_kinds=("typed", "automation")),
        Call(2, at=1, root=1, prompts=("and be quick",)),
        Call(3, at=2, root=1, prompts=("so far: …",), prompt_kinds=("summary",)),
    )
    assert [(text.kind, text.text, text.interception_id) for text in thread.texts] == [
        ("typed", "fix it", uid(1)),
        ("automation", "<note>", uid(1)),
        ("typed", "and be quick", uid(2)),
        ("summary", "so far: …", uid(3)),
    ]
    assert thread.prompt == "fix it"


def test_texts_are_bounded_in_number_and_length() -> None:
    many = tuple("ab" for _ in range(MAX_TEXTS + 1))
    (thread,) = threads(Call(1, prompts=many))
    assert (len(thread.texts), thread.texts_truncated) == (MAX_TEXTS, True)
    (few,) = threads(Call(1, prompts=many[1:]))
    assert (len(few.texts), few.texts_truncated) == (MAX_TEXTS, False)
    long = "x" * (MAX_TEXT + 1)
    (whole,) = threads(Call(1, prompts=(long,)), most=MAX_TEXT + 1)
    assert (whole.prompt, whole.prompt_truncated) == (long, False)
    assert [(len(text.text), text.truncated) for text in whole.texts] == [(MAX_TEXT, True)]


def test_what_is_longer_than_its_share_is_cut_and_says_so() -> None:
    (thread,) = threads(
        Call(1, prompts=("abcd",), thoughts=("abcd", "abc"), tools=("x",), arguments="abcd"),
        most=3,
    )
    (action,) = thread.agentic_actions
    assert (thread.prompt, thread.prompt_truncated) == ("abc", True)
    assert [(one.text, one.truncated) for one in action.thinking] == [("abc", True), ("abc", False)]
    assert (action.tool_calls[0].input, action.tool_calls[0].metadata) == (
        "abc",
        {"truncated": True},
    )


@pytest.mark.parametrize(
    ("metadata", "estimated"),
    [({}, False), ({"estimated": True}, True), ({"estimated": {}}, False)],
)
def test_tokens_that_only_the_bridge_counted_are_marked(metadata: Any, estimated: bool) -> None:
    known = Call(1, tools=("x",), tokens=((1, 1, 0, 0),))
    (thread,) = threads(
        known, Call(2, at=1, root=1, tokens=((0, 9, 0, 0),), token_metadata=metadata)
    )
    assert thread.final is not None
    marks = (thread.token_usage.estimated, thread.final.token_usage.estimated)
    assert marks == (estimated, estimated)
    assert not thread.agentic_actions[0].token_usage.estimated


def test_threads_that_began_at_once_stand_in_order_of_their_ids() -> None:
    found = threads(Call(5, root=9), Call(6), Call(7, root=3))
    assert [thread.id for thread in found] == [uid(3), uid(6), uid(9)]


def test_tool_calls_show_their_errors() -> None:
    row = {
        name: value
        for table, row in Call(1, tools=("x",)).children()
        for name, value in row.items()
    }
    tool = ToolUsageRow(**{**row, "invocation_error": "no such file"})
    children = Children({}, {}, {uid(1): [tool]}, {})
    (thread,) = build_threads([InterceptionRow(**Call(1).row())], children)
    (call,) = thread.agentic_actions[0].tool_calls
    assert (call.invocation_error, json.loads(call.input)) == ("no such file", {"path": "a.txt"})


@pytest.mark.parametrize(
    ("stored", "shown"),
    [
        ("", ""),
        ("sk-...wxyz", "sk-...wxyz"),
        ("sk-ant-secret", "..."),
        ("sk-a...0123456789", "..."),
    ],
)
def test_a_credential_hint_that_is_not_masked_is_not_shown(stored: str, shown: str) -> None:
    assert credential_hint(stored) == shown
    (thread,) = threads(Call(1, columns={"credential_hint": stored}))
    assert thread.credential_hint == shown
