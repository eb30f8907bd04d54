import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aibridge.practice.filling import fill
from aibridge.practice.tools import COMMAND, Tool

GIVEN = {"command": "ls", "cmd": "ls", "prompt": "Look", "message": "Look", "kind": "general"}
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
    ({"type": "string", "minLength": -(10**30)}, "hello"),
    ({"type": "string", "maxLength": 10**30}, "hello"),
    ({"type": ["null", "integer"]}, 1),
    ({"type": "number", "minimum": 2.5}, 2.5),
    ({"type": "integer", "maximum": -3}, -3),
    ({"type": "integer", "minimum": 1e30}, int(1e30)),
    ({"type": "boolean"}, False),
    ({"type": "null"}, None),
    ({"type": "array", "items": STRING}, []),
    ({"type": "array", "items": STRING, "minItems": 2}, ["hello", "hello"]),
    ({"type": "array", "items": STRING, "minItems": -(10**30)}, []),
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
    assert json.loads(Tool("shell", schema).arguments()) == value


GIVEN_IN = [
    ({"properties": {"prompt": STRING, "kind": STRING}}, {"prompt": "Look"}),
    ({"properties": {"message": STRING, "kind": STRING}, "required": ["kind"]},
     {"message": "Look", "kind": "general"}),
    ({"properties": {"kind": {"enum": ["odd", "general"]}}, "required": ["kind"]},
     {"kind": "general"}),
    ({"properties": {"kind": {"enum": ["odd", "even"]}}, "required": ["kind"]}, {"kind": "odd"}),
    ({"properties": {"cmd": {"type": "array", "items": STRING}}}, {"cmd": ["bash", "-lc", "ls"]}),
    ({"properties": {"command": {"type": "array", "items": OBJECT}}}, {"command": []}),
    ({"properties": {"script": STRING}}, {}),
]  # fmt: skip


@pytest.mark.parametrize(("schema", "value"), GIVEN_IN)
def test_what_is_given_is_filled_in_by_name(schema, value):
    assert fill(schema, GIVEN) == value


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
