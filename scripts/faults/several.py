"""Faults of one of several processes that share a PostgreSQL: bridges, and workers of one."""

import os
import signal
import time

from scripts.faults.fault import POSTGRESQL, Fault
from scripts.faults.server import children
from scripts.running import BridgeError

BEGIN_SECONDS = 30
"""How long a worker that was killed may take to be replaced."""


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
    lease_seconds = 1.5
    takes_for_gone = True

    def strike(self) -> None:
        """Stop it."""
        os.kill(self.scene.bridges[-1].pid, signal.SIGSTOP)

    def mend(self) -> None:
        """Let it go on."""
        os.kill(self.scene.bridges[-1].pid, signal.SIGCONT)


class KillWorker(Fault):
    """One of two workers is killed (SIGKILL); another is begun for it."""

    name = "kill-worker"
    engines = (POSTGRESQL,)
    hold = (0.0, 0.3)
    workers = 2

    def strike(self) -> None:
        """Kill it."""
        self._before = children(self.scene.bridge.pid)
        os.kill(self.dice.choice(self._before), signal.SIGKILL)

    def mend(self) -> None:
        """Wait for the new one."""
        give_up = time.monotonic() + BEGIN_SECONDS
        while not set(children(self.scene.bridge.pid)) - set(self._before):
            if time.monotonic() > give_up:
                raise BridgeError(f"no new worker after {BEGIN_SECONDS} seconds")
            time.sleep(0.05)
