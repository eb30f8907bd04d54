"""The request: what was typed, which tool results it carries, whether it asks for usage."""

import re
from typing import Any

import msgspec
from msgspec import Raw, Struct

from aibridge.dialects.body import REQUEST, lowered, read_body
from aibridge.dialects.bounds import Buffer
from aibridge.dialects.content import Role, Said, has_more, parts, role_of, texts
from aibridge.dialects.conversation import Conversation, complete, system_of
from aibridge.dialects.facts import Notes, RequestFacts
from aibridge.dialects.fields import label, read, read_less
from aibridge.dialects.naming import session_hints
from aibridge.dialects.repair import as_utf8


class _Named(Struct):
    """What is read of a request whose other fields have unexpected shapes."""

    model: Any = None
    stream: Any = None


class _Request(_Named):
    messages: list[Raw] | None = None
    prompt: Raw = Raw()
    max_tokens: Any = None
    max_completion_tokens: Any = None
    metadata: Any = None
    prompt_cache_key: Any = None
    user: Any = None
    session_id: Any = None
    litellm_session_id: Any = None


class _Message(Struct):
    role: Any = None
    content: Raw = Raw()
    tool_call_id: Any = None
    name: Any = None
    tool_calls: Raw = Raw()


class _Call(Struct):
    id: Any = None


_REQUEST = msgspec.json.Decoder(_Request)
_NAMED = msgspec.json.Decoder(_Named)
_MESSAGE = msgspec.json.Decoder(_Message)
_CALLS = msgspec.json.Decoder(list[_Call] | None)

_CALLS_AS_TEXT = "Calling tools:"
_ID_AS_TEXT = re.compile(r"""['"]id['"]: ?['"]([\w-]{4,64})['"]""")
"""How smolagents writes its earlier calls, which it sends as text."""


def read_request(body: Buffer) -> RequestFacts:
    """Read a request; what cannot be understood is noted, and judged by the provider."""
    notes = Notes()
    body = as_utf8(body)
    request = read_body(_REQUEST, body, "messages", notes)
    if request is None:
        return _named(read_less(_NAMED, body, notes, REQUEST) or _Named(), notes)
    facts = _named(request, notes)
    facts.hints = session_hints(
        request.metadata,
        session_id=request.session_id,
        litellm_session_id=request.litellm_session_id,
        prompt_cache_key=request.prompt_cache_key,
        user=request.user,
    )
    messages = request.messages or []
    talk = Conversation(notes)
    talk.read(messages, _said)
    if not messages:
        talk.add([texts(parts(request.prompt, notes))])  # as OpenRouter takes it
    limit = request.max_completion_tokens or request.max_tokens
    complete(facts, talk, system_of(messages), limit)
    return facts


def _named(request: _Named, notes: Notes) -> RequestFacts:
    return RequestFacts(
        model=label(request.model),
        stream=request.stream is True,
        unread=bool(notes),
        notes=notes,
    )


def _said(raw: Raw, notes: Notes) -> Said | None:
    message = read(_MESSAGE, raw, notes, "a message")
    if message is not None and not message.content and not message.tool_calls:
        message = read(_MESSAGE, lowered(raw), notes, "a message")
    if message is None:
        return None
    role = role_of(message.role)
    if role is Role.AGENT:
        return Said(role, content=message.content)
    if role is Role.TOOL and (call_id := label(message.tool_call_id) or label(message.name)):
        return Said(role, results=[(call_id, message.content)])
    content = parts(message.content, notes)
    said = texts(content)
    if role is Role.MODEL:
        calls = read(_CALLS, message.tool_calls, Notes(), "calls") if message.tool_calls else None
        ids = [label(call.id) for call in calls or () if call.id] + _ids_as_text(said)
        return Said(role, said, calls=ids, is_plain=not calls)
    return Said(Role.PERSON, said, has_more=has_more(content), content=message.content)


def _ids_as_text(said: list[str]) -> list[str]:
    return [
        found
        for text in said
        if _CALLS_AS_TEXT in text
        for found in _ID_AS_TEXT.findall(text, text.find(_CALLS_AS_TEXT))
    ]
