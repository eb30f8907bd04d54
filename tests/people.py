"""People for tests: who somebody is, and users in the database."""

from collections.abc import Iterable
from datetime import timedelta

from aibridge.contract import SiteRole, TokenScope
from aibridge.identity.accounts import create_user
from aibridge.identity.audit import Act
from aibridge.identity.issuing import issue_token
from aibridge.identity.people import ALL_SCOPES, Person
from aibridge.store.users import Connection, User


def person(
    user_id: str,
    username: str,
    *roles: SiteRole,
    token_id: str = "",
    scopes: Iterable[TokenScope] = ALL_SCOPES,
) -> Person:
    """Return somebody as a token tells of them."""
    return Person(
        user_id, username, frozenset(roles), token_id or f"tok-{username}", frozenset(scopes)
    )


def new_user(connection: Connection, name: str, *roles: SiteRole) -> User:
    """Make a user, as the operator would."""
    return create_user(Act(connection), name, roles)


def new_token(
    connection: Connection,
    user: User,
    name: str = "",
    lifetime: timedelta | None = None,
    scopes: Iterable[TokenScope] = ALL_SCOPES,
) -> str:
    """Give a user a token, and return its text."""
    return issue_token(Act(connection), user, name, lifetime, scopes).text
