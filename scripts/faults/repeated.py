"""Faults that come again and again while they last: cut connections, and a clock that steps."""

import time
from abc import abstractmethod
from threading import Event, Thread

import psycopg

from scripts.faults.altered import step
from scripts.faults.fault import POSTGRESQL, Fault

HOUR = 3600.0
STEPS = (1.0, HOUR, 24 * HOUR, 40 * 24 * HOUR)
"""By up to how many seconds the clock steps; the longest is more than a partition."""
_CUT = """SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid()"""
_CUT_COMMITS = f"{_CUT} AND wait_event = 'SyncRep'"
_STANDBYS = "ALTER SYSTEM SET synchronous_standby_names = '{}'"


class Repeated(Fault):
    """A fault that comes one time after the other; ``pauses`` is between how many seconds."""

    hold = (2.0, 5.0)
    pauses = (0.005, 0.4)

    def strike(self) -> None:
        """Begin with it."""
        self._over = Event()
        self._thread = Thread(target=self._repeat)
        self._thread.start()

    def mend(self) -> None:
        """End it."""
        self._over.set()
        self._thread.join()

    def _repeat(self) -> None:
        while not self._over.wait(self.dice.uniform(*self.pauses)):
            self.once()

    @abstractmethod
    def once(self) -> None:
        """Do it one time."""


class CutWriter(Repeated):
    """PostgreSQL ends all connections of the bridge, that of its writer too."""

    name = "cut-writer"
    engines = (POSTGRESQL,)

    def once(self) -> None:
        """End those that there are."""
        with psycopg.connect(self.scene.database_url, autocommit=True) as connection:
            connection.execute(_CUT)


class LoseCommits(Repeated):
    """PostgreSQL commits and breaks the connection off instead of saying so, each time.

    It waits for a standby that there is not, and is told to end the connection meanwhile.
    """

    name = "lose-commits"
    engines = (POSTGRESQL,)
    pauses = (0.0, 0.2)

    def strike(self) -> None:
        """Have each commit wait."""
        self._have_standbys("nobody")
        super().strike()

    def mend(self) -> None:
        """Have none wait, nor those that do."""
        super().mend()
        self._have_standbys("")
        time.sleep(self.pauses[1])
        self.once()

    def once(self) -> None:
        """End the connections that wait."""
        with psycopg.connect(self.scene.database_url, autocommit=True) as connection:
            connection.execute(_CUT_COMMITS)

    def _have_standbys(self, names: str) -> None:
        with psycopg.connect(self.scene.database_url, autocommit=True) as connection:
            connection.execute(_STANDBYS.format(names).encode())
            connection.execute("SELECT pg_reload_conf()")


class StepClock(Repeated):
    """The wall clock of the bridge steps forwards and back, and is right again in the end."""

    name = "step-clock"
    has_clock = True

    def mend(self) -> None:
        """Set the clock right."""
        super().mend()
        step(self.scene.clock, 0)

    def once(self) -> None:
        """Step."""
        most = self.dice.choice(STEPS)
        step(self.scene.clock, self.dice.uniform(-most, most))
