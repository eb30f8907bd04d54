"""The request: what was typed, which tool results it carries, which session it names."""

from typing import Any

import msgspec
from msgspec import Raw, Struct

from aibridge.dialects.bounds import Buffer
from aibridge.dialects.facts import Notes, Prompt, RequestFacts
from aibridge.dialects.fields import hints, is_filled_array, label, mapping, read, read_less, text
from aibridge.dialects.servers import servers_in
from aibridge.dialects.tail import Part, Tail, last, parts


class _Named(Struct):
    """What is read of a request whose other fields have unexpected shapes."""

    model: Any = None
    stream: Any = None


class _Request(_Named):
    input: list[Raw] | str | None = None
    items: list[Raw] | None = None
    store: Any = None
    tools: Raw = Raw()
    metadata: Any = None
    client_metadata: Any = None
    conversation: Any = None
    previous_response_id: Any = None
    prompt_cache_key: Any = None
    user: Any = None


class _Item(Struct):
    type: Any = None
    role: Any = None
    content: Raw = Raw()
    call_id: Any = None


_REQUEST = msgspec.json.Decoder(_Request)
_NAMED = msgspec.json.Decoder(_Named)
_ITEM = msgspec.json.Decoder(_Item)

_BY_THE_MODEL = ("reasoning", "item_reference", "compaction", "mcp_list_tools")
"""Types of items that the model or the provider said, beside the calls (``…_call``)."""


def read_request(body: Buffer) -> RequestFacts:
    """Read a request; what cannot be understood is noted, and judged by the provider.

    A WebSocket's ``response.create`` frame is one too.
    """
    notes = Notes()
    request = read(_REQUEST, body, notes, "the request")
    if request is None:
        return _named(read_less(_NAMED, body, notes, "the request") or _Named(), notes)
    facts = _named(request, notes)
    tail = _read_tail(request.input or [], notes)
    facts.prompts = tail.prompts() + _added(request.items or [], notes)
    facts.tool_result_ids = tail.results()
    facts.sends_tools = is_filled_array(request.tools)
    facts.servers = servers_in(request.tools)
    facts.stores = request.store is not False
    facts.hints = _hints(request)
    return facts


def _named(request: _Named, notes: Notes) -> RequestFacts:
    return RequestFacts(model=label(request.model), stream=request.stream is True, notes=notes)


def _read_tail(items: list[Raw] | str, notes: Notes) -> Tail:
    tail = Tail(notes)
    if isinstance(items, str):
        tail.say([Part(type="input_text", text=items)])
        return tail
    for raw in last(items, notes):
        item = read(_ITEM, raw, notes, "an input item")
        if item is None or _is_by_the_model(item):
            break
        if text(item.type).endswith("_call_output"):
            tail.carry(item.call_id)
        elif item.role == "user":
            tail.say(parts(item.content, notes))
    return tail


def _added(items: list[Raw], notes: Notes) -> tuple[Prompt, ...]:
    """Return what a person says in items that are added to a conversation: all of it is new."""
    said: list[Prompt] = []
    for raw in last(items, notes):
        item = read(_ITEM, raw, notes, "an item of a conversation")
        if item is not None and item.role == "user":
            message = Tail(notes)
            message.say(parts(item.content, notes))
            said += message.prompts()
    return tuple(reversed(said))


def _is_by_the_model(item: _Item) -> bool:
    kind = text(item.type)
    return item.role == "assistant" or kind.endswith("_call") or kind in _BY_THE_MODEL


def _hints(request: _Request) -> dict[str, str]:
    metadata, client = mapping(request.metadata), mapping(request.client_metadata)
    conversation = request.conversation
    return hints(
        {
            "prompt_cache_key": request.prompt_cache_key,
            "user": request.user,
            "user_id": metadata.get("user_id"),
            "session_id": text(client.get("session_id")) or metadata.get("session_id"),
            "thread_id": client.get("thread_id"),
            "conversation": text(conversation) or mapping(conversation).get("id"),
            "previous_response_id": request.previous_response_id,
        }
    )
