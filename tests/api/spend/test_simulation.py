"""What other limits would have refused, as the API answers it."""

from typing import Any

import pytest

from tests.api.people_api import Api
from tests.api.spend.conftest import JANUARY, Spend
from tests.api.test_groups import EVERYONE, create
from tests.builders import uid

PATH = "/api/experimental/organizations/default/ai/spend/simulation"
NONE: dict[str, Any] = {"spend_limit_micros": None}


def limit(micros: int | None, **more: str) -> dict[str, Any]:
    return {"spend_limit_micros": micros, **more}


async def simulate(api: Api, who: str = "root", query: str = "", **policy: Any) -> Any:
    return (await api.call(who, "POST", PATH + query, policy, expect=200)).json()


def sums(found: dict[str, Any]) -> tuple[int, ...]:
    names = ("cost_micros", "refused_micros", "user_count", "limited_user_count")
    return tuple(found[name] for name in names)


async def test_limits_are_tried_on_what_was_spent(api: Api, spend: Spend) -> None:
    core, web = await create(api, "core", "ann"), await create(api, "web", "bob")
    await api.call("root", "PUT", f"/groups/{web}/ai/budget", limit(1000), expect=200)
    spend("ann", 30, day=2, unpriced=1)
    spend("ann", 40, day=2, model="opus", group=core)
    spend("ann", 5, day=3)
    spend("bob", 600, day=4)
    spend(uid(900), 9, day=5)
    present = await simulate(api)
    assert present["totals"] == {
        "cost_micros": 684,
        "refused_micros": 0,
        "user_count": 3,
        "limited_user_count": 0,
        "unpriced_usage_count": 1,
    }
    assert (present["users"], present["groups"]) == ([], [])
    found = await simulate(
        api, groups={"CORE": limit(50), web: NONE}, users={"bob": limit(700, group=web)}
    )
    assert {key: found[key] for key in JANUARY} == JANUARY
    assert sums(found["totals"]) == (684, 25, 3, 1)
    shown = [(one["name"], one["spend_limit_micros"], sums(one)) for one in found["groups"]]
    assert shown == [("core", 50, (75, 25, 1, 1)), ("web", None, (600, 0, 1, 0))]
    of_ann, of_bob = found["users"]
    assert of_ann == {
        "user_id": api.ids["ann"],
        "username": "ann",
        "month": "2026-01-01",
        "group_id": core,
        "spend_limit_micros": 50,
        "limit_source": "group",
        "reached_on": "2026-01-03",
        "cost_micros": 75,
        "refused_micros": 25,
    }
    assert (of_bob["username"], of_bob["reached_on"], of_bob["refused_micros"]) == ("bob", None, 0)
    assert (of_bob["spend_limit_micros"], of_bob["limit_source"]) == (700, "user_override")
    everybody = await simulate(api, groups={EVERYONE: limit(0)})
    assert sums(everybody["totals"]) == (684, 75, 3, 1)
    kept = (await api.get("root", f"/groups/{web}/ai/budget"))["spend_limit_micros"]
    assert kept == 1000


async def test_a_period_is_chosen_and_what_was_spent_before_it_counts(
    api: Api, spend: Spend
) -> None:
    spend("ann", 8, day=0)
    spend("ann", 5, day=4)
    spend("ann", 7, day=31)
    query = "?period_start=2026-01-03T00:00:00Z&period_end=2026-03-01T00:00:00Z"
    found = await simulate(api, query=query, users={"ann": limit(10, group="Everyone")})
    assert sums(found["totals"]) == (12, 3, 1, 1)
    months = [(one["month"], one["reached_on"], one["refused_micros"]) for one in found["users"]]
    assert months == [("2026-01-01", "2026-01-05", 3), ("2026-02-01", None, 0)]


async def test_who_reads_all_spending_may_try_limits_and_others_may_not(
    api: Api, spend: Spend
) -> None:
    spend("ann", 5)
    for who in ("root", "hr", "aud"):
        assert sums((await simulate(api, who))["totals"]) == (5, 0, 1, 0)
    for who in ("ann", "bob"):
        refused = await api.refused(403, who, "POST", PATH, {})
        assert refused["message"] == "Forbidden."


@pytest.mark.parametrize(
    ("policy", "field", "detail"),
    [
        ({"groups": {"ops": limit(5)}}, "groups.ops", "there is no group 'ops'"),
        ({"users": {"zoe": limit(5)}}, "users.zoe", "there is no user 'zoe'"),
        ({"users": {"ann": limit(5, group="ops")}}, "users.ann.group", "there is no group 'ops'"),
        (
            {"users": {"ann": limit(5, group="web")}},
            "users.ann.group",
            "user must be a member of this group",
        ),
        ({"users": {"ann": limit(5), "ANN": limit(6)}}, "users.ANN", "it is named twice"),
        ({"groups": {"web": limit(5), "WEB": NONE}}, "groups.WEB", "it is named twice"),
        (
            {"groups": {"web": limit(10**12 + 1)}},
            "groups.web.spend_limit_micros",
            "Must not exceed 1000000000000.",
        ),
        ({"groups": {"web": {}}}, "groups.web.spend_limit_micros", "it is needed"),
        ({"groups": {"web": limit(5, group="x")}}, "groups.web.group", "it is unknown"),
        ({"groups": {"web": 5}}, "groups.web", "expected a table"),
        ({"groups": [5]}, "groups", "expected a table"),
        (
            {"groups": {"web": dict.fromkeys("abcdefghijklmnopq")}},
            "groups.web",
            "expected 16 fields or fewer",
        ),
        (
            {"users": {f"u{number}": NONE for number in range(1002)}},
            "users",
            "expected 1000 or fewer of them",
        ),
        ({"limits": {}}, "limits", "it is unknown"),
    ],
)
async def test_a_wrong_policy_is_refused_with_the_place_that_is_wrong(
    api: Api, policy: dict[str, Any], field: str, detail: str
) -> None:
    await create(api, "web", "bob")
    refused = await api.refused(400, "root", "POST", PATH, policy)
    assert refused["message"] == "Validation failed."
    assert refused["validations"] == [{"field": field, "detail": detail}]


async def test_a_wrong_period_is_refused(api: Api) -> None:
    refused = await api.refused(
        400, "root", "POST", f"{PATH}?period_start=2026-01-01T00:00:00Z", {}
    )
    assert "must be provided together" in refused["message"]
