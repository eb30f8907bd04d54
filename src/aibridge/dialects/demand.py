"""What a request asks for that bounds its cost: its models, and how much may be read and answered.

Nothing else is read: this is done while the request waits.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

import msgspec
from msgspec import Raw, Struct

from aibridge.dialects.attached import Attached, attached
from aibridge.dialects.body import REQUEST, lowered
from aibridge.dialects.bounds import Buffer
from aibridge.dialects.facts import Notes
from aibridge.dialects.fields import label, mapping, read
from aibridge.dialects.hosted import Hosted, hosted
from aibridge.dialects.repair import as_utf8

MAX_ANSWERS = 128
"""Answers that one request can ask for: OpenAI's own bound, taken also where ``n`` is no number."""
MAX_MODELS = 10
"""Models that a request may name beside its own; one with more is not read."""

_NOTHING = (b"", b"null", b'""', b"[]", b"{}")
_LIMITS = {
    "messages": ("max_tokens",),
    "chat": ("max_completion_tokens", "max_tokens"),
    "responses": ("max_output_tokens",),
}
"""The names of a request's own maximum of output: others mean nothing to a provider."""


class Demand(NamedTuple):
    """What a request asks for.

    ``max_output`` are the most tokens of an answer, `None` where the request does not say it; it
    asks for so many ``answers``. ``refers`` says that the prompt has more than the request's body:
    the provider has kept the rest. ``models`` are those that may be run beside its own: a fallback,
    or one that a tool names. ``geography`` is where it is to be run.
    """

    model: str
    max_output: int | None = None
    answers: int = 1
    refers: bool = False
    service_tier: str = ""
    speed: str = ""
    geography: str = ""
    attached: Attached = Attached()
    hosted: Hosted = Hosted()
    models: tuple[str, ...] = ()


class _Request(Struct):
    model: Any = None
    max_tokens: Any = None
    max_completion_tokens: Any = None
    max_output_tokens: Any = None
    max_tool_calls: Any = None
    n: Any = None
    service_tier: Any = None
    speed: Any = None
    inference_geo: Any = None
    fallbacks: Any = None
    models: Any = None
    previous_response_id: Raw = Raw()
    conversation: Raw = Raw()
    prompt: Raw = Raw()
    input: Raw = Raw()
    tools: Raw = Raw()
    mcp_servers: Raw = Raw()
    web_search_options: Raw = Raw()


class _Item(Struct):
    type: Any = None
    role: Any = None


_REQUEST = msgspec.json.Decoder(_Request)
_ITEMS = msgspec.json.Decoder(list[_Item])


def demand(source: Buffer, dialect: str) -> Demand | None:
    """Return what a request asks for; nothing where no model can be read. Never raises."""
    body = bytes(as_utf8(bytes(source)))
    request = read(_REQUEST, body, Notes(), REQUEST)
    if request is None or not label(request.model):  # some servers take keys in any case
        request = read(_REQUEST, lowered(Raw(body)), Notes(), REQUEST)
    if request is None or not label(request.model):
        return None
    tools = _hosted(request, dialect)
    models = tuple(dict.fromkeys((*_fallbacks(request), *tools.models)))
    if len(models) > MAX_MODELS:
        return None
    return Demand(
        label(request.model),
        _max_output(request, dialect),
        _answers(request.n) if dialect == "chat" else 1,
        _refers(request, dialect),
        label(request.service_tier),
        label(request.speed),
        label(request.inference_geo) if dialect == "messages" else "",
        attached(body),
        tools,
        models,
    )


def _max_output(request: _Request, dialect: str) -> int | None:
    """Return the most tokens of an answer; `None` where no maximum, or a wrong one, is said.

    A maximum of 0 is one in Anthropic's dialect, and no maximum at all to some who speak others.
    """
    least = 0 if dialect == "messages" else 1
    said = [getattr(request, name) for name in _LIMITS[dialect]]
    counts = [_whole(value) for value in said if value is not None]
    known = [count for count in counts if count is not None and count >= least]
    return max(known) if known and len(known) == len(counts) else None


def _answers(value: object) -> int:
    count = 1 if value is None else _whole(value)
    return MAX_ANSWERS if count is None else max(1, min(count, MAX_ANSWERS))


def _whole(value: object) -> int | None:
    """Return a whole number of 0 or more, which some languages write as 10.0; else `None`."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    is_whole = isinstance(value, int) and not isinstance(value, bool) and value >= 0
    return value if is_whole and isinstance(value, int) else None


def _refers(request: _Request, dialect: str) -> bool:
    """Say whether a prompt goes on from what the provider keeps: a response, a template, an item.

    An item that has neither a type nor a role is such a reference, too.
    """
    stored = (request.previous_response_id, request.conversation)
    if _any_said(*stored) or bytes(request.prompt)[:1] == b"{":
        return True
    if dialect != "responses" or bytes(request.input)[:1] != b"[":
        return False
    items = read(_ITEMS, request.input, Notes(), REQUEST) or ()
    return any(item.type == "item_reference" or not (item.type or item.role) for item in items)


def _hosted(request: _Request, dialect: str) -> Hosted:
    """Return what comes of the tools that a provider runs itself."""
    more = ("mcp",) if dialect == "messages" and _any_said(request.mcp_servers) else ()
    if dialect == "chat" and bytes(request.web_search_options) not in (b"", b"null"):
        more = ("web_search",)
    most = request.max_tool_calls if dialect == "responses" else None
    return hosted(request.tools, most, more=more, each=dialect == "messages")


def _fallbacks(request: _Request) -> Iterator[str]:
    """Yield the models that stand in for the one of a request, by their names or in objects."""
    for value in (request.fallbacks, request.models):
        for each in value if isinstance(value, list) else ():
            if name := label(each) or label(mapping(each).get("model")):
                yield name


def _any_said(*values: Raw) -> bool:
    return any(bytes(raw) not in _NOTHING for raw in values)
