import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aibridge.dialects.facts import Prompt, PromptKind, typed
from aibridge.dialects.prompts import gather, prompts_in
from aibridge.dialects.prompts.tables import (
    AUTOMATED,
    BEGINNINGS,
    INJECTED,
    TEMPLATES,
    TYPED,
    WRAPPED,
)

AUTOMATION, SUMMARY = PromptKind.AUTOMATION, PromptKind.SUMMARY


def prompt(texts):
    return typed(prompts_in(texts))


@pytest.mark.parametrize("tag", INJECTED)
def test_an_injected_block_is_not_typed(tag):
    block = f"<{tag}>\nsome <b>context</b>\n</{tag}>"
    assert prompt([block]) is None
    assert prompt([f"{block}\n\nwhat I typed"]) == "what I typed"
    assert prompt([f"what I typed\n\n{block}\n"]) == "what I typed"
    assert prompt([f"{block}{block} what I typed {block}"]) == "what I typed"
    assert prompt([block, "what I typed"]) == "what I typed"
    assert prompt([f"what is {block} for?"]) == f"what is {block} for?"


@pytest.mark.parametrize("tag", sorted(AUTOMATED))
def test_news_for_the_agent_is_kept(tag):
    block = f"<{tag}>\nit has ended\n</{tag}>"
    assert prompts_in([f"{block}\nand now?"]) == [
        Prompt("it has ended", AUTOMATION),
        Prompt("and now?"),
    ]


@pytest.mark.parametrize("tag", TYPED)
def test_the_inside_of_a_wrapper_is_typed(tag):
    around = f"<attachments>a</attachments>\n<context>b</context>\n<{tag}>\nwhat I typed\n</{tag}>"
    assert prompt([around]) == "what I typed"
    assert prompt([f"<reminder>x</reminder>{around}<reminder>x</reminder>"]) == "what I typed"
    mention = f"what does <{tag}>x</{tag}> mean?"
    assert prompt([mention]) == mention
    strange = f"<secret>mine</secret><{tag}>x</{tag}>"
    assert prompt([strange]) == strange


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("<command-name>/a</command-name> and this", "/a\nand this"),
        (
            "<command-name>/a</command-name>\n<command-args>b <c></command-args>\nand this",
            "/a b <c>\nand this",
        ),
        ("<command-name>/a</command-name>\n<skill-format>true</skill-format>", "/a"),
        ("<bash-input>ls</bash-input> and this", "! ls\nand this"),
        ("<user_query>a</user_query> and this", "a\nand this"),
        ("<context>x</context><userRequest>a</userRequest>\nand this", "a\nand this"),
    ],
)
def test_what_follows_a_wrapper_is_typed_too(text, words):
    assert prompt([text]) == words


def test_what_follows_a_notice_of_an_interruption_is_typed():
    notice = "[Request interrupted by user for tool use]"
    assert prompts_in([notice]) == [Prompt(notice, AUTOMATION)]
    assert prompts_in([f"{notice}\nno, the other"]) == [
        Prompt(notice, AUTOMATION),
        Prompt("no, the other"),
    ]


@pytest.mark.parametrize("tag", WRAPPED)
def test_a_wrapper_counts_if_it_is_around_all_of_a_text(tag):
    details = "<environment_details>x</environment_details>"
    assert prompt([f"<{tag}>\nwhat I typed\n</{tag}>\n\n{details}"]) == "what I typed"
    more = f"<{tag}>sum up</{tag}> and this too"
    assert prompt([more]) == more


@pytest.mark.parametrize(("begin", "kind"), BEGINNINGS.items())
def test_what_an_agent_writes_as_a_whole_is_not_typed(begin, kind):
    text = begin + " and more"
    assert prompts_in([text]) == ([] if kind is None else [Prompt(text, kind)])
    assert prompt([f"What is this: {begin}"]) == f"What is this: {begin}"


@pytest.mark.parametrize("template", TEMPLATES)
def test_a_task_is_taken_out_of_its_template(template):
    around = f"{template.before}what I\ntyped{template.after}"
    assert prompt([around + ("\nand rules" if template.after else "")]) == "what I\ntyped"


QUEUED = "The user sent a new message while you were working:\nstop\n\nthe tests"

REMINDED = """<system-reminder>
The user sent the following message:
stop

Please address this message and continue with your tasks.
</system-reminder>"""
SHELL = """<user_shell_command>
<command>
ls -l
</command>
<result>x</result>
</user_shell_command>"""


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
        (["<bash-input>ls -l</bash-input>"], "! ls -l"),
        (["<command-name>cut"], "<command-name>cut"),
        (["Look at it", "[Image: source: /home/ana/1.png]"], "Look at it"),
        (["[Image: original 90x90, displayed at 45x45.] [Image: source: /a]"], None),
        (["[Image: mine] is what I mean"], "[Image: mine] is what I mean"),
        (["Look", "<image name=[Image #1]>", "</image>"], "Look"),
        ([QUEUED], "stop\n\nthe tests"),
        ([f"{QUEUED}\n\nThis is how Claude Code surfaces messages the…"], "stop\n\nthe tests"),
        ([f"{QUEUED}\n\nIMPORTANT: After completing your current task…"], "stop\n\nthe tests"),
        ([REMINDED], "stop"),
        ([SHELL], "! ls -l"),
        (["Observation:\nran\nError:\nOh\n\nNew task:\nOnce more"], "Once more"),
        (["[read_file for 'a.py'] Result:\ntext", "<feedback>\nno\n</feedback>"], "no"),
        (["Observation: the login page is slow"], "Observation: the login page is slow"),
    ],
)  # fmt: skip
def test_what_was_typed(texts, expected):
    assert prompt(texts) == expected


def command(name, args=""):
    tags = {"message": "x", "name": name, "args": args}
    return "\n".join(f"<command-{tag}>{text}</command-{tag}>" for tag, text in tags.items())


def test_a_command_is_a_prompt_of_its_own_and_what_it_expanded_to_is_the_agents():
    assert prompts_in([command("/review", "the parser"), "Look at all…", "be quick"]) == [
        Prompt("/review the parser"),
        Prompt("Look at all…", AUTOMATION),
        Prompt("be quick"),
    ]


@pytest.mark.parametrize(
    "around",
    [
        lambda text: ["<local-command-caveat>x</local-command-caveat>", text],
        lambda text: [text, "<local-command-stdout>Compacted</local-command-stdout>"],
    ],
)
def test_a_command_that_goes_to_no_model_expands_to_nothing(around):
    assert prompts_in([*around(command("/compact")), "once more"]) == [
        Prompt("/compact"),
        Prompt("once more"),
    ]


def test_what_stands_before_a_summary_was_sent_before():
    summary = Prompt("Another language model…", SUMMARY)
    found = gather([[Prompt("old")], [summary], [Prompt("new")]])
    assert found == (Prompt("old", SUMMARY), summary, Prompt("new"))


def test_many_prompts_are_joined_and_none_is_lost():
    found = gather([[Prompt(str(number))] for number in range(200)])
    assert typed(found) == "\n".join(map(str, range(200)))
    assert len(found) == 1


@given(st.text(alphabet="</>reminduqy_ \nx", max_size=80))
def test_any_text_is_taken(text):
    assert sum(len(each.text) for each in prompts_in([text])) <= len(text) + 2


@given(st.lists(st.text(max_size=40), max_size=3))
def test_plain_words_are_never_lost(texts):
    words = [f"please {text.replace('<', '')}" for text in texts]
    assert prompt(words) == ("\n".join(words) if words else None)


@pytest.mark.parametrize(
    "piece",
    [
        "<reminder></reminder>",
        "<reminder>",
        "</reminder>",
        "<command-name>",
        "<user_query>",
        " <",
        "[Image: x]",
        "[Image: ",
        "<image",
        "New task:\n",
        "<task>",
        "The user sent the following message:\n",
    ],
)
def test_hostile_texts_take_no_longer_than_long_ones(piece):
    begun = time.perf_counter()
    for start in ("", "<b>", "<system-reminder>", "Observation:\n"):
        prompts_in([start + piece * 50_000 + ">"])
    assert time.perf_counter() - begun < 5
