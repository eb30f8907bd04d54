"""What went wrong with a tool that the provider ran itself, by what it says of the result."""

from collections.abc import Mapping
from typing import Any, Protocol

import msgspec
from msgspec import Raw

from aibridge.dialects.facts import Notes
from aibridge.dialects.fields import mapping, read, text

MAX_ERROR = 2000
"""Characters kept of what went wrong with a tool call."""

MAX_READ = 256 << 10
"""Bytes of a result that are read for what went wrong."""

_ANY = msgspec.json.Decoder()


class Result(Protocol):
    """A block with the result of a hosted tool."""

    is_error: Any
    content: Raw


def error_of_result(result: Result) -> str:
    """Return what a result says went wrong; empty if nothing did.

    Anthropic marks results of MCP tools, and gives its own tools' results a type that says so.
    """
    data = bytes(result.content)
    if result.is_error is True:
        return _words(_content(data)) or "error"
    found = mapping(_content(data)) if b'_error"' in data else {}
    return _words_of(found)[:MAX_ERROR] if text(found.get("type")).endswith("_error") else ""


def error_of_call(error: object, *, failed: bool) -> str:
    """Return what went wrong with a call by its ``error``, or that it has ``failed``."""
    return _words(error) or ("failed" if error or failed else "")


def _content(data: bytes) -> object:
    return read(_ANY, data, Notes(), "a result") if 0 < len(data) <= MAX_READ else None


def _words(value: object) -> str:
    """Return the words in an error of any shape: a string, an object, or a list of texts."""
    if isinstance(value, list):
        return "\n".join(filter(None, (text(mapping(part).get("text")) for part in value)))[
            :MAX_ERROR
        ]
    if isinstance(value, str):
        return value[:MAX_ERROR]
    return _words_of(mapping(value))[:MAX_ERROR]


def _words_of(fields: Mapping[str, object]) -> str:
    content = fields.get("content")
    return (
        text(fields.get("message"))
        or text(fields.get("error_code"))
        or (_words(content) if isinstance(content, list | str) else "")
        or text(fields.get("type"))
    )
