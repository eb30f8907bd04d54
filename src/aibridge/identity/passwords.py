"""Passwords: hashed with argon2id, and checked so that trying is slow.

Each hash takes tens of milliseconds and 64 MiB on purpose, so they run one after the other.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import BoundedSemaphore

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError

AT_ONCE = 1
"""Hashes that are computed at the same time."""

WAITING = 4
"""How many may wait for their turn: each holds a thread in which others could be served."""

PATIENCE_SECONDS = 5.0
"""How long a hash waits for its turn."""


class BusyError(Exception):
    """Too many passwords are being checked at once."""


class Passwords:
    """Hashes passwords and checks them; threads may share it."""

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self._hasher = hasher or PasswordHasher()
        self._turns = BoundedSemaphore(AT_ONCE)
        self._places = BoundedSemaphore(AT_ONCE + WAITING)
        self._nobody = ""

    def hash(self, password: str) -> str:
        """Return what is stored of a password. Raises `BusyError`."""
        with self._turn():
            return self._hasher.hash(password)

    def matches(self, password: str, stored: str | None) -> bool:
        """Say whether a password is the one a hash was stored of. Raises `BusyError`.

        Where nothing is stored, as for a user who is none, it takes as long.
        """
        with self._turn():
            try:
                self._hasher.verify(stored or self._hash_of_nobody(), password)
            except (Argon2Error, InvalidHashError):
                return False
        return bool(stored)

    def _hash_of_nobody(self) -> str:
        self._nobody = self._nobody or self._hasher.hash("nobody's password")
        return self._nobody

    @contextmanager
    def _turn(self) -> Iterator[None]:
        if not self._places.acquire(blocking=False):
            raise BusyError("too many passwords are being checked")
        try:
            if not self._turns.acquire(timeout=PATIENCE_SECONDS):
                raise BusyError("too many passwords are being checked")
            try:
                yield
            finally:
                self._turns.release()
        finally:
            self._places.release()
