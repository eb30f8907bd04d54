"""Starts and ends of interceptions for tests of the recorder."""

from typing import Any

from aibridge.dialects.facts import Prompt, ResponseFacts, Thought, TokenUsage, ToolCall
from aibridge.ids import new_id, now
from aibridge.recorder.records import End, Start, Status

ANA = "00000000-0000-0000-0000-00000000000a"


def start(**more: Any) -> Start:
    """Return a start, all of it plausible but for what is given; ``prompt`` is a typed one."""
    prompt = more.pop("prompt", "Hello.")
    fields: dict[str, Any] = {
        "id": new_id(),
        "initiator_id": ANA,
        "api_key_id": "abcdefghij",
        "provider": "anthropic",
        "provider_name": "claude",
        "route": "/v1/messages",
        "model": "m-1",
        "client": "Claude Code",
        "client_session_id": None,
        "credential_kind": "centralized",
        "credential_hint": "sk...yz",
        "user_agent": "claude-cli/2",
        "stream": True,
        "request_bytes": 10,
        "started_at": now(),
        "prompts": () if prompt is None else (Prompt(prompt),),
    }
    return Start(**fields | more)


def end(**more: Any) -> End:
    """Return a good end."""
    fields: dict[str, Any] = {
        "ended_at": now(),
        "status": Status.COMPLETED,
        "http_status": 200,
        "first_byte_us": 5,
        "response_bytes": 20,
        "facts": facts(),
    }
    return End(**fields | more)


def facts(*calls: str, **more: Any) -> ResponseFacts:
    """Return what an answer said: tokens, a thought, and a tool call for each call id."""
    fields: dict[str, Any] = {
        "response_id": "msg-1",
        "model": "m-1",
        "stop_reason": "end_turn",
        "usages": [TokenUsage(1, 2, 3, 4, metadata={"usage": {"input_tokens": 1}})],
        "tool_calls": [ToolCall("bash", "{}", call_id=each) for each in calls],
        "thoughts": [Thought("Hm.")],
        "ended": True,
    }
    return ResponseFacts(**fields | more)
