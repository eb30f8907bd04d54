"""Filling in a tool's arguments from its JSON schema, with harmless values."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

COMMANDS = frozenset({"command", "cmd", "commands", "script"})
"""The properties in which a shell takes its command."""

TASKS = frozenset({"prompt", "message"})
"""The properties in which a sub-agent takes its task."""

_DEEPEST = 12

JSON = dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Filling:
    """What stays the same while a schema is filled: the whole of it, and the values given."""

    root: JSON
    given: Mapping[str, str]


def fill(schema: object, given: Mapping[str, str] | None = None) -> object:
    """Make a harmless value that fits a JSON schema; never raise on a foreign one.

    ``given`` has texts for properties by their names. Commands and tasks among them are filled
    in wherever the schema has them, the others where they are required.
    """
    filling = _Filling(_table(schema), given or {})
    return _value(filling.root, filling, "", _DEEPEST)


def _value(schema: JSON, filling: _Filling, name: str, depth: int) -> object:
    schema = _resolve(schema, filling.root)
    if allowed := [schema["const"]] if "const" in schema else _list(schema.get("enum")):
        given = filling.given.get(name)
        return given if given in allowed else allowed[0]
    return _made_up(schema, filling, name, depth)


def _made_up(schema: JSON, filling: _Filling, name: str, depth: int) -> object:
    value: object = None
    match _kind(schema):
        case "object":
            value = _object(schema, filling, depth)
        case "array":
            value = _array(schema, filling, name, depth)
        case "string":
            value = _string(schema, filling.given.get(name))
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


def _object(schema: JSON, filling: _Filling, depth: int) -> JSON:
    properties = _table(schema.get("properties"))
    required = [name for name in _list(schema.get("required")) if isinstance(name, str)]
    told = (COMMANDS | TASKS) & properties.keys() & filling.given.keys()
    wanted = dict.fromkeys([*required, *sorted(told)])
    if depth == 0:
        return dict.fromkeys(required)
    return {name: _value(_table(properties.get(name)), filling, name, depth - 1) for name in wanted}


def _array(schema: JSON, filling: _Filling, name: str, depth: int) -> list[object]:
    items = _table(schema.get("items"))
    command = filling.given.get(name) if name in COMMANDS else None
    if command is not None and _kind(_resolve(items, filling.root)) == "string":
        return ["bash", "-lc", command]
    least = schema.get("minItems")
    count = min(least, 8) if isinstance(least, int) and depth else 0
    return [_value(items, filling, "", depth - 1) for _ in range(count)]


def _string(schema: JSON, given: str | None) -> str:
    if given is not None:
        return given
    least, most = schema.get("minLength"), schema.get("maxLength")
    text = "hello".ljust(max(0, min(least, 1000)) if isinstance(least, int) else 0, "o")
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
