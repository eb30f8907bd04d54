"""Trying passwords, only so often."""

import math
from dataclasses import dataclass

from pydantic import SecretStr

from aibridge.api.errors import ApiError
from aibridge.identity.attempts import Attempts, Key
from aibridge.identity.passwords import Passwords


@dataclass(frozen=True, slots=True)
class Try:
    """A place from which an account's password is tried, and what counts and checks it."""

    passwords: Passwords
    attempts: Attempts
    place: Key

    def matches(self, password: SecretStr, stored: str | None) -> bool:
        """Say whether a password is the one that ``stored`` is the hash of.

        Raises `ApiError` 429 after too many failures. A try counts as a failure until it has
        succeeded, so that many at once are many.
        """
        seconds = self.attempts.wait(self.place)
        if seconds > 0:
            again = {"Retry-After": str(math.ceil(seconds))}
            raise ApiError(429, "Too many attempts: please wait a minute.", headers=again)
        self.attempts.failed(self.place)
        if not self.passwords.matches(password.get_secret_value(), stored):
            return False
        self.attempts.succeeded(self.place)
        return True
