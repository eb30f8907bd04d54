import json
import time

import pytest

from aibridge.dialects.facts import Prompt
from aibridge.dialects.prompts import words_in_result

REFUSED = (
    "The user doesn't want to proceed with this tool use. The tool use was rejected (eg. if it was "
    "a file edit, the new_string was NOT written to the file). "
)
REMINDER = (
    "<system-reminder>\nThe user sent the following message:\nstop it\n\n{}</system-reminder>"
)


@pytest.mark.parametrize(
    ("result", "words"),
    [
        ("ran", []),
        ("The user said so in a file.", []),
        ("A log:\nthe user said: hello\nUser feedback: great", []),
        (REFUSED + "STOP what you are doing and wait for the user.", []),
        (REFUSED + "To tell you how, the user said:\nuse the\nother one", "use the\nother one"),
        (
            REFUSED + "To tell you how, the user said:\nno\n\nNote: The user's next message may "
            "contain a correction.",
            "no",
        ),
        ("Permission for this tool use was denied. The user said:\nnot there", "not there"),
        (
            REFUSED + "To tell you how to proceed, the user said:\nThe user wants to clarify these "
            'questions.\n\n    Questions asked:\n- "Which?"\n  Answer: The red one\n- "Why?"\n'
            "  (No answer provided)",
            "The red one",
        ),
        (
            'Your questions have been answered: "Which?"="The red", "Why?"="It, is; warm". You…',
            "The red\nIt, is; warm",
        ),
        (
            'User has answered your questions: "Which one?"="Red". You can now continue with…',
            "Red",
        ),
        ('The user answered: "Which?"="None of them". Read the answers carefully', "None of them"),
        ("User has provided the following answers:\n\n**Colour**: red", "**Colour**: red"),
        ("User responded: the blue one", "the blue one"),
        (
            "The user rejected permission to use this with the following feedback: not in main",
            "not in main",
        ),
        (
            "Denied; the user provided the following feedback:\n<feedback>\nno\n</feedback>",
            "no",
        ),
        ("<answer>\nred\n</answer>", "red"),
        (json.dumps({"answers": {"colour": {"answers": ["red", "warm"]}}}), "red\nwarm"),
        ("ok\n\n" + REMINDER.format("Please address this message and continue"), "stop it"),
        ("x" * 1_000_000 + REMINDER.format(""), "stop it"),
        (REFUSED + "The user said: not there", "not there"),
        (
            REFUSED + "The user provided the following reason for the rejection:  not there",
            "not there",
        ),
        ("The user rejected this tool call. User feedback: not there", "not there"),
        (
            'Your questions have been answered: "Which?"="Red" user notes: a dark one. You can now',
            "Red\na dark one",
        ),
        ("x" * 60_000 + REMINDER.format(""), "stop it"),
        ("The user sent the following message:\nno reminder", []),
    ],
)  # fmt: skip
@pytest.mark.parametrize("shape", [str, lambda text: [{"type": "text", "text": text}]])
def test_the_persons_words_in_a_result(result, words, shape):
    raw = json.dumps(shape(result)).encode()
    assert words_in_result(raw) == ([Prompt(words)] if words else [])


@pytest.mark.parametrize("raw", [b"", b"null", b'"the user said:', b'{"answers":', b"[1]", b"\xff"])
def test_any_result_is_taken(raw):
    assert words_in_result(raw) == []


@pytest.mark.parametrize(
    "piece",
    [
        "<answer>",
        "<system-reminder>The user sent the following message:\n",
        '"="',
        '"=""="',
        "the user said:\n",
        "  Answer: ",
        "<system-reminder>" + " " * 50,
    ],
)
def test_hostile_results_take_no_longer_than_long_ones(piece):
    begun = time.perf_counter()
    for start in ("he user answered: ", "<answer>", "The user sent "):
        words_in_result(json.dumps(start + piece * 50_000).encode())
    assert time.perf_counter() - begun < 5
