"""Faults of the bridge's own processes: its first one, its keeper, its workers."""

import os
import signal
import time
from typing import ClassVar

from scripts.faults.altered import AGAIN
from scripts.faults.fault import Fault
from scripts.faults.repeated import Repeated
from scripts.running import Bridge, BridgeError

BEGIN_SECONDS = 30
"""How long a process that was killed may take to be replaced."""


def await_all(bridge: Bridge, workers: int) -> None:
    """Wait until a bridge has its keeper, and so many workers if several. Raises `BridgeError`."""
    give_up = time.monotonic() + BEGIN_SECONDS
    wanted = (1, workers if workers > 1 else 0)
    while (found := (len(bridge.keepers), len(bridge.workers))) != wanted:
        if time.monotonic() > give_up:
            raise BridgeError(f"keepers and workers are {found}, and not {wanted}")
        time.sleep(0.05)


class KillBridge(Fault):
    """The bridge's first process is killed (SIGKILL) and started again; its keeper finds out."""

    name = "kill-bridge"
    hold = (0.0, 0.3)

    def strike(self) -> None:
        """Kill it."""
        self.scene.bridge.kill()

    def mend(self) -> None:
        """Start it."""
        self.scene.bridge.start()


class KillAll(KillBridge):
    """All processes of a bridge are killed at once, and it is started again."""

    name = "kill-all"
    workers = 2

    def strike(self) -> None:
        """Kill them."""
        self.scene.bridge.kill_all()


class KillKeeper(Repeated):
    """The keeper is killed (SIGKILL) again and again, as soon as it is there or in its work."""

    name = "kill-keeper"
    pauses = (0.02, 2.5)
    altered: ClassVar = {AGAIN: "0"}

    def once(self) -> None:
        """Kill it, if it is there."""
        for pid in self.scene.bridge.keepers:
            os.kill(pid, signal.SIGKILL)

    def mend(self) -> None:
        """End it, and wait until all processes are there again that should be, and no more."""
        super().mend()
        await_all(self.scene.bridge, self.workers)


class KillKeeperOrWorker(KillKeeper):
    """The keeper, or one of two workers, is killed again and again."""

    name = "kill-keeper-or-worker"
    workers = 2

    def once(self) -> None:
        """Kill one of them."""
        bridge = self.scene.bridge
        if found := self.dice.choice((bridge.keepers, bridge.workers)):
            os.kill(self.dice.choice(found), signal.SIGKILL)


class PauseKeeper(Fault):
    """The keeper stands (SIGSTOP), and then goes on."""

    name = "pause-keeper"
    hold = (2.0, 10.0)

    def strike(self) -> None:
        """Stop it."""
        self._stopped = self.scene.bridge.keepers
        self._signal(signal.SIGSTOP)

    def mend(self) -> None:
        """Let it go on."""
        self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        for pid in self._stopped:
            os.kill(pid, number)


class PauseWorker(PauseKeeper):
    """One of two workers stands, and then goes on."""

    name = "pause-worker"
    workers = 2

    def strike(self) -> None:
        """Stop it."""
        self._stopped = [self.dice.choice(self.scene.bridge.workers)]
        self._signal(signal.SIGSTOP)


class KillWorker(Fault):
    """One of two workers is killed (SIGKILL); another is begun for it."""

    name = "kill-worker"
    hold = (0.0, 0.3)
    workers = 2

    def strike(self) -> None:
        """Kill it."""
        os.kill(self.dice.choice(self.scene.bridge.workers), signal.SIGKILL)

    def mend(self) -> None:
        """Wait for the new one."""
        await_all(self.scene.bridge, self.workers)


class KillWorkerUnseen(PauseWorker):
    """A worker is killed while the keeper stands, which sees only later what it has written."""

    name = "kill-worker-unseen"
    hold = (0.5, 2.0)

    def strike(self) -> None:
        """Stop the keeper, and kill a worker a while after."""
        PauseKeeper.strike(self)
        time.sleep(self.dice.uniform(0.0, 1.0))
        os.kill(self.dice.choice(self.scene.bridge.workers), signal.SIGKILL)

    def mend(self) -> None:
        """Let the keeper go on, and wait for a new worker."""
        super().mend()
        await_all(self.scene.bridge, self.workers)
