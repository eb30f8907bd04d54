"""Options that several commands share, and reading what people write into them."""

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

MOST = 1000
"""The most that the API lists at once."""

_TIME = "2026-01-31T12:00:00Z"

Config = Annotated[
    Path | None,
    typer.Option(
        readable=False,  # reading it tells why it cannot be read
        help="The TOML file of options; aibridge.toml if it is there.",
    ),
]
DataDir = Annotated[str | None, typer.Option(help="Where the bridge keeps its files.")]
DatabaseURL = Annotated[
    str | None,
    typer.Option(
        "--database-url",
        "--database",
        help="The database, sqlite:///PATH or postgresql://USER@HOST/NAME.",
    ),
]
Url = Annotated[
    str | None,
    typer.Option(
        envvar="AIBRIDGE_URL",
        help="Where AI Bridge listens; http://127.0.0.1:4000 if only a token is given.",
    ),
]
Token = Annotated[
    str | None,
    typer.Option(
        envvar="AIBRIDGE_TOKEN",
        help="Your token. Without it and a URL, this machine's own database is used.",
        show_default=False,
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON and nothing else.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]


def check_limit(limit: int) -> int:
    """Refuse a limit that the API would refuse, before anything is asked."""
    if not 1 <= limit <= MOST:
        raise typer.BadParameter(f"limit value must be between 1 and {MOST}")
    return limit


Limit = Annotated[int, typer.Option(callback=check_limit, help="How many at most, 1 to 1000.")]


def parse_time(text: str) -> datetime:
    """Read a time of RFC 3339; its offset is needed, as nobody knows whose noon is meant."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise typer.BadParameter(f"expected a time with its offset, such as {_TIME}; not {text!r}")
    return moment
