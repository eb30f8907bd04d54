"""How an exchange ended, in the words of the record."""

from aibridge.dialects.facts import ProviderError, ResponseFacts
from aibridge.recorder.records import Status

FIRST_ERROR = 400
FIRST_REDIRECT = 300
_SERVER_ERROR = 500
_MAX_STATUS = 600

_BY_STATUS = {
    400: "bad_request",
    401: "unauthorized",
    403: "unauthorized",
    404: "bad_request",
    408: "timeout",
    413: "bad_request",
    422: "bad_request",
    429: "rate_limited",
    503: "overloaded",
    529: "overloaded",
}
_BY_CODE = {1001: "timeout", 1002: "rate_limited", 1004: "unauthorized", 1039: "rate_limited"}
_BY_CODE |= {1027: "bad_request", 2013: "bad_request"}
"""MiniMax's own codes. Source: https://platform.minimax.io/docs/api-reference/errorcode"""

_BY_WORD = {
    "authentication": "unauthorized",
    "unauthenticated": "unauthorized",
    "unauthorized": "unauthorized",
    "invalid_api_key": "unauthorized",
    "permission": "unauthorized",
    "forbidden": "unauthorized",
    "rate_limit": "rate_limited",
    "ratelimit": "rate_limited",
    "too_many_requests": "rate_limited",
    "resource_exhausted": "rate_limited",
    "throttl": "rate_limited",
    "quota": "rate_limited",
    "overloaded": "overloaded",
    "unavailable": "overloaded",
    "capacity": "overloaded",
    "timeout": "timeout",
    "deadline": "timeout",
    "invalid": "bad_request",
    "bad_request": "bad_request",
    "badrequest": "bad_request",
    "not_found": "bad_request",
    "context_length": "bad_request",
    "too_large": "bad_request",
}
"""Words in the types and codes of errors; the first one that is found counts."""

Outcome = tuple[Status, str, str]
"""Status, error type, error message."""

COMPLETED: Outcome = (Status.COMPLETED, "", "")
QUEUED: Outcome = (Status.QUEUED, "", "")
CANCELLED: Outcome = (Status.CANCELLED, "", "the client closed the connection")
TRUNCATED: Outcome = (Status.FAILED, "truncated", "the answer ended without its last event")
CANCELLED_THERE: Outcome = (Status.CANCELLED, "", "the answer was cancelled at the provider")
INTERRUPTED: Outcome = (Status.FAILED, "interrupted", "the bridge stopped before the answer ended")


def of_answer(status: int, facts: ResponseFacts) -> Outcome:
    """Judge an answer whose body came to its end."""
    error = facts.error
    if status >= FIRST_ERROR:
        return Status.FAILED, _of_status(status), error.message if error else ""
    if status >= FIRST_REDIRECT:
        return Status.FAILED, "unknown", f"the provider redirects: status {status}"
    if error is not None:
        return Status.FAILED, _error_type(error), error.message
    if facts.is_queued:
        return QUEUED
    if not facts.ended and not facts.stop_reason:
        return TRUNCATED
    return CANCELLED_THERE if facts.stop_reason == "cancelled" else COMPLETED


def _of_status(status: int) -> str:
    """Return the type of an error with an HTTP status."""
    fallback = "server_error" if status >= _SERVER_ERROR else "unknown"
    return _BY_STATUS.get(status, fallback)


def _error_type(error: ProviderError) -> str:
    """Return the type of an error that came within an answer, where no status speaks.

    The provider's code counts where its type says nothing.
    """
    found = (kind for said in (error.type, error.code) if (kind := _type_of(said)))
    return next(found, "server_error")


def _type_of(said: str) -> str | None:
    """Return the type that a provider's word or number stands for, if any."""
    if said.isascii() and said.isdecimal():
        code = int(said)
        is_status = FIRST_ERROR <= code < _MAX_STATUS
        return _of_status(code) if is_status else _BY_CODE.get(code)
    words = said.lower().replace("-", "_").replace(" ", "_")
    return next((kind for word, kind in _BY_WORD.items() if word in words), None)
