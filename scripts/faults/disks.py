"""Faults of disks: a small one in memory, which a file fills."""

import errno
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from scripts.faults.fault import POSTGRESQL, SQLITE, Fault

DISK_BYTES = 64 << 20
FILLER = "filler"
PIECES = (1 << 20, 4096, 1)
"""Bytes that are written at once, until nothing more fits."""


class NoDisk(Exception):
    """There can be no small disk here; the text says why."""


@contextmanager
def small_disk(path: Path) -> Iterator[Path]:
    """Have a small disk at ``path`` for as long as a ``with`` lasts. Raises `NoDisk`."""
    if os.geteuid() != 0:
        raise NoDisk("only root may mount a small disk")
    path.mkdir()
    options = f"size={DISK_BYTES},mode=700"
    command = ["mount", "-t", "tmpfs", "-o", options, "aibridge-chaos", str(path)]
    try:
        subprocess.run(command, check=True, capture_output=True, text=True)
    except (OSError, subprocess.CalledProcessError) as error:
        path.rmdir()
        raise NoDisk(f"a small disk cannot be mounted: {error}") from error
    try:
        yield path
    finally:
        subprocess.run(["umount", str(path)], check=True)
        path.rmdir()


def fill(disk: Path) -> None:
    """Write a file until the disk has no byte left."""
    with (disk / FILLER).open("ab", buffering=0) as file:
        for size in PIECES:
            with suppress(_Full):
                while True:
                    _write(file.fileno(), bytes(size))


def clear(disk: Path) -> None:
    """Remove that file."""
    (disk / FILLER).unlink(missing_ok=True)


class _Full(Exception):
    pass


def _write(descriptor: int, piece: bytes) -> None:
    try:
        os.write(descriptor, piece)
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        raise _Full from error


class _FullDisk(Fault):
    hold = (1.0, 5.0)

    @property
    def disk(self) -> Path:
        """The small disk of the scene."""
        assert self.scene.disk is not None  # noqa: S101 - `small` says that there is one
        return self.scene.disk

    def strike(self) -> None:
        """Fill it."""
        fill(self.disk)

    def mend(self) -> None:
        """Clear it."""
        clear(self.disk)


class FullUnderSQLite(_FullDisk):
    """The disk of the database is full; that of the journal is another."""

    name = "full-disk-sqlite"
    engines = (SQLITE,)
    small = frozenset({"database"})


class FullUnderBoth(_FullDisk):
    """The disk that the database and the journal are both on is full."""

    name = "full-disk"
    leaves_gaps = True
    engines = (SQLITE,)
    small = frozenset({"database", "journal"})


class FullUnderJournal(_FullDisk):
    """The disk of the journal is full; the database is elsewhere, and takes what it is given."""

    name = "full-disk-journal"
    leaves_gaps = True
    small = frozenset({"journal"})


class FullInOutage(FullUnderJournal):
    """PostgreSQL is shut down, and the disk of the journal is full."""

    name = "full-disk-in-outage"
    engines = (POSTGRESQL,)

    def strike(self) -> None:
        """Shut the server down and fill the disk."""
        self.server.shut_down()
        super().strike()

    def mend(self) -> None:
        """Clear the disk first, so that the journal is tried again before the database is."""
        super().mend()
        self.server.start()
