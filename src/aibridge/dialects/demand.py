"""What a request asks for that bounds its cost: its model, and how much may be answered.

Nothing else is read: this is done while the request waits.
"""

from typing import Any, NamedTuple

import msgspec
from msgspec import Raw, Struct

from aibridge.dialects.body import REQUEST, lowered
from aibridge.dialects.bounds import Buffer
from aibridge.dialects.facts import Notes
from aibridge.dialects.fields import MAX_TOKENS, label, read
from aibridge.dialects.repair import as_utf8

_NOTHING = (b"", b"null", b'""')


class Demand(NamedTuple):
    """What a request asks for.

    ``max_output`` are the most tokens of an answer, `None` where the request says nothing; it asks
    for so many ``answers``. ``refers`` says that the prompt has more than the request's body: the
    provider has kept the rest.
    """

    model: str
    max_output: int | None = None
    answers: int = 1
    refers: bool = False
    service_tier: str = ""
    speed: str = ""


class _Request(Struct):
    model: Any = None
    max_tokens: Any = None
    max_completion_tokens: Any = None
    max_output_tokens: Any = None
    n: Any = None
    service_tier: Any = None
    speed: Any = None
    previous_response_id: Raw = Raw()
    conversation: Raw = Raw()
    prompt: Raw = Raw()


_REQUEST = msgspec.json.Decoder(_Request)


def demand(source: Buffer) -> Demand | None:
    """Return what a request asks for; nothing where no model can be read. Never raises."""
    body = as_utf8(bytes(source))
    request = read(_REQUEST, body, Notes(), REQUEST)
    if request is None or not label(request.model):  # some servers take keys in any case
        request = read(_REQUEST, lowered(Raw(body)), Notes(), REQUEST)
    if request is None or not label(request.model):
        return None
    limits = (request.max_tokens, request.max_completion_tokens, request.max_output_tokens)
    stored = (request.previous_response_id, request.conversation)
    return Demand(
        label(request.model),
        max((_count(limit) for limit in limits if _count(limit)), default=None),
        max(1, _count(request.n)),
        any(bytes(raw) not in _NOTHING for raw in stored) or bytes(request.prompt)[:1] == b"{",
        label(request.service_tier),
        label(request.speed),
    )


def _count(value: object) -> int:
    """Return a number of tokens or answers; 0 for what is none, which bounds nothing."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    is_count = isinstance(value, int) and not isinstance(value, bool) and 0 < value <= MAX_TOKENS
    return value if is_count and isinstance(value, int) else 0
