"""Parquet: typed columns, in groups of rows that are bounded in number and in bytes."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any, BinaryIO

import pyarrow as pa
from pyarrow.parquet import ParquetWriter

from aibridge.cli.export.columns import Column, Kind, Value, columns
from aibridge.contract import Model

ROWS = 5_000
"""The most rows of a group."""

CHARACTERS = 16 * 1024 * 1024
"""Text after which a group ends; one row more may be in it."""

_TYPES = {
    Kind.TEXT: pa.string(),
    Kind.WHOLE: pa.int64(),
    Kind.NUMBER: pa.float64(),
    Kind.FLAG: pa.bool_(),
    Kind.TIME: pa.timestamp("us", tz="UTC"),
    Kind.JSON: pa.string(),
}


@contextmanager
def parquet(file: BinaryIO, model: type[Model]) -> Iterator[Callable[[Model], object]]:
    """Yield a function that writes one item; what is left is written at the end."""
    heads = columns(model)
    schema = pa.schema([(head.name, _TYPES[head.kind]) for head in heads])
    writer = ParquetWriter(file, schema, compression="zstd")
    group = _Group(heads, schema)

    def write(one: Model) -> None:
        group.add(one)
        if group.is_full:
            writer.write_table(group.take())

    try:
        yield write
        if group.size:
            writer.write_table(group.take())
        writer.close()
    finally:
        writer.is_open = False  # an unfinished one would write its end when it is collected


class _Group:
    """Rows that are not written yet, column by column."""

    def __init__(self, heads: tuple[Column, ...], schema: pa.Schema) -> None:
        self._heads, self._schema = heads, schema
        self._empty()

    def _empty(self) -> None:
        self._columns: list[list[Any]] = [[] for _ in self._heads]
        self._length = self.size = 0

    @property
    def is_full(self) -> bool:
        return self.size >= ROWS or self._length >= CHARACTERS

    def add(self, one: Model) -> None:
        item = one.model_dump(mode="json")
        for head, values in zip(self._heads, self._columns, strict=True):
            value = head.value(item)
            self._length += len(value) if isinstance(value, str) else 0
            values.append(_typed(head, value))
        self.size += 1

    def take(self) -> pa.Table:
        table = pa.Table.from_arrays(
            [
                pa.array(values, field.type)
                for values, field in zip(self._columns, self._schema, strict=True)
            ],
            schema=self._schema,
        )
        self._empty()
        return table


def _typed(head: Column, value: Value) -> Value | datetime:
    if head.kind is Kind.TIME and isinstance(value, str):
        return datetime.fromisoformat(value)
    return value
