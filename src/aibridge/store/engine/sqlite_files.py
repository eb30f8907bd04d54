"""What stands beside an SQLite file, or may come to stand in its place.

SQLite itself writes on into a file that was deleted, and tells nobody of what others have changed.
"""

import os
import sqlite3
from pathlib import Path

from aibridge.mapped import mapped

_MARK_BYTES = 16

Identity = tuple[int, int] | None
"""The device and the inode of a file, `None` where there is no file."""


class FileReplaced(sqlite3.OperationalError):
    """The path leads to another file than the one that was opened, or to none."""


class WatchedFile:
    """An SQLite file as it was when it was opened. Checking it takes microseconds.

    A file that is put back is good again. A write-ahead log that was deleted is not: what is
    connected has the old one, what connects would have a new one, so nothing is written any more.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._log_path = path.with_name(f"{path.name}-wal")
        self._identity = _identity(self._path)
        self._lost_log = False

    def check(self) -> None:
        """Raise `FileReplaced` where what is written now would be lost."""
        if self._lost_log or _identity(self._path) != self._identity:
            raise FileReplaced("the file was deleted or replaced")

    def log(self) -> Identity:
        """Return which write-ahead log there is, for a connection in a transaction."""
        return _identity(self._log_path)

    def check_log(self, log: Identity) -> None:
        """Raise `FileReplaced` where the log of a connection that is open is another by now."""
        if self.log() != log:
            self._lost_log = True
        self.check()


def _identity(path: Path) -> Identity:
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino


class Changes:
    """The mark of a database file. For any thread."""

    def __init__(self, file: Path) -> None:
        """Map the mark into memory; its file is made if need be. Raises `OSError`."""
        self._shared = mapped(file.with_name(f"{file.name}.changes"), _MARK_BYTES)

    @property
    def mark(self) -> bytes:
        """What it is now: another one after each change."""
        return self._shared[:]

    def note(self) -> None:
        """Change it. No counter: two that count at once could leave the same number."""
        self._shared[:] = os.urandom(_MARK_BYTES)

    def close(self) -> None:
        """Unmap it."""
        self._shared.close()
