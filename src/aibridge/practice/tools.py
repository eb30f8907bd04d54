"""The client's own tools: reading them, choosing one, and wording what it is told to do."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from aibridge.practice.filling import COMMANDS, TASKS, fill

COMMAND = "echo hello-from-tool"
"""The harmless command that a shell is told to run where the script names none."""

SHELLS = (
    "exec_command",
    "shell_command",
    "shell",
    "bash",
    "run_command",
    "run_shell_command",
    "run_in_terminal",
    "run_terminal_cmd",
    "execute_command",
    "terminal",
    "exec",
)
"""Names, in lower case, under which agents offer to run a command; the best first."""

SUBAGENTS = ("spawn_agent", "agent", "task")
"""Names, in lower case, under which agents offer to start a sub-agent; the best first."""

_PROGRAM = "exec"
"""The custom tool that takes a program calling other tools, in Codex's newest models."""

_KINDS = ("subagent_type", "agent_type")

JSON = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool of the client; a ``custom`` one takes free text in place of JSON.

    ``namespace`` is that of the Responses API, for tools that are offered in one.
    """

    name: str
    schema: Mapping[str, Any]
    custom: bool = False
    namespace: str = ""
    description: str = ""

    def arguments(self, task: str = COMMAND) -> str:
        """Return harmless arguments that have every required property, and ``task`` in them."""
        if self.custom:
            return _program(task) if self.name == _PROGRAM else task
        return msgspec.json.encode(fill(self.schema, self._given(task))).decode()

    def _given(self, task: str) -> dict[str, str]:
        if self.name.lower() not in SUBAGENTS:
            return dict.fromkeys(COMMANDS, task)
        kind = "general-purpose" if "general-purpose" in self.description else "general"
        return dict.fromkeys(TASKS, task) | dict.fromkeys(_KINDS, kind)


def _program(command: str) -> str:
    arguments = msgspec.json.encode({"cmd": command}).decode()
    return f"text(await tools.exec_command({arguments}));"


def offered(tools: bytes) -> list[Tool]:
    """Read a JSON array of tools in any dialect, leaving out those that the provider runs."""
    listed = msgspec.json.decode(tools) if tools else []
    return [tool for entry in listed if isinstance(entry, dict) for tool in _tools(entry)]


def _tools(entry: JSON) -> Iterator[Tool]:
    """Read one entry, which may be a namespace with tools in it."""
    listed: list[object] = [entry]
    namespace = ""
    if entry.get("type") == "namespace" and isinstance(entry.get("tools"), list):
        listed, namespace = entry["tools"], _text(entry.get("name"))
    for each in listed:
        if isinstance(each, dict) and (tool := _tool(each, namespace)):
            yield tool


def _tool(entry: JSON, namespace: str) -> Tool | None:
    inner = _table(entry.get("function") or entry.get("custom") or entry)
    name = inner.get("name")
    schema = inner.get("input_schema", inner.get("parameters"))
    custom = entry.get("type") == "custom" and schema is None
    callable_here = custom or schema is not None or entry.get("type") == "function"
    if not isinstance(name, str) or not callable_here:
        return None
    return Tool(name, _table(schema), custom, namespace, _text(inner.get("description")))


def suitable(tools: Iterable[Tool]) -> Tool | None:
    """Pick the tool for a practice call: one that runs commands, else the first function."""
    return min(tools, key=lambda tool: (_rank(tool, SHELLS), tool.custom), default=None)


def starting_subagents(tools: Iterable[Tool]) -> Tool | None:
    """Pick the tool that starts a sub-agent, if there is one."""
    found = [tool for tool in tools if _rank(tool, SUBAGENTS) < len(SUBAGENTS)]
    return min(found, key=lambda tool: _rank(tool, SUBAGENTS), default=None)


def _rank(tool: Tool, names: Sequence[str]) -> int:
    name = tool.name.lower()
    return names.index(name) if name in names else len(names)


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _table(value: object) -> JSON:
    return value if isinstance(value, dict) else {}
