"""Reading the moments that people name: a date, a time, how long ago."""

from datetime import UTC, date, datetime, time

import typer

from aibridge.durations import parse_duration

_EXPECTED = "expected a date, a time with its offset, or how long ago, such as"
_EXAMPLES = "2026-01-31, 2026-01-31T12:00:00Z, 7d or 12h"

EPOCH = datetime.fromtimestamp(0, UTC)
"""Nothing on record is older."""


def parse_moment(text: str) -> datetime:
    """Read a time of RFC 3339 with its offset, a date (its first moment in UTC), or how long ago.

    How long ago is a number and ``s``, ``m``, ``h``, ``d`` or ``w``.
    """
    moment = _ago(text) or _day(text) or _time(text)
    if moment is None:
        raise typer.BadParameter(f"{_EXPECTED} {_EXAMPLES}; not {text!r}")
    return max(moment, EPOCH)


def _ago(text: str) -> datetime | None:
    try:
        span = parse_duration(text)
    except ValueError:
        return None
    return datetime.now(UTC) - span if span else None


def _day(text: str) -> datetime | None:
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
