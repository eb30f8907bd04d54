"""Writing the lines of an export: as CSV, or as Parquet where pyarrow is installed."""

import csv
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from importlib.util import find_spec
from io import StringIO
from typing import TYPE_CHECKING, Any, BinaryIO

from aibridge.csv_cells import cell
from aibridge.focus.columns import COLUMNS, Kind, Value

if TYPE_CHECKING:
    import pyarrow as pa

Row = tuple[Value, ...]
Batches = Iterable[Sequence[Row]]
Write = Callable[[BinaryIO, Batches], None]

_DIGITS, _DECIMALS = 38, 12


def has_parquet() -> bool:
    """Say whether Parquet can be written."""
    return find_spec("pyarrow") is not None


def write_csv(file: BinaryIO, batches: Batches) -> None:
    """Write rows as CSV in UTF-8; null is an empty cell."""
    file.write((",".join(column.name for column in COLUMNS) + "\n").encode())
    kinds = [column.kind for column in COLUMNS]
    for rows in batches:
        text = StringIO()
        lines = csv.writer(text, lineterminator="\n")
        lines.writerows([_text(*pair) for pair in zip(kinds, row, strict=True)] for row in rows)
        file.write(text.getvalue().encode("utf-8", "replace"))


def _text(kind: Kind, value: Value) -> str:
    if isinstance(value, str):  # most are
        return cell(value)
    if value is None:
        return ""
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%dT%H:%M:%SZ}"
    if kind is Kind.MONEY:
        return f"{value:.{_DECIMALS}f}"
    if isinstance(value, Decimal):
        return f"{value.normalize():f}"
    return str(value)


def write_parquet(file: BinaryIO, batches: Batches) -> None:
    """Write rows as Parquet, with types of their own for money and times."""
    import pyarrow as pa  # noqa: PLC0415 - it may not be installed, and takes a while to import
    from pyarrow.parquet import ParquetWriter  # noqa: PLC0415

    schema = pa.schema([(column.name, _type(column.kind)) for column in COLUMNS])
    with ParquetWriter(file, schema, compression="zstd") as writer:
        for rows in batches:
            pairs = zip(zip(*rows, strict=True), schema, strict=True)
            arrays = [pa.array(map(_typed, values), field.type) for values, field in pairs]
            writer.write_table(pa.Table.from_arrays(arrays, schema=schema))


def _type(kind: Kind) -> "pa.DataType":
    import pyarrow as pa  # noqa: PLC0415 - see above

    if kind in {Kind.MONEY, Kind.NUMBER}:
        return pa.decimal128(_DIGITS, _DECIMALS)
    return pa.timestamp("s", tz="UTC") if kind is Kind.TIME else pa.string()


def _typed(value: Any) -> Any:  # noqa: ANN401 - of any column
    """Return a value as pyarrow takes it: text in UTF-8, whole numbers as decimals."""
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    return Decimal(value) if isinstance(value, int) else value
