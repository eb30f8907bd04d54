"""What was spent, told apart by one thing."""

from typing import Any

import pytest

from aibridge.agents import Annotations
from aibridge.api.spend.breakdown import WAYS
from tests.api.people_api import NIL, NOT_FOUND, Api
from tests.api.spend.conftest import JANUARY, ORGANIZATION, Spend
from tests.api.spend.test_by_user import NOTHING
from tests.api.test_groups import create
from tests.builders import uid

SPEND = f"{ORGANIZATION}/ai/spend"
Parts = list[tuple[str | None, str, int]]


async def parts(api: Api, who: str, **query: Any) -> Parts:
    found = await api.get(who, SPEND, **query)
    assert found["count"] >= len(found["parts"])
    return [(part["key"], part["name"], part["cost_micros"]) for part in found["parts"]]


async def test_nothing_spent_is_zero_without_parts(api: Api) -> None:
    found = await api.get("root", SPEND)
    assert found == {**JANUARY, "by": "user", "count": 0, "totals": NOTHING, "parts": []}


async def test_parts_are_told_apart_by_each_of_the_ways(api: Api, spend: Spend) -> None:
    core = await create(api, "core", "ann")
    ann, bob, gone = api.ids["ann"], api.ids["bob"], uid(900)
    spend("ann", 1, group=core, day=2, annotations=Annotations("acme/shop", "main", ("#1", "#2")))
    issue = Annotations("acme/site", "", (), ("ENG-1",))
    spend("ann", 20, group="", model="opus", client="Codex", annotations=issue)
    spend("bob", 300, group=gone, provider_name="other", client="", day=2)
    spend(gone, 300, day=1)
    expected: dict[str, Parts] = {
        "user": [(gone, "", 300), (bob, "bob", 300), (ann, "ann", 21)],
        "group": [(None, "", 320), (gone, "", 300), (core, "core", 1)],
        "day": [
            ("2026-01-01", "2026-01-01", 20),
            ("2026-01-02", "2026-01-02", 300),
            ("2026-01-03", "2026-01-03", 301),
        ],
        "provider": [("claude", "claude", 321), ("other", "other", 300)],
        "model": [("sonnet", "sonnet", 601), ("opus", "opus", 20)],
        "client": [
            ("Claude Code", "Claude Code", 301),
            ("Unknown", "Unknown", 300),
            ("Codex", "Codex", 20),
        ],
        "repo": [("", "", 600), ("acme/site", "acme/site", 20), ("acme/shop", "acme/shop", 1)],
        "branch": [("", "", 620), ("main", "main", 1)],
        "pull_request": [("", "", 620), ("#1", "#1", 1), ("#2", "#2", 1)],
        "issue": [("", "", 601), ("ENG-1", "ENG-1", 20)],
    }
    assert expected.keys() == set(WAYS)
    for by, told in expected.items():
        assert await parts(api, "root", by=by) == told
        assert (await api.get("root", SPEND, by=by))["totals"]["cost_micros"] == 621


@pytest.mark.parametrize("by", WAYS)
async def test_parts_add_up_to_the_total_on_every_page(api: Api, spend: Spend, by: str) -> None:
    for number in range(6):
        spend(
            ("ann", "bob")[number % 2],
            10**number,
            day=number,
            group=["", uid(900)][number % 3 > 0],
            model=f"m{number}",
            unpriced=number % 2,
            tokens=(number, 1, 2, 3),
        )
    whole = await api.get("root", SPEND, by=by)
    for name in NOTHING:
        assert sum(part[name] for part in whole["parts"]) == whole["totals"][name], name
    assert whole["totals"]["cost_micros"] == 111_111
    assert whole["totals"]["unpriced_usage_count"] == 3
    pages = [
        await api.get("root", SPEND, by=by, limit=1, offset=number)
        for number in range(whole["count"])
    ]
    assert [part for page in pages for part in page["parts"]] == whole["parts"]
    assert all(page["totals"] == whole["totals"] for page in pages)


async def test_filters_and_the_period_hold_for_parts(api: Api, spend: Spend) -> None:
    spend("ann", 1, day=1)
    spend("ann", 20, day=2, model="opus")
    spend("bob", 300, day=2, model="opus")
    assert await parts(api, "root", by="model", user="ANN") == [
        ("opus", "opus", 20),
        ("sonnet", "sonnet", 1),
    ]
    spend("bob", 4000, day=5, provider="openai", provider_name="other")
    of_type = await parts(api, "root", by="provider", provider_type="openai")
    assert of_type == [("other", "other", 4000)]
    days = {"period_start": "2026-01-03T00:00:00Z", "period_end": "2026-01-04T00:00:00Z"}
    assert await parts(api, "root", by="client", **days) == [("Claude Code", "Claude Code", 320)]
    assert await parts(api, "root", model="opus", user=api.ids["ann"]) == [
        (api.ids["ann"], "ann", 20)
    ]


async def test_who_may_not_read_others_sees_their_own_alone(api: Api, spend: Spend) -> None:
    core, web = await create(api, "core", "ann"), await create(api, "web")
    spend("ann", 1, group=core)
    spend("ann", 2, group=web)
    spend("bob", 300, group=core, model="secret")
    for whose in ({}, {"user": "me"}, {"user": "ann"}):
        assert await parts(api, "ann", **whose) == [(api.ids["ann"], "ann", 3)]
        assert await parts(api, "ann", by="model", **whose) == [("sonnet", "sonnet", 3)]
    assert await parts(api, "ann", by="group") == [(web, "", 2), (core, "core", 1)]
    assert (await api.get("ann", SPEND))["totals"]["cost_micros"] == 3
    for user in ("bob", "nobody", NIL):
        refused = await api.refused(404, "ann", "GET", f"{SPEND}?user={user}")
        assert refused == NOT_FOUND
    for who in ("root", "hr", "aud"):
        assert (await api.get(who, SPEND))["totals"]["cost_micros"] == 303


async def test_an_unknown_way_is_refused_with_those_there_are(api: Api) -> None:
    refused = await api.refused(400, "root", "GET", f"{SPEND}?by=users")
    assert refused == {
        "message": "Query parameters have invalid values.",
        "validations": [
            {
                "field": "by",
                "detail": 'Query param "by" has invalid value: "users" is none of '
                "user, group, day, provider, model, client, repo, branch, pull_request, issue",
            }
        ],
    }
