"""What a request is for, as the headers of vendors' clients say."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec

from aibridge.dialects.facts import PromptKind

Headers = Mapping[bytes, bytes]

MAX_LABEL = 64
"""Characters kept of the type of a sub-agent."""

MAX_SESSION_ID = 256
"""Characters kept of a session id."""

MAX_RETRIES = 1000
"""More retries than a client makes; a larger number is cut."""

_CLASSES = {
    b"main": PromptKind.TYPED,
    b"subagent": PromptKind.SUBAGENT,
    b"workflow": PromptKind.SUBAGENT,
    b"compaction": PromptKind.COMPACTION,
    b"auxiliary": PromptKind.SIDE_CALL,
    b"side_reply": PromptKind.SIDE_CALL,
}
"""Claude Code's classes of requests."""

_INTERACTIONS = {
    b"conversation-user": PromptKind.TYPED,
    b"conversation-subagent": PromptKind.SUBAGENT,
    b"conversation-compaction": PromptKind.COMPACTION,
    b"conversation-background": PromptKind.SIDE_CALL,
}
"""Copilot's types of interactions."""

_SUBAGENTS = {
    "compact": PromptKind.COMPACTION,
    "memory_consolidation": PromptKind.SIDE_CALL,
    "guardian": PromptKind.SIDE_CALL,
}
"""Codex's sub-agents that do work of its own; all others have a task from the model."""

_KINDS = {"compaction": PromptKind.COMPACTION}
"""Codex's kinds of requests that are no turn."""

_SESSION_OF = (b"x-parent-session-id",)
_TITLE = b"title-"
_TITLED = (b"x-session-id", b"x-session-affinity")


class Purpose(NamedTuple):
    """What a request is for. ``kind`` is ``None`` where no header says so."""

    kind: PromptKind | None = None
    agent_type: str = ""
    parent_session_id: str | None = None


class _Turn(msgspec.Struct):
    """What is read of Codex's metadata of a turn."""

    request_kind: str = ""
    thread_source: str = ""
    subagent_kind: str = ""
    subagent: str = ""
    parent_thread_id: str = ""
    turn_id: str = ""
    root_turn_id: str = ""


_FIELDS = msgspec.json.Decoder(dict[str, Any])
_NO_TURN = _Turn()

_SIGNS = frozenset(
    {
        b"x-claude-code-request-class",
        b"x-claude-code-agent-id",
        b"x-claude-code-parent-agent-id",
        b"x-codex-turn-metadata",
        b"x-codex-parent-thread-id",
        b"x-openai-subagent",
        b"x-interaction-type",
        *_SESSION_OF,
        *_TITLED,
    }
)
_NONE = Purpose()

HEADERS = _SIGNS | {
    b"session-id",
    b"session_id",
    b"thread-id",
    b"x-claude-code-agent-type",
    b"x-stainless-retry-count",
}
"""The names of all headers that are looked at here."""


def purpose_of(headers: Headers) -> Purpose:
    """Say what a request is for."""
    if _SIGNS.isdisjoint(headers):
        return _NONE
    for read in (_claude_code, _codex, _copilot, _opencode):
        purpose = read(headers)
        if purpose is not None:
            return purpose
    return _NONE


def retries_of(headers: Headers) -> int:
    """Return how often the client says to have tried before."""
    said = headers.get(b"x-stainless-retry-count", b"")
    return min(int(said[:6]), MAX_RETRIES) if said.isdigit() else 0


def _label(value: bytes | str, length: int = MAX_LABEL) -> str:
    text = value.decode("utf-8", "replace") if isinstance(value, bytes) else value
    return "".join(filter(str.isprintable, text)).strip()[:length].rstrip()


def _session(value: bytes) -> str:
    return _label(value, MAX_SESSION_ID)


def _claude_code(headers: Headers) -> Purpose | None:
    kind = _CLASSES.get(headers.get(b"x-claude-code-request-class", b"").lower())
    is_subagent = headers.get(b"x-claude-code-agent-id") or headers.get(
        b"x-claude-code-parent-agent-id"
    )
    if kind is None and is_subagent:
        kind = PromptKind.SUBAGENT
    if kind is None:
        return None
    return Purpose(kind, _label(headers.get(b"x-claude-code-agent-type", b"")))


def _codex(headers: Headers) -> Purpose | None:
    turn = _turn(headers.get(b"x-codex-turn-metadata", b""))
    said = headers.get(b"x-openai-subagent", b"")
    parent = headers.get(b"x-codex-parent-thread-id", b"") or turn.parent_thread_id.encode()
    if turn is _NO_TURN and not said and not parent:
        return None
    agent = _label(said) or _label(turn.subagent_kind) or _label(turn.subagent)
    kind = _KINDS.get(turn.request_kind) or _SUBAGENTS.get(agent)
    if kind is None and turn.turn_id and turn.turn_id == turn.root_turn_id:
        return Purpose(PromptKind.TYPED)  # whatever the thread was made for, a person goes on
    if kind is None and (agent or parent or turn.thread_source == "subagent"):
        kind = PromptKind.SUBAGENT
    if kind is None:
        kind = _SUBAGENTS.get(turn.thread_source)
    if kind is None:
        is_turn = turn.request_kind == "turn" and turn.thread_source in {"", "user"}
        return Purpose(PromptKind.TYPED if is_turn else None)
    own = headers.get(b"session-id") or headers.get(b"session_id")
    is_own_session = headers.get(b"thread-id", own) == own  # else the session is the parent's
    return Purpose(kind, agent, (_session(parent) or None) if is_own_session else None)


def _turn(said: bytes) -> _Turn:
    """Read the metadata of a turn; a field of an unexpected type says nothing."""
    try:
        fields = _FIELDS.decode(said) if said else {}
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return _NO_TURN
    told = {name: fields.get(name) for name in _Turn.__struct_fields__}
    found = {name: value for name, value in told.items() if value and isinstance(value, str)}
    return _Turn(**found) if fields else _NO_TURN


def _copilot(headers: Headers) -> Purpose | None:
    kind = _INTERACTIONS.get(headers.get(b"x-interaction-type", b"").lower())
    return None if kind is None else Purpose(kind)


def _opencode(headers: Headers) -> Purpose | None:
    for name in _SESSION_OF:
        if parent := _session(headers.get(name, b"")):
            return Purpose(PromptKind.SUBAGENT, "", parent)
    if any(headers.get(name, b"").startswith(_TITLE) for name in _TITLED):
        return Purpose(PromptKind.SIDE_CALL)
    return None
