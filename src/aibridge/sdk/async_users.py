# Written by scripts/unasync from users.py, which is the one to change.
"""Users, and their tokens."""

from collections.abc import AsyncIterator, Iterable
from datetime import timedelta

from aibridge.contract import CreatedToken, Token, User, UserList
from aibridge.sdk import paging
from aibridge.sdk.async_connection import AsyncConnection
from aibridge.sdk.endpoints import users
from aibridge.sdk.names import NOT_GIVEN, Id, Name, NotGiven, RoleName, ScopeName


class AsyncUserMethods(AsyncConnection):
    """What a client does with users and tokens. A user is an id, a username, or ``me``."""

    async def list_users(
        self, q: str = "", *, limit: int = 0, offset: int = 0, after_id: Id = None
    ) -> UserList:
        """Return a page of users in the order of their names.

        ``q`` is part of a name, ``status:`` or ``role:``. ``limit`` is 1 to 1000, 0 means 100.
        ``after_id`` is the id of the last user of the page before; not together with ``offset``.
        """
        return await self._ask(users.users(q, limit=limit, offset=offset, after_id=after_id))

    def iter_users(self, q: str = "", *, limit: int | None = None) -> AsyncIterator[User]:
        """Go through the users, each once, ``limit`` of them at most."""
        return self._pages(paging.users(q, limit))

    async def get_user(self, user: Name = "me") -> User:
        """Return a user."""
        return await self._ask(users.user(user))

    async def create_user(
        self,
        username: str,
        *,
        email: str | None = None,
        name: str | None = None,
        password: str | None = None,
        roles: Iterable[RoleName] | None = None,
    ) -> User:
        """Make a user and return them. Without a password they use tokens only.

        ``roles`` are any of owner, user-admin, auditor and member. Raises `Conflict` when there
        is a user of that name.
        """
        return await self._ask(
            users.create_user(username, email=email, name=name, password=password, roles=roles)
        )

    async def suspend_user(self, user: Name) -> User:
        """Refuse a user's tokens from their next request on."""
        return await self._ask(users.set_status(user, "suspend"))

    async def activate_user(self, user: Name) -> User:
        """Let a suspended user's tokens work again."""
        return await self._ask(users.set_status(user, "activate"))

    async def set_user_roles(self, user: Name, roles: Iterable[RoleName]) -> User:
        """Give a user these roles, all of them, instead of those they have."""
        return await self._ask(users.set_roles(user, roles))

    async def set_user_password(
        self, user: Name, password: str, *, old_password: str | None = None
    ) -> None:
        """Give a user another password; to change one's own needs the old one."""
        return await self._ask(users.set_password(user, password, old_password=old_password))

    async def list_tokens(self, user: Name = "me") -> list[Token]:
        """Return the tokens of a user, without their secrets."""
        return await self._ask(users.tokens(user))

    async def list_all_tokens(self) -> list[Token]:
        """Return everybody's tokens, without their secrets."""
        return await self._ask(users.tokens("me", everybodys=True))

    async def create_token(
        self,
        user: Name = "me",
        *,
        name: str | None = None,
        lifetime: timedelta | NotGiven | None = NOT_GIVEN,
        scopes: Iterable[ScopeName] | None = None,
    ) -> CreatedToken:
        """Give a user a token; its ``key`` is what they send, and is told only now.

        Its name is its id if left out. ``lifetime`` is 30 days if left out, and ``None`` is for
        ever. ``scopes`` are any of gateway, read and admin, all of them if left out.
        """
        return await self._ask(
            users.create_token(user, name=name, lifetime=lifetime, scopes=scopes)
        )

    async def get_token(self, token_id: str, user: Name = "me") -> Token:
        """Return a token of a user, without its secret; its id is its first ten characters."""
        return await self._ask(users.token(token_id, user))

    async def delete_token(self, token_id: str, user: Name = "me") -> None:
        """Refuse a token of a user from its next request on."""
        return await self._ask(users.delete_token(token_id, user))
