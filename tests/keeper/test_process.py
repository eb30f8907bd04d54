"""The keeper as a process: no call holds up the others, and a bridge has one while it lives."""

import os
import select
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import msgspec
import pytest
from structlog.testing import capture_logs

from aibridge.keeper import supervisor as module
from aibridge.keeper.marker import ATTEMPTS
from aibridge.keeper.settings import KeeperSettings, keeper_settings
from aibridge.keeper.supervisor import KeeperProcess
from aibridge.settings import load
from tests.bridge import LOOK_SECONDS
from tests.databases import address
from tests.keeper.journals import answer
from tests.wire import PATIENCE

ENGINES = ("sqlite",)
HOSTILE = """
from threading import Event
from aibridge.dialects import messages
from aibridge.keeper import bounds

bounds.SECONDS, bounds.CPU_SECONDS = 1.0, 0.3

def hostile(read):
    def reading(body, *more):
        if b"hangs" in body:
            Event().wait()
        if b"eats memory" in body:
            bytearray(1 << 40)
        if b"raises" in body:
            raise LookupError("unthought-of")
        if b"ends the process" in body:
            sum(range(1 << 60))
        return read(body, *more)
    return reading

messages.read_request = hostile(messages.read_request)
messages.read_answer = hostile(messages.read_answer)
"""
"""Readers that do what readers must not do; the last of it is one call of C, which nothing ends."""

ENDS = "ends the process"
NOTES = {
    "hangs": "reading it took too long",
    "eats memory": "reading it took too much memory",
    "raises": "the bridge could not read it",
    ENDS: "reading it ended the process that does so",
}


@pytest.fixture
def told(database, tmp_path) -> KeeperSettings:
    given = {"data_dir": tmp_path, "database_url": address(database), "log_level": "error"}
    return keeper_settings(load(None, {}, given))


def ran(told: KeeperSettings, folder: Path) -> int:
    """Run a keeper until all is written, and return how it ended."""
    (folder / "sitecustomize.py").write_text(HOSTILE)
    process = subprocess.run(
        [sys.executable, "-m", "aibridge.keeper"],
        input=msgspec.json.encode(told) + b"\n",
        env={**os.environ, "PYTHONPATH": str(folder)},
        capture_output=True,
        check=False,
    )
    return process.returncode


def test_whatever_a_reader_does_the_others_are_read_and_its_call_has_a_note(
    gateway, told, tmp_path, rows
):
    asked = {ENDS: gateway.call(ENDS)}
    assert [ran(told, tmp_path) for _ in range(ATTEMPTS)] == [-signal.SIGVTALRM] * ATTEMPTS
    first = gateway.call("First.")
    asked |= {text: gateway.call(text) for text in NOTES if text != ENDS}
    answered = gateway.begin("Answered.")
    gateway.end(answered, answer().replace(b"Done.", b"It raises."))
    last = gateway.call("Last.")
    assert ran(told, tmp_path) == 0
    found = {row["id"]: (row["status"], row["notes"]) for row in rows("interceptions")}
    assert found[first] == found[last] == ("completed", "[]")
    for text, id_ in asked.items():
        assert f'"request: {NOTES[text]}"' in found[id_][1]
    assert found[answered.id][1] == '["the answer could not be read"]'
    prompts = {row["interception_id"]: row["prompt"] for row in rows("user_prompts")}
    assert prompts == {first: "First.", answered.id: "Answered.", last: "Last."}


@pytest.fixture
def keeper(told) -> Iterator[KeeperProcess]:
    keeper = KeeperProcess(told)
    yield keeper
    keeper.stop()


def begun_anew(keeper: KeeperProcess, before: int) -> None:
    """Wait until another process keeps the record."""
    until(lambda: keeper.pid != before)


def test_a_keeper_that_ends_is_begun_anew(gateway, told, keeper, rows, monkeypatch):
    monkeypatch.setattr(module, "YOUNG_SECONDS", 0.0)
    before = keeper.pid
    os.kill(before, signal.SIGKILL)
    begun_anew(keeper, before)
    gateway.call()
    keeper.stop()
    assert [row["status"] for row in rows("interceptions")] == ["completed"]


@contextmanager
def running(told: KeeperSettings) -> Iterator["subprocess.Popen[bytes]"]:
    """Run a keeper that is told to end, if it still lives, when the ``with`` ends."""
    process = subprocess.Popen([sys.executable, "-m", "aibridge.keeper"], stdin=subprocess.PIPE)
    assert process.stdin is not None
    process.stdin.write(msgspec.json.encode(told) + b"\n")
    process.stdin.flush()
    try:
        yield process
    finally:
        process.stdin.close()
        process.wait()


def until(found: Callable[[], object]) -> None:
    give_up = monotonic() + PATIENCE
    while not found():
        assert monotonic() < give_up
        sleep(LOOK_SECONDS)


@pytest.mark.parametrize("databases", ["postgresql"], indirect=True, scope="module")
def test_a_keeper_that_follows_one_that_was_killed_is_the_same_server_to_the_others(
    gateway, told, rows
):
    """So nobody takes it for gone, and what is under way in its journals stays open."""
    call = gateway.begin()
    with running(told) as killed:
        until(lambda: rows("interceptions"))
        killed.kill()
    (server,) = rows("servers")
    with running(told):
        until(lambda: rows("servers")[0]["beats"] > server["beats"])
        assert [row["id"] for row in rows("servers")] == [server["id"]]
        assert [row["status"] for row in rows("interceptions")] == ["running"]
        gateway.end(call)
    assert [row["status"] for row in rows("interceptions")] == ["completed"]


class Begun:
    """Stands for `subprocess.Popen`, which fails at first."""

    def __init__(self) -> None:
        self.failures = 0
        self.real: Any = subprocess.Popen

    def __call__(self, *given: Any, **named: Any) -> Any:
        if self.failures:
            self.failures -= 1
            raise BlockingIOError("no more processes")
        return self.real(*given, **named)


def test_so_is_one_that_cannot_be_begun_at_first(told, monkeypatch):
    monkeypatch.setattr(module, "AGAIN_SECONDS", 0.0)
    popen = Begun()
    monkeypatch.setattr(subprocess, "Popen", popen)
    keeper = KeeperProcess(told)
    popen.failures = 3
    before = keeper.pid
    with capture_logs() as logs:
        os.kill(before, signal.SIGKILL)
        begun_anew(keeper, before)
    keeper.stop()
    assert [each["event"] for each in logs].count("keeper_not_begun") == 3


def test_one_that_ends_at_once_is_begun_anew_after_a_while_and_can_be_stopped(told, monkeypatch):
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with capture_logs() as logs:
        keeper = KeeperProcess(told)
        keeper._process.wait()
        keeper.stop()
    assert len(logs) <= 1


PARENT = """
import os, sys
from aibridge.keeper.supervisor import KeeperProcess
import msgspec
from aibridge.keeper.settings import KeeperSettings
keeper = KeeperProcess(msgspec.json.decode(sys.stdin.buffer.readline(), type=KeeperSettings))
print(keeper.pid, flush=True)
sys.stdin.read()
"""


def test_the_keeper_of_a_bridge_that_is_killed_writes_what_is_left_and_ends(gateway, told, rows):
    bridge = subprocess.Popen(
        [sys.executable, "-c", PARENT], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert bridge.stdin is not None
    assert bridge.stdout is not None
    bridge.stdin.write(msgspec.json.encode(told) + b"\n")
    bridge.stdin.flush()
    pid = int(bridge.stdout.readline())
    with closing(bridge.stdin), closing(bridge.stdout):
        held = os.pidfd_open(pid)
        gateway.call()
        bridge.kill()
        bridge.wait()
    ended, _, _ = select.select([held], [], [], PATIENCE)
    os.close(held)
    assert ended
    assert [row["status"] for row in rows("interceptions")] == ["completed"]
