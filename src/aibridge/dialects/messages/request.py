"""The request: what was typed, which tool results it carries, who it is for."""

import re
from typing import Any

import msgspec
from msgspec import Raw, Struct

from aibridge.dialects.bounds import Buffer
from aibridge.dialects.facts import Notes, RequestFacts
from aibridge.dialects.fields import hints, is_filled_array, label, mapping, read, read_less, text
from aibridge.dialects.servers import servers_in
from aibridge.dialects.tail import Tail, last, parts

MAX_USER_ID = 4096
"""Characters that are read of the user id that a client gives."""

_OLD_SESSION = re.compile(r"_session_(.+)$")


class _Request(Struct):
    model: Any = None
    stream: Any = None
    messages: list[Raw] | None = None
    tools: Raw = Raw()
    metadata: Any = None
    mcp_servers: Raw = Raw()


class _Named(Struct):
    """What is read of a request whose other fields have unexpected shapes."""

    model: Any = None
    stream: Any = None


class _Message(Struct):
    role: Any = None
    content: Raw = Raw()


_REQUEST = msgspec.json.Decoder(_Request)
_NAMED = msgspec.json.Decoder(_Named)
_MESSAGE = msgspec.json.Decoder(_Message)
_JSON = msgspec.json.Decoder()


def read_request(body: Buffer) -> RequestFacts:
    """Read a request; what cannot be understood is noted, and judged by the provider."""
    notes = Notes()
    request = read(_REQUEST, body, notes, "the request")
    if request is None:
        return _read_names(body, notes)
    tail = _read_tail(request.messages or [], notes)
    return RequestFacts(
        model=label(request.model),
        stream=request.stream is True,
        prompts=tail.prompts(),
        tool_result_ids=tail.results(),
        hints=_hints(request.metadata),
        sends_tools=is_filled_array(request.tools),
        servers=servers_in(request.mcp_servers),
        notes=notes,
    )


def _read_names(body: Buffer, notes: Notes) -> RequestFacts:
    named = read_less(_NAMED, body, notes, "the request") or _Named()
    return RequestFacts(model=label(named.model), stream=named.stream is True, notes=notes)


def _read_tail(messages: list[Raw], notes: Notes) -> Tail:
    tail = Tail(notes)
    for raw in last(messages, notes):
        message = read(_MESSAGE, raw, notes, "a message")
        if message is None or message.role == "assistant":
            break
        if message.role == "user":
            content = parts(message.content, notes)
            tail.say(content)
            tail.carry(*(part.tool_use_id for part in content if part.type == "tool_result"))
    return tail


def _hints(metadata: object) -> dict[str, str]:
    user_id = text(mapping(metadata).get("user_id"))[:MAX_USER_ID]
    return hints({"user_id": user_id, "session_id": _session_id(user_id)})


def _session_id(user_id: str) -> object:
    """The session in Claude Code's user id: a JSON object, or ``user_…_session_…``."""
    if user_id.startswith("{"):
        return mapping(read(_JSON, user_id.encode(), Notes(), "user_id")).get("session_id")
    session = _OLD_SESSION.search(user_id)
    return session[1] if session else None
