"""Entries of the spool: an interception as the gateway handed it over, as bytes and back.

An entry with an end holds the start too, so that each can be replayed without any other. Bytes
that an older release wrote are read as long as new fields of `Start` and `End` have defaults.
"""

from typing import Any

import msgspec

from aibridge.dialects.facts import Notes, Prompt, TokenUsage
from aibridge.recorder.records import End, Start
from aibridge.recorder.ticket import Pending
from aibridge.store.spool import Entry, Kept


class Unreadable(Exception):
    """An entry is damaged, or not one that this release knows."""


class _Body(msgspec.Struct):
    start: Start
    end: End | None = None


class _OlderStart(msgspec.Struct):
    prompt: str | None = None


class _OlderFacts(msgspec.Struct):
    usage: TokenUsage | None = None


class _OlderEnd(msgspec.Struct):
    facts: _OlderFacts


class _OlderBody(msgspec.Struct):
    """What was written of a start and an end while they had one prompt, and one usage."""

    start: _OlderStart
    end: _OlderEnd | None = None


def _special(kind: type, value: Any) -> Any:  # noqa: ANN401 - whatever was decoded
    """Make what msgspec does not know how to make."""
    if kind is Notes:
        return Notes(value)
    raise NotImplementedError


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(_Body, dec_hook=_special).decode
_decode_older = msgspec.msgpack.Decoder(_OlderBody).decode


def to_entry(item: Pending) -> Entry:
    """Return all that is known of an interception. Raises what is wrong with its values."""
    end = item.end  # read once: the event loop may set it at any moment
    return Entry(item.start.id, end is not None, _encode(_Body(item.start, end)))


def from_entry(kept: Kept) -> Pending:
    """Return the interception of an entry. Raises `Unreadable`."""
    if not kept.is_sound:
        raise Unreadable("the checksum is not that of the entry")
    try:
        body = _decode(kept.body)
        _add_older(body, _decode_older(kept.body))
    except msgspec.MsgspecError as error:
        raise Unreadable(str(error)) from error
    return Pending(body.start, body.end, unsure=True)


def _add_older(body: _Body, older: _OlderBody) -> None:
    if older.start.prompt is not None:
        body.start.prompts = (Prompt(older.start.prompt),)
    if body.end is not None and older.end is not None and older.end.facts.usage is not None:
        body.end.facts.usages = [older.end.facts.usage]
