"""From when to when spending is asked for."""

from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

from aibridge.cli.options import moment_option

Since = Annotated[
    datetime | None, moment_option("From that day on, all of it; else from the month's beginning")
]
Until = Annotated[
    datetime | None, moment_option("Before then, to the end of a day that has begun; else today's")
]


def period(
    since: datetime | None, until: datetime | None
) -> tuple[datetime, datetime] | tuple[None, None]:
    """Return the bounds that the API is asked for; none where neither is given.

    Without a beginning it is that of the month, without an end it is now.
    """
    if since is None and until is None:
        return None, None
    until = until or datetime.now(UTC)
    since = since or _month_of(until)
    if since >= until:
        raise typer.BadParameter("--since has to be before --until", param_hint="--since")
    return since, until


def _month_of(end: datetime) -> datetime:
    """Return the beginning of the month in UTC in which the last moment before an end is."""
    last = end.astimezone(UTC) - timedelta(microseconds=1)
    return last.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
