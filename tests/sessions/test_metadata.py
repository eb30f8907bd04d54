import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic_core import to_json

from aibridge.sessions.metadata import MAX_DEPTH, flatten, read_object, read_texts


def nested(depth: int) -> str:
    return '{"a":' * depth + "1" + "}" * depth


@pytest.mark.parametrize("text", ["", "null", "[]", "3", "{", "nonsense", '"x"'])
def test_what_is_no_object_reads_as_an_empty_one(text: str) -> None:
    assert read_object(text) == {}


def test_an_object_nested_deeper_than_can_be_shown_reads_as_empty() -> None:
    assert read_object(nested(MAX_DEPTH)) != {}
    assert read_object(nested(MAX_DEPTH + 1)) == {}
    assert read_object(nested(100_000)) == {}


def test_many_brackets_side_by_side_are_not_deep() -> None:
    wide: dict[str, Any] = {"list": [[] for _ in range(1000)]}
    assert read_object(json.dumps(wide)) == wide


def test_half_a_character_reads_as_a_question_mark() -> None:
    assert read_object(r'{"a": "x\ud800"}') == {"a": "x?"}
    assert read_object(r'{"a": "\ud83d\ude00"}') == {"a": "\U0001f600"}


def test_an_endless_number_does_not_stop_the_reading() -> None:
    assert read_object('{"a": ' + "9" * 5000 + "}") == {}


@pytest.mark.parametrize(
    ("text", "texts"),
    [('["a", "b"]', ["a", "b"]), ("[]", []), ("{}", []), ("x", []), ('[{"a": 1}]', ['{"a": 1}'])],
)
def test_lists_of_texts(text: str, texts: list[str]) -> None:
    assert read_texts(text) == texts


@given(st.text() | st.recursive(st.none() | st.floats() | st.text(), st.lists).map(json.dumps))
def test_whatever_stands_in_the_column_can_be_answered(text: str) -> None:
    to_json([read_object(text), read_texts(text)], inf_nan_mode="null")


def test_integers_add_up_under_dotted_names() -> None:
    usage = {"usage": {"a": 1, "deep": {"b": 2}}, "c": 3}
    assert flatten([usage, usage]) == {"usage.a": 2, "usage.deep.b": 4, "c": 6}


@pytest.mark.parametrize("value", ["7", True, None, [1, 2], 0.5, float("nan"), 2**63, {}])
def test_what_is_no_counter_is_left_out(value: object) -> None:
    assert flatten([{"a": value, "b": 1}]) == {"b": 1}


def test_a_whole_number_written_with_a_point_counts() -> None:
    assert flatten([{"a": 2.0}, {"a": 1}]) == {"a": 3}


def test_nothing_gives_an_empty_object() -> None:
    assert flatten([]) == {}


LEAVES: Any = st.integers(-1000, 1000) | st.text() | st.booleans() | st.none()
KEYS = st.sampled_from(["a", "b", "a.b", ""])
OBJECTS = st.dictionaries(KEYS, LEAVES | st.dictionaries(KEYS, LEAVES | st.just({"c": 1})))


@given(st.lists(OBJECTS))
def test_the_sum_of_all_is_the_sum_of_each(objects: list[dict[str, Any]]) -> None:
    each = sum(sum(flatten([item]).values()) for item in objects)
    assert sum(flatten(objects).values()) == each
