"""The client: everything that can be asked, and how to come in without a token."""

from typing import Self, Unpack

from aibridge.contract import CreateFirstUserResponse
from aibridge.sdk.audit import AuditMethods
from aibridge.sdk.caps import CapMethods
from aibridge.sdk.connection import ClientOptions
from aibridge.sdk.endpoints import users
from aibridge.sdk.groups import GroupMethods
from aibridge.sdk.prices import PriceMethods
from aibridge.sdk.record import RecordMethods
from aibridge.sdk.spend import SpendMethods
from aibridge.sdk.users import UserMethods

_NONE_YET = "none"
"""What a client is made with that has no token: it is taken away before anything is sent."""


class Client(
    RecordMethods,
    UserMethods,
    GroupMethods,
    CapMethods,
    PriceMethods,
    SpendMethods,
    AuditMethods,
):
    """Reads and administers an AI Bridge; to be closed, or used in ``with``.

    Every method raises `ApiError` for a refusal, `ConnectionFailed` when no answer came, and
    `WrongArgument` for what cannot be sent. What is safe to ask again is asked again before that,
    when the connection was lost or the status is 408, 429, 500, 502, 503 or 504. `with_options`
    sets the timeout, headers and retries of single calls, and `with_raw_response` gives their
    answers as they came. Threads may share a client.
    """

    notices: tuple[str, ...] = ()

    @classmethod
    def login(
        cls,
        email: str,
        password: str,
        *,
        url: str | None = None,
        **options: Unpack[ClientOptions],
    ) -> Self:
        """Return a client whose ``token`` was given out for an email address, or a username, and
        a password. It ends after a day, or with `logout`. The options are those of a client.

        ``notices`` are what the bridge has to say to the user, such as who set their password.
        """
        client = cls(url, _NONE_YET, **options)
        client._token = ""
        try:
            answer = client._ask(users.login(email, password))
        except BaseException:
            client.close()
            raise
        client._token = answer.session_token
        client.notices = answer.notices
        return client

    @classmethod
    def create_first_user(
        cls,
        username: str,
        password: str,
        *,
        email: str | None = None,
        name: str | None = None,
        url: str | None = None,
        **options: Unpack[ClientOptions],
    ) -> CreateFirstUserResponse:
        """Make the owner of an installation that has no user yet; then `login` as them.

        Needs no token. Raises `Conflict` when there are users. The options are those of a client.
        """
        with cls(url, _NONE_YET, **options) as client:
            client._token = ""
            request = users.create_first_user(username, password, email=email, name=name)
            return client._ask(request)

    def logout(self) -> None:
        """Delete the token that this client was made with; it is not to be used any more."""
        return self._ask(users.logout())
