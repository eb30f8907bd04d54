"""The bridge as its users run it: a process of its own, configured by a file, on a free port."""

import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from aibridge.journal.catching_up import behind
from aibridge.journal.folders import journals
from aibridge.journal.progress import Progress
from scripts.processes import children, command, signal_all, wait_until_gone

START_SECONDS = 60
STOP_SECONDS = 15
COMMAND_SECONDS = 60

_GREETING = re.compile(r"serves (http://\S+)")
_LOG_LINES = 20
_SERVE = "serve"


class BridgeError(Exception):
    """The bridge, or a command of it, did not do what it was asked; the text says what it said."""


@dataclass(frozen=True, slots=True)
class Upstream:
    """A provider of the bridge: its type, its name (the type's if empty), where it is."""

    type: str
    base_url: str
    name: str = ""

    def toml(self) -> str:
        """Return the table that configures it."""
        values = {"type": self.type, "name": self.name or self.type, "base_url": self.base_url}
        lines = [f"{key} = {json.dumps(value)}" for key, value in values.items()]
        return "\n".join(["[[providers]]", *lines, 'api_keys = ["practice"]', ""])


class Bridge:
    """A bridge whose files are all in ``home``; ``cores`` are those it may run on, if not all.

    Its ``data_dir`` may be elsewhere, and so may its database, which may be PostgreSQL's.
    ``durability`` says where records have to be, if not where the engine's rule says, and
    ``journal_bytes`` how large a journal may become. ``module`` is what is run as the bridge, and
    ``variables`` are added to its environment; the words ``under`` begin the command that serves,
    such as those of a program that traces it.
    """

    def __init__(
        self,
        home: Path,
        upstreams: Sequence[Upstream],
        *,
        cores: set[int] | None = None,
        data_dir: Path | None = None,
        database_url: str = "",
        workers: int = 1,
        durability: str = "",
        journal_bytes: int = 0,
        module: str = "aibridge",
        variables: Mapping[str, str] | None = None,
        under: Sequence[str] = (),
    ) -> None:
        self.url = ""
        self.token = ""
        data_dir = data_dir or home / "data"
        self.database = data_dir / "aibridge.db"
        self.journals = data_dir / "journal"
        self._cores = cores
        self._module = module
        self._variables = dict(variables or {})
        self._under = list(under)
        self._config = home / "bridge.toml"
        self._log = home / "bridge.log"
        self._process: subprocess.Popen[str] | None = None
        options = f"port = 0\ndata_dir = {json.dumps(str(data_dir))}\n"
        if database_url:
            options += f"database_url = {json.dumps(database_url)}\n"
        if workers > 1:
            options += f"workers = {workers}\n"
        if journal_bytes:
            options += f"journal_max_bytes = {journal_bytes}\n"
        if durability:
            options += f"durability = {json.dumps(durability)}\n"
        self._config.write_text("\n".join([options, *(one.toml() for one in upstreams)]))

    @property
    def pid(self) -> int:
        """The process id of the running bridge."""
        return self._running.pid

    @property
    def keepers(self) -> list[int]:
        """The process that keeps the record; none while it is not there."""
        return [pid for pid in children(self.pid) if _SERVE not in command(pid)]

    @property
    def workers(self) -> list[int]:
        """The processes that serve, where they are not the bridge's first one."""
        return [pid for pid in children(self.pid) if _SERVE in command(pid)]

    @property
    def waiting(self) -> int:
        """How many bytes are in its journals that the database does not have."""
        return sum(behind(folder, applied(folder)) for folder in journals(self.journals))

    @property
    def log(self) -> str:
        """All that the bridge has logged, over all its starts."""
        return self._log.read_text(errors="replace")

    @property
    def environment(self) -> dict[str, str]:
        """Variables for a client of the bridge; nothing of the caller's own agents is in them."""
        client = {"AIBRIDGE_URL": self.url, "AIBRIDGE_TOKEN": self.token}
        return plain_environment() | {name: value for name, value in client.items() if value}

    def make_owner(self, name: str) -> None:
        """Add a user who may read everything, with a token."""
        self._command("db", "upgrade")
        self._command("users", "create", name, "--role", "owner")
        made = self._command("tokens", "create", "--user", name, "--json")
        self.token = json.loads(made)["key"]

    @contextmanager
    def running(self) -> Iterator[None]:
        """Run the bridge for as long as the ``with`` lasts."""
        try:
            self.start()
            yield
        finally:
            self.stop()

    def start(self) -> None:
        """Start, and return once it listens; it has a new ``url`` then. Raises `BridgeError`."""
        with self._log.open("a") as log:
            self._process = subprocess.Popen(
                [*self._under, *self._arguments(_SERVE)],
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                env=plain_environment() | self._variables,
            )
        if self._cores:
            os.sched_setaffinity(self._process.pid, self._cores)
        self.url = self._greeting(self._process)

    def stop(self) -> None:
        """Have the bridge finish and end; one that will not is killed."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
        self._ended()

    def kill(self) -> None:
        """End the bridge's first process as a crash would: at once, with no word.

        The others find that out.
        """
        self._running.kill()
        self._ended()

    def kill_all(self) -> None:
        """End all its processes as a dead machine would: at once, with no word."""
        pids = signal_all(self.pid, signal.SIGKILL)
        self._ended()
        wait_until_gone(pids)

    def wait(self) -> None:
        """Return when the bridge ends of itself."""
        self._running.wait()

    @property
    def _running(self) -> subprocess.Popen[str]:
        if self._process is None:
            raise BridgeError("the bridge is not running")
        return self._process

    def _ended(self) -> None:
        with self._running as process:  # waits, and closes its pipe
            process.wait()
        self._process = None

    def _greeting(self, process: subprocess.Popen[str]) -> str:
        """Read where it listens. A timer ends one that never says so, and with it the pipe."""
        timer = threading.Timer(START_SECONDS, process.kill)
        timer.start()
        try:
            lines = process.stdout or ()
            found = next(filter(None, map(_GREETING.search, lines)), None)
        finally:
            timer.cancel()
        if found is None:
            log = self.log.splitlines()[-_LOG_LINES:]
            raise BridgeError("\n".join(["the bridge did not start:", *log]))
        return found[1]

    def _command(self, *words: str) -> str:
        done = subprocess.run(
            self._arguments(*words),
            capture_output=True,
            text=True,
            timeout=COMMAND_SECONDS,
            env=plain_environment(),
            check=False,
        )
        if done.returncode:
            raise BridgeError(f"aibridge {' '.join(words)}: {done.stderr.strip()}")
        return done.stdout

    def _arguments(self, *words: str) -> list[str]:
        return [sys.executable, "-m", self._module, *words, "--config", str(self._config)]


def applied(journal: Path) -> int:
    """Return the position up to which the database has a journal."""
    progress = Progress(journal)
    try:
        return progress.position
    finally:
        progress.close()


def plain_environment() -> dict[str, str]:
    """Return this process's environment without settings of a bridge, an agent or a proxy."""
    ours = re.compile(r"(AIBRIDGE|ANTHROPIC|OPENAI)_|(https?|all|no)_proxy$", re.IGNORECASE)
    return {name: value for name, value in os.environ.items() if not ours.match(name)}
