"""The pages of a provider's report: JSON that others wrote, in bounds and checked.

A file holds one page, several one after the other (a line each, or not), or a list of them.
"""

import json
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple, NoReturn

MAX_BYTES = 32 * 1024 * 1024
"""Some hundred thousand lines of a report."""
MAX_DAYS = 366

_SPACE = re.compile(r"\s*")
_DAY = timedelta(days=1)


class ReportError(ValueError):
    """A file that is no report which can be read; the text says which field is wrong, and why."""


class Bucket(NamedTuple):
    """What a report has of a day in UTC, or of a part of one, and where that stands."""

    day: date
    is_anthropic: bool
    results: list[Any]
    path: str


def buckets(content: bytes) -> list[Bucket]:
    """Return the buckets of all pages of a file. Raises `ReportError`."""
    if len(content) > MAX_BYTES:
        raise ReportError(f"expected {MAX_BYTES >> 20} MiB at most")
    try:
        pages = enumerate(_pages(content.decode()))
        found = [bucket for number, page in pages for bucket in _of_page(page, number)]
    except ReportError:
        raise
    except (ValueError, ArithmeticError, RecursionError) as error:
        raise ReportError(f"it is not JSON: {error}") from None
    if not found:
        raise ReportError("it has no buckets: expected data of a report of costs or usage")
    if len({bucket.day for bucket in found}) > MAX_DAYS:
        raise ReportError(f"expected {MAX_DAYS} days at most")
    if len({bucket.is_anthropic for bucket in found}) > 1:
        raise ReportError("it has reports of two providers: expected those of one")
    return found


def _pages(text: str) -> Iterator[Any]:
    decoder = json.JSONDecoder(parse_float=Decimal, parse_constant=_no_number)
    at = _skipped(text, 0)
    while at < len(text):
        page, end = decoder.raw_decode(text, at)
        yield from page if isinstance(page, list) else [page]
        at = _skipped(text, end)


def _no_number(text: str) -> NoReturn:
    raise ReportError(f"{text} is no number")


def _skipped(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    return found.end() if found else at


def _of_page(page: object, number: int) -> Iterator[Bucket]:
    path = f"page {number + 1}"
    for place, bucket in enumerate(listed(table(page, path), "data", path)):
        yield _bucket(table(bucket, f"{path}.data.{place}"), f"{path}.data.{place}")


def _bucket(bucket: Mapping[str, Any], path: str) -> Bucket:
    is_anthropic = "starting_at" in bucket
    names = ("starting_at", "ending_at") if is_anthropic else ("start_time", "end_time")
    start, end = (_moment(bucket.get(name), f"{path}.{name}") for name in names)
    first = start.replace(hour=0, minute=0, second=0, microsecond=0)
    if not start < end <= first + _DAY:
        wrong(path, f"expected {names[0]} and {names[1]} within one day in UTC")
    return Bucket(start.date(), is_anthropic, listed(bucket, "results", path), path)


_BOUNDS = (0, 4_102_444_800)
"""Seconds since 1970 that stand for a time until 2100."""


def _moment(value: object, path: str) -> datetime:
    if isinstance(value, int) and not isinstance(value, bool):
        if not _BOUNDS[0] <= value <= _BOUNDS[1]:
            wrong(path, "expected seconds since 1970")
        return datetime.fromtimestamp(value, UTC)
    try:
        found = datetime.fromisoformat(value) if isinstance(value, str) else None
        found = found.astimezone(UTC) if found and found.tzinfo else None
    except (ValueError, OverflowError):
        found = None
    if found is None or found.date() > date.max - _DAY:
        wrong(path, "expected a time with its offset, or seconds since 1970")
    return found


def table(value: object, path: str) -> Mapping[str, Any]:
    """Return an object of JSON. Raises `ReportError` for anything else."""
    if not isinstance(value, dict):
        wrong(path, "expected an object")
    return value


def listed(found: Mapping[str, Any], name: str, path: str) -> list[Any]:
    """Return a field that is a list. Raises `ReportError` for anything else."""
    value = found.get(name)
    if not isinstance(value, list):
        wrong(f"{path}.{name}", "expected a list")
    return value


def wrong(path: str, text: str) -> NoReturn:
    """Raise a `ReportError` that names a field."""
    raise ReportError(f"{path}: {text}")
