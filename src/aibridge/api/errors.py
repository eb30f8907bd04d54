"""Refusals of the control plane: one JSON shape for every one of them.

Source of the shape and the texts: section 1.3 of the contract. An SDK quotes what is not JSON, so
there is no refusal here that is not.
"""

import asyncio
from collections.abc import Mapping, Sequence
from http import HTTPStatus

import structlog
from fastapi import FastAPI, Request, params
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.routing import compile_path

from aibridge.api.request_ids import HEADER
from aibridge.api.responses import JsonResponse
from aibridge.budgets.limits import LimitTooHighError, NotInGroupError
from aibridge.budgets.model_prices import WrongPriceError
from aibridge.budgets.policies import WrongPolicyError
from aibridge.contract import ErrorBody, Validation
from aibridge.errors import (
    ConflictError,
    ForbiddenError,
    IdentityError,
    TakenError,
    UnknownError,
)
from aibridge.identity.passwords import BusyError
from aibridge.sessions.reading import READING_SECONDS
from aibridge.store.engine.errors import DRIVER_ERRORS, is_away, is_too_slow, said

_log = structlog.get_logger()

SHOWN = 200
"""Characters of a query that a refusal repeats."""
INTERNAL_ERROR = "An internal server error occurred."
"""What the caller learns of trouble that is not theirs; the log knows more."""


class ApiError(Exception):
    """A request is refused with this status and body."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        detail: str = "",
        validations: Sequence[Validation] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.body = ErrorBody(message=message, detail=detail, validations=tuple(validations))
        self.headers = headers

    def response(self) -> JsonResponse:
        """Return what the caller receives."""
        return JsonResponse(self.body, status_code=self.status, headers=self.headers)


def install(app: FastAPI) -> None:
    """Make ``app`` answer every failure in the shape of `ErrorBody`."""
    app.add_exception_handler(ApiError, _refused)
    app.add_exception_handler(HTTPException, _no_such_route)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(IdentityError, _not_done)
    app.add_exception_handler(BusyError, _busy)
    for kind in DRIVER_ERRORS:
        app.add_exception_handler(kind, _without_database)
    app.add_exception_handler(Exception, _failed)


def not_found() -> ApiError:
    """Return the refusal of what is not there, or not to be seen: which of the two is not told."""
    return ApiError(404, "Resource not found or you do not have access to this resource")


def trouble(message: str) -> params.Depends:
    """Return a dependency that gives an endpoint its own message instead of `INTERNAL_ERROR`."""

    async def remember(request: Request) -> None:
        request.state.trouble = message

    return params.Depends(remember)


async def _refused(_request: Request, error: Exception) -> JsonResponse:
    assert isinstance(error, ApiError)  # noqa: S101 - it is registered for nothing else
    return error.response()


async def _no_such_route(request: Request, error: Exception) -> JsonResponse:
    assert isinstance(error, HTTPException)  # noqa: S101
    texts = {404: "Route not found.", 405: "Method not allowed."}
    message = texts.get(error.status_code) or f"{HTTPStatus(error.status_code).phrase}."
    headers = dict(error.headers or {})
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        methods = await asyncio.to_thread(_methods, request)  # the first time it takes a while
        headers["Allow"] = ", ".join(sorted(methods))
    return ApiError(error.status_code, message, headers=headers).response()


def _methods(request: Request) -> set[str]:
    """Return the methods of a path: Starlette itself tells only those of its first route."""
    paths = request.app.openapi()["paths"]
    for template in sorted(paths, key=lambda path: path.count("{")):
        if compile_path(template)[0].match(request.url.path):
            return {method.upper() for method in paths[template]}
    return {"GET"}  # what is not described is a page


async def _invalid(_request: Request, error: Exception) -> JsonResponse:
    """Answer what FastAPI itself found wrong, in a path. What was sent is not repeated."""
    assert isinstance(error, RequestValidationError)  # noqa: S101
    found = [
        Validation(field=".".join(str(part) for part in problem["loc"][1:]), detail=problem["msg"])
        for problem in error.errors()
    ]
    return ApiError(400, "Validation failed.", validations=found).response()


_STATUSES: dict[type[IdentityError], tuple[int, str]] = {
    ConflictError: (409, "{}"),
    LimitTooHighError: (400, "Invalid AI spend limit."),
    NotInGroupError: (400, "User is not a member of the referenced group."),
    WrongPolicyError: (400, "Validation failed."),
    WrongPriceError: (400, "Validation failed."),
    IdentityError: (400, "{}"),
}
"""How what cannot be done is told: with its own text where the message is empty."""


async def _not_done(_request: Request, error: Exception) -> JsonResponse:
    """Answer what was asked of people, groups, budgets or prices and cannot be done."""
    assert isinstance(error, IdentityError)  # noqa: S101
    if isinstance(error, UnknownError):
        return not_found().response()
    if isinstance(error, ForbiddenError):
        return ApiError(403, "Forbidden.", detail=str(error)).response()
    status, message = next(row for kind, row in _STATUSES.items() if isinstance(error, kind))
    validations = [Validation(field=error.field, detail=_detail(error))] if error.field else []
    return ApiError(status, message.format(error), validations=validations).response()


def _detail(error: IdentityError) -> str:
    """Say what is wrong with a field; of a conflict the message says it, and clients show both."""
    if isinstance(error, TakenError):
        return "it is taken"
    return "it cannot be used" if isinstance(error, ConflictError) else str(error)


async def _busy(_request: Request, error: Exception) -> JsonResponse:
    again = {"Retry-After": "1"}
    return ApiError(503, f"Please try again: {error}.", headers=again).response()


async def _without_database(request: Request, error: Exception) -> JsonResponse:
    """Answer that the database cannot be used for now; any other trouble with it is ours."""
    if is_too_slow(error):
        return _too_much(request)
    if not is_away(error):
        raise error
    _log.warning(
        "api_without_database",
        request_id=request.state.request_id,
        method=request.method,
        path=request.url.path,
        error=said(error),
    )
    again = {"Retry-After": "1"}
    message = "The database is busy or away: please try again."
    return ApiError(503, message, headers=again).response()


_LESS = (
    "a span of time (started_after, started_before), a person (initiator) or a session (session_id)"
)
_LESS_SPEND = "a shorter time (period_start, period_end), or fewer users or groups"


def _too_much(request: Request) -> JsonResponse:
    """Answer that what was asked takes too long. Asked again at once it would take as long."""
    query = request.query_params.get("q", "")
    less = _LESS_SPEND if "/ai/spend" in request.url.path else _LESS
    detail = f"It was broken off after {READING_SECONDS:g} seconds. Ask for less: {less}."
    message = f"Looking for {query[:SHOWN]} takes too long." if query else "This takes too long."
    return ApiError(503, message, detail=detail, headers={"Retry-After": "60"}).response()


async def _failed(request: Request, error: Exception) -> JsonResponse:
    """Answer trouble of ours, and log the id of the request.

    Starlette raises the error on, so the server's log has the cause next. It does so around all
    middleware: the header has to be added here.
    """
    request_id: str = request.state.request_id
    _log.error(
        "internal_error",
        request_id=request_id,
        method=request.method,
        path=request.url.path,
        error=type(error).__name__,
    )
    message = getattr(request.state, "trouble", INTERNAL_ERROR)
    return ApiError(500, message, headers={HEADER: request_id}).response()
