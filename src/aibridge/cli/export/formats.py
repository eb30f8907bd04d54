"""Forms in which rows are written: lines of JSON, and a table with commas (CSV, RFC 4180)."""

import csv
import json
from collections.abc import Callable, Iterator
from enum import StrEnum
from typing import TYPE_CHECKING, Any, TextIO

from aibridge.cli.output import escaped_json

if TYPE_CHECKING:  # pydantic takes a while to import, and help texts need none of it
    from aibridge.contract import Model

Write = Callable[["Model"], None]
Path = tuple[str, ...]


class Format(StrEnum):
    """A form of what is exported."""

    JSONL = "jsonl"
    CSV = "csv"


def write_jsonl(file: TextIO, _kind: "type[Model]", *, on_terminal: bool) -> Write:
    """Write each row as the API lists it, on a line of its own."""

    def write(row: "Model") -> None:
        line = row.model_dump_json()
        file.write((escaped_json(line) if on_terminal else line) + "\n")

    return write


def write_csv(file: TextIO, kind: "type[Model]", *, on_terminal: bool) -> Write:
    """Write a heading, and each row on a line: what is nested as JSON in a column.

    A text that a spreadsheet would take for a formula gets an apostrophe before it: prompts and
    models come from anybody.
    """
    del on_terminal
    paths = list(columns(kind))
    table = csv.writer(file)
    table.writerow(["_".join(path) for path in paths])

    def write(row: "Model") -> None:
        values = row.model_dump(mode="json")
        table.writerow([_cell(_at(values, path)) for path in paths])

    return write


def columns(kind: "type[Model]", above: Path = ()) -> Iterator[Path]:
    """Yield where each column of a kind of rows is found: objects of fixed keys are spread."""
    from aibridge.contract import Model  # noqa: PLC0415 - see TYPE_CHECKING above

    for name, field in kind.model_fields.items():
        inner = field.annotation
        if isinstance(inner, type) and issubclass(inner, Model):
            yield from columns(inner, (*above, name))
        else:
            yield (*above, name)


def _at(values: Any, path: Path) -> Any:  # noqa: ANN401 - any value of JSON
    for name in path:
        values = values.get(name)
    return values


def _cell(value: Any) -> Any:  # noqa: ANN401
    if isinstance(value, list | dict):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, str):
        return f"'{value}" if value.startswith(("=", "+", "-", "@", "\t", "\r")) else value
    return value


FORMATS = {Format.JSONL: write_jsonl, Format.CSV: write_csv}
