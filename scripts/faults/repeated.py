"""Faults that come again and again while they last: cut connections, and a clock that steps."""

from abc import abstractmethod
from threading import Event, Thread

import psycopg

from scripts.faults.altered import step
from scripts.faults.fault import POSTGRESQL, Fault

HOUR = 3600.0
STEPS = (1.0, HOUR, 24 * HOUR, 40 * 24 * HOUR)
"""By up to how many seconds the clock steps; the longest is more than a partition."""
PAUSES = (0.005, 0.4)
"""Between how many seconds are from one time to the next."""
_CUT = """SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid()"""


class _Repeated(Fault):
    hold = (2.0, 5.0)

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
        while not self._over.wait(self.dice.uniform(*PAUSES)):
            self.once()

    @abstractmethod
    def once(self) -> None:
        """Do it one time."""


class CutWriter(_Repeated):
    """PostgreSQL ends all connections of the bridge, that of its writer too."""

    name = "cut-writer"
    engines = (POSTGRESQL,)

    def once(self) -> None:
        """End those that there are."""
        with psycopg.connect(self.scene.database_url, autocommit=True) as connection:
            connection.execute(_CUT)


class StepClock(_Repeated):
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
