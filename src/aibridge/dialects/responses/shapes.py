"""What is read of a Responses answer: the shapes of an event and of a whole response."""

from typing import Any

import msgspec
from msgspec import Raw

from aibridge.dialects.errors import Outcome


class Outline(Outcome):
    """What is read of a response whose output has an unexpected shape."""

    id: Any = None
    model: Any = None
    status: Any = None
    service_tier: Any = None
    usage: Any = None
    incomplete_details: Any = None
    prompt_cache_diagnostics: Any = None


class Response(Outline):
    """A whole answer, or what there is of one so far."""

    output: list[Raw] | None = None


class Bare(Outcome):
    """What is read of an event of an unexpected shape, and of one behind the end."""

    type: Any = None
    response: Any = None


class Event(Outcome):
    """An event of a stream."""

    type: Any = None
    response: Raw = Raw()
    item: Raw = Raw()
    item_id: Any = None
    output_index: Any = None
    summary_index: Any = None
    content_index: Any = None
    delta: Any = None


EVENT = msgspec.json.Decoder(Event)
BARE = msgspec.json.Decoder(Bare)
RESPONSE = msgspec.json.Decoder(Response)
OUTLINE = msgspec.json.Decoder(Outline)
