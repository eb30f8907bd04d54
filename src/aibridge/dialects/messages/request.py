"""The request: what was typed, which tool results it carries, who it is for."""

from typing import Any

import msgspec
from msgspec import Raw, Struct

from aibridge.dialects.body import REQUEST, lowered, read_body
from aibridge.dialects.bounds import Buffer
from aibridge.dialects.content import Part, Role, Said, has_more, parts, role_of, texts
from aibridge.dialects.conversation import Conversation, complete
from aibridge.dialects.facts import Notes, RequestFacts
from aibridge.dialects.fields import label, read, read_less, text
from aibridge.dialects.naming import session_hints
from aibridge.dialects.repair import as_utf8
from aibridge.dialects.servers import servers_in


class _Request(Struct):
    model: Any = None
    stream: Any = None
    messages: list[Raw] | None = None
    system: Raw = Raw()
    max_tokens: Any = None
    metadata: Any = None
    mcp_servers: Raw = Raw()
    session_id: Any = None


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


def read_request(body: Buffer) -> RequestFacts:
    """Read a request; what cannot be understood is noted, and judged by the provider."""
    notes = Notes()
    body = as_utf8(body)
    request = read_body(_REQUEST, body, "messages", notes)
    if request is None:
        named = read_less(_NAMED, body, notes, REQUEST) or _Named()
        return _named(named.model, named.stream, notes)
    facts = _named(request.model, request.stream, notes)
    facts.hints = session_hints(request.metadata, session_id=request.session_id)
    facts.servers = servers_in(request.mcp_servers)
    talk = Conversation(notes)
    talk.read(request.messages or [], _said)
    if talk.has_nobody:
        talk.add([texts(parts(request.system, notes))])
    complete(facts, talk, request.system, request.max_tokens)
    return facts


def _named(model: object, stream: object, notes: Notes) -> RequestFacts:
    return RequestFacts(model=label(model), stream=stream is True, unread=bool(notes), notes=notes)


def _said(raw: Raw, notes: Notes) -> Said | None:
    message = read(_MESSAGE, raw, notes, "a message")
    if message is not None and not message.content:
        message = read(_MESSAGE, lowered(raw), notes, "a message")
    if message is None:
        return None
    role = role_of(message.role)
    if role is Role.AGENT:
        return Said(role, content=message.content)
    content = parts(message.content, notes)
    if role is Role.MODEL:
        calls = [label(part.id) for part in content if part.id]
        is_plain = all(text(part.type) in {"text", ""} for part in content)
        return Said(role, texts(content), calls=calls, is_plain=is_plain)
    return _by_a_person(content, message.content)


def _by_a_person(content: list[Part], raw: Raw) -> Said:
    results = [
        (label(part.tool_use_id), part.content)
        for part in content
        if text(part.type).endswith("tool_result")
    ]
    said = texts(content)
    return Said(Role.PERSON, said, results, has_more=has_more(content), content=raw)
