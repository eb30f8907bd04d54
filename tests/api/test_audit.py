import json
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest

from tests.api.people_api import NIL, NOT_FOUND, Api
from tests.api.test_groups import EVERYONE, GROUPS


async def some_acts(api: Api) -> str:
    """Have three things done, and return the id of the group they were done to."""
    group = (await api.call("hr", "POST", GROUPS, {"name": "core"}, expect=201)).json()["id"]
    await api.call("root", "PUT", f"/groups/{group}/ai/budget", {"spend_limit_micros": 5})
    await api.call("hr", "PUT", "/users/bob/status/suspend", expect=200)
    return str(group)


async def test_an_entry_is_shown_as_the_contract_says(api: Api) -> None:
    await some_acts(api)
    found = await api.get("aud", "/audit", limit=1)
    (entry,) = found["audit_logs"]
    assert entry.pop("id")
    assert entry.pop("time").endswith("Z")
    assert entry == {
        "user": {"id": api.ids["hr"], "username": "hr"},
        "api_key_id": api.tokens["hr"][:10],
        "ip": "192.0.2.7",
        "user_agent": "a browser",
        "action": "write",
        "resource_type": "user",
        "resource_id": api.ids["bob"],
        "resource_target": "bob",
        "diff": {"status": {"old": "active", "new": "suspended", "secret": False}},
        "description": "",
    }
    assert found["count"] == len(api.acts()) + 10  # five users and their tokens


async def test_only_who_may_reads_it(api: Api) -> None:
    expected = {"root": 200, "hr": 404, "aud": 200, "ann": 404, "bob": 404}
    assert await api.statuses("GET", "/audit") == expected
    assert await api.refused(404, "hr", "GET", f"/audit?after_id={NIL[:-1]}1") == NOT_FOUND
    for token in (None, "nonsense"):
        await api.refused(401, token, "GET", "/audit")
    for method in ("POST", "PUT", "DELETE", "PATCH"):
        await api.refused(405, "root", method, "/audit")


async def test_it_is_paged_newest_first(api: Api) -> None:
    await some_acts(api)
    whole = (await api.get("root", "/audit"))["audit_logs"]
    assert [entry["time"] for entry in whole] == sorted(
        (entry["time"] for entry in whole), reverse=True
    )
    walked: list[Any] = []
    while True:
        after = {"after_id": walked[-1]["id"]} if walked else {}
        page = await api.get("root", "/audit", limit=4, **after)
        assert page["count"] == len(whole)
        if not page["audit_logs"]:
            break
        walked += page["audit_logs"]
    assert walked == whole
    assert (await api.get("root", "/audit", offset=5))["audit_logs"] == whole[5:]


@pytest.mark.parametrize(
    ("q", "found"),
    [
        ("username:hr", ["write bob", "create core"]),
        ("username:HR action:create", ["create core"]),
        ("username:hr username:root", ["write bob", "create core", "create core"]),
        ("-username:hr -username:operator", ["create core"]),
        ("resource_type:group_ai_budget", ["create core"]),
        ("resource_type:group resource_type:group_ai_budget", ["create core", "create core"]),
        ("resource_target:core", ["create core", "create core"]),
        ("-resource_type:api_key -action:create", ["write bob"]),
        ('username:hr date_to:"2020-01-01T00:00:00Z"', []),
        ('username:hr date_from:"2020-01-01T00:00:00Z" action:write', ["write bob"]),
        ("username:%", []),
        ('username:operator resource_target:"main of ann"', ["create main of ann"]),
    ],
)
async def test_it_is_searched(api: Api, q: str, found: list[str]) -> None:
    group = await some_acts(api)
    page = await api.get("root", "/audit", q=q)
    shown = [f"{entry['action']} {entry['resource_target']}" for entry in page["audit_logs"]]
    assert shown == found
    assert page["count"] == len(found)
    assert (await api.get("root", "/audit", q=f"resource_id:{group}"))["count"] == 2
    actor = f"username:{api.ids['hr'].upper()}"
    assert (await api.get("root", "/audit", q=actor))["count"] == 2


@pytest.mark.parametrize(
    ("query", "message", "fields"),
    [
        ("limit=x&after_id=y", "Query parameters have invalid values.", {"limit", "after_id"}),
        ("limit=1001", "Invalid pagination limit value.", set()),
        (f"after_id={NIL[:-1]}1&offset=1", "Query parameters have invalid values.", set()),
        (f"after_id={NIL[:-1]}1", "Invalid pagination cursor.", set()),
        ("q=bare", "Invalid audit search query.", {"q"}),
        ("q=action:steal", "Invalid audit search query.", {"action"}),
        ("q=-resource_type:x", "Invalid audit search query.", {"resource_type"}),
        ("q=actor:hr", "Invalid audit search query.", {"actor"}),
        ("q=date_from:yesterday", "Invalid audit search query.", {"date_from"}),
    ],
)
async def test_lists_that_are_refused(api: Api, query: str, message: str, fields: set[str]) -> None:
    found = await api.refused(400, "root", "GET", f"/audit?{query}")
    assert found["message"] == message
    assert {one["field"] for one in found.get("validations", [])} == fields


async def test_what_was_refused_is_not_on_record(api: Api) -> None:
    await api.call("ann", "POST", "/users", {"username": "x"}, expect=404)
    await api.call("hr", "PUT", f"/users/{api.ids['root']}/status/suspend", expect=403)
    await api.call("root", "PUT", "/users/me/status/suspend", expect=409)
    await api.call("root", "PATCH", f"/groups/{EVERYONE}", {"name": "x"}, expect=409)
    await api.call("root", "POST", "/users", {"username": "bob"}, expect=409)
    assert api.acts() == []


async def test_every_change_is_on_record_once(api: Api) -> None:
    group = await some_acts(api)
    await api.call("root", "PATCH", f"/groups/{group}", {"add_users": ["ann"]}, expect=200)
    await api.call("root", "DELETE", f"/groups/{group}/ai/budget", expect=204)
    await api.call("root", "DELETE", f"/groups/{group}", expect=200)
    made = (await api.call("ann", "POST", "/users/me/keys/tokens", {}, expect=201)).json()
    await api.call("ann", "DELETE", f"/users/me/keys/{made['id']}", expect=204)
    await api.call("root", "PUT", "/users/ann/roles", {"roles": ["auditor"]}, expect=200)
    assert [(row.action, row.resource_type, row.actor_username) for row in api.acts()] == [
        ("create", "group", "hr"),
        ("create", "group_ai_budget", "root"),
        ("write", "user", "hr"),
        ("write", "group", "root"),
        ("delete", "group_ai_budget", "root"),
        ("delete", "group", "root"),
        ("create", "api_key", "ann"),
        ("delete", "api_key", "ann"),
        ("write", "user", "root"),
    ]
    assert all(isinstance(json.loads(row.diff), dict) for row in api.acts())


async def test_every_resource_has_a_uuid_and_is_found_by_its_own_id_too(api: Api) -> None:
    made = (await api.call("ann", "POST", "/users/me/keys/tokens", {}, expect=201)).json()
    (entry,) = (await api.get("root", "/audit"))["audit_logs"][:1]
    assert entry["resource_key"] == made["id"]
    assert str(UUID(entry["resource_id"])) == entry["resource_id"]
    for id_ in (made["id"], entry["resource_id"], entry["resource_id"].upper()):
        found = await api.get("root", "/audit", q=f"resource_id:{id_}")
        assert [one["id"] for one in found["audit_logs"]] == [entry["id"]]
    assert (await api.get("root", "/audit", q="resource_id:other"))["count"] == 0
    (_, *others) = (await api.get("root", "/audit"))["audit_logs"]
    for one in others:
        if one["resource_type"] != "api_key":
            assert "resource_key" not in one


async def test_acts_are_found_by_days_and_by_values_in_any_case(api: Api) -> None:
    await some_acts(api)
    whole = await api.get("root", "/audit")
    today = whole["audit_logs"][0]["time"][:10]
    day = date.fromisoformat(today)
    before, after = day - timedelta(days=1), day + timedelta(days=1)
    for q, found in {
        f"date_from:{today}": True,
        f"date_to:{today}": True,
        f"date_from:{today} date_to:{today}": True,
        f"-date_from:{today}": False,
        f"date_from:{after}": False,
        f"date_to:{before}": False,
        f"date_from:{before} date_to:{after}": True,
    }.items():
        recent = [one for one in whole["audit_logs"] if one["time"][:10] == today]
        listed = await api.get("root", "/audit", q=q)
        assert bool(set_of(listed) & {one["id"] for one in recent}) == found, q
    for q in ("action:create", "action:CREATE", "resource_type:Group", "resource_target:CORE"):
        assert (await api.get("root", "/audit", q=q))["count"] > 0, q
    for q in ("date_from:2026-13-01", "date_from:2026-1-1", "date_to:yesterday"):
        wrong = await api.refused(400, "root", "GET", "/audit", params={"q": q})
        assert "must be a valid date format" in wrong["validations"][0]["detail"]


def set_of(listed: dict[str, Any]) -> set[str]:
    return {one["id"] for one in listed["audit_logs"]}
