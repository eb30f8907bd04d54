"""What is kept as JSON text, read back so that it can always be shown, and token metadata summed.

Much of it was written by providers: it may be nested without end, hold half a character, or not
be JSON at all. None of that may keep a record from being read.
"""

import json
from collections.abc import Iterable, Iterator
from typing import Any

MAX_DEPTH = 64
"""Objects nested deeper than this are shown as empty; serialisers give up at about 250."""

_LARGEST = 2**63 - 1


def read_object(text: str) -> dict[str, Any]:
    """Return the object that JSON ``text`` holds, an empty one if it holds anything else."""
    value = _read(text)
    return value if isinstance(value, dict) else {}


def read_texts(text: str) -> list[str]:
    """Return the texts of the list that JSON ``text`` holds, none if it holds anything else."""
    value = _read(text)
    if not isinstance(value, list):
        return []
    return [item if isinstance(item, str) else json.dumps(item) for item in value]


def _read(text: str) -> object:
    try:
        value: object = json.loads(text)
        if "\\u" in text:  # an escape may stand for half a character, which no answer can carry
            whole = json.dumps(value, ensure_ascii=False).encode("utf-8", "replace")
            value = json.loads(whole)
    except (ValueError, RecursionError):
        return None
    brackets = text.count("{") + text.count("[")
    return None if brackets > MAX_DEPTH and _is_deep(value) else value


def _is_deep(value: object) -> bool:
    level = [value]
    for _ in range(MAX_DEPTH):
        level = [child for parent in level for child in _containers(parent)]
    return bool(level)


def _containers(value: object) -> Iterator[object]:
    children = value.values() if isinstance(value, dict) else value
    if isinstance(children, Iterable):
        yield from (child for child in children if isinstance(child, dict | list))


def flatten(objects: Iterable[dict[str, Any]]) -> dict[str, int]:
    """Add up the integers of nested objects under their dotted names.

    ``{"usage": {"a": 1}}`` twice gives ``{"usage.a": 2}``. Texts, booleans, nulls, lists and
    fractions are left out, and so is what no 64-bit counter can mean.
    """
    sums: dict[str, int] = {}
    for item in objects:
        for name, number in _leaves(item, ""):
            sums[name] = sums.get(name, 0) + number
    return sums


def _leaves(value: dict[str, Any], prefix: str) -> Iterator[tuple[str, int]]:
    for key, item in value.items():
        name = f"{prefix}{key}"
        if isinstance(item, dict):
            yield from _leaves(item, f"{name}.")
        elif (number := _integer(item)) is not None:
            yield name, number


def _integer(value: object) -> int | None:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        return None
    return value if abs(value) <= _LARGEST else None
