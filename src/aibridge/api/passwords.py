"""Trying passwords, only so often."""

import math
from dataclasses import dataclass
from ipaddress import IPv6Address, IPv6Network, ip_address

from pydantic import SecretStr

from aibridge.api.errors import ApiError
from aibridge.identity.attempts import Attempts, Key
from aibridge.identity.passwords import Passwords

_OF_ONE = 64
"""Bits of an IPv6 address that tell one network from another: the rest are anybody's to choose."""


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


def network_of(ip: str) -> str:
    """Return an address, of IPv6 its network of 64 bits; what is no address stays as it is."""
    try:
        address = ip_address(ip)
    except ValueError:
        return ip
    if isinstance(address, IPv6Address):
        return str(IPv6Network((int(address) >> _OF_ONE << _OF_ONE, _OF_ONE)))
    return ip
