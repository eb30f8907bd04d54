"""Lists as tables: fitted to a terminal, whole where a program reads them.

A narrow terminal gets short times and ids first, then fewer columns; the column that tells most,
such as a prompt, has the room that is left.
"""

from __future__ import annotations

import shlex
import shutil
import sys
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import typer

from aibridge.cli.options import MOST
from aibridge.cli.output import (
    WIDE,
    is_terminal,
    moment,
    one_line,
    print_models,
    short_moment,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from aibridge.contract import Model

LEAST = 30
"""The characters that the telling column has at least, where it needs as many."""

MOST_OF_OTHERS = 40
"""The characters that any other column has at most on a terminal."""

SHORT = 13
"""The characters of a short id at least: of ours they are the millisecond in which it was made."""

GAP = "  "

Cell = str | datetime | None


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table.

    Where room is short, the columns with the highest ``rank`` are left out first, and those of rank
    0 never. One column may be ``telling``: it has the rest of the line. One of ``ids`` is shortened
    before that: the command that shows one takes its beginning. ``never`` stands for a time that
    there is not.
    """

    title: str
    rank: int = 0
    telling: bool = False
    right: bool = False
    ids: bool = False
    never: str = "never"


def print_list(
    items: Sequence[Model],
    columns: Sequence[Column],
    row: Callable[[Any], Sequence[Cell]],
    *,
    as_json: bool,
) -> None:
    """Print what the API lists: as a table, or as a JSON array of its objects."""
    if as_json:
        print_models(items)
    else:
        print_table(columns, map(row, items))


def tell_of_more(
    shown: int, limit: int, count: int, after: Mapping[str, str], *, at_least: bool = False
) -> None:
    """Say on a terminal that a list was cut, and which options show what follows.

    ``count`` is how many there are, or ``at_least`` so many. ``after`` are the options that go on
    behind the last row, with their values.
    """
    if not (shown == limit and (at_least or shown < count) and sys.stderr.isatty()):
        return
    most = MOST if at_least else min(count, MOST)
    ways = (f"--limit {most}" if limit < MOST else "", _copied(after))
    text = ", or ".join(filter(None, ways))
    number = f"{max(shown, count):,}+" if at_least else f"{count}"
    typer.echo(f"{shown} of {number} shown." + (f" More: {text}" if text else ""), err=True)


def _copied(options: Mapping[str, str]) -> str:
    """Return options as a shell reads them, or nothing if a value cannot be copied as it is shown.

    Clients choose the ids of their sessions, so an id may hold a command, or begin with a dash.
    """
    if any(one_line(value, WIDE) != value for value in options.values()):
        return ""
    return " ".join(f"{name}={shlex.quote(value)}" for name, value in options.items())


def print_table(columns: Sequence[Column], rows: Iterable[Sequence[Cell]]) -> None:
    """Print rows under the titles of their columns."""
    width = shutil.get_terminal_size().columns if is_terminal() else None
    for line in lines(columns, list(rows), width):
        typer.echo(line)


def lines(
    columns: Sequence[Column], rows: Sequence[Sequence[Cell]], width: int | None
) -> list[str]:
    """Return the lines of a table for a terminal of a width; ``None`` is no terminal."""
    if width is None:
        return _drawn(_written(columns, rows, moment, WIDE), width)
    table = _written(columns, rows, moment, MOST_OF_OTHERS)
    if not _fits(table, width):
        table = _written(columns, rows, short_moment, MOST_OF_OTHERS)
        for column, texts in table.items():
            table[column] = _shortened(texts) if column.ids else texts
        for column in sorted(columns, key=lambda one: -one.rank):
            if column.rank and not _fits(table, width):
                del table[column]
    return _drawn(table, width)


_Table = dict[Column, list[str]]
"""The cells of each column that is shown, its title first."""


def _written(
    columns: Sequence[Column],
    rows: Sequence[Sequence[Cell]],
    write: Callable[[datetime | None, str], str],
    most: int,
) -> _Table:
    def text(cell: Cell, column: Column) -> str:
        if isinstance(cell, str):
            return one_line(cell, WIDE if column.telling else most)
        return write(cell, column.never)

    return {
        column: [column.title, *(text(row[number], column) for row in rows)]
        for number, column in enumerate(columns)
    }


def _shortened(texts: Sequence[str]) -> list[str]:
    """Return a title and ids with as much of each as tells them apart."""
    title, *ids = texts
    kinds, longest = len(set(ids)), max(map(len, ids), default=SHORT)
    enough = next(
        (size for size in range(SHORT, longest) if len({one[:size] for one in ids}) == kinds),
        longest,
    )
    return [title, *(one[:enough] for one in ids)]


def _fits(table: _Table, width: int) -> bool:
    least = min(LEAST, max((_widest(table[one]) for one in table if one.telling), default=0))
    return _room(table, width) >= least


def _room(table: _Table, width: int) -> int:
    """Return how many characters of a line are left for the telling column."""
    others = sum(_widest(cells) for column, cells in table.items() if not column.telling)
    return width - others - len(GAP) * (len(table) - 1)


def _widest(cells: Sequence[str]) -> int:
    from rich.cells import cell_len  # noqa: PLC0415 - it takes a while to import

    return max(map(cell_len, cells))


def _drawn(table: _Table, width: int | None) -> list[str]:
    most = WIDE if width is None else max(LEAST, _room(table, width))
    cells = [_aligned(column, texts, most) for column, texts in table.items()]
    return [GAP.join(row).rstrip() for row in zip(*cells, strict=True)]


def _aligned(column: Column, texts: Sequence[str], most: int) -> list[str]:
    from rich.cells import cell_len, set_cell_size  # noqa: PLC0415 - see above

    size = min(_widest(texts), most) if column.telling else _widest(texts)
    if column.right:
        return [" " * (size - cell_len(text)) + text for text in texts]
    cut = (
        text if cell_len(text) <= size else set_cell_size(text, size - 1) + "…" for text in texts
    )
    return [set_cell_size(text, size) for text in cut]
