"""How far an export is, for who watches."""

import sys
from collections.abc import Iterable, Iterator
from typing import TypeVar

_Row = TypeVar("_Row")


def counted(rows: Iterable[_Row]) -> Iterator[_Row]:
    """Yield the rows; at a terminal their number so far stands on standard error meanwhile."""
    if not sys.stderr.isatty():
        yield from rows
        return
    from rich.console import Console  # noqa: PLC0415 - it takes a while to import
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn  # noqa: PLC0415

    columns = (SpinnerColumn(), TextColumn("{task.completed:,} rows"), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("", total=None)
        for row in rows:
            yield row
            progress.advance(task)
