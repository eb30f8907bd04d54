"""A call that may go on: who makes it, to which provider and route, with which credential."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from aibridge import agents
from aibridge.dialects import DIALECTS, chat
from aibridge.dialects.encoding import Undecodable, decode
from aibridge.dialects.facts import Notes, PromptKind, RequestFacts
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

    def let_go(self) -> None:
        """Forget the body, which has been sent: its answer may go on for long."""
        self.body = b""
        self.room.give_back()

    def head(self) -> bytes:
        """Return the head of the upstream request."""
        path = self.target.provider.target(self.route).encode()
        query = self.request.query
        return request_head(
            self.request.method,
            path + b"?" + query if query else path,
            self.target.authority,
            self.headers,
            self.credential.headers,
            len(self.body),
        )

    async def read(self, dialect: Dialect, limit: int, reads: LargeReads) -> Start:
        """Read the request, edit it where that is needed, and return the start of its record."""
        weight = weight_of(self.body, compressed=b"content-encoding" in self.request.headers)
        return self._start(
            await reads.call(self.person.user_id, weight, self._read, dialect, limit)
        )

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
            return RequestFacts(notes=notes)
        facts = DIALECTS[dialect].read_request(body)
        if dialect is Dialect.RESPONSES:
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

    def _start(self, facts: RequestFacts) -> Start:
        agent = agents.identify(self.request.headers, facts.hints)
        is_side_call = agent.sends_tools and not facts.sends_tools
        kind = PromptKind.SIDE_CALL if is_side_call else facts.kind
        if self.request.path.endswith("/responses/compact"):
            kind = PromptKind.COMPACTION
        prompts = facts.prompts
        if kind is not PromptKind.TYPED:
            prompts = tuple(
                each._replace(kind=kind) if each.kind is PromptKind.TYPED else each
                for each in prompts
            )
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
            stores=self._stores(facts),
            unread=facts.unread,
            metadata={} if kind is PromptKind.TYPED else {"kind": kind.value},
            edits=self.edits,
            notes=facts.notes,
        )
