"""A call that may go on: who makes it, to which provider and route, with which credential."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from aibridge.agents import Agent, Agents
from aibridge.dialects import DIALECTS, chat
from aibridge.dialects.encoding import Undecodable, decode
from aibridge.dialects.facts import Notes, Prompt, PromptKind, RequestFacts
from aibridge.dialects.responses.continued import UNREADABLE, Continued, continued
from aibridge.gateway.body_budget import Room
from aibridge.gateway.caller import CENTRALIZED, Credential
from aibridge.gateway.headers import Headers, request_head
from aibridge.gateway.large import LargeReads, weight_of
from aibridge.gateway.request import Request
from aibridge.gateway.target import Target
from aibridge.identity.people import Person
from aibridge.ids import new_id, now
from aibridge.providers.routes import Route
from aibridge.providers.types import Dialect
from aibridge.recorder.records import Start

MAX_USER_AGENT = 256
NOTHING = Continued()
_COMPACTS = "/responses/compact"
_GUESSED = frozenset({PromptKind.COMPACTION, PromptKind.SIDE_CALL})
"""Kinds of whole requests that are told by a text only where no header says what it is."""

EDIT_REQUEST = "request body: stream_options.include_usage set to true"
EDIT_ENCODING = "request header accept-encoding: set to identity"


@dataclass(slots=True)
class Call:
    """What is forwarded. ``body`` is the client's, but for an edit that ``edits`` lists."""

    request: Request
    target: Target
    route: Route
    person: Person
    credential: Credential
    body: bytes = field(repr=False)
    room: Room = field(repr=False)
    headers: Headers = field(repr=False)
    edits: list[str] = field(default_factory=list)
    continued: Continued = NOTHING
    """What of the provider's memory the request goes on from."""
    hides_usage: bool = False
    """Whether the answer will hold a usage chunk that the client must not see."""
    servers: Mapping[str, str] = field(default_factory=dict)
    """URLs of the MCP servers that the request names."""

    @property
    def recorded(self) -> Dialect | None:
        """The dialect in which the call is recorded, `None` if it is only passed."""
        return self.route.recorded if self.request.method == b"POST" else None

    @property
    def is_centralized(self) -> bool:
        """Whether it is made with the configured key, which everybody shares."""
        return self.credential.kind == CENTRALIZED

    @property
    def is_for_makers(self) -> bool:
        """Whether it reaches only those things at the provider that its caller has made."""
        return self.is_centralized and not self.target.provider.allow_foreign_ids

    def let_go(self) -> None:
        """Forget the body, which has been sent: its answer may go on for long."""
        self.body = b""
        self.room.give_back()

    def head(self, target: bytes | None = None, authority: bytes | None = None) -> bytes:
        """Return the head of the upstream request, or of one to where a redirect leads."""
        return request_head(
            self.request.method,
            self._own_target() if target is None else target,
            self.target.authority if authority is None else authority,
            self.headers,
            self.credential.headers,
            len(self.body),
        )

    def _own_target(self) -> bytes:
        path = self.target.provider.target(self.route).encode()
        query = self.request.query
        return path + b"?" + query if query else path

    async def read(self, dialect: Dialect, limit: int, reads: LargeReads, agents: Agents) -> Start:
        """Read the request, edit it where that is needed, and return the start of its record."""
        weight = weight_of(self.body, compressed=b"content-encoding" in self.request.headers)
        facts = await reads.call(self.person.user_id, weight, self._read, dialect, limit)
        headers = self.request.headers
        return self._start(facts, agents.identify(headers, facts.hints, facts.openings))

    def _read(self, dialect: Dialect, limit: int) -> RequestFacts:
        facts = self._facts(dialect, limit)
        self.servers = facts.servers
        if not facts.asks_usage and self.target.provider.ask_for_usage:
            self._ask_for_usage()
        return facts

    def _facts(self, dialect: Dialect, limit: int) -> RequestFacts:
        """Read the body, unpacked if it is compressed; it is forwarded as it came all the same."""
        if not self.body and self.route.path == "/conversations":
            return RequestFacts()  # an empty conversation: there is nothing to read
        body: bytes | bytearray = self.body
        encoding = self.request.headers.get(b"content-encoding")
        try:
            if encoding:
                body = decode(body, encoding, limit)
        except Undecodable as error:
            notes = Notes()
            notes.add(f"request: {error}")
            if dialect is Dialect.RESPONSES:
                self.continued = UNREADABLE
            return RequestFacts(unread=True, notes=notes)
        facts = DIALECTS[dialect].read_request(body)
        if dialect is Dialect.RESPONSES and self.is_for_makers:
            self.continued = continued(facts, body)
        return facts

    def _stores(self, facts: RequestFacts) -> bool:
        """Whether the provider keeps what comes of the call, or may as far as could be read."""
        if self.route.recorded is not Dialect.RESPONSES:
            return facts.stores
        is_clear = not (facts.notes or facts.unread)
        return facts.stores or not is_clear or self.route.path == "/conversations"

    def _ask_for_usage(self) -> None:
        """Ask for the token usage of a chat stream, which would otherwise not be known."""
        if b"content-encoding" in self.request.headers:
            return
        edited = chat.ask_for_usage(self.body)
        if edited is None:
            return
        self.body = edited
        self.hides_usage = True
        self.edits = [EDIT_REQUEST]
        if b"accept-encoding" in self.request.headers:  # a chunk can't be taken out of those
            kept = [item for item in self.headers if item[0] != b"accept-encoding"]
            self.headers = [*kept, (b"accept-encoding", b"identity")]
            self.edits.append(EDIT_ENCODING)

    def _start(self, facts: RequestFacts, agent: Agent) -> Start:
        is_compaction = self.request.path.endswith(_COMPACTS)
        said = PromptKind.COMPACTION if is_compaction else agent.kind
        kind, prompts = _with_kinds(said, facts.kind, facts.prompts)
        user_agent = self.request.headers.get(b"user-agent", b"").decode("latin-1")
        return Start(
            id=new_id(),
            initiator_id=self.person.user_id,
            api_key_id=self.person.token_id,
            provider=self.target.provider.type.name,
            provider_name=self.target.provider.name,
            route=self.request.path,
            model=facts.model,
            client=agent.client,
            client_session_id=agent.session_id,
            credential_kind=self.credential.kind,
            credential_hint=self.credential.hint,
            user_agent=user_agent[:MAX_USER_AGENT],
            stream=facts.stream,
            request_bytes=len(self.body),
            started_at=now(),
            prompts=prompts,
            kind=kind,
            tool_result_ids=facts.tool_result_ids,
            history_ids=facts.history_ids,
            previous_response_id=facts.previous_response_id,
            digests=facts.digests,
            agent_type=agent.agent_type,
            parent_session_id=agent.parent_session_id,
            retries=agent.retries,
            stores=self._stores(facts),
            unread=facts.unread,
            metadata=_metadata(kind, agent.agent_type),
            edits=self.edits,
            notes=facts.notes,
        )


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
    return tuple(each._replace(kind=new) if each.kind in old else each for each in prompts)


def _metadata(kind: PromptKind, agent_type: str) -> dict[str, Any]:
    found = {"kind": "" if kind is PromptKind.TYPED else kind.value, "agent_type": agent_type}
    return {name: value for name, value in found.items() if value}
