"""Counting the instructions of processes with callgrind, a tool of valgrind.

valgrind interprets a program and is told by its companion vgdb when to count. Instructions of
the kernel are not counted, so writing to a socket or syncing a file costs next to nothing here.
"""

import shutil
import subprocess
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from scripts.processes import children

COMMAND_SECONDS = 30


class CountError(Exception):
    """Something kept instructions from being counted; the text says what."""


class Callgrind:
    """Counts for programs that are started with `words` before their own; ``folder`` is empty.

    Raises `CountError` where valgrind is not installed.
    """

    def __init__(self, folder: Path) -> None:
        if not shutil.which("valgrind") or not shutil.which("vgdb"):
            raise CountError("valgrind is missing: install the package valgrind")
        self._folder = folder
        self._pipes = f"--vgdb-prefix={folder}/vgdb"

    @property
    def words(self) -> list[str]:
        """What begins the command of a program that is to be counted, with all it starts."""
        return [
            "valgrind",
            "--tool=callgrind",
            "--instr-atstart=no",
            "--trace-children=yes",
            f"--callgrind-out-file={self._folder}/%p",
            f"--log-file={self._folder}/log-%p",
            self._pipes,
        ]

    def count(self, pid: int, work: Callable[[], None]) -> dict[str, int]:
        """Return how many instructions a process and its children take for ``work``.

        The keys are their commands; processes of the same command count together. Raises
        `CountError` if one of them begins or ends meanwhile.
        """
        pids = _family(pid)
        for one in pids:
            self._tell(one, "instrumentation", "on")
        for one in pids:
            self._tell(one, "zero")
        work()
        if _family(pid) != pids:
            raise CountError("a process began or ended while its instructions were counted")
        taken: Counter[str] = Counter()
        for one in pids:
            command, instructions = self._dump(one)
            taken[command] += instructions
        return dict(taken)

    def _dump(self, pid: int) -> tuple[str, int]:
        """Return the command of a process and its instructions since it was told ``zero``."""
        self._tell(pid, "dump")
        newest = max(self._folder.glob(f"{pid}.*"), key=lambda file: int(file.suffix[1:]))
        lines = (line.partition(": ") for line in newest.read_text().splitlines())
        values = {name: value for name, _, value in lines if name in {"cmd", "totals"}}
        return values["cmd"].strip(), int(values["totals"])

    def _tell(self, pid: int, *command: str) -> None:
        done = subprocess.run(
            ["vgdb", f"--pid={pid}", self._pipes, *command],
            capture_output=True,
            text=True,
            timeout=COMMAND_SECONDS,
            check=False,
        )
        if done.returncode:
            raise CountError(f"vgdb {' '.join(command)}: {done.stderr.strip()}")


def _family(pid: int) -> list[int]:
    """Return a process, its children, their children and so on."""
    return [pid, *(one for child in sorted(children(pid)) for one in _family(child))]
