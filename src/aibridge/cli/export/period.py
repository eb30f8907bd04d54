"""What is exported: the filters of the record, and from when to when."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated

import typer

from aibridge.cli.options import moment_option
from aibridge.cli.record_filters import What

INSTANT = timedelta(microseconds=1)
"""What the times of the record are exact to."""

_Since = moment_option("What started then or after")
_Until = moment_option("What started before then")


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
