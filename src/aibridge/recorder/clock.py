"""The wall clock as a witness: by one that has leapt ahead, everything on record would be old."""

import time

import structlog

LEAP_SECONDS = 3600.0
"""By how much more than what has passed a clock may go ahead, until it is taken for a leap."""
DOUBT_SECONDS = 86_400.0
"""How long it is not believed then: time for somebody to see the log, and to set the clock."""

_log = structlog.get_logger()


class Clock:
    """Whether the wall clock is to be believed: not for a day after it has leapt ahead.

    One that is set back is believed again. It is asked from time to time, in one thread.
    """

    def __init__(self) -> None:
        self._ahead = _ahead()
        self._doubted_until = 0.0

    def is_believed(self) -> bool:
        """Return whether what it says is old may go."""
        before, self._ahead = self._ahead, _ahead()
        leap = self._ahead - before
        if leap > LEAP_SECONDS:
            self.doubt(f"the clock has leapt ahead by {leap:.0f} s")
        elif leap < -LEAP_SECONDS:
            self._doubted_until = 0.0
        return _passed() >= self._doubted_until

    def doubt(self, cause: str) -> None:
        """Do not believe it for a day, and say why."""
        self._doubted_until = _passed() + DOUBT_SECONDS
        _log.warning("purge_held_back", cause=cause, seconds=DOUBT_SECONDS)


def _ahead() -> float:
    return time.time() - _passed()


def _passed() -> float:
    """Return seconds that nobody sets, and that go on while the machine sleeps."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))
