from pathlib import Path

import pytest

from aibridge.practice import (
    DEFAULT,
    Failure,
    Part,
    Script,
    ScriptError,
    Turn,
    Usage,
    load,
    parse,
)

WEATHER = """
models = ["claude-opus-4-8"]

[[turn]]
when = "weather"
parts = [
  { thinking = "Rain, perhaps." },
  { text = "Let me look." },
  { tool = "Bash", arguments = { command = "curl wttr.in" } },
  { tool = "*" },
]
usage = { input = 7, output = 5, cache_read = 100, cache_write = 20 }
delay = 0.5
pause = 0
chunk = 3

[[turn]]
when = "weather"
parts = [{ text = "It rains." }]
stop_reason = "max_tokens"
break_after = 3
encoding = "zstd"

[[turn]]
error = { status = 529, type = "overloaded_error", headers = { retry-after = "1" }, times = 2 }
"""


def test_a_script_in_toml_says_what_one_in_python_says():
    first, second, third = parse(WEATHER).turns
    assert first.parts == (
        Part(thinking="Rain, perhaps."),
        Part(text="Let me look."),
        Part(tool="Bash", arguments={"command": "curl wttr.in"}),
        Part(tool="*"),
    )
    assert (first.usage.input, first.usage.cache_write) == (7, 20)
    assert (first.delay, first.pause, first.chunk) == (0.5, 0, 3)
    assert (second.stop_reason, second.break_after, second.encoding) == ("max_tokens", 3, "zstd")
    assert third.error is not None
    assert third.error.headers == {"retry-after": "1"}


def test_a_script_is_loaded_from_a_file(tmp_path):
    path = tmp_path / "script.toml"
    path.write_text(WEATHER)
    assert load(path).models == ("claude-opus-4-8",)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "turn"),
        ("turn = []", "at least one turn"),
        ("[[turn]]", "needs parts or an error"),
        ("[[turn]]\nparts = [{}]", "exactly one"),
        ("[[turn]]\nparts = [{ text = 'a', tool = 'b' }]", "exactly one"),
        ("[[turn]]\nparts = [{ text = 'a', arguments = {} }]", "belong to a tool"),
        ("[[turn]]\nparts = [{ text = 'a', task = 'b' }]", "belongs to a tool"),
        ("[[turn]]\nparts = [{ tool = 'a', task = 'b', arguments = {} }]", "without arguments"),
        ("[[turn]]\nparts = [{ text = 'a' }]\nchunk = 0", "chunk"),
        ("[[turn]]\nparts = [{ text = 'a' }]\ntypo = 0", "typo"),
        ("[[turn]]\nparts = [{ text = 'a' }]\nencoding = 'rar'", "rar"),
        ("[[turn", "Expected"),
    ],
)
def test_what_is_no_script_is_refused_with_the_reason(text, complaint):
    with pytest.raises(ScriptError, match=complaint):
        parse(text)


@pytest.mark.parametrize(
    ("prompt", "rounds", "said"),
    [
        ("hello", 0, "plain 1"),
        ("hello", 1, "plain 2"),
        ("hello", 9, "plain 2"),
        ("What is the Weather?", 0, "weather 1"),
        ("What is the weather?", 1, "weather 2"),
        ("please add 3 and 4", 0, "sum"),
        ("a(b", 0, "bracket"),
    ],
)
def test_the_turn_is_chosen_by_prompt_and_rounds(prompt, rounds, said):
    def turn(text, when=None):
        return Turn(parts=(Part(text=text),), when=when)

    script = Script(
        turns=(
            turn("plain 1"),
            turn("weather 1", when="weather"),
            turn("sum", when=r"add \d+ and \d+"),
            turn("bracket", when="a(b"),
            turn("weather 2", when="weather"),
            turn("plain 2"),
        )
    )
    assert script.choose(prompt, rounds).parts[0].text == said


def test_where_every_turn_waits_for_a_prompt_another_prompt_still_gets_an_answer():
    script = Script(turns=(Turn(parts=(Part(text="only"),), when="never"),))
    assert script.choose("hello", 0).parts[0].text == "only"


def test_the_script_built_in_calls_a_tool_and_then_ends():
    first, last = DEFAULT.turns
    assert first.calls_tools
    assert not last.calls_tools


@pytest.mark.parametrize("shape", [Turn, Part, Usage, Failure])
def test_every_key_of_a_script_is_in_its_page(shape):
    page = (Path(__file__).parents[2] / "docs" / "practice.md").read_text()
    assert [name for name in shape.__struct_fields__ if f"`{name}`" not in page] == []
