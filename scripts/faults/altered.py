"""The bridge with a wall clock that steps, or with other patience, as its environment says.

``python -m scripts.faults.altered`` takes what ``aibridge`` does; with nothing it is the keeper.
"""

import os
import sys
import time
from pathlib import Path

CLOCK = "CHAOS_CLOCK"
"""Names the file that says how far off the clock is, in seconds."""
LEASE = "CHAOS_LEASE_SECONDS"
AGAIN = "CHAOS_AGAIN_SECONDS"
"""Says after how many seconds a keeper is begun anew that has ended at once."""
BEATS_PER_LEASE = 10
NANOSECONDS = 10**9


class SteppedClock:
    """The machine's clock, and an offset that a file tells; it is read again when it is new."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._real = time.time_ns
        self._read = (0, 0)
        self._offset = 0

    def time_ns(self) -> int:
        """Return what `time.time_ns` is to return."""
        found = self._file.stat()
        if (state := (found.st_ino, found.st_mtime_ns)) != self._read:
            self._offset = int(float(self._file.read_text()) * NANOSECONDS)
            self._read = state
        return self._real() + self._offset

    def time(self) -> float:
        """Return what `time.time` is to return."""
        return self.time_ns() / NANOSECONDS


def step(file: Path, seconds: float) -> None:
    """Set how far off the clock is that reads this file."""
    new = file.with_suffix(".new")
    new.write_text(str(seconds))
    new.replace(file)


def main() -> None:
    """Alter what is to be altered, before the bridge is imported, and run it."""
    if file := os.environ.get(CLOCK):
        clock = SteppedClock(Path(file))
        time.time_ns, time.time = clock.time_ns, clock.time
    from aibridge.cli import main as serve  # noqa: PLC0415 - not before the clock is another
    from aibridge.keeper import process, supervisor  # noqa: PLC0415 - the same
    from aibridge.recorder import membership  # noqa: PLC0415 - the same

    if lease := os.environ.get(LEASE):
        membership.LEASE_SECONDS = float(lease)
        membership.BEAT_SECONDS = float(lease) / BEATS_PER_LEASE
    if again := os.environ.get(AGAIN):
        supervisor.AGAIN_SECONDS = float(again)
    supervisor.MODULE = "scripts.faults.altered"
    run = serve if sys.argv[1:] else process.main
    run()


if __name__ == "__main__":
    main()
