"""Bodies of requests: read after the caller is known, strictly, and no further than they may go."""

import asyncio
from typing import Any, TypeVar

from fastapi import Depends, Request
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from aibridge.api.access import Caller
from aibridge.api.errors import ApiError
from aibridge.contract import Body, Validation

MAX_BYTES = 1 << 20
SECONDS = 30.0
"""How long a body may take to come."""
MAX_COMPLAINTS = 100
"""Of what is wrong with a body, how much is told: strangers may send one too."""
MAX_FIELD = 256
"""How much of the name of a field is told."""

T = TypeVar("T", bound=Body)


def body(model: type[T]) -> Any:  # noqa: ANN401 - as FastAPI's own markers
    """Return the parameter that reads a caller's JSON; strangers are refused before it is read."""

    async def read(request: Request, _caller: Caller) -> T:
        return parse(model, await _whole(request))

    return Depends(read)


def open_body(model: type[T]) -> Any:  # noqa: ANN401 - as FastAPI's own markers
    """Return the parameter that reads the JSON of somebody who has no token yet."""

    async def read(request: Request) -> T:
        return parse(model, await _whole(request))

    return Depends(read)


async def _whole(request: Request) -> bytes:
    try:
        async with asyncio.timeout(SECONDS):
            return await _read(request)
    except TimeoutError:
        raise ApiError(408, "The request body did not come to its end.") from None


async def _read(request: Request) -> bytes:
    found = bytearray()
    async for piece in request.stream():
        found += piece
        if len(found) > MAX_BYTES:
            detail = f"A body may have {MAX_BYTES} bytes."
            raise ApiError(413, "Request body is too large.", detail=detail)
    return bytes(found)


def parse(model: type[T], content: bytes) -> T:
    """Read JSON strictly. Raises `ApiError` 400 with everything that is wrong.

    What was sent is not repeated, it may be secret; but for numbers.
    """
    try:
        return model.model_validate_json(content)
    except ValidationError as error:
        problems = error.errors(include_url=False)
        if any(problem["type"] == "json_invalid" for problem in problems):
            detail = str(problems[0]["ctx"]["error"])
            raise ApiError(400, "Request body must be valid JSON.", detail=detail) from None
        validations = [
            Validation(field=_field(problem), detail=_detail(problem))
            for problem in problems[:MAX_COMPLAINTS]
        ]
        raise ApiError(400, "Validation failed.", validations=validations) from None


def _field(problem: ErrorDetails) -> str:
    return ".".join(map(str, problem["loc"]))[:MAX_FIELD] or "body"


def _detail(problem: ErrorDetails) -> str:
    """Word a problem; for a number that is too small as the contract does."""
    if problem["type"] == "greater_than_equal" and isinstance(problem["input"], int | float):
        return f'Validation failed for tag "gte" with value: "{problem["input"]}"'
    return problem["msg"].removeprefix("Value error, ")
