"""What users, groups and members spent this month, beside their limits."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.api.people_api import NIL, NOT_FOUND, Api
from tests.api.spend.conftest import JANUARY, NOON, ORGANIZATION, Spend
from tests.api.test_groups import EVERYONE, create
from tests.builders import DAY

GROUPS = f"{ORGANIZATION}/groups/ai/spend"


@pytest.fixture
async def core(api: Api) -> str:
    """A group with ann and bob in it."""
    return await create(api, "core", "ann", "bob")


async def limit_group(api: Api, group: str, micros: int) -> None:
    path, body = f"/groups/{group}/ai/budget", {"spend_limit_micros": micros}
    await api.call("root", "PUT", path, body, expect=200)


async def limit_user(api: Api, user: str, group: str, micros: int) -> None:
    body = {"group_id": group, "spend_limit_micros": micros}
    await api.call("root", "PUT", f"/users/{user}/ai/budget/override", body, expect=200)


def members_of(group: str) -> str:
    return f"/groups/{group}/members/ai/spend"


async def test_a_user_without_any_limit_is_charged_to_everyone(api: Api) -> None:
    assert await api.get("ann", "/users/me/ai/spend") == {
        **JANUARY,
        "user_id": api.ids["ann"],
        "effective_group_id": EVERYONE,
        "effective_budget": None,
        "current_spend_micros": 0,
        "unpriced_usage_count": 0,
    }


async def test_a_user_spends_against_the_limit_that_applies(
    api: Api, core: str, spend: Spend
) -> None:
    spend("ann", 7, group=core, unpriced=2)
    spend("bob", 100)
    web = await create(api, "web", "ann")
    steps: list[tuple[Any, str, int | None, str | None]] = [
        (limit_group(api, core, 0), core, 0, "group"),
        (limit_group(api, web, 5), web, 5, "group"),
        (limit_group(api, EVERYONE, 6), EVERYONE, 6, "group"),
        (limit_user(api, "ann", core, 1), core, 1, "user_override"),
    ]
    for step, group, limit, source in steps:
        await step
        found = await api.get("ann", "/users/ann/ai/spend")
        assert found["effective_group_id"] == group
        assert found["effective_budget"] == {"spend_limit_micros": limit, "limit_source": source}
        assert (found["current_spend_micros"], found["unpriced_usage_count"]) == (7, 2)


async def test_all_that_a_user_spent_counts_whatever_it_was_charged_to(
    api: Api, core: str, spend: Spend
) -> None:
    await limit_group(api, core, 50)
    spend("ann", 1, group=core)
    spend("ann", 20, group=EVERYONE)
    spend("ann", 300, group="")
    spend("ann", 4000, day=1, group=NIL)
    found = await api.get("root", "/users/ann/ai/spend")
    assert (found["effective_group_id"], found["current_spend_micros"]) == (core, 4321)


async def test_a_month_rolls_over_at_midnight_in_utc(
    api: Api, spend: Spend, at: Callable[[int], None]
) -> None:
    for day, cost in ((-1, 1), (0, 10), (30, 100), (31, 1000)):
        spend("ann", cost, day=day)

    async def spent() -> tuple[int, str]:
        found = await api.get("ann", "/users/me/ai/spend")
        return found["current_spend_micros"], found["period_start"]

    assert await spent() == (110, "2026-01-01T00:00:00Z")
    at(NOON + 20 * DAY + DAY // 2 - 1)
    assert await spent() == (110, "2026-01-01T00:00:00Z")
    at(NOON + 20 * DAY + DAY // 2)
    assert await spent() == (1000, "2026-02-01T00:00:00Z")


async def test_the_spend_of_a_user_is_read_by_themselves_and_who_may_read_users(api: Api) -> None:
    expected = {"root": 200, "hr": 200, "aud": 200, "ann": 404, "bob": 200}
    assert await api.statuses("GET", "/users/bob/ai/spend") == expected
    for user in ("nobody", NIL):
        assert await api.refused(404, "root", "GET", f"/users/{user}/ai/spend") == NOT_FOUND


async def test_a_group_without_a_budget_has_no_limit_and_one_of_nothing_has(
    api: Api, core: str, spend: Spend
) -> None:
    spend("ann", 7, group=core, unpriced=1)
    spend("bob", 9)
    shown = {
        **JANUARY,
        "group_id": core,
        "organization_id": EVERYONE,
        "spend_limit_micros": None,
        "total_spend_limit_micros": None,
        "current_spend_micros": 7,
        "unpriced_usage_count": 1,
    }
    assert await api.get("ann", f"/groups/{core}/ai/spend") == shown
    await limit_group(api, core, 0)
    nothing = {**shown, "spend_limit_micros": 0, "total_spend_limit_micros": 0}
    assert await api.get("ann", f"/groups/{core}/ai/spend") == nothing


async def test_the_total_limit_of_a_group_is_that_of_all_who_are_charged_to_it(
    api: Api, core: str
) -> None:
    async def total(group: str) -> int | None:
        found = await api.get("root", f"/groups/{group}/ai/spend")
        total: int | None = found["total_spend_limit_micros"]
        return total

    await limit_group(api, core, 10)
    assert await total(core) == 20
    await limit_user(api, "ann", core, 3)
    assert await total(core) == 13
    web = await create(api, "web", "bob")
    await limit_group(api, web, 11)
    assert (await total(core), await total(web)) == (3, 11)
    await limit_user(api, "bob", EVERYONE, 100)
    assert (await total(core), await total(web), await total(EVERYONE)) == (3, 0, None)
    await limit_group(api, EVERYONE, 1)
    assert await total(EVERYONE) == 103


async def test_groups_are_listed_by_id_and_those_not_to_be_seen_are_left_out(
    api: Api, core: str, spend: Spend
) -> None:
    web = await create(api, "web")
    await limit_group(api, web, 5)
    spend("ann", 7, group=web)
    spend("ann", 8, group=EVERYONE)
    spend("ann", 9, day=2, group=EVERYONE)
    asked = ",".join([web, EVERYONE.upper(), NIL, web])
    found = await api.get("root", GROUPS, group_ids=asked)
    assert found.keys() == {"period_start", "period_end", "groups"}
    assert [group["group_id"] for group in found["groups"]] == sorted([web, EVERYONE])
    spent = {group["group_id"]: group["current_spend_micros"] for group in found["groups"]}
    assert spent == {web: 7, EVERYONE: 17}
    single = await api.get("root", f"/groups/{web}/ai/spend")
    (listed,) = (group for group in found["groups"] if group["group_id"] == web)
    assert single == {**JANUARY, **listed}
    mine = await api.get("ann", GROUPS, group_ids=f"{web},{core}")
    assert [group["group_id"] for group in mine["groups"]] == [core]


async def test_a_group_that_one_may_not_see_has_no_spend_to_be_seen(api: Api, core: str) -> None:
    expected = {"root": 200, "hr": 200, "aud": 200, "ann": 200, "bob": 200}
    assert await api.statuses("GET", f"/groups/{core}/ai/spend") == expected
    web = await create(api, "web")
    hidden = {**expected, "ann": 404, "bob": 404}
    for path in (f"/groups/{web}/ai/spend", f"{members_of(web)}?user_ids={NIL}"):
        assert await api.statuses("GET", path) == hidden
    by_name = f"{ORGANIZATION}/groups/web/members/ai/spend?user_ids={NIL}"
    assert await api.statuses("GET", by_name) == hidden


async def test_members_are_shown_in_both_shapes_with_what_was_charged_and_all_they_spent(
    api: Api, core: str, spend: Spend
) -> None:
    await limit_group(api, core, 10)
    await limit_user(api, "bob", EVERYONE, 3)
    spend("ann", 7, group=core, unpriced=1)
    spend("ann", 20, day=1, unpriced=2)
    spend("bob", 5, group=EVERYONE)
    ann, bob = api.ids["ann"], api.ids["bob"]
    asked = ",".join([bob, ann, api.ids["hr"], NIL])
    found = await api.get("root", members_of(core), user_ids=asked)
    of_ann = {
        "user_id": ann,
        "effective_group_id": core,
        "effective_budget": {"spend_limit_micros": 10, "limit_source": "group"},
        "effective_spend_limit_micros": 10,
        "effective_limit_source": "group",
        "group_spend_limit_micros": 10,
        "group_spend_micros": 7,
        "group_unpriced_usage_count": 1,
        "current_spend_micros": 27,
        "unpriced_usage_count": 3,
    }
    of_bob = {
        "user_id": bob,
        "effective_group_id": EVERYONE,
        "effective_budget": {"spend_limit_micros": 3, "limit_source": "user_override"},
        "effective_spend_limit_micros": 3,
        "effective_limit_source": "user_override",
        "group_spend_limit_micros": None,
        "group_spend_micros": 0,
        "group_unpriced_usage_count": 0,
        "current_spend_micros": 5,
        "unpriced_usage_count": 0,
    }
    members = sorted([of_ann, of_bob], key=lambda member: str(member["user_id"]))
    assert found == {**JANUARY, "members": members}
    by_name = f"{ORGANIZATION}/groups/CORE/members/ai/spend"
    assert await api.get("root", by_name, user_ids=asked) == found
    mine = await api.get("ann", members_of(core), user_ids=asked)
    assert mine == {**JANUARY, "members": [of_ann]}


async def test_a_member_without_a_limit_has_null_for_it(api: Api, core: str) -> None:
    found = await api.get("root", members_of(core), user_ids=api.ids["ann"])
    (member,) = found["members"]
    assert member["effective_group_id"] == EVERYONE
    limits = [name for name, value in member.items() if value is None]
    assert limits == [
        "effective_budget",
        "effective_spend_limit_micros",
        "effective_limit_source",
        "group_spend_limit_micros",
    ]


@pytest.mark.parametrize("name", ["group_ids", "user_ids"])
async def test_up_to_100_ids_are_taken_and_each_has_to_be_one(
    api: Api, core: str, name: str
) -> None:
    path = GROUPS if name == "group_ids" else members_of(core)

    async def refused(ids: str) -> Any:
        return await api.refused(400, "root", "GET", path, params={name: ids})

    assert await api.get("root", path, **{name: ",".join([NIL] * 100)})
    too_many = await refused(",".join([NIL] * 101))
    assert too_many == {"message": f"{name} has 101 entries, maximum is 100."}
    for ids, detail in (
        ("", f'Query param "{name}" is required'),
        ("core", f'Query param "{name}" has invalid values: each must be a valid uuid'),
    ):
        assert await refused(ids) == {
            "message": "Query parameters have invalid values.",
            "validations": [{"field": name, "detail": detail}],
        }
    missing = await api.refused(400, "root", "GET", path)
    assert missing["validations"][0]["detail"] == f'Query param "{name}" is required'


@pytest.mark.parametrize(
    "path",
    [
        f"/groups/ai/spend?group_ids={NIL}",
        f"/groups/everyone/members/ai/spend?user_ids={NIL}",
    ],
)
async def test_another_organization_is_not_there(api: Api, path: str) -> None:
    await api.call("root", "GET", f"/organizations/{EVERYONE}{path}", expect=200)
    assert await api.refused(404, "root", "GET", f"/organizations/other{path}") == NOT_FOUND
