"""Errors: what providers say went wrong, and our own refusals in OpenAI's words."""

import re
from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import Raw, Struct

from aibridge.dialects.bounds import MAX_UNCHECKED
from aibridge.dialects.facts import ProviderError
from aibridge.dialects.fields import BOM, mapping, text

MAX_MESSAGE = 2000
"""Characters kept of a provider's message."""

_MAX_TYPE = 256
_LARGEST_CODE = 10**6

_FIRST_ERROR = 400
_FIRST_SERVER_ERROR = 500

_OPENAI_TYPES = {
    401: "authentication_error",
    402: "insufficient_quota",
    403: "permission_error",
    404: "not_found_error",
    429: "rate_limit_error",
}
_TYPES = ("type", "code", "status", "error_code", "statusCode")
_MESSAGES = ("message", "msg", "detail", "error_msg", "error_message")
_HAS_MESSAGE = re.compile(rb'"(?:message|msg|detail|error_msg|error_message)"\s*:')
_NO_TYPE = frozenset({"", "error"})
_GOOD_CODES = frozenset({"", "0", "200", "ok", "success"})


class Outcome(Struct):
    """What an answer says of an error at its top.

    It is under ``error``, the first of ``errors`` (Cloudflare), or MiniMax's ``base_resp``.
    """

    error: Any = None
    errors: Any = None
    base_resp: Any = None

    def failure(self) -> ProviderError | None:
        """Return the error, ``None`` if there is none."""
        if self.error:
            return error_of(self.error)
        if self.errors and isinstance(self.errors, list):
            return error_of(self.errors[0])
        if self.base_resp:
            status = mapping(self.base_resp)
            code = status.get("status_code")
            if code and code != 200:  # noqa: PLR2004
                return _error(_name(code), text(status.get("status_msg")), _name(code))
        return None


class _Loose(Struct):
    """Fields of an error that stand at the top of what should be an answer."""

    type: Any = None
    code: Any = None
    status: Any = None
    error_code: Any = None
    object: Any = None
    success: Any = None
    message: Any = None
    msg: Any = None
    detail: Any = None
    error_msg: Any = None
    error_message: Any = None


_LOOSE = msgspec.json.Decoder(_Loose)


def error_of(value: object) -> ProviderError:
    """Read an error object, or the string that some providers send instead of one.

    The type is its ``type``, else its ``code`` (or gRPC's ``status``).
    """
    if isinstance(value, str):
        return _error("", value)
    fields = mapping(value)
    names = [name for key in _TYPES if (name := _name(fields.get(key))) not in _NO_TYPE]
    code = _name(fields.get("code") or fields.get("error_code"))
    return _error(names[0] if names else "", _message(fields), code)


def stray_error(
    data: bytes | Raw, *, surely: bool = False, whole: bool = False
) -> ProviderError | None:
    """Find an error whose fields stand at the top of ``data``, which holds nothing of an answer.

    ``surely``: the provider names it an error, so that any shape will do. A message will do where
    it stands instead of a ``whole`` answer; in a stream there are messages of other kinds, so it
    takes a code or a type as well.
    """
    data = bytes(data)
    if len(data) > MAX_UNCHECKED or not (surely or _HAS_MESSAGE.search(data)):
        return None
    try:
        fields = msgspec.structs.asdict(_LOOSE.decode(data))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        fields = {}
    if surely or (_message(fields) and (whole or _says_error(fields))):
        return shown(error_of(fields), data)
    return None


def shown(error: ProviderError, body: bytes) -> ProviderError:
    """Return ``error``, or the beginning of ``body`` as its message where it says nothing."""
    if error.message or error.type:
        return error
    return _error("", body[: 4 * MAX_MESSAGE].decode("utf-8", "replace").strip())


def read_error(status: int, body: bytes) -> ProviderError:
    """Read the body of an answer with an error ``status``: JSON of any shape, or text.

    Of a large body the beginning is taken for the message: no error is as long.
    """
    body = body.removeprefix(BOM)
    try:
        found = _error_in(msgspec.json.decode(body) if len(body) <= MAX_UNCHECKED else None)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        found = ProviderError()
    found = shown(found, body)
    return (
        found if found.message or found.type else _error("", f"status {status} with an empty body")
    )


def _error_in(value: object) -> ProviderError:
    """Find the error in a whole body: under ``error``, in a list of one, or at the top."""
    if isinstance(value, list) and value:
        value = value[0]
    fields = mapping(value)
    outcome = Outcome(fields.get("error"), fields.get("errors"), fields.get("base_resp"))
    return outcome.failure() or error_of(value)


def _message(fields: Mapping[str, object]) -> str:
    return next((found for key in _MESSAGES if (found := text(fields.get(key)))), "")


def _says_error(fields: Mapping[str, object]) -> bool:
    code = fields.get("code") or fields.get("error_code")
    if _name(code).lower() not in _GOOD_CODES or fields.get("success") is False:
        return True
    status = fields.get("status")
    if isinstance(status, int) and status >= _FIRST_ERROR:
        return True
    return any("error" in text(fields.get(key)).lower() for key in ("type", "object", "status"))


def _name(code: object) -> str:
    """Return a type or code as text, also a numeric one such as a status."""
    if isinstance(code, int):
        return str(code) if 0 < code < _LARGEST_CODE and code is not True else ""
    return text(code)


def _error(kind: str, message: str, code: str = "") -> ProviderError:
    return ProviderError(kind[:_MAX_TYPE], message[:MAX_MESSAGE], code[:_MAX_TYPE])


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
