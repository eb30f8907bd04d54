"""A PostgreSQL that can be killed, stalled and shut down."""

import os
import signal
import time
from contextlib import suppress
from pathlib import Path

from tests.databases import PostgreSQL

GONE_SECONDS = 10
"""How long processes that were killed may take to be gone."""


class Server(PostgreSQL):
    """The tests' server, with what may happen to one."""

    def kill(self) -> None:
        """Kill the server and all its processes at once, as a crash of their machine would."""
        pids = self._send(signal.SIGKILL)
        self._process.wait()
        give_up = time.monotonic() + GONE_SECONDS
        while any(map(_lives, pids)) and time.monotonic() < give_up:
            time.sleep(0.01)

    def pause(self) -> None:
        """Have none of its processes do anything, so that its connections stall."""
        self._send(signal.SIGSTOP)

    def resume(self) -> None:
        """Have them go on."""
        self._send(signal.SIGCONT)

    def shut_down(self) -> None:
        """Shut it down, without waiting for those who are connected."""
        self._process.send_signal(signal.SIGINT)
        self._process.wait()

    def start(self) -> None:
        """Start it again, and return once it takes connections."""
        self._connection.close()
        self._process = self._start(
            before=None
        )  # threads run: nothing may be between fork and exec
        self._connection = self._first_connection()

    def _make_template(self) -> None:
        """Make none: each bridge makes its own tables."""

    def _send(self, number: signal.Signals) -> list[int]:
        """Signal the server and its processes, and return these.

        It is stopped meanwhile, so that it makes no more of them; none has a parent once it is
        dead.
        """
        self._process.send_signal(signal.SIGSTOP)
        pids = children(self._process.pid)
        self._process.send_signal(number)
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, number)
        return pids


def children(parent: int) -> list[int]:
    """Return the processes of a parent; each of PostgreSQL's is a group of its own."""
    pids = [int(folder.name) for folder in Path("/proc").glob("[0-9]*")]
    return [pid for pid in pids if _stat(pid)[1:2] == [str(parent)]]


def _lives(pid: int) -> bool:
    """Whether a process still holds anything, such as shared memory."""
    return _stat(pid)[:1] not in ([], ["Z"])


def _stat(pid: int) -> list[str]:
    """Return the state of a process, its parent and more; nothing if it has ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []
