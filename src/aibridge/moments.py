"""Moments as people name them: a date, a time, how long ago. Pure but for the clock."""

import re
from datetime import UTC, date, datetime, time

from aibridge.durations import parse_duration

EXPECTED = "7d or 12h ago, a date (UTC), or RFC 3339 with an offset"
"""What `parse_moment` reads, for help texts."""

_EXPECTED = "expected a date, a time with its offset, or how long ago, such as"
_EXAMPLES = "2026-01-31, 2026-01-31T12:00:00Z, 7d or 12h"

_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")

EPOCH = datetime.fromtimestamp(0, UTC)
"""Nothing on record is older."""


def parse_moment(text: str) -> datetime:
    """Read a time of RFC 3339 with its offset, or what `parse_day` reads. Raises `ValueError`."""
    moment = parse_day(text) or _time(text)
    if moment is None:
        raise ValueError(f"{_EXPECTED} {_EXAMPLES}; not {text!r}")
    return max(moment, EPOCH)


def parse_day(text: str) -> datetime | None:
    """Read a date (its first moment in UTC), or how long ago; ``None`` for anything else.

    How long ago is a number and ``s``, ``m``, ``h``, ``d`` or ``w``.
    """
    moment = _ago(text) or _day(text)
    return None if moment is None else max(moment, EPOCH)


def is_date(text: str) -> bool:
    """Say whether a text has the form of a date."""
    return bool(_DAY.fullmatch(text))


def _ago(text: str) -> datetime | None:
    try:
        span = parse_duration(text)
    except ValueError:
        return None
    return datetime.now(UTC) - span if span else None


def _day(text: str) -> datetime | None:
    if not is_date(text):
        return None
    try:
        return datetime.combine(date.fromisoformat(text), time(), UTC)
    except ValueError:
        return None


def _time(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else None  # nobody knows whose noon is meant
