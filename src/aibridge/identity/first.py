"""The first user of an installation, who is its owner."""

from datetime import timedelta

from aibridge.contract.words import SiteRole
from aibridge.errors import TakenError
from aibridge.identity.accounts import create_user
from aibridge.identity.audit import Act
from aibridge.identity.issuing import Issued, issue_token
from aibridge.store.engine.database import Database
from aibridge.store.people import tokens
from aibridge.store.people import users as store

FIRST_USER = "admin"
FIRST_TOKEN = "first"  # noqa: S105 - its name
FIRST_LIFETIME = timedelta(days=30)
"""It is printed where others may read it later: a terminal, the log of a container."""


def has_users(database: Database) -> bool:
    """Say whether there is any user."""
    with database.read() as connection:
        return store.count(connection) > 0


def has_used_tokens(database: Database) -> bool:
    """Say whether any token has ever been used, as far as the database knows."""
    with database.read() as connection:
        return tokens.is_any_used(connection)


def ensure_owner(database: Database) -> Issued | None:
    """Give a database without users its owner, and return the owner's token.

    Returns `None` where there are users. Of processes that start at once only one makes the
    owner: the check is inside the transaction that writes.
    """
    if has_users(database):
        return None
    try:
        with database.write() as connection:
            if store.count(connection):
                return None
            act = Act(connection)
            owner = create_user(act, FIRST_USER, [SiteRole.OWNER])
            return issue_token(act, owner, FIRST_TOKEN, FIRST_LIFETIME)
    except TakenError:  # writers side by side: the unique name decided
        return None
