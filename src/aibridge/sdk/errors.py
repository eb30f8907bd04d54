"""What can go wrong, as one small hierarchy below `AIBridgeError`.

A wrong argument, such as a time without an offset, is a `ValueError` as everywhere in Python.
"""

import httpx

from aibridge.contract import Validation
from aibridge.sdk.headers import request_id, retry_after


class AIBridgeError(Exception):
    """Something went wrong between this program and AI Bridge."""


class Misconfigured(AIBridgeError, ValueError):
    """The URL or the token of a client cannot be used; the token is not repeated."""


class WrongArgument(AIBridgeError, ValueError):
    """What was given cannot be sent; nothing was. The text says why, and repeats no secret."""


class ConnectionFailed(AIBridgeError):
    """No whole answer came: AI Bridge was not reached, was too slow, or broke off."""


class Timeout(ConnectionFailed):
    """AI Bridge was too slow: to be reached, or to answer; see ``timeout`` of the client."""


class ApiError(AIBridgeError):
    """AI Bridge, or something on the way to it, answered otherwise than was hoped for.

    ``message``, ``detail`` and ``validations`` are those of the answer. Of an answer that is not
    JSON, ``detail`` quotes the beginning. A status of 200 means an answer of another server.

    ``response`` is httpx's answer, without what was sent. ``headers`` are its headers.
    ``request_id`` is what the log of the bridge calls the request, and ``retry_after`` the seconds
    to wait before another one; both are ``None`` where the answer does not tell them.
    """

    def __init__(
        self,
        status: int,
        message: str,
        detail: str = "",
        validations: tuple[Validation, ...] = (),
        response: httpx.Response | None = None,
    ) -> None:
        super().__init__(status, message, detail, validations)
        self.status = status
        self.message = message
        self.detail = detail
        self.validations = validations
        self.response = response
        self.headers = httpx.Headers() if response is None else response.headers
        self.request_id = request_id(self.headers)
        self.retry_after = retry_after(self.headers)

    def __str__(self) -> str:
        complaints = (f"{one.field}: {one.detail}" for one in self.validations)
        texts = (self.message, self.detail, "; ".join(complaints))
        known = "" if self.request_id is None else f", request {self.request_id}"
        return " ".join((*(text for text in texts if text), f"(status {self.status}{known})"))


class Invalid(ApiError):
    """400: a parameter or the search is wrong; ``validations`` may say which."""


class Unauthorized(ApiError):
    """401: the token is missing, unknown or expired."""


class Forbidden(ApiError):
    """403: the caller may not do this."""


class NotFound(ApiError):
    """404: there is no such thing, or the caller may not see it."""


class Conflict(ApiError):
    """409: it is there already, or what was asked for contradicts what is there."""


class RateLimited(ApiError):
    """429: too many requests, also after the retries; ``retry_after`` says how long to wait."""


class Unavailable(ApiError):
    """5xx: trouble of the server, also after the retries."""


_BY_STATUS: dict[int, type[ApiError]] = {
    400: Invalid,
    401: Unauthorized,
    403: Forbidden,
    404: NotFound,
    409: Conflict,
    429: RateLimited,
}


def kind_of(status: int) -> type[ApiError]:
    """Return the class of errors that a status belongs to."""
    fallback = Unavailable if 500 <= status <= 599 else ApiError  # noqa: PLR2004 - 5xx
    return _BY_STATUS.get(status, fallback)
