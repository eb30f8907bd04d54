"""What is indexed of an interception."""

import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from aibridge.store.schema.rows import TextRow
from aibridge.store.search.texts import MAX_TEXT, has_word, text_row
from tests.words import TEXTS, words


@pytest.mark.parametrize(
    ("prompt", "tools", "expected"),
    [
        ("Hi.", [], ("Hi.", "")),
        ("", [("bash", "{}")], ("", "bash {}")),
        ("Hi.", [("bash", ""), ("read", "a.txt")], ("Hi.", "bash  read a.txt")),
        ("x" * MAX_TEXT + "y", [("bash", "x" * MAX_TEXT)], ("x" * MAX_TEXT, f"bash {'x' * 65531}")),
        (
            "",
            [("a", "x" * 40_000), ("b", "y" * 40_000)],
            ("", f"a {'x' * 40_000} b {'y' * 25_531}"),
        ),
    ],
    ids=["prompt", "tool", "both", "long", "long tools"],
)
def test_prompt_and_tools_are_two_bounded_texts(prompt, tools, expected):
    row = text_row("i", 7, prompt=prompt, tools=tools)
    assert row is not None
    assert row == ("i", 7, *expected, "")
    assert len(row.tool) <= MAX_TEXT == 65_536


def test_without_any_text_there_is_no_row():
    assert text_row("i", 7) is None
    assert text_row("i", 7, prompt="", tools=[], error=("", "")) is None


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (("server_error", "Oops"), "server_error Oops"),
        (("", "Oops"), "Oops"),
        (("x" * MAX_TEXT, "y"), "x" * MAX_TEXT),
    ],
)
def test_an_error_is_one_bounded_text(error, expected):
    assert text_row("i", 7, error=error) == TextRow("i", 7, "", "", expected)


def arguments(text: str) -> str:
    row = text_row("i", 7, tools=[("bash", text)])
    assert row is not None
    return row.tool.removeprefix("bash ")


@given(TEXTS | st.text(), st.booleans())
@example("a\nb\\nc\\\\nd", True)
@example("\U0001d400\U0001f600", True)
@example("\\u0041 \u0001", True)
def test_the_words_of_json_are_those_it_stands_for(text, ascii_only):
    argument = json.dumps({"a b": [text]}, ensure_ascii=ascii_only)
    assert runs(arguments(argument)) == ["a", "b", *runs(text)]
    assert arguments(json.dumps([text], ensure_ascii=ascii_only)).encode()


def runs(text: str) -> list[str]:
    """Return the runs of letters and digits."""
    return "".join(each if each.isalnum() else " " for each in text).split()


@pytest.mark.parametrize("text", [r"\new C:\temp", r'"\n"', r"*** Update File: a\u0041", "a\nb"])
def test_other_arguments_stay_as_they_are(text):
    assert arguments(text) == text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (r'{"a":"\ud83d\ude00 \ud835\udc00"}', '{"a":"\U0001f600 \U0001d400"}'),
        (r'{"a":"\ud83d \udc00x"}', '{"a":"\ufffd \ufffdx"}'),
        (r'{"a":"\u00', r'{"a":"\u00'),
        (r'{"a":"\u0000b"}', '{"a":"\0b"}'),
    ],
)
def test_half_a_surrogate_pair_is_no_text(text, expected):
    assert arguments(text) == expected


@pytest.mark.parametrize("text", ["a", "*a*", "'9'", "日本", "é", "-x-", "\0a", "٢"])
def test_letters_and_digits_make_words(text):
    assert has_word(text)
    assert words(text)


@pytest.mark.parametrize("text", ["", " ", "*", '"', "\0", "😀", "\u0301", "_", "%", "\ud800"])
def test_all_else_makes_none(text):
    assert not has_word(text)
