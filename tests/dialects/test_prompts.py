import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aibridge.dialects.prompts import INJECTED, NOT_TYPED, TYPED, prompt, typed


@pytest.mark.parametrize("tag", INJECTED)
def test_an_injected_block_is_not_typed(tag):
    block = f"<{tag}>\nsome <b>context</b>\n</{tag}>"
    assert prompt([block]) is None
    assert prompt([f"{block}\n\nwhat I typed"]) == "what I typed"
    assert prompt([f"what I typed\n\n{block}\n"]) == "what I typed"
    assert prompt([f"{block}{block} what I typed {block}"]) == "what I typed"
    assert prompt([block, "what I typed"]) == "what I typed"
    assert prompt([f"what is {block} for?"]) == f"what is {block} for?"


@pytest.mark.parametrize("tag", TYPED)
def test_the_inside_of_a_wrapper_is_typed(tag):
    around = f"<attachments>a</attachments>\n<context>b</context>\n<{tag}>\nwhat I typed\n</{tag}>"
    assert prompt([around]) == "what I typed"
    assert prompt([f"<reminder>x</reminder>{around}<reminder>x</reminder>"]) == "what I typed"
    mention = f"what does <{tag}>x</{tag}> mean?"
    assert prompt([mention]) == mention


@pytest.mark.parametrize("text", NOT_TYPED)
def test_what_an_agent_writes_as_a_whole_is_not_typed(text):
    assert prompt([text + " and more"]) is None


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (["hi"], "hi"),
        (["  hi\n"], "  hi\n"),
        (["one", "two"], "one\ntwo"),
        (['"Run echo please"'], '"Run echo please"'),
        ([], None),
        (["", " \n"], None),
        (["<context>mine</context> question"], "<context>mine</context> question"),
        (["<system-reminder>never closed"], "<system-reminder>never closed"),
        (["a > b"], "a > b"),
        (
            ["# AGENTS.md instructions for /src\n\n<INSTRUCTIONS>\nbe kind\n</INSTRUCTIONS>"],
            None,
        ),
        (['<environment_context v="1">x</environment_context>'], None),
        (
            ["<current_datetime>2026-11-22T19:43:34Z</current_datetime>\n\nRun echo please"],
            "Run echo please",
        ),
        (
            [
                "<command-name>/review</command-name>\n<command-args>the parser</command-args>",
            ],
            "/review the parser",
        ),
        (["<command-name>/clear</command-name>\n<command-args></command-args>"], "/clear"),
        (["<bash-input>ls -l</bash-input>"], "! ls -l"),
        (["<command-name>cut"], "<command-name>cut"),
    ],
)
def test_what_was_typed(texts, expected):
    assert prompt(texts) == expected


@given(st.text(alphabet="</>reminduqy_ \nx", max_size=80))
def test_any_text_is_taken(text):
    assert len(typed(text)) <= len(text) + 2


@pytest.mark.parametrize(
    "piece",
    ["<reminder></reminder>", "<reminder>", "</reminder>", "<command-name>", "<user_query>", " <"],
)
def test_hostile_texts_take_no_longer_than_long_ones(piece):
    begun = time.perf_counter()
    typed(piece * 50_000)
    typed("<b>" + piece * 50_000 + ">")
    assert time.perf_counter() - begun < 5
