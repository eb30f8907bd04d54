"""The columns of a flat row: one for each key that the API lists, nested lists as JSON text."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import AwareDatetime

from aibridge.contract import Model

Value = str | int | float | bool | None
"""What stands in a cell; a time as the API writes it."""


class Kind(StrEnum):
    """What a column holds; ``JSON`` is the text of a list or an object."""

    TEXT = "text"
    WHOLE = "whole"
    NUMBER = "number"
    FLAG = "flag"
    TIME = "time"
    JSON = "json"


_KINDS: Mapping[object, Kind] = {
    str: Kind.TEXT,
    int: Kind.WHOLE,
    float: Kind.NUMBER,
    bool: Kind.FLAG,
    AwareDatetime: Kind.TIME,
}


@dataclass(frozen=True, slots=True)
class Column:
    """A column, and the keys that lead to its value in the JSON of an item."""

    keys: tuple[str, ...]
    kind: Kind

    @property
    def name(self) -> str:
        """How it is headed."""
        return "_".join(self.keys)

    def value(self, item: Any) -> Value:  # noqa: ANN401 - what JSON can hold
        """Return what stands in it for ``item``; `None` where the key is absent or null."""
        for key in self.keys:
            item = item.get(key)
        if self.kind is Kind.JSON and item is not None:
            return compact(item)
        value: Value = item
        return value


def compact(value: object) -> str:
    """Return JSON on one line."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def columns(model: type[Model]) -> tuple[Column, ...]:
    """Return the columns of a model of the contract, in its order.

    What every item has just one of, such as the initiator, has a column for each of its keys.
    """
    return tuple(_columns(model, ()))


def _columns(model: type[Model], above: tuple[str, ...]) -> Iterator[Column]:
    for name, field in model.model_fields.items():
        kind = _bare(field.annotation)
        if isinstance(kind, type) and issubclass(kind, Model):
            yield from _columns(kind, (*above, name))
        else:
            yield Column((*above, name), _KINDS.get(kind, Kind.JSON))


def _bare(annotation: Any) -> Any:  # noqa: ANN401 - a type, or one of typing's forms
    """Return a type without what is said of it, without ``None`` and the words of a fixed list."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _bare(arguments[0])
    if origin in {Union, UnionType}:
        (one,) = (
            given
            for given in arguments
            if given is not type(None) and get_origin(given) is not Literal
        )
        return _bare(one)
    return origin or annotation
