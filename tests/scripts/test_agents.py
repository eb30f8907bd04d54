"""Trying real agents: what is played to them, how they are run, and what is said of the record."""

import json
import sys
import uuid

import pytest

from aibridge.contract import Session
from aibridge.practice import serve
from scripts.agents_runs import loops, play, steps
from scripts.agents_runs.installed import AGENTS, PROMPT, Agent, Place
from scripts.agents_runs.scenarios import ALL, Expected, Step, scenarios
from scripts.agents_runs.verdict import Recorded, Seen, differences

SCRIPT = play.script(ALL)


def test_a_wrong_token_leaves_no_record_and_that_is_said(script):
    done = script("agents", "--only", "sdk-openai", "--only", "wrong token")
    assert (done.returncode, done.stderr) == (0, "")
    assert "status 1 after" in done.stdout
    assert "right: 0 sessions" in done.stdout


def test_nothing_to_run_is_no_success(script):
    done = script("agents", "--only", "unheard of")
    assert done.returncode == 1
    assert "none of them" in done.stderr


def test_every_scenario_is_of_an_agent_there_is():
    assert {one.agent for one in scenarios()} == {agent.name for agent in AGENTS}
    names = [(one.agent, one.name) for one in scenarios()]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize(
    ("prompt", "rounds", "tool", "said"),
    [
        (play.HELLO, 0, "*", "I will run a command."),
        (play.DELEGATE, 0, "*agent", "I will do it."),
        (play.DELEGATE, 2, None, "The other agent has done it."),
        (play.FILL, 1, None, "It ran."),
        (play.WAIT, 0, "*", "I will do it."),
        ("Your task is to create a detailed summary", 0, None, "<analysis>"),
        ("Create a handoff summary for another LLM", 0, None, "<analysis>"),
    ],
)
def test_the_words_of_a_prompt_choose_what_is_played(prompt, rounds, tool, said):
    parts = SCRIPT.choose(prompt, rounds).parts
    assert next((part.tool for part in parts if part.tool), None) == tool
    assert next(part.text for part in parts if part.text).startswith(said)


def test_each_agent_has_failures_of_its_own():
    turns = {SCRIPT.choose(play.OVERLOADED.format(agent=name), 0) for name in ALL}
    assert len(turns) == len(ALL)
    assert all(turn.error and turn.error.times for turn in turns)


@pytest.mark.parametrize(("vendor", "path"), [("anthropic", ""), ("openai", "/v1")])
def test_a_vendors_loop_goes_on_where_it_was(vendor, path, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with serve(SCRIPT) as practice:
        monkeypatch.setenv(f"{vendor.upper()}_BASE_URL", practice.url + path)
        monkeypatch.setenv(f"{vendor.upper()}_API_KEY", "k")
        for prompt in (play.HELLO, play.AGAIN):
            monkeypatch.setattr(sys, "argv", ["loops.py", vendor, prompt])
            loops.main()
        assert len(practice.requests) == 4
        last = json.loads(practice.requests[-1].body)["messages"]
    assert [each["content"] for each in last if each["content"] in (play.HELLO, play.AGAIN)] == [
        play.HELLO,
        play.AGAIN,
    ]


@pytest.fixture
def place(tmp_path):
    for name in ("home", "work"):
        (tmp_path / name).mkdir()
    return Place(tmp_path / "home", tmp_path / "work", "http://127.0.0.1:1", "token")


def pretending(code):
    """An agent that is a Python program."""
    words = (sys.executable, "-c", code)
    return Agent("pretended", lambda place: {"TOKEN": place.token}, (*words, PROMPT), words)


def test_a_step_says_what_the_agent_printed_and_how_it_ended(place):
    code = "import os, sys; print(os.environ['TOKEN'], *sys.argv[1:]); sys.exit(3)"
    outcome = steps.run(pretending(code), Step("hi", ("--more",)), place, "", later=False)
    assert (outcome.status, outcome.output) == (3, "token hi --more\n")


def test_an_agent_is_interrupted_once_its_tool_runs(place):
    code = """
import pathlib, signal
signal.signal(signal.SIGINT, lambda *_: exit("interrupted"))
pathlib.Path("started").touch()
signal.pause()
"""
    step = Step("hi", interrupted=True)
    outcome = steps.run(pretending(code), step, place, "", later=True)
    assert (outcome.status, outcome.output) == (1, "interrupted\n")


def test_a_message_is_queued_while_the_tool_runs(place, monkeypatch):
    monkeypatch.setattr(steps, "QUEUE_SECONDS", 0)
    code = """
import json, pathlib, sys
said = [json.loads(sys.stdin.readline())["message"]["content"]]
pathlib.Path("started").touch()
said.append(json.loads(sys.stdin.readline())["message"]["content"])
print(*said, sys.argv[1:], sys.stdin.read())
"""
    outcome = steps.run(pretending(code), Step("hi", queued="you"), place, "", later=False)
    assert outcome.output == "hi you [] \n"
    assert (place.work / play.GO_ON).exists()


def test_an_agent_that_does_not_end_is_ended(place, monkeypatch):
    monkeypatch.setattr(steps, "LIMIT_SECONDS", 0.2)
    code = "import signal; signal.pause()"
    outcome = steps.run(pretending(code), Step("hi"), place, "", later=False)
    assert outcome.status is None


def session(last_prompt):
    user = {"id": str(uuid.uuid4()), "username": "ana", "name": "", "avatar_url": ""}
    counts = dict.fromkeys(
        ("input_tokens", "output_tokens", "cache_read_input_tokens", "cache_write_input_tokens"), 0
    )
    moment = "2026-01-01T00:00:00Z"
    return Session.model_validate(
        {
            "id": "s",
            "initiator": user,
            "providers": [],
            "models": [],
            "client": None,
            "metadata": {},
            "started_at": moment,
            "last_active_at": moment,
            "threads": 1,
            "token_usage_summary": counts,
            "last_prompt": last_prompt,
        }
    )


WANTED = Expected(("one", "two"), frozenset({"subagent"}))
TYPED = [("typed", "one"), ("subagent", "task"), ("typed", "two")]
ONE, TASK, TWO = Seen("one"), Seen("task", "subagent", linked=True), Seen("two")


@pytest.mark.parametrize(
    ("recorded", "wrong"),
    [
        (Recorded([session("two")], TYPED, [ONE, TASK, TWO]), []),
        (Recorded([session("two")], [*TYPED, ("side_call", "x")], [ONE, TASK, TWO]), []),
        (Recorded([session("two")], TYPED, [ONE, Seen("x", "side_call"), TASK, TWO]), []),
        (
            Recorded([session("two")], [("typed", text) for _, text in TYPED], [ONE, TWO]),
            ["typed prompts", "kinds"],
        ),
        (Recorded([session("two")] * 2, TYPED, [ONE, TWO]), ["sessions"]),
        (Recorded([session("task")], TYPED, [ONE, Seen(None), TWO]), ["threads", "last prompt"]),
        (
            Recorded([session("two")], TYPED, [ONE, Seen("task", "subagent"), TWO]),
            ["threads without a parent"],
        ),
        (Recorded([], [], []), ["sessions", "typed prompts", "threads", "kinds", "last prompt"]),
    ],
)
def test_each_difference_is_named(recorded, wrong):
    assert [text.partition(":")[0] for text in differences(WANTED, recorded, 1.0)] == wrong
    assert recorded.summary().startswith(f"{len(recorded.sessions)} sessions")


def test_a_prompt_after_an_interruption_is_linked_to_the_one_before():
    wanted = Expected(("one", "two"), linked=True)
    prompts = [("typed", "one"), ("typed", "two")]
    apart = Recorded([session("two")], prompts, [ONE, TWO])
    (text,) = differences(wanted, apart, 1.0)
    assert text == "threads without a parent: expected [], recorded ['two']"
    linked = Recorded([session("two")], prompts, [ONE, Seen("two", linked=True)])
    assert not [*differences(wanted, linked, 1.0)]


def test_an_agent_that_retries_a_wrong_token_for_long_is_named():
    nothing = Recorded([], [], [])
    soon = Expected(sessions=0, soon=True)
    assert not [*differences(soon, nothing, 3.0)]
    (text,) = differences(soon, nothing, 90.0)
    assert text.startswith("time:")
