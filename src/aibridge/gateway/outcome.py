"""How an exchange ended, in the words of the record."""

from aibridge.dialects.facts import ProviderError, ResponseFacts
from aibridge.gateway.upstream import BrokenAnswer, ConnectFailed, TimedOut, UpstreamError
from aibridge.recorder.records import Status

FIRST_ERROR = 400
_SERVER_ERROR = 500

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
_BY_WORD = {
    "authentication": "unauthorized",
    "invalid_request": "bad_request",
    "overloaded": "overloaded",
    "permission": "unauthorized",
    "rate_limit": "rate_limited",
    "timeout": "timeout",
}
_BY_FAILURE: tuple[tuple[type[UpstreamError], str], ...] = (
    (TimedOut, "timeout"),
    (ConnectFailed, "unreachable"),
    (BrokenAnswer, "broken"),
)

Outcome = tuple[Status, str, str]
"""Status, error type, error message."""

COMPLETED: Outcome = (Status.COMPLETED, "", "")
CANCELLED: Outcome = (Status.CANCELLED, "", "the client closed the connection")
TRUNCATED: Outcome = (Status.FAILED, "truncated", "the answer ended without its last event")
QUEUED: Outcome = (Status.QUEUED, "", "")
CANCELLED_THERE: Outcome = (Status.CANCELLED, "", "the answer was cancelled at the provider")
INTERRUPTED: Outcome = (Status.FAILED, "interrupted", "the bridge stopped before the answer ended")


def of_answer(status: int, facts: ResponseFacts) -> Outcome:
    """Judge an answer whose body came to its end."""
    error = facts.error
    if status >= FIRST_ERROR:
        fallback = "server_error" if status >= _SERVER_ERROR else "unknown"
        return Status.FAILED, _BY_STATUS.get(status, fallback), error.message if error else ""
    if error is not None:
        return Status.FAILED, _error_type(error), error.message
    if facts.is_queued:
        return QUEUED
    if not facts.ended and not facts.stop_reason:
        return TRUNCATED
    return CANCELLED_THERE if facts.stop_reason == "cancelled" else COMPLETED


def of_failure(error: UpstreamError) -> Outcome:
    """Judge an exchange in which the provider could not be reached, or broke off."""
    kind = next((name for cause, name in _BY_FAILURE if isinstance(error, cause)), "unknown")
    return Status.FAILED, kind, str(error)


def _error_type(error: ProviderError) -> str:
    """Return the type of an error that came within a stream, where no status speaks."""
    words = error.type.lower()
    return next((kind for word, kind in _BY_WORD.items() if word in words), "server_error")
