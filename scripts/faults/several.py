"""Faults of one of several bridges that share a PostgreSQL."""

import signal
import time
from typing import ClassVar, LiteralString

import psycopg

from scripts.faults.altered import LEASE
from scripts.faults.fault import POSTGRESQL, Fault
from scripts.processes import signal_all

_WRITING = """SELECT pid FROM pg_stat_activity
WHERE datname = current_database() AND state LIKE 'idle in transaction%'
AND now() - xact_start > INTERVAL '0.1 s'"""
_BOTH_ARE_KNOWN = "SELECT id FROM servers OFFSET 1"
SETTLE_SECONDS = 0.2
"""How long PostgreSQL has to do what it was told before."""


class _OneOfTwo(Fault):
    engines = (POSTGRESQL,)
    bridges = 2


class KillOneOfTwo(_OneOfTwo):
    """One of two bridges is killed (SIGKILL) and started again; the other goes on."""

    name = "kill-one-of-two"
    hold = (0.0, 0.5)

    def strike(self) -> None:
        """Kill it."""
        self.scene.bridges[-1].kill()

    def mend(self) -> None:
        """Start it."""
        self.scene.bridges[-1].start()


class PauseOneOfTwo(_OneOfTwo):
    """One of two bridges stands until the other has taken it for gone, and then goes on."""

    name = "pause-one-of-two"
    hold = (3.5, 5.0)
    altered: ClassVar = {LEASE: "1.5"}
    takes_for_gone = True

    def strike(self) -> None:
        """Stop it once it is known, between two transactions: in one nobody is taken for gone."""
        while not self._finds(_BOTH_ARE_KNOWN):
            time.sleep(SETTLE_SECONDS)
        while self._stopped_while_it_writes():
            self.mend()

    def mend(self) -> None:
        """Let it go on."""
        signal_all(self.scene.bridges[-1].pid, signal.SIGCONT)

    def _stopped_while_it_writes(self) -> bool:
        signal_all(self.scene.bridges[-1].pid, signal.SIGSTOP)
        time.sleep(SETTLE_SECONDS)
        return self._finds(_WRITING)

    def _finds(self, query: LiteralString) -> bool:
        with psycopg.connect(self.scene.database_url) as connection:
            return connection.execute(query).fetchone() is not None
