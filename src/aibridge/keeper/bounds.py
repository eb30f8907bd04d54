"""Bounds for reading: no call may take the keeper's time or memory from the others.

The limit of time raises in whatever is at work. What stays in one call of C for long, as nothing
here should, is ended by the kernel with the whole process; the next one knows where it was
(`aibridge.keeper.marker`).
"""

import resource
import signal
from collections.abc import Callable
from contextlib import AbstractContextManager
from types import FrameType

SECONDS = 10.0
MEMORY_BYTES = 1 << 30
"""How much more memory than at its start the keeper may take: far more than it needs."""
CPU_SECONDS = 60.0
"""How much processor time it may take until the kernel ends the process."""
_AGAIN_SECONDS = 1.0

Bounded = Callable[[], AbstractContextManager[None]]
"""Bounds what is done in its ``with``. Raises `TooMuch` in it."""


class TooMuch(BaseException):
    """Reading takes too long. No `Exception`, as readers catch those."""


class Bounds:
    """The bounds of this process. For its main thread."""

    def __init__(self) -> None:
        """Bound the memory from now on."""
        signal.signal(signal.SIGALRM, _raise)
        _, hard = resource.getrlimit(resource.RLIMIT_AS)
        most = _address_space() + MEMORY_BYTES
        most = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(resource.RLIMIT_AS, (most, hard))

    def __call__(self) -> "Bounds":
        """Return what bounds the time in a ``with``."""
        return self

    def __enter__(self) -> None:
        """Begin to count the time."""
        signal.setitimer(signal.ITIMER_VIRTUAL, CPU_SECONDS)
        signal.setitimer(signal.ITIMER_REAL, SECONDS, _AGAIN_SECONDS)

    def __exit__(self, *_: object) -> None:
        """Count no more."""
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)


def _raise(_number: int, _frame: FrameType | None) -> None:
    raise TooMuch


def _address_space() -> int:
    with open("/proc/self/statm", encoding="ascii") as file:  # noqa: PTH123 - no file of ours
        return int(file.read().split()[0]) * resource.getpagesize()
