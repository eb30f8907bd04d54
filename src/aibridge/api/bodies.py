"""Bodies of requests: read after the caller is known, strictly, and no further than they may go.

What a body costs is bounded before it is looked at: its size, how many unknown fields and how many
items of a list are validated. Each complaint costs microseconds and a kilobyte.
"""

import asyncio
from collections.abc import Iterable
from itertools import islice
from typing import Any, TypeVar

from fastapi import Depends, Request
from pydantic import ValidationError
from pydantic_core import ErrorDetails, from_json

from aibridge.api.access import Caller
from aibridge.api.errors import ApiError
from aibridge.api.hosts import check_origin
from aibridge.contract import MAX_NAMES, Body, Validation
from aibridge.contract.wording import size, worded
from aibridge.identity.rights import Right

MAX_BYTES = 8 * 1024
"""More than any body needs that holds no list of names, however its characters are escaped."""
MAX_BYTES_OF_NAMES = 256 * 1024
"""Enough for two lists of as many names as one may hold, each as long as it may be."""
MAX_BYTES_OF_PRICES = 1024 * 1024
"""As much as the contract has for a list of prices."""
SECONDS = 30.0
"""How long a body may take to come."""
MAX_COMPLAINTS = 100
"""Of what is wrong with a body, how much is told: strangers may send one too."""
MAX_FIELD = 256
"""How much of the name of a field is told."""

T = TypeVar("T", bound=Body)


def body(model: type[T], *, max_bytes: int = MAX_BYTES, right: Right | None = None) -> Any:  # noqa: ANN401 - as FastAPI's own
    """Return the parameter that reads a caller's JSON; strangers are refused before it is read.

    So is whom ``right`` does not let reach everything, where there is one.
    """

    async def read(request: Request, caller: Caller) -> T:
        if right is not None:
            caller.require(right)
        return parse(model, await _whole(request, max_bytes))

    return Depends(read)


def open_body(model: type[T]) -> Any:  # noqa: ANN401 - as FastAPI's own markers
    """Return the parameter that reads the JSON of somebody who has no token yet.

    A token in a header is what no page of another site can send; here there is none, so a
    browser's request has to come from a page of the bridge itself.
    """

    async def read(request: Request) -> T:
        check_origin(request.headers)
        return parse(model, await _whole(request, MAX_BYTES))

    return Depends(read)


async def _whole(request: Request, max_bytes: int) -> bytes:
    """Return the body. Raises `ApiError` 408, 413, or 415 for what does not say it is JSON."""
    if not _is_json(request.headers.get("content-type", "")):
        detail = "Send it as JSON, with the header Content-Type: application/json."
        raise ApiError(415, "Request body must be JSON.", detail=detail)
    if _declared(request.headers.get("content-length", "")) > max_bytes:
        raise _too_large(max_bytes)
    try:
        async with asyncio.timeout(SECONDS):
            return await _read(request, max_bytes)
    except TimeoutError:
        raise ApiError(408, "The request body did not come to its end.") from None


def _is_json(content_type: str) -> bool:
    """Say whether a body is JSON; forms of foreign sites can claim text or a form only."""
    kind = content_type.partition(";")[0].strip().lower()
    return kind == "application/json" or (
        kind.startswith("application/") and kind.endswith("+json")
    )


def _declared(length: str) -> int:
    try:
        return int(length)
    except ValueError:  # none, or none that counts: what comes is counted all the same
        return 0


async def _read(request: Request, max_bytes: int) -> bytes:
    found = bytearray()
    async for piece in request.stream():
        found += piece
        if len(found) > max_bytes:
            raise _too_large(max_bytes)
    return bytes(found)


def _too_large(max_bytes: int) -> ApiError:
    detail = f"A body may have {size(max_bytes)}."
    return ApiError(413, "Request body is too large.", detail=detail)


def parse(model: type[T], content: bytes) -> T:
    """Read JSON strictly. Raises `ApiError` 400 with everything that is wrong.

    What was sent is not repeated, it may be secret; but for numbers.
    """
    try:
        return model.model_validate(_bounded(model, _object(content)))
    except ValidationError as error:
        problems = error.errors(include_url=False)[:MAX_COMPLAINTS]
        raise _invalid(
            Validation(field=_field(problem), detail=_detail(problem)) for problem in problems
        ) from None


def _object(content: bytes) -> dict[str, Any]:
    try:
        found = from_json(content)
    except ValueError as error:
        raise ApiError(400, "Request body must be valid JSON.", detail=str(error)) from None
    if not isinstance(found, dict):
        raise _invalid([Validation(field="body", detail="expected an object")])
    return found


def _bounded(model: type[Body], fields: dict[str, Any]) -> dict[str, Any]:
    """Return the fields without those that would only be more of the same complaint."""
    known = {name: fields[name] for name in model.model_fields if name in fields}
    unknown = (item for item in fields.items() if item[0] not in known)
    told = dict(islice(unknown, MAX_COMPLAINTS))
    return {name: _cut(value) for name, value in {**known, **told}.items()}


def _cut(value: object) -> object:
    """Return a value, of a list or table that is too long one item too many."""
    if isinstance(value, dict):
        return dict(islice(value.items(), MAX_NAMES + 1))
    return value[: MAX_NAMES + 1] if isinstance(value, list) else value


def _invalid(complaints: Iterable[Validation]) -> ApiError:
    return ApiError(400, "Validation failed.", validations=tuple(complaints))


def _field(problem: ErrorDetails) -> str:
    return ".".join(map(str, problem["loc"]))[:MAX_FIELD] or "body"


def _detail(problem: ErrorDetails) -> str:
    """Word a problem; for a number that is too small as the contract does."""
    if problem["type"] == "greater_than_equal" and isinstance(problem["input"], int | float):
        return f'Validation failed for tag "gte" with value: "{problem["input"]}"'
    return worded(problem)
