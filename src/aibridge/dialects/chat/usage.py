"""Asking for usage on behalf of a client that did not, and knowing what comes of it."""

import re
from collections.abc import Iterator
from typing import Any

import msgspec
from msgspec import Raw, Struct

from aibridge.dialects.body import REQUEST, lowered
from aibridge.dialects.bounds import MAX_UNCHECKED
from aibridge.dialects.facts import Notes
from aibridge.dialects.fields import mapping, read
from aibridge.dialects.repair import as_utf8

MAX_MEMBERS = 1000
"""Members that the JSON object may have in which usage is asked for."""

_OPENING = re.compile(rb"\s*\{")
_KEY = re.compile(rb'\s*(?:,\s*)?("[^"\\]*(?:\\.[^"\\]*){0,64}")\s*:\s*')
"""The name of a member; one with more escapes than any that is known ends the walk."""

_MEMBERS = msgspec.json.Decoder(dict[str, Raw])
_STRING = msgspec.json.Decoder(str)
_ASKED = b'{"include_usage":true}'


class _Chunk(Struct):
    choices: list[Raw] | None = None
    usage: Any = None
    error: Any = None
    type: Any = None


class _Options(Struct):
    include_usage: Any = None


class _Request(Struct):
    stream: Any = None
    stream_options: _Options | None = None


class _Loose(Struct):
    stream: Any = None
    stream_options: Any = None


_LOOSE = msgspec.json.Decoder(_Loose)
_CHUNK = msgspec.json.Decoder(_Chunk)
_REQUEST = msgspec.json.Decoder(_Request)


def lacks_usage(body: bytes) -> bool:
    """Whether ``body`` asks for a stream, and plainly not for its token usage."""
    try:
        request = _REQUEST.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return False
    options = request.stream_options
    return request.stream is True and (options is None or options.include_usage is not True)


def may_lack_usage(source: bytes | bytearray) -> bool:
    """Whether some server may take ``source`` for a stream whose token usage is not asked for.

    That is so unless it says plainly that it is no stream, or that usage is asked for.
    """
    body = bytes(as_utf8(source))
    request = read(_LOOSE, body, Notes(), REQUEST)
    for keys_in_any_case in (request, read(_LOOSE, lowered(Raw(body)), Notes(), REQUEST)):
        if keys_in_any_case is None or _streams_without(keys_in_any_case):
            return True
    return False


def _streams_without(request: _Loose) -> bool:
    is_asked = mapping(request.stream_options).get("include_usage") is True
    return bool(request.stream) and not is_asked


def ask_for_usage(body: bytes) -> bytes | None:
    """Edit ``body`` so that ``stream_options.include_usage`` is true; no other byte changes.

    ``None`` where that cannot be done safely: no JSON object, a key that stands there twice,
    ``stream_options`` that are no object, more than `MAX_MEMBERS` members.
    """
    try:
        members = _MEMBERS.decode(body)
        if len(members) > MAX_MEMBERS:
            return None
        options = bytes(members.get("stream_options", b"null"))
        asked = _ASKED if options == b"null" else _put(options, "include_usage", b"true")
        edited = asked and _put(body, "stream_options", asked)
        return edited if edited and _differs_only_in_options(body, edited) else None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def is_usage_only(data: bytes) -> bool:
    """Whether ``data`` is the extra chunk that a stream has because usage was asked for.

    It says nothing else: its ``choices`` are empty, ``null``, or not there.
    """
    if len(data) > MAX_UNCHECKED or b'"usage"' not in data:
        return False
    try:
        chunk = _CHUNK.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False
    says_more = chunk.choices or chunk.error or chunk.type
    return not says_more and isinstance(chunk.usage, dict)


def _put(source: bytes, key: str, value: bytes) -> bytes | None:
    """Set a member of the JSON object ``source`` on its bytes: in place, or as the first."""
    members = _MEMBERS.decode(source)
    if key not in members:
        return _insert(source, f'"{key}":'.encode() + value, last=not members)
    if len(members) > MAX_MEMBERS:
        return None
    places = [(start, end) for name, start, end in _walk(source, members) if name == key]
    if len(places) != 1:
        return None
    start, end = places[0]
    return source[:start] + value + source[end:]


def _insert(source: bytes, member: bytes, *, last: bool) -> bytes | None:
    opening = _OPENING.match(source)
    if opening is None:
        return None
    return source[: opening.end()] + member + (b"" if last else b",") + source[opening.end() :]


def _walk(source: bytes, members: dict[str, Raw]) -> Iterator[tuple[str, int, int]]:
    """Name, start and end of each member's value, as far as the values stand where expected.

    A key that stands there twice with different values ends the walk early or goes astray;
    callers compare the outcome.
    """
    opening = _OPENING.match(source)
    key = _KEY.match(source, opening.end()) if opening else None
    for _ in range(MAX_MEMBERS):
        if key is None:
            return
        name = _STRING.decode(key[1])
        value = bytes(members.get(name, b""))
        if not source.startswith(value, key.end()):
            return
        yield name, key.end(), key.end() + len(value)
        key = _KEY.match(source, key.end() + len(value))


def _differs_only_in_options(body: bytes, edited: bytes) -> bool:
    """Whether all members are the same but for the options, where usage is asked for now."""
    before, after = _MEMBERS.decode(body), _MEMBERS.decode(edited)
    old = before.pop("stream_options", None)
    new = _MEMBERS.decode(after.pop("stream_options"))
    rest = {} if old is None or bytes(old) == b"null" else _MEMBERS.decode(old)
    rest.pop("include_usage", None)
    asked = bytes(new.pop("include_usage", b""))
    return asked == b"true" and rest == new and before == after
