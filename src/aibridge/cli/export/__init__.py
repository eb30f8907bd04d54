"""``aibridge export``: the record, written out for other programs.

It is written as it is read, a page of the API at a time, so an export of any size needs no more
memory than a small one.
"""

from typing import TYPE_CHECKING, Annotated

import typer

from aibridge.cli import new_app
from aibridge.cli.connection import connected
from aibridge.cli.export.destination import Target, opened
from aibridge.cli.export.formats import writing
from aibridge.cli.export.interruption import interruptible
from aibridge.cli.export.period import ExportFilters
from aibridge.cli.export.progress import counting

if TYPE_CHECKING:  # they take a while to import, and help texts need none of them
    from collections.abc import Iterator

    from aibridge.cli.export.walk import Portion
    from aibridge.contract import Model
    from aibridge.sdk import Client

app = new_app(help="The record, written out for other programs.")


@app.command(
    "sessions", epilog="Example: aibridge export sessions --since 7d --format csv -o week.csv"
)
@interruptible
@connected
def export_sessions(
    client: "Client",
    *,
    where: ExportFilters,
    session_id: Annotated[str, typer.Option(help="The session's id.", metavar="ID")] = "",
    target: Target,
) -> None:
    """Write out sessions, the most recently active first: those with a request in that time."""
    from aibridge.cli.export import walk  # noqa: PLC0415
    from aibridge.contract import Session  # noqa: PLC0415

    _export(walk.sessions(client, where.sessions(session_id)), Session, target, "sessions")


@app.command(
    "interceptions",
    epilog="Example: aibridge export interceptions --since 2026-01-01 --until 2026-02-01",
)
@interruptible
@connected
def export_interceptions(client: "Client", *, where: ExportFilters, target: Target) -> None:
    """Write out interceptions, newest first: one for each request of a client."""
    from aibridge.cli.export import walk  # noqa: PLC0415
    from aibridge.contract import Interception  # noqa: PLC0415

    found = walk.interceptions(client, where.interceptions())
    _export(found, Interception, target, "interceptions")


def _export(
    portions: "Iterator[Portion[Model]]", model: "type[Model]", target: Target, what: str
) -> None:
    """Write everything that is found, all of it or nothing where that is a file."""
    target.check()
    with (
        opened(target) as file,
        counting(what, shown=target.leaves_terminal_free) as count,
        writing(target, file, model) as write,
    ):
        for portion in portions:
            for one in portion.items:
                write(one)
            file.flush()  # whoever reads along gets what there is, or has left
            count(len(portion.items), portion.total)
