"""The client's own tools: choosing one, and filling in its arguments from its JSON schema."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

COMMAND = "echo hello-from-tool"
"""The harmless command that filled-in arguments run."""

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
)
"""Names, in lower case, under which agents offer to run a command; the best first."""

_COMMANDS = frozenset({"command", "cmd", "commands", "script"})
_DEEPEST = 12

JSON = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool of the client; a ``custom`` one takes free text in place of JSON."""

    name: str
    schema: Mapping[str, Any]
    custom: bool = False

    def arguments(self) -> str:
        """Return harmless arguments that have every required property."""
        if self.custom:
            return COMMAND
        return msgspec.json.encode(fill(self.schema)).decode()


def offered(tools: bytes) -> list[Tool]:
    """Read a JSON array of tools in any dialect, leaving out those that the provider runs."""
    listed = msgspec.json.decode(tools) if tools else []
    return [tool for entry in listed if (tool := _tool(entry))]


def _tool(entry: object) -> Tool | None:
    if not isinstance(entry, dict):
        return None
    inner = _table(entry.get("function") or entry.get("custom") or entry)
    name = inner.get("name")
    schema = inner.get("input_schema", inner.get("parameters"))
    custom = entry.get("type") == "custom" and schema is None
    callable_here = custom or schema is not None or entry.get("type") == "function"
    if not isinstance(name, str) or not callable_here:
        return None
    return Tool(name, _table(schema), custom)


def suitable(tools: Iterable[Tool]) -> Tool | None:
    """Pick the tool for a practice call: one that runs commands, else the first function."""
    return min(tools, key=_rank, default=None)


def _rank(tool: Tool) -> tuple[bool, int]:
    name = tool.name.lower()
    return tool.custom, SHELLS.index(name) if name in SHELLS else len(SHELLS)


def fill(schema: object) -> object:
    """Make a harmless value that fits a JSON schema; never raise on a foreign one."""
    return _value(_table(schema), _table(schema), "", _DEEPEST)


def _value(schema: JSON, root: JSON, name: str, depth: int) -> object:
    schema = _resolve(schema, root)
    if allowed := [schema["const"]] if "const" in schema else _list(schema.get("enum")):
        return allowed[0]
    return _made_up(schema, root, name, depth)


def _made_up(schema: JSON, root: JSON, name: str, depth: int) -> object:
    value: object = None
    match _kind(schema):
        case "object":
            value = _object(schema, root, depth)
        case "array":
            value = _array(schema, root, name, depth)
        case "string":
            value = _string(schema, name)
        case "integer" | "number" as kind:
            value = _number(schema, kind)
        case "boolean":
            value = False
    return value


def _resolve(schema: JSON, root: JSON) -> JSON:
    """Follow ``$ref`` inside the document and take the first of alternatives."""
    for _ in range(_DEEPEST):
        if isinstance(ref := schema.get("$ref"), str):
            schema = _pointed(ref, root)
        elif parts := [part for part in _list(schema.get("allOf")) if isinstance(part, dict)]:
            schema = _merged(schema, parts)
        elif choice := _list(schema.get("anyOf")) or _list(schema.get("oneOf")):
            schema = _table(choice[0])
        else:
            break
    return schema


def _pointed(ref: str, root: JSON) -> JSON:
    place: Any = root
    for step in ref.lstrip("#").strip("/").split("/"):
        place = _table(place).get(step.replace("~1", "/").replace("~0", "~")) if step else place
    return _table(place)


def _merged(schema: JSON, parts: list[JSON]) -> JSON:
    whole = {key: value for key, value in schema.items() if key != "allOf"}
    for part in parts:
        properties = {**_table(whole.get("properties")), **_table(part.get("properties"))}
        required = [*_list(whole.get("required")), *_list(part.get("required"))]
        whole = {**whole, **part, "properties": properties, "required": required}
    return whole


def _kind(schema: JSON) -> str:
    kind = schema.get("type")
    kinds = [kind] if isinstance(kind, str) else [k for k in _list(kind) if isinstance(k, str)]
    if kinds:
        return next((k for k in kinds if k != "null"), "null")
    if "properties" in schema or "required" in schema:
        return "object"
    return "array" if "items" in schema else "string"


def _object(schema: JSON, root: JSON, depth: int) -> JSON:
    properties = _table(schema.get("properties"))
    required = [name for name in _list(schema.get("required")) if isinstance(name, str)]
    wanted = dict.fromkeys([*required, *(_COMMANDS & properties.keys())])
    if depth == 0:
        return dict.fromkeys(required)
    return {name: _value(_table(properties.get(name)), root, name, depth - 1) for name in wanted}


def _array(schema: JSON, root: JSON, name: str, depth: int) -> list[object]:
    items = _table(schema.get("items"))
    if name in _COMMANDS and _kind(_resolve(items, root)) == "string":
        return ["bash", "-lc", COMMAND]
    least = schema.get("minItems")
    count = min(least, 8) if isinstance(least, int) and depth else 0
    return [_value(items, root, "", depth - 1) for _ in range(count)]


def _string(schema: JSON, name: str) -> str:
    if name in _COMMANDS:
        return COMMAND
    least, most = schema.get("minLength"), schema.get("maxLength")
    text = "hello".ljust(min(least, 1000) if isinstance(least, int) else 0, "o")
    return text[:most] if isinstance(most, int) and most >= 0 else text


def _number(schema: JSON, kind: str) -> int | float:
    least, most = schema.get("minimum"), schema.get("maximum")
    value = least if isinstance(least, int | float) else 1
    if isinstance(most, int | float) and value > most:
        value = most
    return int(value) if kind == "integer" else value


def _table(value: object) -> JSON:
    return value if isinstance(value, dict) else {}


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []
