"""Trying passwords, only so often."""

import math
from dataclasses import dataclass

from pydantic import SecretStr

from aibridge.api.errors import ApiError
from aibridge.identity.attempts import Attempts, Pair
from aibridge.identity.passwords import Passwords


@dataclass(frozen=True, slots=True)
class Trial:
    """An account's password tried from a network, and what counts that."""

    attempts: Attempts
    pair: Pair

    def matches(self, passwords: Passwords, password: SecretStr, stored: str | None) -> bool:
        """Say whether a password is the one that ``stored`` is the hash of.

        Raises `ApiError` 429 after too many failures, before anything is hashed.
        """
        seconds = self.attempts.begin(self.pair)
        if seconds > 0:
            again = {"Retry-After": str(math.ceil(seconds))}
            raise ApiError(429, "Too many attempts: please wait a minute.", headers=again)
        if not passwords.matches(password.get_secret_value(), stored):
            return False
        self.attempts.succeeded(self.pair)
        return True
