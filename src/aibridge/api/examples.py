"""An example of every answer and body, shown in the description of the API.

A test reads each with its model, and finds one for every model that an endpoint names.
"""

from typing import Any

from aibridge.api.spend import examples as spend

_ANA, _GROUP, _EVERYONE = (
    "0b1e6ad4-7c3d-4a6e-9c57-2f4a8e1d9b10",
    "5d7a2f0c-0e1b-4f27-8a55-6f0a3c9be211",
    "00000000-0000-4000-8000-000000000001",
)
_INTERCEPTION = "0199a3c4-7f00-7000-8000-000000000001"
_SESSION = "17808155-c14f-4c38-9239-20e66317b9f0"
_FACT = "0199a3c4-7f00-7000-8000-0000000000"
_START, _END = "2026-01-05T09:30:00.25Z", "2026-01-05T09:30:04.5Z"
_TIMES = {"created_at": _START, "updated_at": _START}

_INITIATOR = {"id": _ANA, "username": "ana", "name": "Ana Lima"}
_COUNTS = {
    "input_tokens": 285,
    "output_tokens": 47,
    "cache_read_input_tokens": 14_015,
    "cache_write_input_tokens": 96,
}
_USAGE = {**_COUNTS, "metadata": {"server_tool_use.web_search_requests": 1}}
_UNDER = {
    "interception_id": _INTERCEPTION,
    "provider_response_id": "msg_01XFDUDYJgAACzvnptvVoYEL",
    "metadata": {},
    "created_at": _END,
}
_TOOL = {"server_url": "", "tool": "Bash", "injected": False, "input": '{"command":"ls"}'}

_LIFETIMES = {"cache_write_5m_input_tokens": 64, "cache_write_1h_input_tokens": 32}
_COST = {"cost_micros": 10_223}
_PROMPT = {**_UNDER, "id": f"{_FACT}03", "prompt": "What is in here?"}
_ONE_INTERCEPTION = {
    "id": _INTERCEPTION,
    "api_key_id": "k3uYl0aWpQ",
    "initiator": _INITIATOR,
    "provider": "anthropic",
    "provider_name": "anthropic",
    "model": "claude-opus-4-8",
    "client": "Claude Code",
    "metadata": {},
    "started_at": _START,
    "ended_at": _END,
    "token_usages": [{**_UNDER, **_COUNTS, "id": f"{_FACT}02", **_LIFETIMES, **_COST}],
    "user_prompts": [{**_PROMPT, "metadata": {"kind": "typed"}}],
    "tool_usages": [{**_UNDER, **_TOOL, "id": f"{_FACT}04", "invocation_error": ""}],
    "status": "completed",
    "kind": "typed",
    "prompt_kinds": ["typed"],
    **_COST,
    "unpriced_usage_count": 0,
    "annotations": {"repo": "github.com/acme/shop", "branch": "main"},
}
_INTERCEPTION_LIST = {"count": 1, "results": [_ONE_INTERCEPTION]}
_CAP = {
    "id": _GROUP,
    "scope": "group",
    "target_id": _GROUP,
    "target_name": "developers",
    "period": "day",
    "spend_limit_micros": 50_000_000,
    "current_spend_micros": 12_345_678,
    "created_at": _START,
    "updated_at": _START,
}
_CAP_ASKED = ("scope", "target_id", "period", "spend_limit_micros")
_SHARED = {
    "id": _SESSION,
    "initiator": _INITIATOR,
    "providers": ["anthropic"],
    "models": ["claude-opus-4-8"],
    "client": "Claude Code",
    "metadata": {},
    "started_at": _START,
    "ended_at": _END,
    **_COST,
    "unpriced_usage_count": 0,
}
_SESSION_LIST = {
    "count": 1,
    "sessions": [
        {
            **_SHARED,
            "threads": 1,
            "token_usage_summary": _COUNTS,
            "last_prompt": "What is in here?",
            "last_active_at": _START,
        }
    ],
}
_THREAD = {
    "id": _INTERCEPTION,
    "prompt": "What is in here?",
    "model": "claude-opus-4-8",
    "provider": "anthropic",
    "credential_kind": "centralized",
    "credential_hint": "sk-a...wxyz",
    "started_at": _START,
    "ended_at": _END,
    "token_usage": _USAGE,
    "agentic_actions": [
        {
            "model": "claude-opus-4-8",
            "token_usage": _USAGE,
            "thinking": [{"text": "I should look at the folder."}],
            "tool_calls": [{**_UNDER, **_TOOL, "id": f"{_FACT}04"}],
        }
    ],
    "status": "completed",
    "error_type": None,
    "error_message": None,
    "kind": "typed",
    "attempts": 1,
    "texts": [{"text": "What is in here?", "kind": "typed", "interception_id": _INTERCEPTION}],
}
_USER = {
    "id": _ANA,
    "username": "ana",
    "name": "Ana Lima",
    "email": "ana@example.com",
    "avatar_url": "",
    "status": "active",
    "roles": [{"name": "auditor", "display_name": "Auditor"}],
    "organization_ids": [_EVERYONE],
    **_TIMES,
}
_TOKEN = {
    "id": "Xh3kV9aQ0b",
    "user_id": _ANA,
    "username": "ana",
    "token_name": "laptop",
    "scopes": ["gateway"],
    "login_type": "token",
    "created_at": _START,
    "expires_at": "2026-02-04T09:30:00.25Z",
    "last_used": None,
    "lifetime_seconds": 2_592_000,
}
_GROUP_ROW = {
    "id": _GROUP,
    "name": "platform",
    "display_name": "Platform team",
    "organization_id": _EVERYONE,
    "avatar_url": "",
    "source": "user",
    "total_member_count": 1,
    **_TIMES,
}
_MEMBER = {**_INITIATOR, "email": "ana@example.com", "status": "active", **_TIMES}
_BUDGET = {"group_id": _GROUP, "spend_limit_micros": 200_000_000, **_TIMES}
_ACT = {
    "id": f"{_FACT}05",
    "time": _START,
    "user": {"id": _ANA, "username": "ana"},
    "api_key_id": "k3uYl0aWpQ",
    "ip": "192.0.2.7",
    "user_agent": "aibridge-python/0.1.0",
    "action": "write",
    "resource_type": "group_ai_budget",
    "resource_id": _GROUP,
    "resource_target": "platform",
    "diff": {"spend_limit": {"old": "$100.00", "new": "$200.00", "secret": False}},
    "description": "",
}
_PRICE = {
    "provider": "anthropic",
    "model": "claude-opus-5-5",
    "input_price": 3_600_000,
    "output_price": 18_000_000,
    "cache_read_price": 180_000,
    "cache_write_price": 4_500_000,
    "cache_write_1h_price": 7_200_000,
}
_COMPLAINT = {"field": "limit", "detail": 'Query param "limit" must be a valid integer'}

_NOTICE = "hr set your password at 2026-01-31T12:00:00Z and may know it: please choose a new one."

_CHECK = {"object": {"resource_type": "audit_log"}, "action": "read"}

EXAMPLES: dict[str, Any] = {
    "AIModelPrice": {
        **_PRICE,
        "cache_write_12h_price": None,
        "source": "custom",
        "updated_at": _START,
    },
    "AIProvider": {
        "id": "2c0433b7-cc41-5b79-8bf4-708bc1cf1e3f",
        "type": "anthropic",
        "name": "anthropic",
        "display_name": "anthropic",
        "icon": "",
        "enabled": True,
        "base_url": "https://api.anthropic.com/",
        "api_keys": [
            {
                "id": "dfdaaeb9-430e-50c8-9421-57e7e80f5caa",
                "masked": "sk-a...9wAA",
                "created_at": None,
            }
        ],
        "settings": None,
        "created_at": None,
        "updated_at": None,
    },
    "AssignableRole": {
        "name": "auditor",
        "display_name": "Auditor",
        "assignable": True,
        "built_in": True,
    },
    "AuditLogList": {"count": 1, "audit_logs": [_ACT]},
    "AuthMethods": {
        "password": {"enabled": True},
        "github": {"enabled": False},
        "oidc": {"enabled": False},
    },
    "AuthorizationRequest": {"checks": {"sees the audit log": _CHECK}},
    "BuildInfo": {
        "version": "v0.1.0",
        "external_url": "https://ai.example.com",
        "dashboard_url": "https://ai.example.com",
    },
    "CreateFirstUserRequest": {"username": "root", "password": "correct horse battery"},
    "CreateFirstUserResponse": {"user_id": _ANA, "organization_id": _EVERYONE},
    "CreateGroupRequest": {"name": "platform", "display_name": "Platform team"},
    "CreateTokenRequest": {
        "token_name": "laptop",
        "lifetime_seconds": 2_592_000,
        "scopes": ["gateway"],
    },
    "CreateUserRequest": {"username": "ana", "email": "ana@example.com", "name": "Ana Lima"},
    "CreatedToken": {**_TOKEN, "key": "Xh3kV9aQ0b-ch3uj0fIlQYAEun7jKw3da"},
    "Entitlements": {
        "features": {"aibridge": {"entitlement": "entitled", "enabled": True}},
        "warnings": [],
        "errors": [],
        "has_license": True,
        "trial": False,
        "require_telemetry": False,
        "refreshed_at": _START,
    },
    "ErrorBody": {
        "message": "Query parameters have invalid values.",
        "validations": [_COMPLAINT],
    },
    "GroupAIBudget": _BUDGET,
    "GroupDetail": {**_GROUP_ROW, "members": [_MEMBER]},
    "Interception": _ONE_INTERCEPTION,
    "InterceptionList": _INTERCEPTION_LIST,
    "LoginRequest": {"email": "ana@example.com", "password": "correct horse battery"},
    "LoginResponse": {
        "session_token": "Xh3kV9aQ0b-ch3uj0fIlQYAEun7jKw3da",
        "notices": [_NOTICE],
    },
    "Message": {"message": "Logged out!"},
    "NewKey": {"key": "Xh3kV9aQ0b-ch3uj0fIlQYAEun7jKw3da"},
    "Organization": {
        "id": _EVERYONE,
        "name": "default",
        "display_name": "Default",
        "is_default": True,
    },
    "OrganizationMember": {
        "user_id": _ANA,
        "organization_id": _EVERYONE,
        "username": "ana",
        "name": "Ana Lima",
        "avatar_url": "",
        "email": "ana@example.com",
        "status": "active",
        "global_roles": [{"name": "auditor", "display_name": "Auditor"}],
        "roles": [],
        **_TIMES,
        "user_created_at": _START,
        "user_updated_at": _START,
    },
    "Provider": {"name": "anthropic", "type": "anthropic", "display_name": "anthropic", "icon": ""},
    "SessionDetail": {
        **_SHARED,
        "page_started_at": _START,
        "page_ended_at": _END,
        "token_usage_summary": _USAGE,
        "threads": [_THREAD],
    },
    "SessionList": _SESSION_LIST,
    "Token": _TOKEN,
    "TokenConfig": {"max_token_lifetime": 3_153_600_000_000_000_000},
    "UpdateGroupRequest": {"add_users": ["ana"]},
    "UpdatePasswordRequest": {"password": "correct horse battery", "old_password": "tr0ub4dor&3"},
    "UpdateRolesRequest": {"roles": ["auditor"]},
    "AISpendCap": _CAP,
    "UpsertAISpendCapRequest": {name: _CAP[name] for name in _CAP_ASKED},
    "UpsertAIModelPricesRequest": {"prices": [_PRICE]},
    "UpsertGroupAIBudgetRequest": {"spend_limit_micros": 200_000_000},
    "UpsertUserAIBudgetOverrideRequest": {"group_id": _GROUP, "spend_limit_micros": 50_000_000},
    "User": _USER,
    "UserAIBudgetOverride": {**_BUDGET, "user_id": _ANA, "spend_limit_micros": 50_000_000},
    "UserRoles": {"roles": ["auditor"], "organization_roles": {_EVERYONE: []}},
    "UserList": {"count": 1, "users": [_USER]},
    **spend.EXAMPLES,
}
