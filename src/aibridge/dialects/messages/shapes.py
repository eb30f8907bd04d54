"""What is read of a Messages answer: the shapes of an event, a block and a whole answer."""

from typing import Any

import msgspec
from msgspec import Raw, Struct

from aibridge.dialects.errors import Outcome


class Block(Struct):
    """A block of content, or the beginning of one."""

    type: Any = None
    id: Any = None
    name: Any = None
    input: Raw = Raw()
    text: Any = None
    thinking: Any = None
    server_name: Any = None
    server_url: Any = None
    tool_use_id: Any = None
    is_error: Any = None
    content: Raw = Raw()


class Outline(Outcome):
    """What is read of an answer whose content has an unexpected shape."""

    type: Any = None
    id: Any = None
    model: Any = None
    stop_reason: Any = None
    usage: Any = None
    diagnostics: Any = None


class Message(Outline):
    """A whole answer."""

    content: list[Raw] | None = None


class Delta(Struct):
    """A piece of a block, or what a message ends with."""

    type: Any = None
    text: Any = None
    partial_json: Any = None
    thinking: Any = None
    stop_reason: Any = None


class Bare(Outcome):
    """What is read of an event of an unexpected shape."""

    type: Any = None
    index: Any = None
    usage: Any = None
    diagnostics: Any = None


class Event(Bare):
    """An event of a stream."""

    message: Raw = Raw()
    content_block: Block | None = None
    delta: Delta | None = None


EVENT = msgspec.json.Decoder(Event)
BARE = msgspec.json.Decoder(Bare)
WHOLE = msgspec.json.Decoder(Message)
OUTLINE = msgspec.json.Decoder(Outline)
BLOCK = msgspec.json.Decoder(Block)
