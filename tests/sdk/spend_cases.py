"""Calls of the methods that read what was spent."""

from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID

from aibridge.api.spend.examples import EXAMPLES
from aibridge.contract import (
    AICacheReport,
    AISpendBreakdown,
    AISpendSimulation,
    GroupAISpend,
    GroupMembersAISpend,
    OrganizationAISpendReport,
    OrganizationGroupsAISpend,
    SimulatedGroupLimit,
    UserAISpendStatus,
)
from tests.sdk.cases import Case

G = "0199a3c4-7f00-7000-8000-00000000000a"
FIRST = datetime(2026, 1, 5, tzinfo=UTC)
LAST = datetime(2026, 1, 6, 1, 0, 0, 500, tzinfo=timezone(timedelta(hours=1)))
PERIOD = "period_start=2026-01-05T00%3A00%3A00Z&period_end=2026-01-06T01%3A00%3A00.0005%2B01%3A00"
NAMES = "provider_name=east&model=a%2Fb&client=Claude+Code"
FOCUS = "/api/experimental/organizations/{}/ai/spend/export/focus"
OF = {"provider_name": "east", "model": "a/b", "client": "Claude Code"}

SIMULATION = "/api/experimental/organizations/{}/ai/spend/simulation"

CASES = [
    Case(
        "simulate_ai_spend",
        (),
        f"POST {SIMULATION.format('default')}",
        "{}",
        answer=EXAMPLES["AISpendSimulation"],
        kind=AISpendSimulation,
    ),
    Case(
        "simulate_ai_spend",
        (),
        f"POST {SIMULATION.format('o')}?{PERIOD}",
        '{"groups":{"devs":{"spend_limit_micros":5},"ops":{"spend_limit_micros":null}},'
        '"users":{"ana":{"spend_limit_micros":0,"group":"devs"}}}',
        options={
            "groups": {
                "devs": {"spend_limit_micros": 5},
                "ops": SimulatedGroupLimit(spend_limit_micros=None),
            },
            "users": {"ana": {"spend_limit_micros": 0, "group": "devs"}},
            "since": FIRST,
            "until": LAST,
            "organization": "o",
        },
        answer=EXAMPLES["AISpendSimulation"],
    ),
    Case(
        "user_ai_spend",
        (),
        "GET /users/me/ai/spend",
        answer=EXAMPLES["UserAISpendStatus"],
        kind=UserAISpendStatus,
    ),
    Case(
        "user_ai_spend",
        ("a/b",),
        "GET /users/a%2Fb/ai/spend",
        answer=EXAMPLES["UserAISpendStatus"],
    ),
    Case(
        "group_ai_spend",
        (G,),
        f"GET /groups/{G}/ai/spend",
        answer=EXAMPLES["GroupAISpend"],
        kind=GroupAISpend,
    ),
    Case(
        "list_group_ai_spend",
        ([G, UUID(G)],),
        f"GET /organizations/default/groups/ai/spend?group_ids={G}%2C{G}",
        answer=EXAMPLES["OrganizationGroupsAISpend"],
        kind=OrganizationGroupsAISpend,
    ),
    Case(
        "list_member_ai_spend",
        (G, (G,)),
        f"GET /groups/{G}/members/ai/spend?user_ids={G}",
        answer=EXAMPLES["GroupMembersAISpend"],
        kind=GroupMembersAISpend,
    ),
    Case(
        "list_user_ai_spend",
        (),
        "GET /organizations/default/ai/spend/users",
        answer=EXAMPLES["OrganizationAISpendReport"],
        kind=OrganizationAISpendReport,
    ),
    Case(
        "list_user_ai_spend",
        (),
        f"GET /organizations/o/ai/spend/users?{PERIOD}&{NAMES}&limit=5&offset=3",
        options={
            "since": FIRST,
            "until": LAST,
            **OF,
            "limit": 5,
            "offset": 3,
            "organization": "o",
        },
        answer=EXAMPLES["OrganizationAISpendReport"],
    ),
    Case(
        "ai_spend",
        (),
        "GET /organizations/default/ai/spend?by=user",
        answer=EXAMPLES["AISpendBreakdown"],
        kind=AISpendBreakdown,
    ),
    Case(
        "ai_spend",
        ("model",),
        f"GET /organizations/o/ai/spend?by=model&user=ana&{PERIOD}&provider_type=t&{NAMES}"
        "&limit=5&offset=3",
        options={
            "user": "ana",
            "provider_type": "t",
            "since": FIRST,
            "until": LAST,
            **OF,
            "limit": 5,
            "offset": 3,
            "organization": "o",
        },
        answer=EXAMPLES["AISpendBreakdown"],
    ),
    Case(
        "ai_cache_economics",
        (),
        "GET /organizations/default/ai/spend/cache?by=session",
        answer=EXAMPLES["AICacheReport"],
        kind=AICacheReport,
    ),
    Case(
        "ai_cache_economics",
        ("model",),
        f"GET /organizations/o/ai/spend/cache?by=model&user=ana&{PERIOD}&{NAMES}&limit=5&offset=3",
        options={
            "user": "ana",
            "since": FIRST,
            "until": LAST,
            **OF,
            "limit": 5,
            "offset": 3,
            "organization": "o",
        },
        answer=EXAMPLES["AICacheReport"],
    ),
    Case(
        "export_ai_spend",
        (),
        "GET /organizations/default/ai/spend/export",
        answer=b"user_id,username\n",
        kind=bytes,
    ),
    Case(
        "export_ai_spend",
        (),
        f"GET /organizations/o/ai/spend/export?{PERIOD}&user_id={G}&group_id={G}"
        "&provider_name=east&model=a%2Fb",
        options={
            "since": FIRST,
            "until": LAST,
            "user_id": UUID(G),
            "group_id": G,
            "provider_name": "east",
            "model": "a/b",
            "organization": "o",
        },
        answer=b"",
    ),
    Case(
        "export_ai_spend_focus",
        (),
        f"GET {FOCUS.format('default')}?format=csv&granularity=3600",
        answer=b"BilledCost,BillingAccountId\n",
        kind=bytes,
    ),
    Case(
        "export_ai_spend_focus",
        (),
        f"GET {FOCUS.format('o')}?format=parquet&granularity=0&{PERIOD}&user_id={G}&group_id={G}"
        "&provider_name=east&model=a%2Fb",
        options={
            "file_format": "parquet",
            "granularity": 0,
            "since": FIRST,
            "until": LAST,
            "user_id": UUID(G),
            "group_id": G,
            "provider_name": "east",
            "model": "a/b",
            "organization": "o",
        },
        answer=b"PAR1",
    ),
]
