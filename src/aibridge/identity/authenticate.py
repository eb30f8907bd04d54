"""Who is calling: a token's text to the person behind it, asked of the database every time."""

import time

from aibridge.identity.people import Person, Role
from aibridge.identity.tokens import matches, parse
from aibridge.store.database import Database
from aibridge.store.identity import ACTIVE, DRIVER_ERRORS, Grants

_ROLES = {role.value: role for role in Role}


class IdentityUnavailable(Exception):
    """The database did not say who is calling. This is our trouble, not a refused token."""


class Authenticator:
    """Turns tokens into people. For one thread: the event loop's.

    Nothing is cached, so that expiry, a deleted token and a suspended user count from the next
    request on.
    """

    def __init__(self, database: Database) -> None:
        self._grants = Grants(database)

    def person(self, token: str) -> Person | None:
        """Return who holds a token, `None` for any token that is not good, whatever the reason.

        Raises `IdentityUnavailable` when the database does not answer.
        """
        parts = parse(token)
        if parts is None:
            return None
        token_id, secret = parts
        try:
            grant = self._grants.find(token_id)
        except DRIVER_ERRORS as error:
            raise IdentityUnavailable("the database of users does not answer") from error
        if grant is None:
            return None
        stored, expires_at, status, user_id, username, role_name = grant
        role = _ROLES.get(role_name)
        alive = expires_at is None or expires_at > time.time_ns() // 1_000
        if matches(secret, stored) and alive and status == ACTIVE and role is not None:
            return Person(user_id, username, role, token_id)
        return None

    def close(self) -> None:
        """Give up the database connection; a later call opens another."""
        self._grants.close()
