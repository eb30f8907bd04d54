"""Taking fields out of foreign JSON: leniently, within bounds, without ever raising."""

from collections.abc import Mapping
from typing import TypeVar

import msgspec
from msgspec import Raw

from aibridge.dialects.bounds import MAX_UNCHECKED, MAX_VALUES, Buffer, TooManyValues, bounded
from aibridge.dialects.facts import Notes
from aibridge.dialects.repair import MAX_REPAIRED, repaired

MAX_TOKENS = 10**12
"""More tokens than any one answer has; a larger count is not believed."""

MAX_HINT = 256
"""Characters kept of a value that may name a session."""

MAX_LABEL = 512
"""Characters kept of a name or an id."""

BOM = b"\xef\xbb\xbf"
"""A byte order mark, which some put before UTF-8 and nobody needs."""

_STRING = msgspec.json.Decoder(str)
_LIST = msgspec.json.Decoder(list[Raw])

T = TypeVar("T")

_MISSHAPEN = "{} has an unexpected shape"


def read(decoder: msgspec.json.Decoder[T], data: Buffer, notes: Notes, what: str) -> T | None:
    """Decode ``data``, or note that ``what`` is not understood and return ``None``.

    What providers read all the same is repaired, as `aibridge.dialects.repair` says.
    """
    try:
        if len(data) > MAX_UNCHECKED:
            data, cut_text = bounded(data)
            if cut_text:
                notes.add(f"{what} has a text that is too long: it was cut")
        return decoder.decode(data)
    except TooManyValues:
        notes.add(f"{what} has more than {MAX_VALUES} values: it is not read")
    except msgspec.ValidationError:
        notes.add(_MISSHAPEN.format(what))
    except (msgspec.DecodeError, UnicodeDecodeError):
        return _read_repaired(decoder, data, notes, what)
    except RecursionError:
        notes.add(f"{what} is nested too deeply")
    return None


def read_less(decoder: msgspec.json.Decoder[T], data: Buffer, notes: Notes, what: str) -> T | None:
    """Decode what could not be decoded, with a decoder that looks at less of it.

    That helps where only the shape is unexpected; all else would fail again.
    """
    return read(decoder, data, notes, what) if _MISSHAPEN.format(what) in notes else None


def _read_repaired(
    decoder: msgspec.json.Decoder[T], data: Buffer, notes: Notes, what: str
) -> T | None:
    data = bytes(data)
    if len(data) > MAX_REPAIRED:
        notes.add(f"{what} is not valid JSON, and too large to be repaired")
        return None
    better = repaired(data)
    try:
        if better != data:
            return decoder.decode(better)
    except msgspec.ValidationError:
        notes.add(_MISSHAPEN.format(what))
        return None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        pass
    notes.add(f"{what} is not valid JSON")
    return None


def unlisted(data: bytes) -> bytes:
    """Return the only element of a JSON array, as Google wraps its errors; else ``data``."""
    if not data.startswith(b"[") or len(data) > MAX_UNCHECKED:
        return data
    try:
        found = _LIST.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return data
    return bytes(found[0]) if len(found) == 1 else data


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
    if isinstance(value, float) and value.is_integer():
        value = int(value)  # gateways in languages with one kind of number write 10.0
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MAX_TOKENS:
        return value
    notes.add(f"usage: {key} is not a number of tokens")
    return 0


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
