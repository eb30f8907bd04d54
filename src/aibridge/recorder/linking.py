"""Linking: which session a request belongs to, and which thread it goes on with.

A client that names its sessions is believed, until a session has paused for long. One that does
not has a session for each conversation, which is known by what the request carries of it: an
earlier tool call or response, else its first texts.
"""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Protocol

from msgspec.structs import replace

from aibridge.dialects.facts import PromptKind
from aibridge.recorder import correlation
from aibridge.recorder.records import Start
from aibridge.recorder.rows import Lineage
from aibridge.store.record.correlation import session_id_from
from aibridge.store.schema.rows import Linked

TASK_MICROSECONDS = 3_600 * 1_000_000
"""How long after a model has given out a task a request is known by it to be the sub-agent's."""

_BY_ITSELF = frozenset({PromptKind.AUTOMATION, PromptKind.COMPACTION})
"""Kinds of requests that an agent makes within a conversation, in which it sends all that was."""
_CONTINUING = _BY_ITSELF | {PromptKind.SUMMARY}
"""Kinds of requests that go on with the thread before them, and begin none."""


class Finder(Protocol):
    """Looks up interceptions and sessions of the person who makes a request."""

    def by_call(self, start: Start, call_id: str) -> Linked | None:
        """Return the newest interception that issued a tool call, in this session if named."""

    def by_key(self, start: Start, key: str) -> Linked | None:
        """Return the newest interception that is kept under a key."""

    def newest_own(self, start: Start, session_id: str) -> Linked | None:
        """Return the newest interception of a session that is the person's own."""

    def latest_session(self, start: Start, client_session_id: str) -> tuple[str, int] | None:
        """Return the newest session under a client's id, and when it was last active."""


class Linker:
    """Finds the session and the thread of each request.

    A session ends after a ``pause``, in microseconds. A request that turns out to be another
    attempt, or a sub-agent's, is marked so in its start.
    """

    def __init__(self, find: Finder, pause: int) -> None:
        self._find = find
        self._pause = pause

    def lineage(self, start: Start) -> Lineage:
        """Return the session of a request, and the thread that it goes on with, if any."""
        return (
            self._attempted(start)
            or self._delegated(start)
            or self._continued(start)
            or self._begun(start)
        )

    def _attempted(self, start: Start) -> Lineage | None:
        """Return the lineage of what was tried before and failed, if this is the same prompt."""
        key = correlation.attempt_key(start)
        before = None if key is None else self._find.by_key(start, key)
        if (
            before is None
            or before.id == start.id
            or start.started_at - before.started_at > self._pause
        ):
            return None
        if before.status not in correlation.FAILED and not start.retries:
            return None
        mark(start, PromptKind.RETRY)
        return Lineage(before.session_id, before.id, before.root_id)

    def _delegated(self, start: Start) -> Lineage | None:
        """Return the lineage of a task that a model has given to a sub-agent."""
        if start.tool_result_ids or not self._may_be_delegated(start):
            return None
        keys = (correlation.task_key(each.text) for each in start.prompts)
        caller = self._first(start, keys, TASK_MICROSECONDS)
        if caller is None:
            return None
        mark(start, PromptKind.SUBAGENT)
        return Lineage(self._session(start) or caller.session_id, caller.id)

    def _may_be_delegated(self, start: Start) -> bool:
        """Whether the client says so, or does not say at all in what session this is."""
        if start.kind is PromptKind.SUBAGENT:
            return True
        is_first = not start.history_ids and (start.digests is None or not start.digests.before)
        return is_first and start.client_session_id is None and start.typed is not None

    def _continued(self, start: Start) -> Lineage | None:
        """Return the lineage of a request that goes on with a conversation which is on record."""
        before = self._before(start)
        if before is None:
            return None
        if not start.prompts or start.kind in _CONTINUING:
            return Lineage(before.session_id, before.id, before.root_id)
        session = self._session(start)
        if session is None and start.started_at - before.started_at <= self._pause:
            session = before.session_id
        is_interruption = bool(start.tool_result_ids)
        return Lineage(session or start.id, before.id if is_interruption else None)

    def _before(self, start: Start) -> Linked | None:
        """Return what a request goes on with; of a session that is named, only where it matters."""
        for id_ in reversed(start.tool_result_ids):
            if found := self._find.by_call(start, id_):
                return found
        if start.client_session_id is not None and start.typed is not None:
            return None
        return self._in_session(start) or self._in_history(start) or self._by_texts(start)

    def _in_session(self, start: Start) -> Linked | None:
        """Return what an agent goes on with by itself in a session that it names.

        The last call in the history may be of an earlier prompt than the last.
        """
        session = self._session(start) if start.kind in _BY_ITSELF else None
        return None if session is None else self._find.newest_own(start, session)

    def _in_history(self, start: Start) -> Linked | None:
        """Return the interception of the response before, else of the newest id in the history."""
        if start.previous_response_id and (
            found := self._by_response(start, start.previous_response_id)
        ):
            return found
        for id_ in reversed(start.history_ids):
            if found := self._find.by_call(start, id_) or self._by_response(start, id_):
                return found
        return None

    def _by_response(self, start: Start, id_: str) -> Linked | None:
        return self._find.by_key(start, correlation.response_key(id_))

    def _by_texts(self, start: Start) -> Linked | None:
        """Return the last request of a conversation without ids, or the one that was summarized."""
        keys: list[str] = []
        if start.client_session_id is None and start.digests is not None:
            digests = filter(None, (start.digests.before, start.digests.first))
            keys = [correlation.texts_key(start, digest) for digest in digests]
        elif start.client_session_id is not None and start.kind is PromptKind.SUMMARY:
            keys = [correlation.compaction_key(start)]
        return self._first(start, keys, self._pause)

    def _first(self, start: Start, keys: Iterable[str], within: int) -> Linked | None:
        for key in keys:
            found = self._find.by_key(start, key)
            if found is not None and start.started_at - found.started_at <= within:
                return found
        return None

    def _begun(self, start: Start) -> Lineage:
        return Lineage(self._session(start) or start.id)

    def _session(self, start: Start) -> str | None:
        """Return the session that the client names, or another one after a long pause."""
        named = start.parent_session_id or start.client_session_id
        if named is None:
            return None
        latest = self._find.latest_session(start, named)
        if latest is None:
            return named
        session_id, active_at = latest
        if start.started_at - active_at <= self._pause:
            return session_id
        moment = datetime.fromtimestamp(start.started_at / 1_000_000, UTC)
        return session_id_from(named, f"{moment:%Y%m%dT%H%M%SZ}")


def mark(start: Start, kind: PromptKind) -> None:
    """Set the kind of a request, and that of the prompts in it that seemed typed."""
    start.kind = kind
    start.metadata = {**start.metadata, "kind": kind.value}
    start.prompts = tuple(
        replace(each, kind=kind) if each.kind is PromptKind.TYPED else each
        for each in start.prompts
    )
