"""How commands print: JSON, tables, times, and the one line of an error."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import NoReturn

import typer


def fail(message: str) -> NoReturn:
    """End the program with one line on stderr and status 1."""
    typer.echo(f"aibridge: {' '.join(message.split())}", err=True)
    raise typer.Exit(1)


def print_json(value: object) -> None:
    """Print one JSON object or array."""
    typer.echo(json.dumps(value, indent=2, ensure_ascii=False))


def print_table(titles: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print rows under their titles, in columns that are as wide as their widest value."""
    lines = [titles, *rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(titles))]
    for line in lines:
        cells = (cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        typer.echo("  ".join(cells).rstrip())


def moment(microseconds: int | None) -> str | None:
    """Return a time of the database as RFC 3339 in UTC; `None` stays."""
    if microseconds is None:
        return None
    then = datetime.fromtimestamp(0, UTC) + timedelta(microseconds=microseconds)
    return then.isoformat(timespec="seconds").replace("+00:00", "Z")
