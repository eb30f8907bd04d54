"""Starting an agent with a prompt, and ending it whatever it does."""

import json
import os
import signal
import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from scripts.agents_runs.installed import PROMPT, Agent, Place
from scripts.agents_runs.play import GO_ON, STARTED
from scripts.agents_runs.scenarios import Step

LIMIT_SECONDS = 90.0
TOOL_SECONDS = 30.0
LOOK_SECONDS = 0.1
QUEUE_SECONDS = 1.0
_KEPT_VARIABLES = ("LANG", "LC_ALL", "TERM", "USER", "PYTHONPATH")


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a step ended: the exit status (none if it had to be ended), the time, the last words."""

    command: str
    status: int | None
    seconds: float
    output: str


def run(agent: Agent, step: Step, place: Place, path: str, *, later: bool) -> Outcome:
    """Run one step; it is ended when its time is over, with all that it has started."""
    words = _words(agent, step, place, later=later)
    began = time.monotonic()
    with subprocess.Popen(
        words,
        cwd=place.work,
        env=_environment(agent, place, path),
        stdin=subprocess.PIPE if step.queued else subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        start_new_session=True,
    ) as process:
        try:
            output, status = _attended(process, step, place)
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
    return Outcome(" ".join(words), status, time.monotonic() - began, output)


def _words(agent: Agent, step: Step, place: Place, *, later: bool) -> list[str]:
    """Word the command; a prompt that goes to the input is no word of it."""
    texts = {PROMPT: step.prompt}
    words = [texts.get(word, word) for word in (agent.later if later else agent.first)]
    words = [word.replace("{home}", str(place.home)) for word in words]
    if step.queued:
        words.remove(step.prompt)
    return [*words, *step.words]


def _environment(agent: Agent, place: Place, path: str) -> dict[str, str]:
    """Return an environment in which nothing of the caller's own agents is."""
    kept = {name: os.environ[name] for name in _KEPT_VARIABLES if name in os.environ}
    own = {"HOME": str(place.home), "PATH": path, "NO_COLOR": "1"}
    return {**kept, **own, **agent.configure(place)}


def _attended(process: subprocess.Popen[str], step: Step, place: Place) -> tuple[str, int | None]:
    if step.queued:
        _say(process, step.prompt)
    if step.interrupted or step.queued:
        _await_tool(process, place.work)
    if step.interrupted:
        process.send_signal(signal.SIGINT)
    if step.queued:
        _say(process, step.queued)
        time.sleep(QUEUE_SECONDS)  # until it has read that, of which it gives no sign
        (place.work / GO_ON).touch()
    try:
        return process.communicate(timeout=LIMIT_SECONDS)[0], process.returncode
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        return process.communicate()[0], None


def _say(process: subprocess.Popen[str], text: str) -> None:
    message = {"type": "user", "message": {"role": "user", "content": text}}
    if process.stdin is None:
        return
    with suppress(BrokenPipeError):  # it has ended, and its status says so
        process.stdin.write(json.dumps(message) + "\n")
        process.stdin.flush()


def _await_tool(process: subprocess.Popen[str], work: Path) -> None:
    end = time.monotonic() + TOOL_SECONDS
    while not (work / STARTED).exists() and process.poll() is None and time.monotonic() < end:
        time.sleep(LOOK_SECONDS)
