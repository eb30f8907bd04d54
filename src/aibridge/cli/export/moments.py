"""Times as people say them."""

import re
from datetime import UTC, date, datetime, timedelta

import typer

from aibridge.cli.options import parse_time

_AGO = re.compile(r"(\d{1,6})([dhm])")
_UNITS = {"d": "days", "h": "hours", "m": "minutes"}


def parse_moment(text: str | datetime) -> datetime:
    """Return a time: RFC 3339 with an offset, a date, which begins in UTC, or how long ago."""
    if isinstance(text, datetime):
        return text
    if ago := _AGO.fullmatch(text):
        try:
            return datetime.now(UTC) - timedelta(**{_UNITS[ago[2]]: int(ago[1])})
        except OverflowError:
            raise typer.BadParameter(f"{text!r} is longer ago than there are years") from None
    try:
        return datetime.combine(date.fromisoformat(text), datetime.min.time(), UTC)
    except ValueError:
        return parse_time(text)
