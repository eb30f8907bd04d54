"""A Python that has imported what programs need: each runs in a fork of it, and begins at once.

It is a process of its own, without threads and without anything of the tests.
"""

import atexit
import gc
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

LONGEST = 65_536
"""Bytes of an order."""


@dataclass(frozen=True, slots=True)
class Program:
    """What is to be run: code, and its arguments, folder and environment variables."""

    code: str
    arguments: Sequence[str]
    folder: str
    variables: dict[str, str]


class Ready:
    """The process that forks, once it has run what prepares it; it runs a program at a time.

    ``before`` is called in it first of all, as `subprocess.Popen` does.
    """

    def __init__(self, preparing: str, before: Callable[[], None] | None = None) -> None:
        self._orders, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-P", __file__, str(theirs.fileno()), preparing],
                stdin=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
                preexec_fn=before,  # noqa: PLW1509 - it calls the system and nothing else
            )

    def start(self, program: Program, files: tuple[int, int, int]) -> None:
        """Start a program with these as its standard input, output and error."""
        order = [program.code, list(program.arguments), program.folder, program.variables]
        socket.send_fds(self._orders, [json.dumps(order).encode()], files)

    def wait(self) -> int:
        """Return the exit code of the program that was started, once it has ended."""
        return int(self._orders.recv(LONGEST))

    def run(self, program: Program) -> "subprocess.CompletedProcess[str]":
        """Run a program to its end, and return what it wrote."""
        with TemporaryFile() as out, TemporaryFile() as err, Path(os.devnull).open() as nothing:
            self.start(program, (nothing.fileno(), out.fileno(), err.fileno()))
            status = self.wait()
            return subprocess.CompletedProcess(program.arguments, status, _all(out), _all(err))

    def close(self) -> None:
        """End it, whatever its program does."""
        self._orders.close()
        self._process.kill()
        self._process.wait()


@cache
def ready(preparing: str, before: Callable[[], None] | None = None) -> Ready:
    """Return a process that runs programs until this one ends."""
    made = Ready(preparing, before)
    atexit.register(made.close)
    return made


def _all(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode()


def _serve(orders: socket.socket) -> Program | None:
    """Fork for each order; return its program in the fork, and nothing at the end."""
    while True:
        order, files, _, _ = socket.recv_fds(orders, LONGEST, 3)
        if not order:
            return None
        if not (pid := os.fork()):
            orders.close()
            _take(files)
            return Program(*json.loads(order))
        for file in files:
            os.close(file)
        _, status = os.waitpid(pid, 0)
        orders.send(str(os.waitstatus_to_exitcode(status)).encode())


def _take(files: Sequence[int]) -> None:
    """Have files as standard input, output and error, as a new process would."""
    for number, file in enumerate(files):
        os.dup2(file, number)
        os.close(file)
    sys.stdout.reconfigure(line_buffering=os.isatty(1))  # type: ignore[union-attr]


def _become(program: Program) -> None:
    os.environ.clear()
    os.environ.update(program.variables)
    time.tzset()
    os.chdir(Path(program.folder))
    sys.argv = ["-c", *program.arguments]
    exec(program.code, {"__name__": "__main__"})  # noqa: S102 - as python -c does


if __name__ == "__main__":
    exec(sys.argv[2], {})  # noqa: S102 - as python -c does
    gc.freeze()  # a fork would look through all of it at its end
    if (program := _serve(socket.socket(fileno=int(sys.argv[1])))) is not None:
        _become(program)
