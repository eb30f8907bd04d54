import json

import pytest

from aibridge.practice.tools import COMMAND, Tool, offered, starting_subagents, suitable

CHAT = {"type": "function", "function": {"name": "read", "parameters": {"type": "object"}}}


def names(*tools):
    return [tool.name for tool in offered(json.dumps(tools).encode())]


def test_tools_are_read_in_every_dialect():
    assert names(
        {"name": "Bash", "input_schema": {}},
        CHAT,
        {"type": "function", "name": "exec_command", "parameters": {}},
        {"type": "custom", "name": "apply_patch", "format": {"type": "text"}},
        {"type": "custom", "custom": {"name": "free"}},
        {"type": "function", "function": {"name": "bare"}},
    ) == ["Bash", "read", "exec_command", "apply_patch", "free", "bare"]


def test_tools_of_the_provider_are_left_out():
    hosted = [{"type": "web_search"}, {"type": "web_search_20250305", "name": "web_search"}]
    assert names(*hosted, "noise", 3, {"type": "function"}) == []
    assert offered(b"") == []


@pytest.mark.parametrize(
    ("tools", "chosen"),
    [
        (["Read", "Bash", "Write"], "Bash"),
        (["shell", "exec_command"], "exec_command"),
        (["Read", "Write"], "Read"),
    ],
)
def test_a_tool_that_runs_commands_is_preferred(tools, chosen):
    tool = suitable([Tool("patch", {}, custom=True), *(Tool(name, {}) for name in tools)])
    assert tool is not None
    assert tool.name == chosen


def test_without_tools_none_is_suitable():
    assert suitable([]) is None


def test_a_custom_tool_takes_text():
    assert Tool("free", {}, custom=True).arguments() == COMMAND
    assert Tool("free", {}, custom=True).arguments("ls") == "ls"


def test_tools_are_read_from_namespaces():
    agents = {"type": "namespace", "name": "agents", "tools": [{"name": "spawn", "parameters": {}}]}
    found = offered(json.dumps([agents, CHAT, {"type": "namespace", "tools": [3]}]).encode())
    assert [(tool.namespace, tool.name) for tool in found] == [("agents", "spawn"), ("", "read")]


def test_a_tool_that_takes_a_program_is_told_to_run_a_command():
    tools = [Tool("wait", {}), Tool("exec", {}, custom=True), Tool("patch", {}, custom=True)]
    tool = suitable(tools)
    assert tool is not None
    assert (
        tool.arguments('say "hi"') == r"""text(await tools.exec_command({"cmd":"say \"hi\""}));"""
    )


TYPED = {"required": ["prompt", "subagent_type"]}


@pytest.mark.parametrize(
    ("tool", "arguments"),
    [
        (Tool("Agent", {"properties": {"prompt": {}, "subagent_type": {}}}), {"prompt": "Look"}),
        (Tool("task", TYPED), {"prompt": "Look", "subagent_type": "general"}),
        (
            Tool("task", TYPED, description="One of explore, general-purpose"),
            {"prompt": "Look", "subagent_type": "general-purpose"},
        ),
        (Tool("spawn_agent", {"required": ["message"]}), {"message": "Look"}),
        (Tool("bash", {"required": ["command", "prompt"]}), {"command": "Look", "prompt": "hello"}),
    ],
)
def test_a_task_goes_where_the_tool_takes_it(tool, arguments):
    assert json.loads(tool.arguments("Look")) == arguments


def test_the_tool_that_starts_a_subagent_is_found_by_its_name():
    tools = [Tool("bash", {}), Tool("task", {}), Tool("Agent", {})]
    assert starting_subagents(tools) == tools[2]
    assert starting_subagents(tools[:1]) is None
