"""The files that spending is written out as."""

import sys
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypedDict

import typer

from aibridge.cli.export.destination import STDOUT
from aibridge.cli.options import whole_number

if TYPE_CHECKING:
    from aibridge.sdk import Client

HOUR, DAY = 3600, 86_400
"""Seconds."""
SECONDS = 150.0
"""How long an answer is waited for: the bridge takes two minutes for the largest."""


class SpendFormat(StrEnum):
    """Which columns a file has, and how they are written."""

    CSV = "csv"
    FOCUS = "focus"
    FOCUS_PARQUET = "focus-parquet"


Granularity = Annotated[
    int | None,
    typer.Option(
        parser=whole_number(0, DAY),
        metavar="SECONDS",
        help="With FOCUS: how long usage is added up over; an hour if left out, 0 for not at all.",
    ),
]


class SpendOf(TypedDict):
    """What a file is of."""

    since: datetime | None
    until: datetime | None
    user_id: str | None
    group_id: str | None


def check_format(form: SpendFormat, granularity: int | None, output: Path) -> None:
    """Refuse what cannot be written, before anything is asked."""
    if form is SpendFormat.CSV and granularity is not None:
        text = "only --format focus and focus-parquet are added up over a time"
        raise typer.BadParameter(text, param_hint="--granularity")
    if form is SpendFormat.FOCUS_PARQUET and output == STDOUT and sys.stdout.isatty():
        text = "parquet is not for terminals: name a file with --output, or pipe it on"
        raise typer.BadParameter(text, param_hint="--format")


def exported(client: "Client", form: SpendFormat, granularity: int | None, where: SpendOf) -> bytes:
    """Return the file that the API answers."""
    if form is SpendFormat.CSV:
        return client.export_ai_spend(**where)
    return client.with_options(timeout=SECONDS).export_ai_spend_focus(
        file_format="csv" if form is SpendFormat.FOCUS else "parquet",
        granularity=HOUR if granularity is None else granularity,
        **where,
    )
