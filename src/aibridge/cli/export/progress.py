"""How far an export is, for whoever sits at the terminal."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

Count = Callable[[int, int | None], object]
"""Is told how many more are written, and how many there are in all, if that is known."""


@contextmanager
def counting(what: str, *, shown: bool) -> Iterator[Count]:
    """Yield what counts; on standard error, if it is ``shown`` at all."""
    if not shown:
        yield lambda more, total: None
        return
    from rich import progress as rich  # noqa: PLC0415 - they take a while to import
    from rich.console import Console  # noqa: PLC0415

    columns = (
        "{task.description}",
        rich.BarColumn(),
        rich.MofNCompleteColumn(),
        rich.TimeElapsedColumn(),
    )
    console = Console(stderr=True)
    with rich.Progress(
        *columns, console=console, redirect_stdout=False, redirect_stderr=False
    ) as progress:
        task = progress.add_task(what, total=None)
        yield lambda more, total: progress.update(task, advance=more, total=total)
