"""An example of every answer about spending, shown in the description of the API."""

from typing import Any

_ANA, _GROUP, _EVERYONE = (
    "0b1e6ad4-7c3d-4a6e-9c57-2f4a8e1d9b10",
    "5d7a2f0c-0e1b-4f27-8a55-6f0a3c9be211",
    "00000000-0000-4000-8000-000000000001",
)
_MONTH = {"period_start": "2026-01-01T00:00:00Z", "period_end": "2026-02-01T00:00:00Z"}
_LIMIT = {"spend_limit_micros": 200_000_000, "limit_source": "group"}
_SPENT = {"current_spend_micros": 12_345_678, "unpriced_usage_count": 0}
_ONE_GROUP = {
    "group_id": _GROUP,
    "organization_id": _EVERYONE,
    "spend_limit_micros": 200_000_000,
    "total_spend_limit_micros": 600_000_000,
    **_SPENT,
}
_MEMBER = {
    "user_id": _ANA,
    "effective_group_id": _GROUP,
    "effective_budget": _LIMIT,
    "effective_spend_limit_micros": 200_000_000,
    "effective_limit_source": "group",
    "group_spend_limit_micros": 200_000_000,
    "group_spend_micros": 12_345_678,
    "group_unpriced_usage_count": 0,
    **_SPENT,
}
_USAGE = {
    "cost_micros": 12_345_678,
    "unpriced_usage_count": 3,
    "request_count": 240,
    "input_tokens": 85_000,
    "output_tokens": 47_000,
    "cache_read_input_tokens": 1_401_500,
    "cache_write_input_tokens": 96_000,
}
_SIMULATED = {
    "cost_micros": 12_345_678,
    "refused_micros": 2_345_678,
    "user_count": 1,
    "limited_user_count": 1,
}
_NAMES = {
    "providers": ["anthropic"],
    "models": ["claude-opus-4-8"],
    "clients": ["Claude Code"],
}
_CACHE = {
    "request_count": 24,
    "input_tokens": 850,
    "cache_read_input_tokens": 1_401_500,
    "cache_write_input_tokens": 96_000,
    "saved_micros": 6_306_750,
    "write_extra_micros": 120_000,
    "net_micros": 6_186_750,
    "missed_input_tokens": 40_000,
    "miss_cost_micros": 230_000,
    "unpriced_usage_count": 0,
    "misses": [
        {"reason": "expired", "miss_count": 1, "input_tokens": 40_000, "cost_micros": 230_000}
    ],
}

EXAMPLES: dict[str, Any] = {
    "AICacheReport": {
        **_MONTH,
        "by": "session",
        "count": 1,
        "totals": _CACHE,
        "parts": [
            {
                "key": "6f9c2d1e-4b7a-4f55-9c0e-2d8a1b3c4d5e",
                "user_id": _ANA,
                "username": "ana",
                **_CACHE,
            }
        ],
    },
    "AISpendBreakdown": {
        **_MONTH,
        "by": "model",
        "count": 1,
        "totals": _USAGE,
        "parts": [{"key": "claude-opus-4-8", "name": "claude-opus-4-8", **_USAGE}],
    },
    "AISpendSimulation": {
        **_MONTH,
        "totals": {**_SIMULATED, "unpriced_usage_count": 0},
        "groups": [
            {
                **_SIMULATED,
                "group_id": _GROUP,
                "name": "developers",
                "spend_limit_micros": 10_000_000,
            }
        ],
        "users": [
            {
                "user_id": _ANA,
                "username": "ana",
                "month": "2026-01-01",
                "group_id": _GROUP,
                "spend_limit_micros": 10_000_000,
                "limit_source": "group",
                "reached_on": "2026-01-19",
                "cost_micros": 12_345_678,
                "refused_micros": 2_345_678,
            }
        ],
    },
    "GroupAISpend": {**_MONTH, **_ONE_GROUP},
    "GroupMembersAISpend": {**_MONTH, "members": [_MEMBER]},
    "OrganizationAISpendReport": {
        **_MONTH,
        "retention_start": "2025-12-05T09:30:00.25Z",
        "count": 1,
        "totals": {**_USAGE, "session_count": 12},
        "users": [
            {
                "user_id": _ANA,
                "username": "ana",
                "name": "Ana Lima",
                "avatar_url": "",
                **_USAGE,
                "session_count": 12,
                **_NAMES,
            }
        ],
        **_NAMES,
    },
    "OrganizationGroupsAISpend": {**_MONTH, "groups": [_ONE_GROUP]},
    "SimulateAISpendRequest": {
        "groups": {"developers": {"spend_limit_micros": 10_000_000}},
        "users": {"ben": {"spend_limit_micros": None}},
    },
    "UserAISpendStatus": {
        **_MONTH,
        "user_id": _ANA,
        "effective_group_id": _GROUP,
        "effective_budget": _LIMIT,
        **_SPENT,
    },
}
