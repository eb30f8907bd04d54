"""Trying passwords, only so often."""

import math

from pydantic import SecretStr

from aibridge.api.errors import ApiError
from aibridge.api.services import Services
from aibridge.identity.attempts import Key


def right_password(services: Services, place: Key, password: SecretStr, stored: str | None) -> bool:
    """Say whether a password is the one that ``stored`` is the hash of.

    Raises `ApiError` 429 where there were too many failures for the account and address of
    ``place``. A try counts as a failure until it has succeeded, so that many at once are many.
    """
    seconds = services.attempts.wait(place)
    if seconds > 0:
        again = {"Retry-After": str(math.ceil(seconds))}
        raise ApiError(429, "Too many attempts: please wait a minute.", headers=again)
    services.attempts.failed(place)
    if not services.passwords.matches(password.get_secret_value(), stored):
        return False
    services.attempts.succeeded(place)
    return True
