"""The formats: how an item becomes bytes. What is written was often written by strangers."""

from __future__ import annotations

import csv
from contextlib import contextmanager
from typing import TYPE_CHECKING, BinaryIO

from aibridge.cli.export.destination import Format, Target
from aibridge.cli.output import escaped_json, visible
from aibridge.csv_cells import cell

if TYPE_CHECKING:  # they take a while to import, and help texts need none of them
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from aibridge.cli.export.columns import Column, Value
    from aibridge.contract import Model

    Write = Callable[[Model], object]


def writing(target: Target, file: BinaryIO, model: type[Model]) -> AbstractContextManager[Write]:
    """Return what yields a function that writes one item of ``model``."""
    if target.form is Format.PARQUET:
        from aibridge.cli.export.parquet import parquet  # noqa: PLC0415 - the extra may be absent

        return parquet(file, model)
    if target.form is Format.CSV:
        return comma_separated(file, model, visibly=target.is_terminal)
    return json_lines(file)


@contextmanager
def json_lines(file: BinaryIO) -> Iterator[Write]:
    """Write each item as the API lists it, on a line of its own.

    Characters that would steer a terminal are written as escapes, which are the same value.
    """
    from aibridge.cli.export.columns import compact  # noqa: PLC0415

    def write(one: Model) -> None:
        text = escaped_json(compact(one.model_dump(mode="json")))
        file.write(text.encode() + b"\n")

    yield write


@contextmanager
def comma_separated(
    file: BinaryIO, model: type[Model], *, visibly: bool = False
) -> Iterator[Write]:
    """Write a line with the names of the columns, then a row for each item (RFC 4180, in UTF-8).

    Every cell is quoted: what is not, some readers end at a carriage return of its own.

    ``visibly`` shows characters that would steer a terminal instead of writing them.
    """
    from aibridge.cli.export.columns import columns  # noqa: PLC0415

    heads = columns(model)
    lines = csv.writer(_Encoded(file, visibly=visibly), lineterminator="\n", quoting=csv.QUOTE_ALL)
    lines.writerow([head.name for head in heads])

    def write(one: Model) -> None:
        lines.writerow(_cells(heads, one))

    yield write


def _cells(heads: tuple[Column, ...], one: Model) -> list[str]:
    item = one.model_dump(mode="json")
    return [_cell(head.value(item)) for head in heads]


def _cell(value: Value) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return cell(value)
    return "" if value is None else str(value)


class _Encoded:
    """What `csv` writes its lines to."""

    def __init__(self, file: BinaryIO, *, visibly: bool) -> None:
        self._file, self._visibly = file, visibly

    def write(self, line: str) -> int:
        text = visible(line) if self._visibly else line
        return self._file.write(text.encode("utf-8", "replace"))
