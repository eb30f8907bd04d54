"""Giving out tokens: to a user who is to have one, and to the owner of a new installation."""

from dataclasses import dataclass, field
from datetime import timedelta

from aibridge.identity.people import Role
from aibridge.identity.tokens import digest, generate
from aibridge.store import identity as store
from aibridge.store.database import Database

FIRST_USER = "admin"
FIRST_TOKEN = "first"  # noqa: S105 - its name
MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Issued:
    """A new token: its row, and its text, which is nowhere else."""

    row: store.Token
    text: str = field(repr=False)


def issue_token(
    connection: store.Connection,
    user: store.User,
    name: str | None = None,
    lifetime: timedelta | None = None,
) -> Issued:
    """Give a user a token, named after its id where no name is given; no lifetime is for ever."""
    token = generate()
    lifetime_us = None if lifetime is None else lifetime // MICROSECOND
    row = store.create_token(
        connection,
        user,
        token.id,
        digest(token.secret),
        name=name or token.id,
        lifetime_us=lifetime_us,
    )
    return Issued(row, token.text)


def ensure_owner(database: Database) -> str | None:
    """Give a database without users its owner, and return the text of the owner's token.

    Returns `None` where there are users. Of processes that start at once only one makes the
    owner: the check is inside the transaction that writes.
    """
    with database.read() as connection:
        if store.count_users(connection):
            return None
    try:
        with database.write() as connection:
            if store.count_users(connection):
                return None
            owner = store.create_user(connection, FIRST_USER, Role.OWNER)
            return issue_token(connection, owner, FIRST_TOKEN).text
    except store.IdentityError:  # writers side by side: the unique name decided
        return None
