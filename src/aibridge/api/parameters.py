"""Query parameters, read strictly; the texts are those of the contract (sections 1.3 to 1.8)."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from aibridge.api.errors import ApiError
from aibridge.contract import Validation
from aibridge.sessions.reading import ThreadPage

DEFAULT_LIMIT = 100
MAX_PARAMETERS = 100
"""More than any endpoint has."""
MAX_LIMIT = 1000
DEFAULT_THREADS = 50
MAX_THREADS = 200

_MAX_INTEGER = 2**31 - 1
_INTEGER = re.compile(r"[+-]?[0-9]{1,10}")
_TIME = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2})"
    r"(?:\.([0-9]+))?(?:Z|([+-])([01][0-9]|2[0-3]):([0-5][0-9]))"
)
_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - offsets are added by hand: a moment may be year 1
_EXPECTED = (
    "expected RFC 3339 with an offset (2026-01-31T12:00:00Z), a date (2026-01-31), 7d or 12h"
)
_SHOWN = 64
"""How much of a bad value an answer repeats."""


@dataclass(frozen=True, slots=True)
class Paging:
    """Which rows of a list."""

    limit: int
    offset: int


class Parameters:
    """The query of a request. Complaints are collected, so that one answer names them all."""

    def __init__(self, query: Mapping[str, str]) -> None:
        self._query = query
        self._complaints: list[Validation] = []

    def text(self, name: str) -> str:
        """Return a parameter as it is, empty when it is absent."""
        return self._query.get(name, "")

    def needed(self, name: str) -> str:
        """Return a parameter that has to be there, and not empty."""
        if not self.text(name):
            self.complain(name, "is required")
        return self.text(name)

    def one_of(self, name: str, known: Sequence[str]) -> str:
        """Return a parameter that has one of these values; empty when it is absent."""
        text = self.text(name)
        if text and text not in known:
            why = f'"{text[:_SHOWN]}" is none of {", ".join(known)}'
            self.complain(name, f"has invalid value: {why}")
        return text

    def integer(self, name: str) -> int:
        """Return a parameter's integer; 0 when it is absent or bad."""
        text = self.text(name)
        if not text:
            return 0
        number = parse_integer(text)
        if number is None:
            self.complain(name, f'must be a valid integer ("{text[:_SHOWN]}" is none)')
        return number or 0

    def uuid(self, name: str) -> str | None:
        """Return a parameter's UUID in lower case; ``None`` when it is absent, nil or bad."""
        text = self.text(name)
        try:
            return parse_uuid(text)
        except ValueError:
            self.complain(name, f'must be a valid uuid ("{text[:_SHOWN]}" is none)')
            return None

    def uuids(self, name: str) -> list[str] | None:
        """Return the UUIDs of a parameter with commas between them; ``None`` when it is absent."""
        texts = [text.strip() for text in self.text(name).split(",") if text.strip()]
        try:
            return [str(UUID(text)) for text in texts] if self.text(name) else None
        except ValueError:
            self.complain(name, "has invalid values: each must be a valid uuid")
            return []

    def flag(self, name: str, *, default: bool = False) -> bool:
        """Return whether a parameter is true, the default when it is absent; if bad it is not."""
        text = self.text(name) or str(default).lower()
        if text not in {"true", "false"}:
            self.complain(name, f'must be a valid boolean ("{text[:_SHOWN]}" is none)')
        return text == "true"

    def paging(self, default: int = DEFAULT_LIMIT) -> Paging:
        """Return ``limit`` and ``offset`` of a list; a limit of 0 means the default."""
        paging = Paging(self.integer("limit") or default, self.integer("offset"))
        if paging.offset < 0:
            self.complain("offset", "has invalid value: must not be negative")
        self.check()
        if not 0 < paging.limit <= MAX_LIMIT:
            detail = f"Pagination limit must be in range (0, {MAX_LIMIT}]"
            raise ApiError(400, "Invalid pagination limit value.", detail=detail)
        return paging

    def complain(self, name: str, text: str) -> None:
        """Remember what is wrong with a parameter."""
        self._complaints.append(_complaint(name, text))

    def check(self) -> None:
        """Refuse the request when any parameter so far was bad."""
        if self._complaints:
            raise _invalid(self._complaints)


def _complaint(name: str, text: str) -> Validation:
    return Validation(field=name, detail=f'Query param "{name}" {text}')


def _invalid(complaints: Sequence[Validation]) -> ApiError:
    return ApiError(400, "Query parameters have invalid values.", validations=complaints)


def parse_integer(text: str) -> int | None:
    """Return the integer that ``text`` is, ``None`` if it is none of 32 bits."""
    if not _INTEGER.fullmatch(text):
        return None
    number = int(text)
    return number if abs(number) <= _MAX_INTEGER else None


def parse_uuid(text: str) -> str | None:
    """Return ``text`` as a lower-case UUID, ``None`` if empty or nil. Raises `ValueError`."""
    if not text:
        return None
    value = UUID(text)
    return str(value) if value.int else None


def parse_time(text: str) -> int:
    """Return the nanoseconds since 1970 of an RFC 3339 time with its offset, in either case.

    Raises `ValueError`, whose text shows the time as it was written, and says what else may stand
    for one in a search.
    """
    shown = f'parsing time "{text[:_SHOWN]}"'
    found = _TIME.fullmatch(text.upper())
    if found is None:
        raise ValueError(f"{shown}: {_EXPECTED}")
    clock, fraction, sign, hours, minutes = found.groups(default="0")
    try:
        local = datetime.fromisoformat(clock) - _EPOCH
    except ValueError as error:
        raise ValueError(f"{shown}: {error}; {_EXPECTED}") from error
    offset = timedelta(hours=int(hours), minutes=int(minutes))
    seconds = (local + offset if sign == "-" else local - offset) // timedelta(seconds=1)
    return seconds * 1_000_000_000 + int(fraction[:9].ljust(9, "0"))


async def check_names(request: Request) -> None:
    """Refuse a parameter that the endpoint is not `documented` to have, or that comes twice.

    Either would be one that is not applied, such as a filter.
    """
    described: Mapping[str, Any] = request.scope["route"].openapi_extra
    known = {parameter["name"] for parameter in described["parameters"]}
    told = {
        name: "was given twice" if name in known else "is not a valid query param"
        for name, number in Counter(name for name, _ in request.query_params.multi_items()).items()
        if name not in known or number > 1
    }
    if told:
        raise _invalid([_complaint(name[:_SHOWN], text) for name, text in told.items()])


def id_page(parameters: Parameters) -> tuple[Paging, str | None]:
    """Return which rows of a list are asked for whose cursor is ``after_id``, and the cursor."""
    after_id = parameters.uuid("after_id")
    paging = parameters.paging()
    refuse_both_cursors(after_id, paging, "after_id")
    return paging, after_id


def bad_cursor(detail: str) -> ApiError:
    """Return the refusal of a cursor that names nothing, or nothing to be seen from here."""
    return ApiError(400, "Invalid pagination cursor.", detail=detail)


def no_such_cursor(kind: str, after_id: str) -> ApiError:
    """Return the refusal of an ``after_id`` that names no ``kind`` of row."""
    return bad_cursor(f"after_id: {kind} {after_id} not found: invalid pagination cursor")


def refuse_both_cursors(cursor: object, paging: Paging, name: str) -> None:
    """Refuse a list that is asked for by cursor and by offset at once."""
    if cursor and paging.offset:
        raise ApiError(
            400,
            "Query parameters have invalid values.",
            detail=f"Cannot use both {name} and offset pagination in the same request.",
        )


def thread_page(parameters: Parameters) -> ThreadPage:
    """Return which threads of a session are asked for; here a limit of 0 is refused."""
    if parameters.text("after_id") and parameters.text("before_id"):
        raise ApiError(400, "Cannot use both after_id and before_id in the same request.")
    after_id, before_id = (_thread_cursor(parameters, name) for name in ("after_id", "before_id"))
    text = parameters.text("limit")
    limit = parse_integer(text) if text else DEFAULT_THREADS
    if limit is None or not 0 < limit <= MAX_THREADS:
        detail = f"Limit must be between 1 and {MAX_THREADS}."
        raise ApiError(400, "Invalid limit query parameter.", detail=detail)
    return ThreadPage(limit=limit, after_id=after_id, before_id=before_id)


def _thread_cursor(parameters: Parameters, name: str) -> str | None:
    try:
        return parse_uuid(parameters.text(name))
    except ValueError as error:
        raise ApiError(400, f"Invalid {name} query parameter.", detail=str(error)) from error


class QueryCheck:
    """Refuses requests of too many parameters before anything takes them apart."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand a request on, or refuse it."""
        if scope["type"] == "http" and scope["query_string"].count(b"&") >= MAX_PARAMETERS:
            detail = f"A query may have {MAX_PARAMETERS} parameters."
            await ApiError(400, "Query has too many parameters.", detail=detail).response()(
                scope, receive, send
            )
            return
        await self._app(scope, receive, send)
