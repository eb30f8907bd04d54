"""Errors: what providers say went wrong, and our own refusals in OpenAI's words."""

import msgspec

from aibridge.dialects.bounds import MAX_UNCHECKED
from aibridge.dialects.facts import ProviderError
from aibridge.dialects.fields import mapping, text

MAX_MESSAGE = 2000
"""Characters kept of a provider's message."""

_MAX_TYPE = 256
_LARGEST_CODE = 10**6

_FIRST_SERVER_ERROR = 500

_OPENAI_TYPES = {
    401: "authentication_error",
    402: "insufficient_quota",
    403: "permission_error",
    404: "not_found_error",
    429: "rate_limit_error",
}


def error_of(value: object) -> ProviderError:
    """Read an error object, or the string that some providers send instead of one.

    The type is its ``type``, else its ``code`` (or gRPC's ``status``).
    """
    if isinstance(value, str):
        return _error("", value)
    fields = mapping(value)
    kind = fields.get("type") or fields.get("code") or fields.get("status") or ""
    message = text(fields.get("message")) or text(fields.get("detail"))
    return _error(text(kind) or _number(kind), message)


def _number(code: object) -> str:
    """A numeric code, such as a status, as text."""
    return str(code) if isinstance(code, int) and 0 < code < _LARGEST_CODE else ""


def read_error(status: int, body: bytes) -> ProviderError:
    """Read the body of an answer with an error ``status``: JSON of any shape, or text.

    Of a large body the beginning is taken for the message: no error is as long.
    """
    try:
        found = _error_in(msgspec.json.decode(body) if len(body) <= MAX_UNCHECKED else None)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        found = ProviderError()
    if found.message or found.type:
        return found
    shown = body[: 4 * MAX_MESSAGE].decode("utf-8", "replace").strip()
    return _error("", shown or f"status {status} with an empty body")


def _error_in(value: object) -> ProviderError:
    """Find the error in a whole body: under ``error``, in a list of one, or at the top."""
    if isinstance(value, list) and value:
        value = value[0]
    return error_of(mapping(value).get("error") or value)


def _error(kind: str, message: str) -> ProviderError:
    return ProviderError(type=kind[:_MAX_TYPE], message=message[:MAX_MESSAGE])


def openai_error_body(status: int, message: str, *, kind: str | None = None) -> bytes:
    """Word a refusal of ours as OpenAI does: the type follows ``status``, ``kind`` is the code.

    Source: https://platform.openai.com/docs/guides/error-codes
    """
    fallback = "server_error" if status >= _FIRST_SERVER_ERROR else "invalid_request_error"
    error = {
        "message": message,
        "type": _OPENAI_TYPES.get(status, fallback),
        "param": None,
        "code": kind,
    }
    return msgspec.json.encode({"error": error})
