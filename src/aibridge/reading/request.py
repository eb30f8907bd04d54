"""Reading the request of a journaled call: the start of its record."""

from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

from msgspec import Struct
from msgspec.structs import replace

from aibridge.agents import Agent, Agents, annotations_of
from aibridge.dialects import DIALECTS
from aibridge.dialects.encoding import Undecodable, decode
from aibridge.dialects.facts import Notes, Prompt, PromptKind, RequestFacts
from aibridge.journal.contents import Begun
from aibridge.providers.types import Dialect
from aibridge.recorder.records import Start

MAX_USER_AGENT = 256
_CONVERSATIONS = "/conversations"
_COMPACTS = "/responses/compact"
_GUESSED = frozenset({PromptKind.COMPACTION, PromptKind.SIDE_CALL})
"""Kinds of whole requests that are told by a text only where no header says what it is."""


class Reading(NamedTuple):
    """How requests are read: which clients are known, and how much a body may decode to."""

    agents: Agents
    max_body_bytes: int


class Asked(Struct, frozen=True):
    """What a request says; ``servers`` are the URLs of the MCP servers that it names.

    ``body_bytes`` is the size of its body, unpacked if that could be done.
    """

    start: Start
    servers: Mapping[str, str]
    body_bytes: int


def read_request(begun: Begun, body: bytes, reading: Reading) -> Asked:
    """Return what a request says."""
    headers = dict(begun.headers)
    facts, size = _facts(begun, body, headers, reading.max_body_bytes)
    agent = reading.agents.identify(headers, facts.hints, facts.openings)
    return Asked(_start(begun, facts, agent, headers), facts.servers, size)


def unread_request(begun: Begun, note: str) -> Asked:
    """Return what is known of a call whose body could not be read; the note says why."""
    facts, headers = RequestFacts(unread=True, notes=Notes([note])), dict(begun.headers)
    return Asked(_start(begun, facts, Agent(), headers), {}, begun.request_bytes)


def _facts(
    begun: Begun, body: bytes, headers: Mapping[bytes, bytes], limit: int
) -> tuple[RequestFacts, int]:
    """Return what a body says, and how many bytes it has unpacked."""
    if not body and begun.route.endswith(_CONVERSATIONS):
        return RequestFacts(), 0  # an empty conversation: there is nothing to read
    read, encoding = DIALECTS[begun.dialect].read_request, headers.get(b"content-encoding")
    if not encoding:
        return read(body), len(body)
    try:
        unpacked = decode(body, encoding, limit)
        return read(unpacked), len(unpacked)
    except Undecodable as error:
        notes = Notes()
        notes.add(f"request: {error}")
        return RequestFacts(unread=True, notes=notes), len(body)


def _start(
    begun: Begun, facts: RequestFacts, agent: Agent, headers: Mapping[bytes, bytes]
) -> Start:
    said = PromptKind.COMPACTION if begun.route.endswith(_COMPACTS) else agent.kind
    kind, prompts = _with_kinds(said, facts.kind, facts.prompts)
    user_agent = headers.get(b"user-agent", b"").decode("latin-1")
    start = Start(
        id=begun.id,
        initiator_id=begun.user_id,
        api_key_id=begun.token_id,
        provider=begun.provider,
        provider_name=begun.provider_name,
        route=begun.route,
        model=facts.model,
        client=agent.client,
        client_session_id=agent.session_id,
        credential_kind=begun.credential_kind,
        credential_hint=begun.credential_hint,
        user_agent=user_agent[:MAX_USER_AGENT],
        stream=facts.stream,
        request_bytes=begun.request_bytes,
        started_at=begun.at,
        prompts=prompts,
        kind=kind,
        tool_result_ids=facts.tool_result_ids,
        history_ids=facts.history_ids,
        previous_response_id=facts.previous_response_id,
        digests=facts.digests,
        agent_type=agent.agent_type,
        parent_session_id=agent.parent_session_id,
        retries=agent.retries,
        stores=_stores(begun, facts),
        unread=facts.unread,
        group_id=begun.group_id,
        metadata=_metadata(kind, agent.agent_type),
        edits=begun.edits,
        notes=facts.notes,
    )
    start.annotations = annotations_of(headers, start.notes)
    return start


def _stores(begun: Begun, facts: RequestFacts) -> bool:
    """Whether the provider keeps what comes of the call, or may as far as could be read."""
    if begun.dialect != Dialect.RESPONSES:
        return facts.stores
    is_clear = not (facts.notes or facts.unread)
    return facts.stores or not is_clear or begun.route.endswith(_CONVERSATIONS)


def _with_kinds(
    said: PromptKind | None, found: PromptKind, prompts: tuple[Prompt, ...]
) -> tuple[PromptKind, tuple[Prompt, ...]]:
    """Return what a request is for, and its prompts with their kinds.

    What a header has ``said`` counts more than what was ``found`` in the body.
    """
    kind = found if said is None else said
    if kind is not PromptKind.TYPED:
        return kind, _changed(prompts, {PromptKind.TYPED}, kind)
    if said is PromptKind.TYPED:
        prompts = _changed(prompts, _GUESSED, kind)
    if prompts and all(each.kind is not PromptKind.TYPED for each in prompts):
        kind = prompts[0].kind
    return kind, prompts


def _changed(
    prompts: tuple[Prompt, ...], old: Collection[PromptKind], new: PromptKind
) -> tuple[Prompt, ...]:
    return tuple(replace(each, kind=new) if each.kind in old else each for each in prompts)


def _metadata(kind: PromptKind, agent_type: str) -> dict[str, Any]:
    found = {} if kind is PromptKind.TYPED else {"kind": str(kind)}
    return {**found, "agent_type": agent_type} if agent_type else found
