"""The README's commands, run from top to bottom in an empty folder with the practice provider."""

import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.processes import environment

ENGINES = ("sqlite",)

README = Path(__file__).parent.parent / "README.md"
FIRST, LAST = "## Run it", "## What it promises"

NOT_HERE = ("pip install", "ANTHROPIC_API_KEY=", "claude ")
"""What is installed already, what needs accounts, and an agent that may not be installed."""

SERVERS = {"aibridge practice": "export OPENAI_API_KEY", "aibridge serve": "serves http"}
"""What goes on running, and what it prints once it can be used."""

CHANGING = (
    (r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "ID"),
    (r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9:]{8}(Z|[+-][0-9:]{5})", "TIME"),
    (r"[0-9]{4}-[0-9]{2}-[0-9]{2}", "DATE"),
    (r"[A-Za-z0-9]{10}-[A-Za-z0-9]{22}", "TOKEN"),
    (r"127\.0\.0\.1:[0-9]+", "HOST"),
    (r"/\S+/aibridge\.db", "DATABASE"),
    (r"AI Bridge [0-9.]+", "AI Bridge VERSION"),
    (r" +", " "),
)
"""What differs from one run to the next."""


def blocks() -> Iterator[tuple[str, str]]:
    """Yield the language and the text of each block that a reader follows."""
    text = README.read_text()
    followed = text[text.index(FIRST) : text.index(LAST)]
    yield from re.findall(r"^```(\w+)\n(.*?)^```$", followed, re.MULTILINE | re.DOTALL)


def commands(block: str) -> Iterator[tuple[str, list[str]]]:
    """Yield each command of a console block with the lines that it is said to print."""
    for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
        command, *printed = part.splitlines()
        while command.endswith("\\") or command.count("'") % 2:
            command += "\n" + printed.pop(0)
        yield command, printed


def constant(line: str) -> str:
    for pattern, name in CHANGING:
        line = re.sub(pattern, name, line)
    return line.rstrip()


def check(printed: str, expected: list[str]) -> None:
    """Compare what was printed with what is shown; a line that ends with … is a beginning."""
    found = [constant(line) for line in printed.splitlines()]
    wanted = [constant(line) for line in expected]
    assert len(found) >= len(wanted), printed
    for line, want in zip(found, wanted, strict=False):
        assert line.startswith(want[:-1]) if want.endswith("…") else line == want, printed


class Reader:
    """Somebody who follows the README, with ports of their own."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self._folder, self._stack = folder, stack
        self._ports = {"4000": free_port(), "4010": free_port()}
        self._variables = environment() | {
            "AIBRIDGE_PORT": self._ports["4000"],
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "HOME": str(folder),
            "XDG_DATA_HOME": str(folder / "share"),
            "TERM": "dumb",
        }
        self._session = ""

    def here(self, text: str) -> str:
        """Return a text of the README as it is here."""
        for port, own in self._ports.items():
            text = text.replace(f"127.0.0.1:{port}", f"127.0.0.1:{own}")
        return re.sub(r"(sessions show) \S+", rf"\1 {self._session}", text)

    def write(self, text: str) -> None:
        file = self._folder / "aibridge.toml"
        file.touch(mode=0o600)
        file.write_text(self.here(text))

    def run(self, command: str, expected: list[str]) -> None:
        if command.startswith(NOT_HERE):
            return
        if command in SERVERS:
            self._start(command, expected)
            return
        name = re.match(r"export (\w+)=", command)
        script = f'{self.here(command)}\nprintf "%s" "${name[1]}" >value' if name else command
        done = self._run(["bash", "-ec", self.here(script)])
        check(done, expected)
        if name:
            self._variables[name[1]] = (self._folder / "value").read_text()
        found = re.search(r"^([0-9a-f-]{36}) .*mend the roof", done, re.MULTILINE)
        self._session = found[1] if found else self._session

    def python(self, text: str) -> str:
        return self._run([sys.executable, "-c", text])

    def _run(self, command: list[str]) -> str:
        done = subprocess.run(
            command,
            cwd=self._folder,
            env=self._variables,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stdout
        return done.stdout

    def _start(self, command: str, expected: list[str]) -> None:
        port = self._ports["4010" if "practice" in command else "4000"]
        process = subprocess.Popen(
            [sys.executable, "-um", *command.split(), "--port", port],
            cwd=self._folder,
            env=self._variables,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self._stack.callback(process.communicate)
        self._stack.callback(process.terminate)
        assert process.stdout is not None
        printed = ""
        while SERVERS[command] not in printed:
            line = process.stdout.readline()
            assert line, printed
            printed += line
        check(printed, expected)


def free_port() -> str:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return str(listener.getsockname()[1])


@pytest.mark.timeout(180)
def test_the_commands_of_the_readme_do_what_it_shows(tmp_path: Path) -> None:
    with ExitStack() as stack:
        reader = Reader(tmp_path, stack)
        for language, text in blocks():
            if language == "toml":
                reader.write(text)
            elif language == "python":
                assert "Please mend the roof." in reader.python(text)
            else:
                for command, expected in commands(text):
                    reader.run(command, expected)
