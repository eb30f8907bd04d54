"""Faults of processes: the bridge's own, and PostgreSQL's."""

import sqlite3
import time

from scripts.faults.fault import POSTGRESQL, SQLITE, Fault

AWAY_SECONDS = 2.0
"""How long the database is away until the bridge dies too: records are on the spool by then."""


class KillBridge(Fault):
    """The bridge is killed (SIGKILL) and started again."""

    name = "kill-bridge"
    hold = (0.0, 0.3)

    def strike(self) -> None:
        """Kill it."""
        self.scene.bridge.kill()

    def mend(self) -> None:
        """Start it."""
        self.scene.bridge.start()


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
    hold = (0.5, 6.0)

    def strike(self) -> None:
        """Stop them."""
        self.server.pause()

    def mend(self) -> None:
        """Let them go on."""
        self.server.resume()


class ShutDownPostgreSQL(Fault):
    """PostgreSQL is shut down for the time of an outage, as for an upgrade."""

    name = "shut-down-postgresql"
    engines = (POSTGRESQL,)

    def strike(self) -> None:
        """Shut it down."""
        self.server.shut_down()

    def mend(self) -> None:
        """Start it."""
        self.server.start()


class LockSQLite(Fault):
    """Another connection holds the lock for writing, as a backup or a tool may."""

    name = "lock-sqlite"
    engines = (SQLITE,)
    hold = (0.2, 6.0)

    def strike(self) -> None:
        """Take the lock, for which there may be a queue."""
        self._other = sqlite3.connect(self.scene.file, isolation_level=None, timeout=30)
        self._other.execute("BEGIN IMMEDIATE")

    def mend(self) -> None:
        """Release it."""
        self._other.close()


class KillInOutage(KillBridge):
    """The bridge is killed while records wait on the spool, as PostgreSQL is shut down."""

    name = "kill-bridge-in-outage"
    engines = (POSTGRESQL,)

    def strike(self) -> None:
        """Shut the one down, kill the other a while after."""
        self.server.shut_down()
        time.sleep(AWAY_SECONDS)
        super().strike()

    def mend(self) -> None:
        """Start both."""
        self.server.start()
        super().mend()


class KillWhileLocked(LockSQLite):
    """The bridge is killed while records wait on the spool, as SQLite is locked."""

    name = "kill-bridge-while-locked"
    hold = (0.0, 0.3)

    def strike(self) -> None:
        """Lock the one, kill the other a while after."""
        super().strike()
        time.sleep(AWAY_SECONDS)
        self.scene.bridge.kill()

    def mend(self) -> None:
        """Release the lock and start the bridge."""
        super().mend()
        self.scene.bridge.start()
