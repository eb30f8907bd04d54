"""``aibridge export``: the record as lines of JSON or as a table, for other programs."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from aibridge.cli import new_app
from aibridge.cli.connection import connected
from aibridge.cli.export.destination import Destination
from aibridge.cli.export.formats import FORMATS, Format
from aibridge.cli.export.moments import parse_moment
from aibridge.cli.export.progress import counted
from aibridge.cli.output import fail

if TYPE_CHECKING:  # they take a while to import, and help texts need none of them
    from collections.abc import Iterable

    from aibridge.contract import Model
    from aibridge.sdk import Client

INTERRUPTED = 130
"""The status of a program that was interrupted from the keyboard."""

app = new_app(help="The record for other programs.")

_When = "RFC 3339 with an offset, a date (in UTC), or how long ago: 60d, 12h, 30m."


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is exported, and to where."""

    since: Annotated[
        datetime | None,
        typer.Option(parser=parse_moment, metavar="TIME", help=f"What started since: {_When}"),
    ] = None
    until: Annotated[
        datetime | None,
        typer.Option(parser=parse_moment, metavar="TIME", help="What started until then."),
    ] = None
    search: Annotated[
        str, typer.Option("--search", "-q", help="A search in the API's own language.")
    ] = ""
    format_: Annotated[
        Format, typer.Option("--format", help="Lines of JSON, or a table with commas.")
    ] = Format.JSONL
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="A file; standard output without one.", metavar="FILE"),
    ] = None

    def filter(self) -> dict[str, Any]:
        """Return what to ask of a filter of the SDK."""
        return {"started_after": self.since, "started_before": self.until, "q": self.search}


def _ending_clearly(command: Callable[..., None]) -> Callable[..., None]:
    """Let a command end as a program in a pipe should, whatever ends it."""

    @wraps(command)
    def run(**values: Any) -> None:  # noqa: ANN401 - whatever the command takes
        try:
            command(**values)
        except KeyboardInterrupt:
            raise typer.Exit(INTERRUPTED) from None
        except BrokenPipeError:  # the reader has enough
            raise typer.Exit from None
        except OSError as error:
            fail(f"cannot write {values.get('output') or 'to standard output'}: {error.strerror}")

    return run


@app.command("sessions", epilog="Example: aibridge export sessions --since 7d --format csv")
@_ending_clearly
@connected
def export_sessions(client: "Client", *, wanted: Wanted) -> None:
    """Write sessions as the API lists them, the most recently active first."""
    from aibridge.contract import Session  # noqa: PLC0415 - see TYPE_CHECKING above
    from aibridge.sdk import SessionFilter  # noqa: PLC0415

    _export(lambda: client.iter_sessions(SessionFilter(**wanted.filter())), Session, wanted)


@app.command("interceptions", epilog="Example: aibridge export interceptions --since 2026-11-01")
@_ending_clearly
@connected
def export_interceptions(client: "Client", *, wanted: Wanted) -> None:
    """Write interceptions as the API lists them, the newest first."""
    from aibridge.contract import Interception  # noqa: PLC0415
    from aibridge.sdk import InterceptionFilter  # noqa: PLC0415

    where = InterceptionFilter(**wanted.filter())
    _export(lambda: client.iter_interceptions(where), Interception, wanted)


def _export(rows: "Callable[[], Iterable[Model]]", kind: "type[Model]", wanted: Wanted) -> None:
    with Destination(wanted.output) as destination:
        write = FORMATS[wanted.format_](destination.file, kind, on_terminal=destination.on_terminal)
        for row in counted(rows()):
            write(row)
