"""What is counted: a turn of the reference, and calls through a bridge that records them."""

import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from functools import partial
from pathlib import Path

import httpx

from scripts.benching.targets import provider, target_of, upstreams
from scripts.benching.traffic import LARGE, SMALL, Work
from scripts.counting import reference
from scripts.counting.callgrind import Callgrind, CountError
from scripts.counting.figures import Figures
from scripts.running import Bridge

KINDS = {"small": SMALL, "large": LARGE}
CALLS = {"small": 12, "large": 8}
WARM_UP_CALLS = 10
ANSWER_SECONDS = 0.3
"""How long the provider takes: by then the start of a call is written, so that its end is written
by itself. If it answered sooner the two would share a transaction now and then."""
IDLE_SECONDS = 2.0
"""How long the bridge is left alone to see what it does by itself, which is taken off."""
TURNS = 200
WARM_UP_TURNS = 20
PROCESSES = {"aibridge.keeper": "keeper", "serve": "gateway"}
"""What a process is called, by the first of these words that its command has."""
ANSWERED_SECONDS = 60.0
RECORDED_SECONDS = 30.0
POLL_SECONDS = 0.01


def count_turn(callgrind: Callgrind) -> float:
    """Return the instructions of a turn of the reference, in this Python."""
    with subprocess.Popen(
        [*callgrind.words, sys.executable, "-I", reference.__file__],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        _make_turns(process, WARM_UP_TURNS)
        taken = callgrind.count(process.pid, lambda: _make_turns(process, TURNS))
        process.communicate()
    return sum(taken.values()) / TURNS


def _make_turns(process: "subprocess.Popen[str]", turns: int) -> None:
    assert process.stdin is not None  # noqa: S101 - both are piped
    assert process.stdout is not None  # noqa: S101
    process.stdin.write(f"{turns}\n")
    process.stdin.flush()
    if not process.stdout.readline():
        raise CountError("the reference ended before its turns were made")


def count_calls(callgrind: Callgrind, home: Path) -> Figures:
    """Return the instructions of a call, by process and kind; the bridge lives in ``home``."""
    found: Figures = {}
    with provider(os.sched_getaffinity(0), delay=ANSWER_SECONDS) as port:
        bridge = Bridge(
            home, upstreams(port), variables={"PYTHONHASHSEED": "0"}, under=callgrind.words
        )
        bridge.make_owner("ana")
        with bridge.running(), closing(Calls(bridge)) as calls:
            for work in KINDS.values():
                calls.make(work, WARM_UP_CALLS)
            idle, seconds = _count(callgrind, bridge, partial(time.sleep, IDLE_SECONDS))
            rates = {process: taken / seconds for process, taken in idle.items()}
            for kind, work in KINDS.items():
                number = CALLS[kind]
                busy, seconds = _count(callgrind, bridge, partial(calls.make, work, number))
                for process, taken in busy.items():
                    for_calls = taken - rates.get(process, 0.0) * seconds
                    found.setdefault(process, {})[kind] = for_calls / number
    return found


def _count(
    callgrind: Callgrind, bridge: Bridge, work: Callable[[], None]
) -> tuple[dict[str, int], float]:
    """Return the instructions of each of the bridge's processes, by name, and the seconds."""
    started = time.monotonic()
    taken = callgrind.count(bridge.pid, work)
    return by_process(taken), time.monotonic() - started


class Calls:
    """Calls through a running bridge, each made when the one before it is on record.

    So each is written by itself: how many share a transaction would depend on the clock.
    """

    def __init__(self, bridge: Bridge) -> None:
        target = target_of(bridge)
        headers = {"content-type": "application/json", **target.headers}
        self._client = httpx.Client(base_url=bridge.url, headers=headers, trust_env=False)
        self._path = target.path
        self._file = sqlite3.connect(bridge.database)
        self._made = 0

    def make(self, work: Work, number: int) -> None:
        """Make a number of calls. Raises `CountError` when one fails or is not put on record."""
        path, body = self._path.format(answer=work.answer), work.body
        for _ in range(number):
            answer = self._client.post(path, content=body, timeout=ANSWERED_SECONDS)
            if not answer.is_success:
                raise CountError(f"a call was answered with {answer.status_code}: {answer.text}")
            self._made += 1
            self._wait()

    def close(self) -> None:
        """Close what leads to the bridge and its database."""
        self._client.close()
        self._file.close()

    def _wait(self) -> None:
        """Return when all calls are on record."""
        give_up = time.monotonic() + RECORDED_SECONDS
        while (recorded := self._recorded()) != self._made:
            if time.monotonic() > give_up:
                raise CountError(f"{recorded} of {self._made} calls are on record")
            time.sleep(POLL_SECONDS)

    def _recorded(self) -> int:
        query = "SELECT count(*) FROM interceptions WHERE ended_at IS NOT NULL"
        return int(self._file.execute(query).fetchone()[0])


def by_process(taken: Mapping[str, int]) -> dict[str, int]:
    """Return instructions by the names of processes instead of their commands.

    Raises `CountError` for a command of none of the `PROCESSES`.
    """
    named: dict[str, int] = {}
    for command, instructions in taken.items():
        name = next((name for word, name in PROCESSES.items() if word in command.split()), None)
        if name is None:
            raise CountError(f"PROCESSES has no name for this one: {command}")
        named[name] = named.get(name, 0) + instructions
    return named
