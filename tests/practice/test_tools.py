import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aibridge.practice.tools import COMMAND, Tool, fill, offered, suitable

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


STRING, OBJECT = {"type": "string"}, {"type": "object"}

SCHEMAS = [
    ({"properties": {"command": STRING}, "required": ["command"]}, {"command": COMMAND}),
    ({"properties": {"cmd": STRING, "workdir": STRING}, "required": ["cmd"]}, {"cmd": COMMAND}),
    (
        {"properties": {"command": {"type": "array", "items": STRING}}, "required": ["command"]},
        {"command": ["bash", "-lc", COMMAND]},
    ),
    ({"properties": {"command": STRING}}, {"command": COMMAND}),
    ({"properties": {"path": STRING}}, {}),
    ({"required": ["unsaid"]}, {"unsaid": "hello"}),
    (STRING, "hello"),
    ({"type": "string", "maxLength": 2}, "he"),
    ({"type": "string", "minLength": 7}, "hellooo"),
    ({"type": ["null", "integer"]}, 1),
    ({"type": "number", "minimum": 2.5}, 2.5),
    ({"type": "integer", "maximum": -3}, -3),
    ({"type": "boolean"}, False),
    ({"type": "null"}, None),
    ({"type": "array", "items": STRING}, []),
    ({"type": "array", "items": STRING, "minItems": 2}, ["hello", "hello"]),
    ({"items": STRING}, []),
    ({"enum": ["a", "b"]}, "a"),
    ({"const": 5}, 5),
    ({"anyOf": [{"type": "integer"}, STRING]}, 1),
    ({"oneOf": [{"type": "boolean"}]}, False),
    ({"$ref": "#/$defs/a~1b", "$defs": {"a/b": {"const": 1}}}, 1),
    ({"$ref": "#"}, "hello"),
    (
        {"allOf": [{"properties": {"a": {"const": 1}}, "required": ["a"]}], "required": ["b"]},
        {"b": "hello", "a": 1},
    ),
    (
        {
            "properties": {"in": {"properties": {"x": {"type": "integer"}}, "required": ["x"]}},
            "required": ["in"],
        },
        {"in": {"x": 1}},
    ),
    ("noise", "hello"),
]


@pytest.mark.parametrize(("schema", "value"), SCHEMAS)
def test_a_schema_is_filled_with_harmless_values(schema, value):
    assert fill(schema) == value


def test_a_custom_tool_takes_text():
    assert Tool("free", {}, custom=True).arguments() == COMMAND


def test_a_schema_that_needs_itself_comes_to_an_end():
    node = {"type": "object", "properties": {"next": {"$ref": "#"}}, "required": ["next"]}
    json.dumps(fill(node))


def objects(inner):
    properties = st.dictionaries(st.text(min_size=1), inner, max_size=4)
    return properties.flatmap(
        lambda table: st.fixed_dictionaries(
            {
                "type": st.just("object"),
                "properties": st.just(table),
                "required": st.lists(st.sampled_from([*table, "unsaid"]), max_size=4),
            }
        )
    )


leaves = st.sampled_from(["string", "integer", "number", "boolean", "null"]).map(
    lambda kind: {"type": kind}
)
schemas = st.recursive(
    leaves,
    lambda inner: objects(inner) | inner.map(lambda items: {"type": "array", "items": items}),
)


def holds_what_is_required(schema, value):
    for name in schema.get("required", ()):
        assert name in value
        holds_what_is_required(schema["properties"].get(name, {}), value[name])


@given(schema=objects(schemas))
def test_filled_arguments_have_every_required_property(schema):
    holds_what_is_required(schema, json.loads(Tool("any", schema).arguments()))


words = [
    "type",
    "properties",
    "required",
    "items",
    "enum",
    "$ref",
    "anyOf",
    "allOf",
    "minItems",
    "minimum",
    "maximum",
    "minLength",
    "maxLength",
    "string",
    "object",
    "array",
    "#",
    "a",
]
noise = st.recursive(
    st.none() | st.booleans() | st.integers() | st.sampled_from(words),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(words), inner, max_size=5)
    ),
)


@given(schema=noise)
def test_a_foreign_schema_never_hurts(schema):
    json.dumps(fill(schema))
