"""The request: what was typed, which tool results it carries, which session it names."""

from collections.abc import Iterator
from typing import Any

import msgspec
from msgspec import Raw, Struct

from aibridge.dialects.body import REQUEST, lowered, read_body
from aibridge.dialects.bounds import Buffer
from aibridge.dialects.content import Role, Said, has_more, parts, role_of, texts
from aibridge.dialects.conversation import (
    MAX_MESSAGES,
    NOTHING_READ,
    Conversation,
    complete,
    system_of,
)
from aibridge.dialects.facts import Notes, RequestFacts
from aibridge.dialects.fields import label, mapping, read, read_less, text
from aibridge.dialects.naming import session_hints
from aibridge.dialects.repair import as_utf8
from aibridge.dialects.responses.continued import id_of_conversation
from aibridge.dialects.servers import servers_in

MIN_ITEM_ID = 12
"""Characters of an item's id that is of the provider's making; clients make shorter ones up."""


class _Named(Struct):
    """What is read of a request whose other fields have unexpected shapes."""

    model: Any = None
    stream: Any = None


class _Request(_Named):
    input: list[Raw] | str | None = None
    items: list[Raw] | None = None
    tools: Raw = Raw()
    instructions: Raw = Raw()
    prompt: Any = None
    metadata: Any = None
    client_metadata: Any = None
    conversation: Any = None
    previous_response_id: Any = None
    prompt_cache_key: Any = None
    user: Any = None
    store: Any = None
    max_output_tokens: Any = None


class _Item(Struct):
    type: Any = None
    role: Any = None
    content: Raw = Raw()
    text: Any = None
    id: Any = None
    call_id: Any = None
    output: Raw = Raw()


_REQUEST = msgspec.json.Decoder(_Request)
_NAMED = msgspec.json.Decoder(_Named)
_ITEM = msgspec.json.Decoder(_Item | str)
_RELAXED = msgspec.json.Decoder(_Item)

_BY_THE_MODEL = frozenset({"reasoning", "item_reference", "compaction", "mcp_list_tools"})
"""Types of items that the model or the provider said, beside the calls (``…_call``)."""

_BY_THE_AGENT = frozenset({"additional_tools"})
_GOES_ON = frozenset({"mcp_approval_response"})
_ATTACHED = frozenset({"input_image", "input_file"})
_MESSAGES = frozenset({"message", "input_text", "output_text", ""}) | _ATTACHED


def read_request(body: Buffer) -> RequestFacts:
    """Read a request; what cannot be understood is noted, and judged by the provider.

    A WebSocket's ``response.create`` frame is one too.
    """
    notes = Notes()
    body = as_utf8(body)
    request = read_body(_REQUEST, body, "input", notes)
    if request is None:
        return _named(read_less(_NAMED, body, notes, REQUEST) or _Named(), notes)
    facts = _named(request, notes)
    facts.servers = servers_in(request.tools)
    facts.hints = _hints(request)
    facts.previous_response_id = label(request.previous_response_id)
    _note_unclear(request, notes)
    facts.stores = request.store is not False
    items = [] if isinstance(request.input, str) else request.input or []
    talk = _conversation(request, items, notes)
    complete(facts, talk, request.instructions or system_of(items), None)
    if request.previous_response_id or request.conversation:
        facts.digests = None  # most of the conversation is with the provider
    return facts


def _note_unclear(request: _Request, notes: Notes) -> None:
    """Note that what the request goes on from is named in a way that says no id."""
    response, conversation = request.previous_response_id, request.conversation
    if (response and not label(response)) or (
        conversation and not id_of_conversation(conversation)
    ):
        notes.add("what the request goes on from could not be read")


def _conversation(request: _Request, items: list[Raw], notes: Notes) -> Conversation:
    talk = Conversation(notes)
    if isinstance(request.input, str):
        items = [Raw(msgspec.json.encode(request.input))]
    talk.read(items, _said)
    talk.add(_added(request.items or [], notes))
    if talk.has_nobody:
        template = mapping(request.prompt)
        talk.add([list(_variables(template.get("variables"))), _texts(request.instructions, notes)])
        if template and not talk.prompts:
            notes.add(NOTHING_READ)
    return talk


def _texts(raw: Raw, notes: Notes) -> list[str]:
    return texts(parts(raw, notes))


def _variables(values: object) -> Iterator[str]:
    """Yield the texts that a prompt which the provider keeps is filled in with."""
    for value in mapping(values).values():
        yield text(value) or text(mapping(value).get("text"))


def _named(request: _Named, notes: Notes) -> RequestFacts:
    stream = request.stream is True
    return RequestFacts(model=label(request.model), stream=stream, unread=bool(notes), notes=notes)


def _said(raw: Raw, notes: Notes) -> Said | None:
    item = read(_ITEM, raw, notes, "an input item")
    if isinstance(item, str):
        return Said(Role.PERSON, [item])
    if item is not None and _lacks_content(item):
        item = read(_RELAXED, lowered(raw), notes, "an input item")
    return None if item is None else _said_in(item, notes)


def _added(items: list[Raw], notes: Notes) -> Iterator[list[str]]:
    """Yield what a person says in each item that is added to a conversation: all of it is new."""
    for raw in items[:MAX_MESSAGES]:
        said = _said(raw, notes)
        if said is not None and said.role is Role.PERSON:
            yield said.texts


def _lacks_content(item: _Item) -> bool:
    return not item.content and not item.text and text(item.type) in _MESSAGES


def _said_in(item: _Item, notes: Notes) -> Said:
    kind = text(item.type)
    if kind.endswith("_call_output"):
        return Said(Role.TOOL, results=[(label(item.call_id), item.output)])
    if kind in _GOES_ON:
        return Said(Role.TOOL)
    if kind.endswith("_call") or kind in _BY_THE_MODEL:
        return Said(Role.MODEL, calls=_call(item), items=_own(item), is_plain=False)
    role = Role.AGENT if kind in _BY_THE_AGENT else role_of(item.role)
    if role is Role.AGENT:
        return Said(Role.AGENT, content=item.content)
    content = parts(item.content, notes)
    said = texts(content) or [text(item.text)] * bool(text(item.text))
    if role is Role.MODEL:
        return Said(role, said, items=_own(item))
    is_more = kind != "agent_message" and (has_more(content) or kind in _ATTACHED)
    return Said(Role.PERSON, said, has_more=is_more, content=item.content)


def _call(item: _Item) -> list[str]:
    return [found] if (found := label(item.call_id)) else []


def _own(item: _Item) -> list[str]:
    found = label(item.id)
    return [found] if len(found) >= MIN_ITEM_ID else []


def _hints(request: _Request) -> dict[str, str]:
    client = mapping(request.client_metadata)
    return session_hints(
        request.metadata,
        session_id=client.get("session_id"),
        prompt_cache_key=request.prompt_cache_key,
        user=request.user,
        thread_id=client.get("thread_id"),
        conversation=id_of_conversation(request.conversation),
    )
