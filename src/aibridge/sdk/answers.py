"""Reading what came: the contract's models, or one of the errors."""

from typing import TypeVar

import httpx
from pydantic import ValidationError

from aibridge.contract import ErrorBody
from aibridge.sdk.errors import ApiError, ConnectionFailed, kind_of
from aibridge.sdk.request import Request

T = TypeVar("T")
Outcome = httpx.Response | httpx.RequestError
"""What became of an attempt: an answer, read to its end, or why there is none."""

QUOTED = 200
"""Bytes of an answer that is not JSON which an error quotes."""


def read(request: Request[T], outcome: Outcome) -> T:
    """Return what the answer says. Raises `ConnectionFailed` and `ApiError`."""
    if isinstance(outcome, httpx.RequestError):
        raise _connection_failed(outcome) from outcome
    if outcome.status_code != request.success:
        raise _refusal(outcome, request.success)
    try:
        return request.parse(outcome.content)
    except ValidationError as error:
        raise _foreign(outcome, _problem(error)) from None


def _connection_failed(error: httpx.RequestError) -> ConnectionFailed:
    url = error.request.url.copy_with(userinfo=b"", query=None)
    return ConnectionFailed(f"{url}: {str(error) or type(error).__name__}")


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
    return kind(response.status_code, body.message, body.detail, body.validations)


def _foreign(response: httpx.Response, problem: str) -> ApiError:
    status = response.status_code
    message = f"This is not an answer of AI Bridge: {problem}."
    piece = response.content[:QUOTED].decode("utf-8", "replace")
    more = "…" if len(response.content) > QUOTED else ""
    return kind_of(status)(status, message, f"It begins: {piece!r}{more}" if piece else "")


def _problem(error: ValidationError) -> str:
    """Return what pydantic met first, without the value: an answer may be long."""
    problem = error.errors(include_input=False, include_url=False)[0]
    place = ".".join(str(part) for part in problem["loc"])
    return f"{place}: {problem['msg']}" if place else problem["msg"]
