"""Faults of the database: it is away, it stalls, it is killed, and something dies meanwhile."""

import os
import signal
import sqlite3
import time
from typing import ClassVar

from scripts.faults.altered import AGAIN
from scripts.faults.fault import POSTGRESQL, Fault

AWAY_SECONDS = 2.0
"""How long the database is away until something else happens too: records wait by then."""


class Outage(Fault):
    """PostgreSQL is shut down, as for an upgrade, or SQLite locked, as a backup or a tool may."""

    name = "outage"

    def strike(self) -> None:
        """Shut it down, or take the lock for writing, for which there may be a queue."""
        if self.scene.server is not None:
            self.scene.server.shut_down()
            return
        self._other = sqlite3.connect(self.scene.file, isolation_level=None, timeout=30)
        self._other.execute("BEGIN IMMEDIATE")

    def mend(self) -> None:
        """Start it, or release the lock."""
        if self.scene.server is not None:
            self.scene.server.start()
        else:
            self._other.close()


class KillInOutage(Outage):
    """The bridge is killed while records wait in the journal, as the database is away."""

    name = "kill-bridge-in-outage"
    hold = (0.0, 0.3)

    def strike(self) -> None:
        """Take the one away, kill the other a while after."""
        super().strike()
        time.sleep(AWAY_SECONDS)
        self.scene.bridge.kill()

    def mend(self) -> None:
        """Have the one back, and start the other."""
        super().mend()
        self.scene.bridge.start()


class KillKeeperInOutage(Outage):
    """The keeper is killed several times while the database is away."""

    name = "kill-keeper-in-outage"
    altered: ClassVar = {AGAIN: "0"}
    hold = (0.0, 1.0)

    def strike(self) -> None:
        """Take the one away, and kill the other until it is back."""
        super().strike()
        until = time.monotonic() + AWAY_SECONDS
        while time.monotonic() < until:
            time.sleep(self.dice.uniform(0.1, 1.0))
            for pid in self.scene.bridge.keepers:
                os.kill(pid, signal.SIGKILL)


class KillPostgreSQL(Fault):
    """PostgreSQL is killed (SIGKILL), all its processes, and started again."""

    name = "kill-postgresql"
    engines = (POSTGRESQL,)
    hold = (0.0, 3.0)

    def strike(self) -> None:
        """Kill it."""
        self.server.kill()

    def mend(self) -> None:
        """Start it, which has it recover."""
        self.server.start()


class StallPostgreSQL(Fault):
    """All processes of PostgreSQL are stopped: connections stand, and nothing answers."""

    name = "stall-postgresql"
    engines = (POSTGRESQL,)
    hold = (0.5, 8.0)

    def strike(self) -> None:
        """Stop them."""
        self.server.pause()

    def mend(self) -> None:
        """Let them go on."""
        self.server.resume()
