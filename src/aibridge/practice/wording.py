"""What the dialects' wordings share: their shape, server-sent events, and error bodies."""

from collections.abc import Iterator
from typing import Any, Protocol

import msgspec

from aibridge.practice.answer import KEY, Answer
from aibridge.practice.script import Failure, StreamFailure

JSON = dict[str, Any]

_encode = msgspec.json.encode

_ANTHROPIC_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    504: "timeout_error",
    529: "overloaded_error",
}
_OPENAI_TYPES = {429: "requests", 500: "server_error", 502: "server_error", 503: "server_error"}
_OPENAI_CODES = {401: "invalid_api_key", 429: "rate_limit_exceeded"}


class Voice(Protocol):
    """A dialect's wording of an answer; each is a module."""

    def whole(self, answer: Answer) -> JSON:
        """Word the answer as one JSON body."""

    def events(self, answer: Answer) -> Iterator[bytes]:
        """Word the answer as the events of a stream."""

    def broken(self, answer: Answer, failure: StreamFailure) -> bytes:
        """Word an error in the middle of a stream."""

    def error(self, failure: Failure) -> JSON:
        """Word an error in place of an answer."""


def named_event(data: JSON) -> bytes:
    """Frame a server-sent event that is named after its own ``type``."""
    return b"event: %b\ndata: %b\n\n" % (data["type"].encode(), _encode(data))


def plain_event(data: JSON) -> bytes:
    """Frame a server-sent event without a name."""
    return b"data: %b\n\n" % _encode(data)


def anthropic_error(failure: Failure) -> JSON:
    """Word an error as Anthropic does (docs.claude.com, "Errors")."""
    kind = failure.type or _ANTHROPIC_TYPES.get(failure.status, "api_error")
    error = {"type": kind, "message": failure.message}
    return {"type": "error", "error": error, "request_id": f"req_01{KEY}"}


def openai_error(failure: Failure) -> JSON:
    """Word an error as OpenAI does (platform.openai.com, "Error codes")."""
    kind = failure.type or _OPENAI_TYPES.get(failure.status, "invalid_request_error")
    code = failure.code or _OPENAI_CODES.get(failure.status)
    return {"error": {"message": failure.message, "type": kind, "param": None, "code": code}}
