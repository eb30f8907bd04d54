"""The report of what each user spent, with what it was spent on."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from tests.api.people_api import NOT_FOUND, Api
from tests.api.spend.conftest import JANUARY, NOON, ORGANIZATION, Spend
from tests.builders import Call, record, uid

USERS = f"{ORGANIZATION}/ai/spend/users"
NOTHING = {
    "cost_micros": 0,
    "unpriced_usage_count": 0,
    "request_count": 0,
    "input_tokens": 0,
    "output_tokens": 0,
    "cache_read_input_tokens": 0,
    "cache_write_input_tokens": 0,
}
SUMS = (*NOTHING, "session_count")


async def test_nothing_spent_is_zero_and_nobody(api: Api) -> None:
    assert await api.get("root", USERS) == {
        **JANUARY,
        "retention_start": None,
        "count": 0,
        "totals": {**NOTHING, "session_count": 0},
        "users": [],
        "providers": [],
        "models": [],
        "clients": [],
    }


async def test_users_are_shown_with_all_that_they_used_and_what_they_used_it_on(
    api: Api, spend: Spend
) -> None:
    spend("ann", 5, requests=2, tokens=(1, 2, 3, 4), unpriced=1)
    spend("ann", 6, day=1, model="opus", client="", provider_name="other", tokens=(10, 20, 30, 40))
    spend("bob", 1, model="haiku")
    found = await api.get("root", USERS)
    of_ann, of_bob = found["users"]
    used = {
        "cost_micros": 11,
        "unpriced_usage_count": 1,
        "request_count": 3,
        "input_tokens": 11,
        "output_tokens": 22,
        "cache_read_input_tokens": 33,
        "cache_write_input_tokens": 44,
    }
    assert of_ann == {
        "user_id": api.ids["ann"],
        "username": "ann",
        "name": "Ann",
        "avatar_url": "",
        **used,
        "session_count": 0,
        "providers": ["claude", "other"],
        "models": ["opus", "sonnet"],
        "clients": ["Claude Code", "Unknown"],
    }
    assert (of_bob["username"], of_bob["cost_micros"], of_bob["models"]) == ("bob", 1, ["haiku"])
    assert found["count"] == 2
    assert found["totals"] == {
        **used,
        "cost_micros": 12,
        "request_count": 4,
        "session_count": 0,
    }
    assert found["models"] == ["haiku", "opus", "sonnet"]
    assert found["providers"] == ["claude", "other"]
    assert found["clients"] == ["Claude Code", "Unknown"]


async def test_pages_have_ten_users_and_the_totals_of_all_of_them(api: Api, spend: Spend) -> None:
    for number in range(12):
        spend(uid(number), 100 + number % 3, group=["", uid(900)][number % 2], unpriced=number % 2)
    first = await api.get("root", USERS)
    assert (len(first["users"]), first["count"]) == (10, 12)
    assert await api.get("root", USERS, limit=0) == first
    whole = await api.get("root", USERS, limit=1000)
    order = [(-user["cost_micros"], user["user_id"]) for user in whole["users"]]
    assert order == sorted(order)
    assert len(set(order)) == 12
    pages = [await api.get("root", USERS, limit=5, offset=offset) for offset in (0, 5, 10)]
    assert [user for page in pages for user in page["users"]] == whole["users"]
    assert {str(page["totals"]) for page in (first, *pages)} == {str(whole["totals"])}
    for name in SUMS:
        assert sum(user[name] for user in whole["users"]) == whole["totals"][name], name
    assert whole["totals"]["unpriced_usage_count"] == 6
    past = await api.get("root", USERS, offset=12)
    assert (past["users"], past["count"], past["totals"]) == ([], 12, whole["totals"])


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"model": "opus"}, {"ann": 10}),
        ({"provider_name": "other"}, {"bob": 1000, "ann": 100}),
        ({"client": "Codex", "provider_name": "other"}, {"bob": 1000}),
        ({"client": "Unknown"}, {"ann": 100}),
        ({"model": "opus", "client": "Codex"}, {}),
        ({"model": ""}, {"bob": 1000, "ann": 111}),
    ],
)
async def test_filters_hold_for_users_totals_and_what_is_drilled_down_to(
    api: Api, spend: Spend, query: dict[str, str], expected: dict[str, int]
) -> None:
    spend("ann", 1)
    spend("ann", 10, model="opus")
    spend("ann", 100, provider_name="other", client="")
    spend("bob", 1000, provider_name="other", client="Codex")
    found = await api.get("root", USERS, **query)
    assert {user["username"]: user["cost_micros"] for user in found["users"]} == expected
    assert found["count"] == len(expected)
    assert found["totals"]["cost_micros"] == sum(expected.values())
    for name in ("providers", "models", "clients"):
        drilled = {one for user in found["users"] for one in user[name]}
        assert found[name] == sorted(drilled)


def talk(api: Api, *calls: Call) -> None:
    with api.database.write() as connection:
        record(connection, *calls)


async def test_sessions_are_counted_and_add_up(api: Api, spend: Spend) -> None:
    ann, bob, hr = (api.ids[name] for name in ("ann", "bob", "hr"))
    talk(
        api,
        Call(1, 5, initiator=ann, session="s"),
        Call(2, 6, initiator=ann, columns={"model": "opus"}),
        Call(3, 5, initiator=bob, session="s"),
        Call(4, -1, initiator=hr, session="before"),
        Call(5, 31 * 86_400, initiator=hr, session="after"),
    )
    spend("aud", 9)

    async def counted(**query: Any) -> tuple[dict[str, int], int]:
        found = await api.get("root", USERS, **query)
        users = {user["username"]: user["session_count"] for user in found["users"]}
        return users, found["totals"]["session_count"]

    assert await counted() == ({"ann": 2, "bob": 1, "aud": 0}, 3)
    assert await counted(model="opus") == ({"ann": 1}, 1)


async def test_sessions_are_not_known_of_a_time_that_is_not_on_record_any_more(
    api: Api, spend: Spend, at: Callable[[int], None]
) -> None:
    spend("ann", 5, day=-40)
    spend("ann", 7)
    period = {"period_start": "2025-11-01T00:00:00Z", "period_end": "2026-01-05T00:00:00Z"}
    assert (await api.get("root", USERS, **period))["totals"]["session_count"] == 0
    api.change(retention=timedelta(days=10, hours=12))
    now = await api.get("root", USERS)
    assert now["retention_start"] == "2026-01-01T00:00:00Z"
    assert now["totals"]["session_count"] == 0
    at(NOON + 1)
    later = await api.get("root", USERS)
    assert later["retention_start"] == "2026-01-01T00:00:00.000001Z"
    assert later["totals"]["session_count"] is None
    assert later["users"][0]["session_count"] is None
    old = await api.get("root", USERS, **period)
    assert (old["totals"]["cost_micros"], old["totals"]["session_count"]) == (12, None)


async def test_a_report_of_everybody_is_for_who_may_read_all_users(api: Api) -> None:
    expected = {"root": 200, "hr": 200, "aud": 200, "ann": 403, "bob": 403}
    assert await api.statuses("GET", USERS) == expected
    refused = await api.refused(403, "ann", "GET", USERS)
    assert refused["message"] == "Forbidden."
    assert "contact an administrator" in refused["detail"]
    other = USERS.replace("default", "other")
    assert await api.refused(404, "ann", "GET", other) == NOT_FOUND


@pytest.mark.parametrize("limit", [-1, 1001])
async def test_a_page_has_a_bound(api: Api, limit: int) -> None:
    refused = await api.refused(400, "root", "GET", f"{USERS}?limit={limit}")
    assert refused["message"] == "Invalid pagination limit value."


async def test_days_are_whole(api: Api, spend: Spend) -> None:
    for day in range(4):
        spend("ann", 10**day, day=day)
    found = await api.get(
        "root", USERS, period_start="2026-01-02T10:00:00Z", period_end="2026-01-03T00:00:00.5Z"
    )
    assert found["period_start"] == "2026-01-02T00:00:00Z"
    assert found["period_end"] == "2026-01-04T00:00:00Z"
    assert found["totals"]["cost_micros"] == 110
