# Written by scripts/unasync from client.py, which is the one to change.
"""The client: everything that can be asked, and how to come in without a token."""

from typing import Self, Unpack

from aibridge.contract import CreateFirstUserResponse
from aibridge.sdk.async_audit import AsyncAuditMethods
from aibridge.sdk.async_caps import AsyncCapMethods
from aibridge.sdk.async_connection import AsyncClientOptions
from aibridge.sdk.async_groups import AsyncGroupMethods
from aibridge.sdk.async_prices import AsyncPriceMethods
from aibridge.sdk.async_record import AsyncRecordMethods
from aibridge.sdk.async_spend import AsyncSpendMethods
from aibridge.sdk.async_users import AsyncUserMethods
from aibridge.sdk.endpoints import users

_NONE_YET = "none"
"""What a client is made with that has no token: it is taken away before anything is sent."""


class AsyncClient(
    AsyncRecordMethods,
    AsyncUserMethods,
    AsyncGroupMethods,
    AsyncCapMethods,
    AsyncPriceMethods,
    AsyncSpendMethods,
    AsyncAuditMethods,
):
    """Reads and administers an AI Bridge; to be closed, or used in ``async with``.

    Every method raises `ApiError` for a refusal, `ConnectionFailed` when no answer came, and
    `WrongArgument` for what cannot be sent. What is safe to ask again is asked again before that,
    when the connection was lost or the status is 408, 429, 500, 502, 503 or 504. `with_options`
    sets the timeout, headers and retries of single calls, and `with_raw_response` gives their
    answers as they came. Tasks may share a client.
    """

    notices: tuple[str, ...] = ()

    @classmethod
    async def login(
        cls,
        email: str,
        password: str,
        *,
        url: str | None = None,
        **options: Unpack[AsyncClientOptions],
    ) -> Self:
        """Return a client whose ``token`` was given out for an email address, or a username, and
        a password. It ends after a day, or with `logout`. The options are those of a client.

        ``notices`` are what the bridge has to say to the user, such as who set their password.
        """
        client = cls(url, _NONE_YET, **options)
        client._token = ""
        try:
            answer = await client._ask(users.login(email, password))
        except BaseException:
            await client.aclose()
            raise
        client._token = answer.session_token
        client.notices = answer.notices
        return client

    @classmethod
    async def create_first_user(
        cls,
        username: str,
        password: str,
        *,
        email: str | None = None,
        name: str | None = None,
        url: str | None = None,
        **options: Unpack[AsyncClientOptions],
    ) -> CreateFirstUserResponse:
        """Make the owner of an installation that has no user yet; then `login` as them.

        Needs no token. Raises `Conflict` when there are users. The options are those of a client.
        """
        async with cls(url, _NONE_YET, **options) as client:
            client._token = ""
            request = users.create_first_user(username, password, email=email, name=name)
            return await client._ask(request)

    async def logout(self) -> None:
        """Delete the token that this client was made with; it is not to be used any more."""
        return await self._ask(users.logout())
