"""Answers of the API for tests without a server."""

from typing import Any

import httpx

NOON = "2026-01-01T12:00:00Z"
ANA = {"id": "u-ana", "username": "ana"}
_COUNTS = {
    "input_tokens": 1,
    "output_tokens": 2,
    "cache_read_input_tokens": 3,
    "cache_write_input_tokens": 4,
}


def interception(name: object) -> dict[str, Any]:
    return {
        "id": str(name),
        "api_key_id": None,
        "initiator": ANA,
        "provider": "anthropic",
        "provider_name": "claude",
        "model": "sonnet",
        "client": None,
        "metadata": {},
        "started_at": NOON,
        "ended_at": None,
        "token_usages": [],
        "user_prompts": [],
        "tool_usages": [],
    }


def session(name: object, initiator: str = "u-ana") -> dict[str, Any]:
    return {
        "id": str(name),
        "initiator": {"id": initiator, "username": "ana"},
        "providers": [],
        "models": [],
        "client": None,
        "metadata": {},
        "started_at": NOON,
        "threads": 1,
        "token_usage_summary": _COUNTS,
        "last_active_at": NOON,
    }


def thread(name: object) -> dict[str, Any]:
    return {
        "id": str(name),
        "model": "sonnet",
        "provider": "anthropic",
        "credential_kind": "byok",
        "credential_hint": "",
        "started_at": NOON,
        "token_usage": {**_COUNTS, "metadata": {}},
        "agentic_actions": [],
    }


def interceptions(*names: object) -> httpx.Response:
    found = [interception(name) for name in names]
    return httpx.Response(200, json={"count": len(found), "results": found})


def sessions(*names: object) -> httpx.Response:
    found = [session(*name) if isinstance(name, tuple) else session(name) for name in names]
    return httpx.Response(200, json={"count": len(found), "sessions": found})


def threads(*names: object) -> httpx.Response:
    head = {**session("s"), "token_usage_summary": {**_COUNTS, "metadata": {}}}
    return httpx.Response(200, json={**head, "threads": [thread(name) for name in names]})


def user(name: object) -> dict[str, Any]:
    return {
        "id": str(name),
        "username": "ana",
        "name": "",
        "email": "",
        "avatar_url": "",
        "status": "active",
        "roles": [{"name": "owner", "display_name": "Owner"}],
        "organization_ids": [],
        "created_at": NOON,
        "updated_at": NOON,
    }


def token(name: object) -> dict[str, Any]:
    return {
        "id": str(name),
        "user_id": "u-ana",
        "username": "ana",
        "token_name": "laptop",
        "scopes": ["read"],
        "login_type": "token",
        "created_at": NOON,
        "expires_at": None,
        "last_used": None,
        "lifetime_seconds": 0,
    }


def group(name: object) -> dict[str, Any]:
    return {
        "id": str(name),
        "name": "devs",
        "display_name": "",
        "organization_id": "o",
        "avatar_url": "",
        "source": "user",
        "total_member_count": 1,
        "created_at": NOON,
        "updated_at": NOON,
    }


MEMBER = {**ANA, "email": "", "status": "active", "created_at": NOON, "updated_at": NOON}


def group_detail(name: object) -> dict[str, Any]:
    return {**group(name), "members": [MEMBER]}


def group_budget() -> dict[str, Any]:
    times = {"created_at": NOON, "updated_at": NOON}
    return {"group_id": "g", "spend_limit_micros": 12_500_000, **times}


def override() -> dict[str, Any]:
    return {"user_id": "u-ana", **group_budget()}


def cap(**more: Any) -> dict[str, Any]:
    return {
        "id": "c-1",
        "scope": "token",
        "target_id": "abcdefghij",
        "target_name": "pipeline",
        "period": "total",
        "spend_limit_micros": 5,
        "current_spend_micros": 0,
        "created_at": NOON,
        "updated_at": NOON,
        **more,
    }


def price(**more: Any) -> dict[str, Any]:
    amounts = ("input", "output", "cache_read", "cache_write", "cache_write_1h", "cache_write_12h")
    return {
        "provider": "anthropic",
        "model": "opus",
        "source": "custom",
        "updated_at": NOON,
        **{f"{name}_price": None for name in amounts},
        **more,
    }


def audit_log(name: object) -> dict[str, Any]:
    return {
        "id": str(name),
        "time": NOON,
        "user": ANA,
        "api_key_id": "",
        "ip": "",
        "user_agent": "",
        "action": "write",
        "resource_type": "user",
        "resource_id": "u",
        "resource_target": "ben",
        "diff": {"status": {"old": "active", "new": "suspended", "secret": False}},
        "description": "",
    }


def users(*names: object) -> httpx.Response:
    found = [user(name) for name in names]
    return httpx.Response(200, json={"count": len(found), "users": found})


def audit_logs(*names: object) -> httpx.Response:
    found = [audit_log(name) for name in names]
    return httpx.Response(200, json={"count": len(found), "audit_logs": found})
