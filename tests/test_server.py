"""The server as a process: started, stopped, killed, and what it says meanwhile."""

import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path

import pytest
from sqlalchemy import select

from aibridge.store import schema
from aibridge.store.database import Database
from tests.bridge import KEY
from tests.gateway import samples
from tests.wire import STREAM_HEAD, Answer, Caller, Then, Wire, ask, chunk, reply

MESSAGES = "/api/v2/aibridge/anthropic/v1/messages"


@dataclass
class Process:
    """A running ``aibridge serve``; ``token`` is the owner's, if this start made them."""

    popen: subprocess.Popen[str]
    url: str
    token: str

    def ask(self, prompt: str, token: str) -> Answer:
        body = samples.request("messages", prompt, stream=True, tools=samples.TOOLS["messages"])
        sent = samples.encoded(body)
        return ask(self.url, MESSAGES, headers=[("x-api-key", token)], body=sent)

    def end(self, how: signal.Signals) -> tuple[int, str]:
        """End it, and return its exit code and what it had to say."""
        self.popen.send_signal(how)
        _, said = self.popen.communicate(timeout=30)
        return self.popen.returncode, said


STOPPED = {0, -signal.SIGTERM}
"""Exit codes of a server that stopped in good order: uvicorn ends by the signal it was sent."""


def command(folder: Path, *arguments: str) -> list[str]:
    started = [sys.executable, "-m", "aibridge", "serve", "--port", "0"]
    return [*started, "--data-dir", str(folder), "--config", str(folder / "a.toml"), *arguments]


def environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("AIBRIDGE_")}


def popen(folder: Path, wire: Wire, *arguments: str) -> subprocess.Popen[str]:
    config = f'[[providers]]\ntype = "anthropic"\nbase_url = "{wire.url}"\napi_keys = ["{KEY}"]\n'
    (folder / "a.toml").write_text(config)
    return subprocess.Popen(
        command(folder, *arguments),
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@contextmanager
def serving(folder: Path, wire: Wire, *arguments: str, new: bool = True) -> Iterator[Process]:
    process = popen(folder, wire, *arguments)
    try:
        assert process.stdout is not None
        found = re.search(r"serves (\S+)", process.stdout.readline())
        assert found, process.communicate(timeout=10)
        lines = [process.stdout.readline() for _ in range(3 if new else 0)]
        yield Process(process, found[1], lines[-1].strip() if lines else "")
    finally:
        process.kill()
        process.communicate()


@pytest.fixture
def wire():
    with Wire() as wire:
        yield wire


@dataclass
class Home:
    """Where a server has its files, and the address of its database."""

    folder: Path
    url: str

    def popen(self, wire: Wire) -> subprocess.Popen[str]:
        return popen(self.folder, wire, "--database", self.url)

    def serving(self, wire: Wire, *, new: bool = True) -> AbstractContextManager[Process]:
        return serving(self.folder, wire, "--database", self.url, new=new)


@pytest.fixture
def home(databases, tmp_path):
    """A new home, with a database of either engine."""
    with databases.place() as url:
        yield Home(tmp_path, url)


def statuses(home: Home) -> dict[str, str]:
    """Return how each interception stands, by its prompt."""
    calls, prompts = schema.interceptions.c, schema.user_prompts.c
    database = Database(home.url)
    with database.read() as connection:
        query = select(prompts.prompt, calls.status).where(prompts.interception_id == calls.id)
        found = dict(tuple(row) for row in connection.execute(query))
    database.close()
    return found


def test_a_first_start_makes_the_owner_and_later_ones_do_not(wire, home):
    wire.always(*samples.framed(samples.body("messages", stream=True), "chunked", stream=True))
    with home.serving(wire) as process:
        assert process.ask("one", process.token).status == 200
        token = process.token
        code, said = process.end(signal.SIGTERM)
    assert (code in STOPPED, said) == (True, "")
    with home.serving(wire, new=False) as process:
        assert process.ask("two", token).status == 200
        _, said = process.end(signal.SIGINT)
    assert "Traceback" not in said
    assert statuses(home) == {"one": "completed", "two": "completed"}


def test_what_was_answered_survives_kill_9(wire, home):
    """Guarantee 2, the hard way: many calls, and no warning before the end."""
    events = samples.EVENTS["messages"]
    wire.always(STREAM_HEAD, *map(chunk, events), b"0\r\n\r\n")
    whole = b"".join(events)
    seen: list[str] = []
    enough = threading.Event()
    with home.serving(wire) as process:
        token = process.token

        def keep_asking(caller: int) -> None:
            for number in range(10_000):
                try:
                    answer = process.ask(f"{caller}-{number}", token)
                except (OSError, HTTPException):
                    return
                assert answer.body == whole
                seen.append(f"{caller}-{number}")
                if len(seen) > 100:
                    enough.set()

        with ThreadPoolExecutor(8) as callers:
            jobs = [callers.submit(keep_asking, number) for number in range(8)]
            assert enough.wait(20)
            process.end(signal.SIGKILL)
            for job in jobs:
                job.result(20)
    found = statuses(home)
    assert len(seen) > 100
    assert {prompt: found.get(prompt) for prompt in seen} == dict.fromkeys(seen, "completed")

    with home.serving(wire, new=False) as process:
        assert process.ask("after", token).status == 200
        process.end(signal.SIGTERM)
    after = statuses(home)
    assert "running" not in after.values()
    assert after["after"] == "completed"
    assert found.keys() <= after.keys()


def test_what_was_under_way_at_a_kill_is_closed_at_the_next_start(wire, home):
    wire.play(STREAM_HEAD, chunk(samples.EVENTS["messages"][0]), Then.STALL)
    body = samples.encoded(samples.request("messages", "cut", stream=True))
    with home.serving(wire) as process, Caller(process.url) as caller:
        caller.send(MESSAGES, headers=[("x-api-key", process.token)], body=body)
        caller.begin()
        process.end(signal.SIGKILL)
    assert statuses(home) == {"cut": "running"}
    with home.serving(wire, new=False) as process:
        code, said = process.end(signal.SIGTERM)
    assert code in STOPPED
    assert "interceptions_interrupted" in said
    assert "closed=1" in said
    assert statuses(home) == {"cut": "failed"}


def test_a_second_server_of_a_database_is_refused(wire, home):
    with home.serving(wire) as process:
        second = home.popen(wire)
        out, said = second.communicate(timeout=20)
        assert second.returncode != 0
        assert "another aibridge is serving the database" in said
        assert "Traceback" not in said
        assert out == ""
        wire.always(*samples.framed(samples.body("messages", stream=True), "chunked", stream=True))
        assert process.ask("one", process.token).status == 200


def test_a_port_that_is_taken_is_said(wire, tmp_path):
    process = popen(tmp_path, wire, "--port", str(wire.port))
    _, said = process.communicate(timeout=20)
    assert process.returncode != 0
    assert "address already in use" in said
    assert "Traceback" not in said


def test_the_log_holds_no_secret_whatever_happens(wire, tmp_path):
    """A provider's garbage, a bad token, a locked log-in: nothing of it shows a credential."""
    own = "sk-ant-own-secret-1234567890"
    with serving(tmp_path, wire, "--log-level", "debug") as process:
        token = process.token
        byok = [("x-ai-bridge-token", token), ("x-api-key", own)]
        for steps in (
            [reply(b"{}")],
            [b"garbage\r\n", Then.CLOSE],
            [Then.CLOSE],
            [b"HTTP/1.1 999 No\r\ncontent-length: 0\r\n\r\n"],
            [STREAM_HEAD, chunk(b"data: {\n\n"), Then.RESET],
        ):
            wire.forget()
            wire.always(*steps)
            for headers in (byok, [("authorization", f"Bearer {token}")]):
                try:
                    ask(process.url, MESSAGES, headers=headers, body=b"{}")
                except (OSError, HTTPException):
                    continue
        ask(process.url, MESSAGES, headers=[("x-api-key", f"{token}x")], body=b"{}")
        _, said = process.end(signal.SIGTERM)
    for secret in (token, token[11:], own, KEY):
        assert secret not in said


def test_a_websocket_that_is_refused_is_no_news(wire, tmp_path):
    """Codex tries one at every start: the log must not fill with that."""
    with serving(tmp_path, wire) as process:
        headers = [
            ("x-api-key", process.token),
            ("connection", "upgrade"),
            ("upgrade", "websocket"),
            ("sec-websocket-version", "13"),
            ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
        ]
        answer = ask(process.url, MESSAGES, method="GET", headers=headers)
        assert answer.status == 426
        _, said = process.end(signal.SIGTERM)
    assert said == ""
