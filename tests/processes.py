"""``aibridge serve`` as a process of its own, for tests."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from sqlalchemy import select

from aibridge.store.engine.database import Database
from aibridge.store.schema import tables as schema
from tests.bridge import KEY, share_prices
from tests.gateway import samples
from tests.wire import PATIENCE, Answer, Wire, ask

Found = TypeVar("Found")

ROOT = "event=runs_as_root"
MESSAGES = "/api/v2/aibridge/anthropic/v1/messages"


@dataclass
class Process:
    """A running ``aibridge serve``; ``token`` is the owner's, if this start made them."""

    popen: subprocess.Popen[str]
    url: str
    token: str

    @property
    def keeper(self) -> int:
        """The process that keeps its record."""
        return next(pid for pid in children(self.popen.pid) if is_keeper(pid))

    @property
    def workers(self) -> list[int]:
        """The processes that serve, where there are several."""
        return [pid for pid in children(self.popen.pid) if not is_keeper(pid)]

    def ask(self, prompt: str, token: str) -> Answer:
        body = samples.request("messages", prompt, stream=True, tools=samples.TOOLS["messages"])
        sent = samples.encoded(body)
        return ask(self.url, MESSAGES, headers=[("x-api-key", token)], body=sent)

    def end(self, how: signal.Signals) -> tuple[int, str]:
        """End it, and return its exit code and what it had to say.

        That it runs as root, where tests do, is left out.
        """
        self.popen.send_signal(how)
        _, said = self.popen.communicate(timeout=30)
        lines = said.splitlines(keepends=True)
        return self.popen.returncode, "".join(line for line in lines if ROOT not in line)


def children(pid: int) -> list[int]:
    """Return the processes that a process has begun, and not waited for yet."""
    files = Path(f"/proc/{pid}/task").glob("*/children")
    return [int(child) for file in files for child in file.read_text().split()]


def is_keeper(pid: int) -> bool:
    return b"aibridge.keeper" in Path(f"/proc/{pid}/cmdline").read_bytes()


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def until(found: Callable[[], Found]) -> Found:
    """Look again and again until there is something to find."""
    give_up = time.monotonic() + PATIENCE
    while not (seen := found()):
        assert time.monotonic() < give_up
        time.sleep(0.01)
    return seen


STOPPED = {0, -signal.SIGTERM}
"""Exit codes of a server that stopped in good order: uvicorn ends by the signal it was sent."""


def command(folder: Path, *arguments: str) -> list[str]:
    share_prices(folder)
    started = [sys.executable, "-m", "aibridge", "serve", "--port", "0"]
    return [*started, "--data-dir", str(folder), "--config", str(folder / "a.toml"), *arguments]


def environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("AIBRIDGE_")}


def popen(folder: Path, wire: Wire, *arguments: str) -> subprocess.Popen[str]:
    config = f'[[providers]]\ntype = "anthropic"\nbase_url = "{wire.url}"\napi_keys = ["{KEY}"]\n'
    file = folder / "a.toml"
    file.touch(mode=0o600)  # it has a key: a start warns of a file that others read
    file.write_text(config)
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
        said = ""
        while not (found := re.search(r"serves (\S+)", said)):
            line = process.stdout.readline()
            assert line, process.communicate(timeout=10)
            said += line
        token = re.search(r"^    (\S+)$", said, re.MULTILINE)
        assert (token is not None) is new, said
        yield Process(process, found[1], token[1] if token else "")
    finally:
        process.kill()
        process.communicate()


@dataclass
class Home:
    """Where a server has its files, and the address of its database."""

    folder: Path
    url: str

    def popen(self, wire: Wire) -> subprocess.Popen[str]:
        return popen(self.folder, wire, "--database", self.url)

    def serving(
        self, wire: Wire, *arguments: str, new: bool = True
    ) -> AbstractContextManager[Process]:
        return serving(self.folder, wire, "--database", self.url, *arguments, new=new)


def statuses(home: Home) -> dict[str, str]:
    """Return how each interception stands, by its prompt."""
    calls, prompts = schema.interceptions.c, schema.user_prompts.c
    database = Database(home.url)
    with database.read() as connection:
        query = select(prompts.prompt, calls.status).where(prompts.interception_id == calls.id)
        found = dict(tuple(row) for row in connection.execute(query))
    database.close()
    return found
