"""Keys by which a later request of the same person is known to go on with an interception; pure.

A key is a word for its kind and a digest, so that it is short whatever a client sends. Of several
interceptions that have the same key the newest counts.
"""

from collections.abc import Iterator
from hashlib import blake2b

import msgspec

from aibridge.dialects.facts import PromptKind, ToolCall
from aibridge.recorder.records import End, Start, Status

DELEGATING = frozenset({"agent", "task", "spawn_agent", "subagent", "delegate", "runsubagent"})
"""Tools, in lower case, with which a model gives a task to a sub-agent."""
FAILED = frozenset({Status.FAILED, Status.CANCELLED})
"""How an interception ended that may be tried again."""
MAX_TASKS = 16
"""Tasks of one answer that are kept."""

_ATTEMPTED = frozenset({PromptKind.TYPED, PromptKind.RETRY})
_TASK_FIELDS = ("prompt", "message", "task", "instructions", "description")
_decode = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_text = msgspec.json.Decoder(str).decode


def response_key(response_id: str) -> str:
    """Return the key of a response that a provider stores."""
    return _key("response", response_id)


def conversation_key(conversation_id: str) -> str:
    """Return the key of a conversation that a provider stores."""
    return _key("conversation", conversation_id)


def stored_key(start: Start, end: End) -> str | None:
    """Return the key of what the provider stores of an answer, ``None`` if it stores nothing."""
    id_ = end.facts.response_id
    if not id_ or not (start.stores or end.facts.is_queued):
        return None
    return (conversation_key if "/conversations" in start.route else response_key)(id_)


def task_key(text: str) -> str:
    """Return the key of a task that a sub-agent is given."""
    return _key("task", text.strip())


def texts_key(start: Start, digest: str) -> str:
    """Return the key of the texts of a conversation, with this client and credential."""
    return _key("texts", start.client or "", start.credential_hint, digest)


def attempt_key(start: Start) -> str | None:
    """Return the key of what was typed at this point of a conversation, to be tried again."""
    texts = [each.text for each in start.prompts if each.kind in _ATTEMPTED]
    if not texts:
        return None
    point = start.history_ids[-1] if start.history_ids else ""
    if start.digests is not None:
        point = start.digests.before
    return _key(
        "attempt",
        start.client or "",
        start.client_session_id or "",
        point,
        "\n".join(texts).strip(),
    )


def compaction_key(start: Start) -> str:
    """Return the key of the newest compaction of a client's session."""
    return _key("compaction", start.client_session_id or "")


def keys_of_start(start: Start, *, begins: bool) -> Iterator[str]:
    """Yield the keys of an interception that are known when it begins.

    The first texts alone are a key only where the conversation is known already, and this does not
    begin a session: made-up examples stand first in many conversations.
    """
    if attempt := attempt_key(start):
        yield attempt  # whoever tries again may have left before this ended
    if start.kind is PromptKind.COMPACTION and start.client_session_id:
        yield compaction_key(start)
    if start.digests is not None and start.client_session_id is None:
        yield texts_key(start, start.digests.own)
        if start.digests.first and not begins:
            yield texts_key(start, start.digests.first)


def keys_of_end(start: Start, end: End) -> Iterator[str]:
    """Yield the keys of an interception that are known when its answer has ended."""
    if stored := stored_key(start, end):
        yield stored
    tasks = (each for each in end.facts.tool_calls if each.name.lower() in DELEGATING)
    for call, _ in zip(tasks, range(MAX_TASKS), strict=False):
        yield from _keys_of_task(call)


def _keys_of_task(call: ToolCall) -> Iterator[str]:
    try:
        fields = _decode(call.input)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return
    for name in _TASK_FIELDS:
        if name in fields and bytes(fields[name]).startswith(b'"'):
            yield task_key(_text(fields[name]))


def _key(kind: str, *parts: str) -> str:
    digest = blake2b("\0".join(parts).encode("utf-8", "replace"), digest_size=16)
    return f"{kind}:{digest.hexdigest()}"
