"""A call that may go on: who makes it, to which provider and route, with which credential."""

from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

from aibridge.budgets.account import Reservation
from aibridge.dialects import chat
from aibridge.dialects.encoding import Undecodable, codings, decode
from aibridge.dialects.responses.continued import UNREADABLE, Continued, continued
from aibridge.gateway.body_budget import Room
from aibridge.gateway.caller import CENTRALIZED, Credential
from aibridge.gateway.headers import Headers, request_head
from aibridge.gateway.large import LargeReads
from aibridge.gateway.request import Request
from aibridge.gateway.target import Target
from aibridge.ids import new_id, now
from aibridge.journal.contents import Begun
from aibridge.principals import Person
from aibridge.providers.routes import Route
from aibridge.providers.types import Dialect
from aibridge.reading.weight import weight_of

NOTHING = Continued()

EDIT_REQUEST = "request body: stream_options.include_usage set to true"
EDIT_ENCODING = "request header accept-encoding: set to identity"

NO_USAGE = (
    "AI Bridge cannot ask for the token usage of this stream, and you have a budget. Please set "
    "stream_options.include_usage to true, or send plain JSON: not compressed, no field twice."
)


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
    may_lack_usage: bool = False
    """Whether it may be a stream of which nobody will know what it has cost, with a limit."""
    group_id: str = ""
    """The group that its cost is charged to; empty where that is nobody's but the caller's."""
    reservations: tuple[Reservation, ...] = field(default=(), repr=False)
    """What is held for it of the accounts that it counts against, until it has begun."""
    answer_headers: tuple[tuple[bytes, bytes], ...] = ()
    """Headers of ours that its answer has."""
    original: bytes = field(default=b"", repr=False)
    """The body as it came, where it was edited."""

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
        self.body = self.original = b""
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

    @property
    def came(self) -> bytes:
        """The body as the client has sent it."""
        return self.original or self.body

    async def prepare(self, dialect: Dialect, limit: int, reads: LargeReads) -> None:
        """Look at what of a body decides how it is forwarded, and edit it where that is needed.

        A compressed one is unpacked up to a ``limit``.
        """
        weight = weight_of(len(self.body), compressed=bool(self._codings))
        if dialect is Dialect.CHAT and self.target.provider.ask_for_usage:
            await reads.call(self.person.user_id, weight, self._ask_for_usage, limit)
        elif dialect is Dialect.RESPONSES and self.is_for_makers:
            self.continued = await reads.call(self.person.user_id, weight, self._continued, limit)

    def begun(self, dialect: Dialect, names: AbstractSet[bytes], completes: str = "") -> Begun:
        """Return what the journal has of a call as it begins; ``names`` are headers it has too."""
        request, provider = self.request, self.target.provider
        return Begun(
            id=new_id(),
            at=now(),
            user_id=self.person.user_id,
            token_id=self.person.token_id,
            provider=provider.type.name,
            provider_name=provider.name,
            route=request.path,
            dialect=dialect,
            credential_kind=self.credential.kind,
            credential_hint=self.credential.hint,
            headers=[(name, request.headers[name]) for name in names & request.headers.keys()],
            request_bytes=len(self.body),
            edits=self.edits,
            completes=completes,
            group_id=self.group_id,
        )

    def _may_lack_usage(self, limit: int) -> bool:
        """Say whether a chat stream does not ask for usage, unpacked if it is compressed."""
        try:
            unpacked = decode(self.body, ",".join(self._codings), limit)
            return chat.may_lack_usage(unpacked)
        except Undecodable:
            return True

    def _continued(self, limit: int) -> Continued:
        """Return what the request goes on from, unpacked if it is compressed."""
        encoding = self.request.headers.get(b"content-encoding")
        try:
            return continued(decode(self.body, encoding, limit) if encoding else self.body)
        except Undecodable:
            return UNREADABLE

    @property
    def _codings(self) -> list[str]:
        """The codings in which the body is compressed."""
        return codings(self.request.headers.get(b"content-encoding", b""))

    def _ask_for_usage(self, limit: int) -> None:
        """Ask for the token usage of a chat stream, which would otherwise not be known.

        Whether it may not be known all the same matters where there is a limit of spending.
        """
        lacks = not self._codings and chat.lacks_usage(self.body)
        edited = chat.ask_for_usage(self.body) if lacks else None
        if edited is None:
            has_limit = self.is_centralized and self.person.is_limited
            self.may_lack_usage = has_limit and self._may_lack_usage(limit)
            return
        self.original, self.body = self.body, edited
        self.hides_usage = True
        self.edits = [EDIT_REQUEST]
        if b"accept-encoding" in self.request.headers:  # a chunk can't be taken out of those
            kept = [item for item in self.headers if item[0] != b"accept-encoding"]
            self.headers = [*kept, (b"accept-encoding", b"identity")]
            self.edits.append(EDIT_ENCODING)
