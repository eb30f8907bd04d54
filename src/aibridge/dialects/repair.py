"""JSON that the standard forbids and providers read all the same, made into JSON that can be read.

Python's clients write ``NaN``, which Python's servers take; clients that cut a text in the middle
of a character send half of it; a body may be UTF-16, or have a mark in front that says it is not.
"""

import codecs
import json
import re

MAX_REPAIRED = 1 << 20
"""Bytes of a text that is repaired to be read; a longer one is not read."""

MAX_SURROGATES = 50_000
"""Half characters and pairs of them that are looked at; a text with more is not repaired."""

_BOMS = (codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE, codecs.BOM_UTF32_BE)
"""How a text begins that says in which encoding it is; UTF-32's other mark begins as UTF-16's."""

_SURROGATE = re.compile(
    rb"(?<!\\)(\\+)(?:u[dD][89abAB]..\\u[dD][c-fC-F]..|u[dD][89a-fA-F]..)", re.DOTALL
)
"""A pair or a lone half, after as many backslashes as there are."""

_NO_NUMBER = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"?|-?(?:NaN|Infinity)', re.DOTALL)
"""A string, or a number that JSON has not."""

_LONE = len(r"ud83d")
_REPLACEMENT = rb"\ufffd"


def needs_decoding(data: bytes | bytearray | memoryview) -> bool:
    """Say whether a body is in another encoding than UTF-8, or has a mark in front."""
    head = bytes(data[:4])
    return b"\0" in head or head.startswith(_BOMS)


def as_utf8(data: bytes | bytearray) -> bytes | bytearray:
    """Return a JSON text in UTF-8, whichever Unicode encoding it came in."""
    if not needs_decoding(data):
        return data
    if data.startswith(codecs.BOM_UTF8):
        return data[len(codecs.BOM_UTF8) :]
    text = data.decode(json.detect_encoding(data), "replace")
    return text.removeprefix("\ufeff").encode("utf-8", "replace")


def repaired(data: bytes) -> bytes:
    """Return a JSON text without what most often makes one unreadable; the same if there is none.

    Bytes that are no UTF-8 and half characters become U+FFFD, numbers that are none ``null``.
    """
    if not data.isascii():
        data = data.decode("utf-8", "replace").encode()
    if b"\\ud" in data or b"\\uD" in data:
        data = _SURROGATE.sub(_without_lone_surrogate, data, MAX_SURROGATES)
    if b"NaN" in data or b"Infinity" in data:
        data = _NO_NUMBER.sub(_null, data)
    return data


def _null(found: re.Match[bytes]) -> bytes:
    return found[0] if found[0].startswith(b'"') else b"null"


def _without_lone_surrogate(found: re.Match[bytes]) -> bytes:
    if found.end() - found.start() == len(_REPLACEMENT):  # as most are
        return _REPLACEMENT
    backslashes, rest = found[1], found[0][len(found[1]) :]
    if len(backslashes) % 2 == 0:  # no escape, but there may be one in the rest
        return backslashes + _SURROGATE.sub(_without_lone_surrogate, rest)
    return backslashes + b"ufffd" if len(rest) == _LONE else found[0]
