import json
from collections import defaultdict
from collections.abc import Mapping
from typing import Any

import pytest

from aibridge.contract import Thread
from aibridge.sessions.shape import credential_hint, moment
from aibridge.sessions.tree import build_threads
from aibridge.store.interceptions import Children
from aibridge.store.rows import (
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


def threads(*calls: Call) -> list[Thread]:
    found: dict[str, Any] = {name: defaultdict(list) for name in KINDS}
    for call in calls:
        for table, child in call.children():
            found[table][call.id].append(KINDS[table](**child))
    children = Children(thoughts=found.pop("model_thoughts"), **found)
    ordered = sorted(calls, key=lambda call: (call.started_at, call.id))
    return build_threads([InterceptionRow(**call.row()) for call in ordered], children)


def test_a_thread_is_a_root_and_what_follows_from_it() -> None:
    first, second = threads(
        Call(1, at=0, prompts=("fix it",), tools=("read",)),
        Call(2, at=2, prompts=("and test it",)),
        Call(3, at=3, root=1, parent=1),
    )
    assert (first.id, first.prompt) == (uid(1), "fix it")
    assert (second.id, second.prompt) == (uid(2), "and test it")
    assert first.ended_at == moment(Call(3, at=3).ended_at or 0)


def test_only_the_first_prompt_of_the_root_names_the_thread() -> None:
    (thread,) = threads(Call(1, prompts=("one", "two")), Call(2, at=1, root=1, prompts=("three",)))
    assert thread.prompt == "one"
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


def test_the_newest_error_is_shown_even_where_a_later_attempt_succeeded() -> None:
    error = {"status": "failed", "error_type": "overloaded", "error_message": "busy"}
    (thread,) = threads(Call(1), Call(2, at=1, root=1, columns=error), Call(3, at=2, root=1))
    assert (thread.status, thread.error_type, thread.error_message) == (
        "completed",
        "overloaded",
        "busy",
    )


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
