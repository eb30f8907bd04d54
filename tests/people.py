"""People for tests: who somebody is, and users in the database."""

from collections.abc import Awaitable, Callable, Iterable
from datetime import timedelta

from argon2 import PasswordHasher

from aibridge.contract import SiteRole, TokenScope
from aibridge.identity.accounts import create_user
from aibridge.identity.audit import Act, Actor
from aibridge.identity.issuing import issue_token
from aibridge.identity.passwords import Passwords
from aibridge.principals import ALL_SCOPES, Person
from aibridge.store.people.audit import AuditFilter, AuditRow, page
from aibridge.store.people.users import Connection, User


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


def acting(connection: Connection, user: User) -> Act:
    """Return a change in a user's name, from somewhere on the network."""
    who = Person(user.id, user.username, user.roles, f"tok-{user.username}"[:10])
    return Act(connection, Actor(who, "192.0.2.7", "a browser"))


def entries(connection: Connection) -> list[AuditRow]:
    """Return the audit log, oldest first."""
    return page(connection, AuditFilter(), limit=1000)[::-1]


def cheap_passwords() -> Passwords:
    """Return what hashes passwords in no time: what is tested is not how long it takes."""
    return Passwords(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))


def trusting(_connection: Connection, _person: Person) -> bool:
    """Let act whoever was let in: for people whose tokens are in no database."""
    return True


def asking(find: Callable[[str], Person | None]) -> Callable[[str], Awaitable[Person | None]]:
    """Return how a server asks who holds a token, from what knows it."""

    async def person(token: str) -> Person | None:
        return find(token)

    return person
