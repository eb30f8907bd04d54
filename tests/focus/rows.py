"""Calls and usage rows for tests of the FOCUS export."""

from typing import Any

from aibridge.store.schema.rows import TokenUsageRow
from aibridge.store.usage.calls import CallRow
from tests.builders import ANA, START, uid


def call(**more: Any) -> CallRow:
    """Return a call that ended at the beginning of 2026, all of it plausible but what is given."""
    fields: dict[str, Any] = {
        "id": uid(1),
        "started_at": START,
        "ended_at": START,
        "initiator_id": ANA,
        "group_id": uid(900),
        "provider": "anthropic",
        "provider_name": "claude",
        "model": "sonnet",
        "client": "Claude Code",
        "session_id": "session-1",
        "credential_kind": "centralized",
        "error_type": "",
    }
    return CallRow(**fields | more)


def usage(**more: Any) -> TokenUsageRow:
    """Return a usage row of nothing but what is given, which has a price."""
    counts = ("input_tokens", "output_tokens", "cache_read_input_tokens")
    fields: dict[str, Any] = {
        "interception_id": uid(1),
        "id": uid(2),
        "provider_response_id": "msg-1",
        **dict.fromkeys((*counts, "cache_write_input_tokens"), 0),
        "metadata": "{}",
        "created_at": START,
        "unpriced": "",
    }
    return TokenUsageRow(**fields | more)
