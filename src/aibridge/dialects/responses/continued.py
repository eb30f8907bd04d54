"""What of a provider's memory a request goes on from: an earlier response, or a conversation.

It decides whose texts the model is given. So it is read for this alone, and what cannot be told is
not taken for nothing.
"""

from typing import NamedTuple

import msgspec
from msgspec import Raw, Struct

from aibridge.dialects.bounds import Buffer
from aibridge.dialects.facts import Notes
from aibridge.dialects.fields import label, mapping, read
from aibridge.dialects.repair import as_utf8

MAX_ID = 4096
"""Bytes of the JSON of what is continued: ids are short."""

_NAMES = (b'"previous_response_id"', b'"conversation"')
_HIDDEN = rb"\u00"
"""An escape, behind which a name may hide."""
_NOTHING = (b"", b"null", b'""')


class Continued(NamedTuple):
    """The ids of what a request goes on from; ``is_readable`` says that there are no others."""

    response_id: str = ""
    conversation_id: str = ""
    is_readable: bool = True


class _Request(Struct):
    previous_response_id: Raw = Raw()
    conversation: Raw = Raw()


_ANY = msgspec.json.Decoder()
_FIELDS = msgspec.json.Decoder(dict[str, Raw])
_REQUEST = msgspec.json.Decoder(_Request)
UNREADABLE = Continued(is_readable=False)


def continued(source: Buffer) -> Continued:
    """Return what the request of a body goes on from; never raises."""
    body = bytes(as_utf8(bytes(source)))
    small = body.lower()
    named = [name for name in _NAMES if name in small]
    if not named and _HIDDEN not in small:
        return Continued()
    request = read(_REQUEST, body, Notes(), "the request")
    if request is None or _has_other_names(body):
        return UNREADABLE
    response, conversation = _value(request.previous_response_id), _value(request.conversation)
    response_id = label(response)
    conversation_id = id_of_conversation(conversation)
    missed = (response is not None and not response_id) or (
        conversation is not None and not conversation_id
    )
    return UNREADABLE if missed else Continued(response_id, conversation_id)


def id_of_conversation(value: object) -> str:
    """Return the id of a conversation, as a string or in an object; empty if that is not clear."""
    if label(value):
        return label(value)
    names = mapping(value)
    return label(names.get("id")) if [name.lower() for name in names].count("id") == 1 else ""


def _has_other_names(body: bytes) -> bool:
    """Say whether a field names what is continued in another case, as servers in Go take it."""
    small = body.lower()
    is_plain = all(small.count(name) == body.count(name) for name in _NAMES)
    if is_plain and _HIDDEN not in body:
        return False
    names = [f'"{name}"'.encode() for name in read(_FIELDS, body, Notes(), "the request") or ()]
    return any(name.lower() in _NAMES and name not in _NAMES for name in names)


def _value(raw: Raw) -> object:
    """Return what a field says, `None` if nothing, and what no id is read from if too much."""
    data = bytes(raw)
    if data in _NOTHING:
        return None
    return () if len(data) > MAX_ID else read(_ANY, data, Notes(), "an id") or ()
