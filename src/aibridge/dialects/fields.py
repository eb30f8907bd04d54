"""Taking fields out of foreign JSON: leniently, within bounds, without ever raising."""

import re
from collections.abc import Mapping
from typing import TypeVar

import msgspec
from msgspec import Raw

from aibridge.dialects.facts import Notes

MAX_TOKENS = 10**12
"""More tokens than any one answer has; a larger count is not believed."""

MAX_HINT = 256
"""Characters kept of a value that may name a session."""

MAX_LABEL = 512
"""Characters kept of a name or an id."""

_STRING = msgspec.json.Decoder(str)

T = TypeVar("T")
Buffer = bytes | Raw

_FILLED_ARRAY = re.compile(rb"\s*\[\s*[^\s\]]")
_ESCAPE = re.compile(
    rb"\\(?:(?P<pair>u[dD][89abAB]..\\u[dD][c-fC-F]..)|(?P<lone>u[dD][89a-fA-F]..)|.)", re.DOTALL
)


def read(decoder: msgspec.json.Decoder[T], data: Buffer, notes: Notes, what: str) -> T | None:
    """Decode ``data``, or note that ``what`` is not understood and return ``None``.

    Half of a surrogate pair or bytes that are no UTF-8 are replaced by U+FFFD: agents and
    providers that cut a text in the middle of a character do send them.
    """
    try:
        return decoder.decode(data)
    except msgspec.ValidationError:
        notes.add(f"{what} has an unexpected shape")
    except (msgspec.DecodeError, UnicodeDecodeError):
        return _read_repaired(decoder, data, notes, what)
    except RecursionError:
        notes.add(f"{what} is nested too deeply")
    return None


def _read_repaired(
    decoder: msgspec.json.Decoder[T], data: Buffer, notes: Notes, what: str
) -> T | None:
    readable = bytes(data).decode("utf-8", "replace").encode()
    try:
        return decoder.decode(_ESCAPE.sub(_without_lone_surrogate, readable))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        notes.add(f"{what} is not valid JSON")
        return None


def _without_lone_surrogate(escape: re.Match[bytes]) -> bytes:
    return rb"\ufffd" if escape["lone"] else escape[0]


def text(value: object) -> str:
    """``value`` if it is a string, else the empty string."""
    return value if isinstance(value, str) else ""


def label(value: object) -> str:
    """A name or an id: ``value`` cut at `MAX_LABEL` characters, or the empty string."""
    return value[:MAX_LABEL] if isinstance(value, str) else ""


def mapping(value: object) -> Mapping[str, object]:
    """``value`` if it is an object, else an empty one."""
    return value if isinstance(value, dict) else {}


def index(value: object) -> int:
    """``value`` if it is an integer, else 0: the index of those who number nothing."""
    return value if isinstance(value, int) else 0


def count(usage: Mapping[str, object], key: str, notes: Notes) -> int:
    """The number of tokens under ``key``; 0 if absent, or if it cannot be one (noted)."""
    value = usage.get(key)
    if value is None:
        return 0
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MAX_TOKENS:
        return value
    notes.add(f"usage: {key} is not a number of tokens")
    return 0


def is_filled_array(raw: Raw) -> bool:
    """Whether ``raw`` is a JSON array of at least one element; reads only its beginning."""
    return bool(raw) and _FILLED_ARRAY.match(memoryview(raw)) is not None


def compact(raw: Raw) -> str:
    """The JSON text ``raw`` without white space; a JSON string is given as its content.

    Absent and ``null`` values give the empty string.
    """
    data = bytes(raw)
    if data in {b"", b"null"}:
        return ""
    if data.startswith(b'"'):
        return read(_STRING, data, Notes(), "a string") or ""
    try:
        return msgspec.json.format(data, indent=-1).decode("utf-8", "replace")
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return data.decode("utf-8", "replace")


def hints(values: Mapping[str, object]) -> dict[str, str]:
    """The non-empty strings among ``values``, each cut at `MAX_HINT` characters."""
    return {name: kept[:MAX_HINT] for name, value in values.items() if (kept := text(value))}
