"""Calls as a journal has them, for tests of what is read of them."""

from typing import Any

from aibridge.agents import BUILT_IN
from aibridge.journal.contents import Begun
from aibridge.reading.request import Reading

ROUTES = {
    "messages": "/v1/messages",
    "chat": "/v1/chat/completions",
    "responses": "/v1/responses",
}
READING = Reading(BUILT_IN, 1 << 20)


def begun(dialect: str = "messages", **changed: Any) -> Begun:
    """Return the beginning of a call of Ana's."""
    said: dict[str, Any] = {
        "id": "call-1",
        "at": 1_000_000,
        "user_id": "ana",
        "token_id": "token",
        "provider": "anthropic",
        "provider_name": "work",
        "route": ROUTES[dialect],
        "dialect": dialect,
        "credential_kind": "centralized",
        "credential_hint": "sk-a...1234",
        "headers": [],
        "request_bytes": 400,
    }
    return Begun(**(said | changed))
