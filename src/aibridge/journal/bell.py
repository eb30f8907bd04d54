"""A bell between processes: whoever rings it wakes the one that waits for it, or has it wait less.

It is a named pipe, so it needs no connection, and rings into the void while nobody listens.
"""

import os
import select
from contextlib import suppress
from pathlib import Path
from time import monotonic

NEWS = b"."
"""There is something new."""
HASTE = b"!"
"""Somebody waits for it."""


class Bell:
    """A bell that this process listens to."""

    def __init__(self, path: Path) -> None:
        """Hang it up at a path. Raises `OSError`."""
        with suppress(FileExistsError):
            os.mkfifo(path, 0o600)
        self._pipe = os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)

    def wait(self, seconds: float) -> bytes:
        """Wait until it rings, so long at most, and return what was rung."""
        ready, _, _ = select.select([self._pipe], [], [], seconds)
        if ready:
            with suppress(BlockingIOError):
                return os.read(self._pipe, 1 << 16)
        return b""

    def wait_for_haste(self, seconds: float) -> bool:
        """Wait so long, unless somebody is in haste, and say whether somebody is."""
        until = monotonic() + seconds
        while (left := until - monotonic()) > 0:
            if HASTE in self.wait(left):
                return True
        return False

    def close(self) -> None:
        """Listen no more."""
        os.close(self._pipe)


class Rope:
    """What rings a bell that another process listens to. Belongs to one thread."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._pipe: int | None = None

    def ring(self, what: bytes = NEWS) -> None:
        """Ring; nothing happens where nobody listens."""
        try:
            if self._pipe is None:
                self._pipe = os.open(self._path, os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC)
            os.write(self._pipe, what)
        except BlockingIOError:
            pass  # it has been rung often enough
        except OSError:
            self.close()

    def close(self) -> None:
        """Let go of it."""
        pipe, self._pipe = self._pipe, None
        if pipe is not None:
            os.close(pipe)
