"""The journals of a data directory: a folder each, which one gateway process has at a time."""

import fcntl
import os
from contextlib import closing
from itertools import count
from pathlib import Path
from uuid import uuid4

from aibridge.journal.format import HEAD_BYTES, FormatError, head_of
from aibridge.journal.segments import listed, names_in

_LOCK = "lock"
_ID = "id"
_ID_BYTES = 256
"""More than an id has."""


class JournalError(Exception):
    """No journal can be kept; the text says where and why."""


class Claim:
    """A journal's folder, which is this process's until it is closed or the process ends."""

    def __init__(self, folder: Path, lock: int) -> None:
        self.folder = folder
        self._lock = lock

    def close(self) -> None:
        """Leave the folder to others."""
        os.close(self._lock)


def claim(root: Path) -> Claim:
    """Return the first journal below a folder that no process has, made if need be.

    Raises `OSError`.
    """
    root.mkdir(mode=0o700, parents=True, exist_ok=True)
    for number in count(1):
        folder = root / str(number)
        folder.mkdir(mode=0o700, exist_ok=True)
        if (lock := _taken(folder)) is not None:
            try:
                _give_id(folder)
            except OSError:
                os.close(lock)
                raise
            return Claim(folder, lock)
    raise AssertionError  # there is no last number


def check(root: Path) -> None:
    """Raise `JournalError` where a process could have no journal; what there can be is made."""
    try:
        with closing(claim(root)) as claimed:
            for segment in listed(claimed.folder)[-1:]:
                with segment.path.open("rb") as file:
                    _check_head(file.read(HEAD_BYTES))
    except (OSError, FormatError) as error:
        reason = getattr(error, "strerror", None) or error
        raise JournalError(f"no journal can be kept in {root}: {reason}") from error


def _check_head(found: bytes) -> None:
    """Raise `FormatError` for the head of another release; one that is not whole is no head."""
    if len(found) == HEAD_BYTES:
        head_of(found)


def journals(root: Path) -> list[Path]:
    """Return the folders of all journals, in the order of their numbers."""
    numbers = (name for name in names_in(root) if name.isascii() and name.isdigit())
    return [root / name for name in sorted(numbers, key=int)]


def is_claimed(folder: Path) -> bool:
    """Say whether some process has a journal."""
    lock = _taken(folder)
    if lock is not None:
        os.close(lock)
    return lock is None


def id_of(folder: Path) -> str:
    """Return what tells a journal from any other; empty where no process has begun it yet.

    Raises `OSError`.
    """
    try:
        file = os.open(f"{folder}/{_ID}", os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return ""
    try:
        return os.read(file, _ID_BYTES).decode("ascii", "replace").strip()
    finally:
        os.close(file)


def _give_id(folder: Path) -> None:
    """Give a folder an id, unless it has one. Raises `OSError`."""
    if id_of(folder):
        return
    new = folder / f"{_ID}.new"
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(f"{uuid4()}\n")
        file.flush()
        os.fsync(file.fileno())
    new.replace(folder / _ID)


def _taken(folder: Path) -> int | None:
    """Return the lock on a folder, held, or nothing if another process holds it."""
    lock = os.open(f"{folder}/{_LOCK}", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        return None
    except OSError:
        os.close(lock)
        raise
    return lock
