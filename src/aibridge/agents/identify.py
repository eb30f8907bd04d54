"""Telling a client, its session and its purpose from a request's headers and its body's hints."""

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache

from msgspec import Struct

from aibridge.agents import annotations
from aibridge.agents.purposes import HEADERS, MAX_SESSION_ID, Headers, purpose_of, retries_of
from aibridge.agents.table import (
    CLIENTS,
    OUR_SESSION,
    SESSION_HEADERS,
    SESSION_HINTS,
    UNKNOWN,
    Client,
)
from aibridge.dialects.facts import PromptKind

MAX_USER_AGENT = 256
"""Bytes of a user agent that are looked at: what a client says of itself stands in front."""

_TITLE = "title-"
_SESSION_SIGNS = frozenset({OUR_SESSION, *SESSION_HEADERS})


class Agent(Struct, frozen=True):
    """What a request says of the client that sent it.

    ``client`` and ``session_id`` are ``None`` where it does not say, ``kind`` where no header
    does. ``retries`` is how often the client says to have tried before.
    """

    client: str | None = None
    session_id: str | None = None
    kind: PromptKind | None = None
    agent_type: str = ""
    parent_session_id: str | None = None
    retries: int = 0


class Agents:
    """The clients that are known: ``own`` ones of the settings, then the built-in table."""

    def __init__(self, own: Iterable[Client] = ()) -> None:
        own = tuple(own)
        clients = (*own, *CLIENTS)
        self._markers = tuple((marker, one) for one in clients for marker in one.markers)
        self._marking = frozenset(marker.header for marker, _ in self._markers)
        sessions = frozenset(name for one in clients for name in one.session)
        own_names = {b"user-agent", annotations.HEADER}
        self.headers = HEADERS | _SESSION_SIGNS | self._marking | sessions | own_names
        """The names of all headers that say anything."""
        self._own_markers = tuple((marker, one) for one in own for marker in one.markers)
        self._openings = tuple((opening, one) for one in clients for opening in one.openings)
        self._beginnings = tuple(opening for opening, _ in self._openings)

        @lru_cache(maxsize=1024)
        def named(user_agent: bytes) -> Client:
            """Return the row of a user agent; a cache, as the same few come all day."""
            text = user_agent.lower()
            return next((one for one in clients if text.startswith(one.agents)), UNKNOWN)

        self._named = named

    def identify(
        self, headers: Headers, hints: Mapping[str, str], openings: Sequence[str] = ()
    ) -> Agent:
        """Say which client sent a request, which of its sessions it belongs to, and what for.

        ``headers`` are by lower-case name; ``hints`` and ``openings`` (how the texts of the system
        prompt begin) are what a reader of the body found there.
        """
        client = self._client(headers, openings)
        session_id = _session(client, headers, hints)
        kind, agent_type, parent = purpose_of(headers)
        if session_id and session_id.startswith(_TITLE) and kind is PromptKind.SIDE_CALL:
            session_id = session_id.removeprefix(_TITLE) or None
        retries = retries_of(headers)
        return Agent(client.name or None, session_id, kind, agent_type, parent, retries)

    def _client(self, headers: Headers, openings: Sequence[str]) -> Client:
        user_agent = headers.get(b"user-agent", b"")[:MAX_USER_AGENT]
        client = self._named(user_agent)
        if self._own_markers:
            client = next(
                (one for mark, one in self._own_markers if mark.header in headers), client
            )
        if not client.general:
            return client
        if not self._marking.isdisjoint(headers):
            client = self._marked(headers, user_agent.lower()) or client
        if client.general and openings:
            client = self._opened(openings) or client
        return client

    def _marked(self, headers: Headers, user_agent: bytes) -> Client | None:
        """Return the row that a header gives away."""
        for marker, client in self._markers:
            value = headers.get(marker.header)
            is_under = not marker.under or user_agent.startswith(marker.under)
            if value and is_under and value.lower().startswith(marker.value):
                return client
        return None

    def _opened(self, openings: Sequence[str]) -> Client | None:
        """Return the row whose system prompt begins so."""
        openings = [opening for opening in openings if opening.startswith(self._beginnings)]
        for begin, client in self._openings if openings else ():
            if any(opening.startswith(begin) for opening in openings):
                return client
        return None


def _session(client: Client, headers: Headers, hints: Mapping[str, str]) -> str | None:
    """Return the first session id that is not empty, of headers and then of hints."""
    ours = () if OUR_SESSION not in headers else (OUR_SESSION,)
    for name in (*ours, *client.session):
        if found := _header(headers, name):
            return found
    if not _SESSION_SIGNS.isdisjoint(headers):
        for name in SESSION_HEADERS:
            if found := _header(headers, name):
                return found
    for hint in SESSION_HINTS:
        text = hints.get(hint, "")
        if text and (text := _clean(text)):
            return text
    return None


def _header(headers: Headers, name: bytes) -> str:
    value = headers.get(name)
    return _clean(value.decode("utf-8", "replace")) if value else ""


def _clean(text: str) -> str:
    """Return a session id as it is stored: cut, and without what a database could refuse."""
    if not text.isprintable():
        text = "".join(filter(str.isprintable, text))
    return text.strip()[:MAX_SESSION_ID].rstrip()


BUILT_IN = Agents()
"""The clients of the built-in table."""
