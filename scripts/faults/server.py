"""A PostgreSQL that can be killed, stalled and shut down."""

import signal
from typing import ClassVar

from scripts.processes import signal_all, wait_until_gone
from tests.databases import PostgreSQL


class Server(PostgreSQL):
    """The tests' server, with what may happen to one, and such that a commit can wait."""

    settings: ClassVar = {**PostgreSQL.settings, "wal_level": "replica", "max_wal_senders": "1"}

    def kill(self) -> None:
        """Kill the server and all its processes at once, as a crash of their machine would."""
        pids = signal_all(self._process.pid, signal.SIGKILL)
        self._process.wait()
        wait_until_gone(pids)

    def pause(self) -> None:
        """Have none of its processes do anything, so that its connections stall."""
        signal_all(self._process.pid, signal.SIGSTOP)

    def resume(self) -> None:
        """Have them go on."""
        signal_all(self._process.pid, signal.SIGCONT)

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
