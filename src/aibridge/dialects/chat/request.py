"""The request: what was typed, which tool results it carries, whether it asks for usage."""

from typing import Any

import msgspec
from msgspec import Raw, Struct

from aibridge.dialects.bounds import Buffer
from aibridge.dialects.facts import Notes, RequestFacts
from aibridge.dialects.fields import hints, is_filled_array, label, mapping, read, read_less, text
from aibridge.dialects.tail import Tail, last, parts


class _Named(Struct):
    """What is read of a request whose other fields have unexpected shapes."""

    model: Any = None
    stream: Any = None
    stream_options: Any = None


class _Request(_Named):
    messages: list[Raw] | None = None
    tools: Raw = Raw()
    functions: Raw = Raw()
    metadata: Any = None
    prompt_cache_key: Any = None
    user: Any = None
    session_id: Any = None


class _Message(Struct):
    role: Any = None
    content: Raw = Raw()
    tool_call_id: Any = None


_REQUEST = msgspec.json.Decoder(_Request)
_NAMED = msgspec.json.Decoder(_Named)
_MESSAGE = msgspec.json.Decoder(_Message)


def read_request(body: Buffer) -> RequestFacts:
    """Read a request; what cannot be understood is noted, and judged by the provider."""
    notes = Notes()
    request = read(_REQUEST, body, notes, "the request")
    if request is None:
        return _named(read_less(_NAMED, body, notes, "the request") or _Named(), notes)
    facts = _named(request, notes)
    tail = _read_tail(request.messages or [], notes)
    facts.prompts = tail.prompts()
    facts.tool_result_ids = tail.results()
    facts.sends_tools = is_filled_array(request.tools) or is_filled_array(request.functions)
    facts.hints = _hints(request)
    return facts


def _named(request: _Named, notes: Notes) -> RequestFacts:
    stream = request.stream is True
    asks = mapping(request.stream_options).get("include_usage") is True
    return RequestFacts(
        model=label(request.model), stream=stream, asks_usage=asks or not stream, notes=notes
    )


def _read_tail(messages: list[Raw], notes: Notes) -> Tail:
    tail = Tail(notes)
    for raw in last(messages, notes):
        message = read(_MESSAGE, raw, notes, "a message")
        if message is None or message.role == "assistant":
            break
        if message.role == "user":
            tail.say(parts(message.content, notes))
        elif message.role == "tool":
            tail.carry(message.tool_call_id)
    return tail


def _hints(request: _Request) -> dict[str, str]:
    metadata = mapping(request.metadata)
    return hints(
        {
            "prompt_cache_key": request.prompt_cache_key,
            "user": request.user,
            "user_id": metadata.get("user_id"),
            "session_id": text(request.session_id) or metadata.get("session_id"),
        }
    )
