"""Reading what came: the contract's models, or one of the errors."""

from collections.abc import Callable
from typing import Generic, TypeVar, cast

import httpx
from pydantic import ValidationError

from aibridge.contract import ErrorBody
from aibridge.sdk.errors import ApiError, ConnectionFailed, Timeout, kind_of
from aibridge.sdk.headers import request_id
from aibridge.sdk.request import Request

T = TypeVar("T")
Outcome = httpx.Response | httpx.RequestError
"""What became of an attempt: an answer, read to its end, or why there is none."""

QUOTED = 200
"""Bytes of an answer that is not JSON which an error quotes."""

_JSON = (b"{", b"[", b'"')
"""How JSON begins that holds a text."""

_BLANK = b" \t\r\n\xef\xbb\xbf"
"""What may stand before it."""


class RawResponse(Generic[T]):
    """An answer as it came, with its ``headers`` and ``content``; `parse` gives what it says.

    ``http_response`` is httpx's. None of it shows where this is printed.
    """

    def __init__(self, request: Request[T], response: httpx.Response) -> None:
        self._parse = request.parse  # and not the request, whose body may hold a password
        self.http_response = response
        self.status_code: int = response.status_code
        self.headers = response.headers
        self.request_id = request_id(response.headers)
        self.content = response.content

    def parse(self) -> T:
        """Return what the method returns by itself. Raises `ApiError` if it cannot be read."""
        return parsed(self._parse, self.http_response)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.status_code}, request_id={self.request_id!r})"


def without_secrets(outcome: Outcome) -> Outcome:
    """Take from an outcome what was sent, for it has the token and may have a password."""
    sent = outcome.request
    outcome.request = httpx.Request(sent.method, sent.url)
    if isinstance(outcome, httpx.Response):
        outcome.next_request = None
    return outcome


def accepted(request: Request[T], outcome: Outcome) -> httpx.Response:
    """Return a successful answer. Raises `ConnectionFailed` and `ApiError`."""
    if isinstance(outcome, httpx.RequestError):
        raise _connection_failed(outcome) from outcome
    if outcome.status_code != request.success:
        raise _refusal(outcome, request.success)
    return outcome


def parsed(parse: Callable[[bytes], T], response: httpx.Response) -> T:
    """Return what a successful answer says. Raises `ApiError`."""
    try:
        return parse(response.content)
    except ValidationError as error:
        raise _foreign(response, _problem(error)) from None


def answered(request: Request[T], response: httpx.Response, *, raw: bool) -> T:
    """Return what a successful answer says; if ``raw``, a `RawResponse` in its place."""
    if raw:
        return cast(T, RawResponse(request, response))
    return parsed(request.parse, response)


def _connection_failed(error: httpx.RequestError) -> ConnectionFailed:
    kind = Timeout if isinstance(error, httpx.TimeoutException) else ConnectionFailed
    url = error.request.url.copy_with(userinfo=b"", query=None)
    return kind(f"{url}: {str(error) or type(error).__name__}")


def _refusal(response: httpx.Response, success: int) -> ApiError:
    try:
        body = ErrorBody.model_validate_json(response.content)
    except ValidationError:
        problem = (
            f"not the status {success}"
            if response.is_success
            else "an error without the API's JSON"
        )
        return _foreign(response, problem)
    kind = kind_of(response.status_code)
    return kind(response.status_code, body.message, body.detail, body.validations, response)


def _foreign(response: httpx.Response, problem: str) -> ApiError:
    status = response.status_code
    message = f"This is not an answer of AI Bridge: {problem}."
    return kind_of(status)(status, message, _quoted(response.content), (), response)


def _quoted(content: bytes) -> str:
    """Quote the beginning of what is no JSON: JSON may be an answer that tells a secret."""
    if not content or content.lstrip(_BLANK)[:1] in _JSON:
        return ""
    piece = content[:QUOTED].decode("utf-8", "replace")
    return f"It begins: {piece!r}" + ("…" if len(content) > QUOTED else "")


def _problem(error: ValidationError) -> str:
    """Return what pydantic met first, without the value: an answer may be long."""
    problem = error.errors(include_input=False, include_url=False)[0]
    place = ".".join(str(part) for part in problem["loc"])
    return f"{place}: {problem['msg']}" if place else problem["msg"]
