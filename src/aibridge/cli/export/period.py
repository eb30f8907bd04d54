"""What is exported: the filters of the record, and from when to when."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated

import typer

from aibridge.cli.record_filters import What
from aibridge.identity.tokens import parse_lifetime

_EXPECTED = "expected a date, a time with its offset, or how long ago, such as"
_EXAMPLES = "2026-01-31, 2026-01-31T12:00:00Z, 7d or 12h"

EPOCH = datetime.fromtimestamp(0, UTC)
"""Nothing on record is older."""

INSTANT = timedelta(microseconds=1)
"""What the times of the record are exact to."""


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
        span = parse_lifetime(text)
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


_Since = typer.Option(
    parser=parse_moment,
    metavar="TIME",
    help="What started then or after: 7d or 12h ago, a date (UTC), or RFC 3339 with an offset.",
)
_Until = typer.Option(
    parser=parse_moment, metavar="TIME", help="What started before then, said likewise."
)


@dataclass(frozen=True, slots=True)
class ExportFilters(What):
    """What is exported: of two exports that meet in a moment, nothing comes twice."""

    since: Annotated[datetime | None, _Since] = None
    until: Annotated[datetime | None, _Until] = None

    def __post_init__(self) -> None:
        if self.since and self.until and self.since >= self.until:
            raise typer.BadParameter("--since has to be before --until", param_hint="--since")

    def _bounds(self) -> tuple[datetime | None, datetime | None]:
        # The API includes both its bounds.
        return self.since, self.until - INSTANT if self.until else None
