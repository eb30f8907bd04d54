"""The keys by which later requests are known to go on with an interception."""

import pytest

from aibridge.dialects.facts import ToolCall
from aibridge.recorder.correlation import keys_of_end, task_key
from tests.recorder.facts import end, facts, start


@pytest.mark.parametrize(
    ("arguments", "tasks"),
    [
        ('{"prompt": "count"}', ["count"]),
        ('{"message": " count "}', ["count"]),
        ('{"prompt": "count", "description": "short"}', ["count", "short"]),
        ('{"prompt": 7}', []),
        ('["count"]', []),
        ("count", []),
        ("", []),
        ('{"prompt": "\\ud800"}', []),
        ('{"prompt": "\ud800"}', []),
        ('{"prompt": ' + "[" * 100_000, []),
    ],
)
def test_a_task_is_found_by_the_text_that_its_sub_agent_is_given(
    arguments: str, tasks: list[str]
) -> None:
    call = ToolCall("Task", arguments, call_id="c-1")
    found = keys_of_end(start(), end(facts=facts(response_id="", tool_calls=[call])))
    assert list(found) == [task_key(each) for each in tasks]
