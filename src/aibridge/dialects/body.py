"""A request's body as a provider would read it: whatever the encoding, or the case of its keys."""

import json
import re
from collections.abc import Sequence
from typing import TypeVar

import msgspec
from msgspec import Raw

from aibridge.dialects.bounds import MAX_UNCHECKED, Buffer
from aibridge.dialects.facts import Notes
from aibridge.dialects.fields import read

T = TypeVar("T")

REQUEST = "the request"
_ARRAY = re.compile(rb"\s*:\s*\[\s*")
_FIELDS = msgspec.json.Decoder(dict[str, Raw])


def read_body(decoder: msgspec.json.Decoder[T], body: Buffer, main: str, notes: Notes) -> T | None:
    """Read a body, of which ``main`` is the field that holds the conversation.

    Servers in Go take keys in any case, and some providers one message where there should be a
    list. Where a body has ``main`` twice only the last one is read, which is noted.
    """
    trial = Notes()
    found = read(decoder, body, trial, REQUEST)
    if found is None or getattr(found, main) is None:
        better = _relaxed(body, main)
        if better is not None and (again := read(decoder, better, Notes(), REQUEST)) is not None:
            found, trial = again, Notes()
    for note in trial:
        notes.add(note)
    if found is not None:
        _note_repeated(body, main, getattr(found, main) or (), notes)
    return found


def _relaxed(body: Buffer, main: str) -> bytes | None:
    """Return a body with its keys in small letters and ``main`` as a list; ``None`` for neither."""
    fields = read(_FIELDS, body, Notes(), REQUEST) or {}
    lowered = {key.lower(): value for key, value in fields.items()}
    said = bytes(lowered.get(main, Raw())).strip()
    if said.startswith(b"{"):
        lowered[main] = Raw(b"[" + said + b"]")
    elif lowered.keys() == fields.keys():
        return None
    return msgspec.json.encode(lowered)


def lowered(raw: Raw) -> bytes:
    """Return an object with its keys in small letters, or nothing if it is none."""
    fields = read(_FIELDS, raw, Notes(), REQUEST)
    return msgspec.json.encode({key.lower(): value for key, value in (fields or {}).items()})


def _note_repeated(body: Buffer, main: str, said: Sequence[Raw] | str, notes: Notes) -> None:
    data = bytes(body)
    key = f'"{main}"'.encode()
    if said and not isinstance(said, str) and _is_first(data, key, said):
        return
    if len(data) <= MAX_UNCHECKED:
        is_repeated = (b"\\" in data or data.count(key) > 1) and _keys(data).count(main) > 1
    else:
        is_repeated = data.count(key) > 1
    if is_repeated:
        notes.add(f'the request may have "{main}" more than once: the last one was read')


def _is_first(data: bytes, key: bytes, said: Sequence[Raw]) -> bool:
    """Say whether the messages that were read are those behind the first ``key`` in a body.

    Only their ends are compared, in whose place the model's answer comes.
    """
    start = _ARRAY.match(data, data.find(key) + len(key))
    if start is None or not data.startswith(bytes(said[0]), start.end()):
        return False
    length = start.end() + sum(map(len, said))
    end, gaps = bytes(said[-1]) + b"]", len(said) - 1
    at = length + gaps + 1 - len(end)
    return data.startswith(end, at) or data.startswith(end, at + gaps)


def _keys(data: bytes) -> list[str]:
    """Return the keys of a JSON object, repeated ones too; nothing of what is none."""
    try:
        found = json.loads(data, object_pairs_hook=lambda pairs: [key for key, _ in pairs])
    except (ValueError, RecursionError):
        return []
    return [key for key in found if isinstance(key, str)] if isinstance(found, list) else []
