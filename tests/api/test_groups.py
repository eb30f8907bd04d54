from typing import Any

import pytest

from aibridge.api import groups
from tests.api.people_api import NIL, NOT_FOUND, Api

EVERYONE = "00000000-0000-4000-8000-000000000001"
GROUPS = "/organizations/default/groups"
ORGANIZATION = {
    "id": EVERYONE,
    "name": "default",
    "display_name": "Default",
    "is_default": True,
}


async def create(api: Api, name: str, *members: str) -> str:
    """Make a group with members and return its id."""
    group = (await api.call("root", "POST", GROUPS, {"name": name}, expect=201)).json()["id"]
    change = {"add_users": members}
    await api.call("root", "PATCH", f"/groups/{group}", change, expect=200)
    return str(group)


def usernames(group: Any) -> list[str]:
    return [member["username"] for member in group["members"]]


@pytest.mark.parametrize("who", ["root", "hr", "aud", "ann"])
async def test_there_is_one_organization_for_everybody(api: Api, who: str) -> None:
    assert await api.get(who, "/organizations") == [ORGANIZATION]
    for name in ("default", "DEFAULT", EVERYONE):
        assert await api.get(who, f"/organizations/{name}") == ORGANIZATION


@pytest.mark.parametrize("name", ["other", NIL, "Default x", "%25"])
async def test_there_is_no_other_organization(api: Api, name: str) -> None:
    for path in (f"/organizations/{name}", f"/organizations/{name}/groups"):
        assert await api.refused(404, "root", "GET", path) == NOT_FOUND
    call = ("root", "POST", f"/organizations/{name}/groups", {"name": "x"})
    assert await api.refused(404, *call) == NOT_FOUND
    path = f"/organizations/{name}/groups/everyone"
    assert await api.refused(404, "root", "GET", path) == NOT_FOUND


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/organizations"),
        ("GET", "/organizations/default"),
        ("GET", GROUPS),
        ("POST", GROUPS),
        ("GET", f"{GROUPS}/everyone"),
        ("GET", f"/groups/{EVERYONE}"),
        ("PATCH", f"/groups/{EVERYONE}"),
        ("DELETE", f"/groups/{EVERYONE}"),
    ],
)
async def test_without_a_good_token_there_is_nothing_to_see(
    api: Api, method: str, path: str
) -> None:
    for token in (None, "nonsense"):
        assert (await api.call(token, method, path, content=b"x")).status_code == 401


async def test_a_group_is_made_and_shown_as_the_contract_says(api: Api) -> None:
    new = {"name": "Platform_1", "display_name": "Platform team"}
    made = (await api.call("hr", "POST", GROUPS, new, expect=201)).json()
    await api.call("hr", "PATCH", f"/groups/{made['id']}", {"add_users": ["bob"]}, expect=200)
    shown = await api.get("root", f"/groups/{made['id']}")
    assert shown == await api.get("root", f"{GROUPS}/pLATFORM_1")
    assert shown["created_at"] == made["created_at"] <= shown["updated_at"]
    assert {**shown, "created_at": 0, "updated_at": 0} == {
        "id": made["id"],
        "name": "Platform_1",
        "display_name": "Platform team",
        "organization_id": EVERYONE,
        "avatar_url": "",
        "source": "user",
        "total_member_count": 1,
        "created_at": 0,
        "updated_at": 0,
        "members": [await member(api, "bob")],
    }
    for path in (GROUPS, "/groups"):
        assert shown in await api.get("root", path)
    await api.call("hr", "PATCH", f"/groups/{made['id']}", FROM_GO, expect=200)
    bare = await api.get("root", f"/groups/{made['id']}", exclude_members="true")
    assert {**bare, "updated_at": shown["updated_at"]} == {**shown, "members": []}


FROM_GO = {
    "add_users": None,
    "remove_users": None,
    "name": "",
    "display_name": None,
    "avatar_url": None,
    "quota_allowance": None,
}
"""A change of nothing, as clients of Go write it."""


async def member(api: Api, who: str) -> dict[str, Any]:
    """Return a user as a group shows them among its members."""
    user = await api.get("root", f"/users/{who}")
    keys = ("id", "username", "name", "email", "status", "created_at", "updated_at")
    return {key: user[key] for key in keys}


async def test_a_list_of_groups_has_the_first_of_their_members(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(groups, "MEMBERS_LISTED", 2)
    await create(api, "all", "root", "hr", "bob")
    for path in (GROUPS, "/groups"):
        listed = {group["name"]: group for group in await api.get("root", path)}
        assert usernames(listed["all"]) == ["bob", "hr"]
        assert listed["all"]["total_member_count"] == 3
        assert [one["name"] for one in await api.get("ann", path)] == ["Everyone"]


async def test_a_member_sees_themselves_in_a_group_of_many(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(groups, "MEMBERS_LISTED", 2)
    group = await create(api, "all", "ann", "aud", "bob")
    for path in (GROUPS, "/groups"):
        for found in await api.get("bob", path):
            assert usernames(found) == ["bob"], found["name"]
    for path in (f"/groups/{group}", f"{GROUPS}/all", f"/groups/{EVERYONE}"):
        shown = await api.get("bob", path)
        assert (usernames(shown), shown["total_member_count"] > 1) == (["bob"], True)


async def test_groups_are_found_by_organization_member_and_id(api: Api) -> None:
    inside, outside = await create(api, "inside", "ann"), await create(api, "outside", "bob")

    async def found(who: str, **query: str) -> list[str]:
        return [group["name"] for group in await api.get(who, "/groups", **query)]

    for name in ("default", EVERYONE):
        assert await found("root", organization=name) == ["Everyone", "inside", "outside"]
    for name in ("ann", "ANN", api.ids["ann"]):
        assert await found("root", has_member=name) == ["Everyone", "inside"]
    assert await found("ann", has_member="me") == ["Everyone", "inside"]
    assert await found("root", group_ids=f"{outside}, {inside.upper()}") == ["inside", "outside"]
    assert await found("ann", group_ids=f"{outside},{inside}") == ["inside"]
    assert await found("root", group_ids=NIL) == []
    assert await found("root", group_ids=inside, has_member="bob") == []
    for who, query in (
        ("root", {"organization": "other"}),
        ("root", {"has_member": "nobody"}),
        ("ann", {"has_member": "bob"}),
    ):
        assert await api.refused(404, who, "GET", "/groups", params=query) == NOT_FOUND
    wrong = await api.refused(400, "root", "GET", "/groups", params={"group_ids": f"{inside},x"})
    assert [one["field"] for one in wrong["validations"]] == ["group_ids"]


@pytest.mark.parametrize("who", ["me", "ann"])
async def test_everybody_is_in_the_organization(api: Api, who: str) -> None:
    assert await api.get("ann", f"/users/{who}/organizations") == [ORGANIZATION]
    for name in ("default", EVERYONE):
        assert await api.get("ann", f"/users/{who}/organizations/{name}") == ORGANIZATION
    for path in (f"/users/{who}/organizations/other", "/users/bob/organizations"):
        assert await api.refused(404, "ann", "GET", path) == NOT_FOUND


async def test_what_a_client_of_go_sends_beside_a_new_group_is_passed_over(api: Api) -> None:
    new = {"name": "core", "display_name": "", "avatar_url": "", "quota_allowance": 0}
    await api.call("hr", "POST", GROUPS, new, expect=201)
    assert await api.invalid("hr", "POST", GROUPS, {**new, "quota": 0}) == {"quota"}


async def test_everyone_holds_everybody(api: Api) -> None:
    for who in ("root", "hr", "aud"):
        shown = await api.get(who, f"/groups/{EVERYONE}")
        assert usernames(shown) == ["ann", "aud", "bob", "hr", "root"]
        assert (shown["name"], shown["total_member_count"]) == ("Everyone", 5)
        assert await api.get(who, f"{GROUPS}/everyone") == shown


async def test_of_the_members_only_who_may_be_seen_is_shown(api: Api) -> None:
    inside = await create(api, "inside", "ann", "bob")
    for group in (EVERYONE, inside):
        assert usernames(await api.get("ann", f"/groups/{group}")) == ["ann"]
    assert (await api.get("ann", f"{GROUPS}/inside"))["total_member_count"] == 2


async def test_groups_are_seen_by_their_members_and_who_may_see_all(api: Api) -> None:
    inside, outside = await create(api, "inside", "ann"), await create(api, "outside", "bob")
    for who in ("root", "hr", "aud"):
        listed = [group["name"] for group in await api.get(who, GROUPS)]
        assert listed == ["Everyone", "inside", "outside"]
    assert [group["name"] for group in await api.get("ann", GROUPS)] == ["Everyone", "inside"]
    expected = {"root": 200, "hr": 200, "aud": 200, "ann": 200, "bob": 404}
    assert await api.statuses("GET", f"/groups/{inside}") == expected
    assert await api.statuses("GET", f"{GROUPS}/inside") == expected
    for path in (f"/groups/{outside}", f"/groups/{NIL}", f"{GROUPS}/outside", f"{GROUPS}/nothing"):
        assert await api.refused(404, "ann", "GET", path) == NOT_FOUND


async def test_only_who_may_changes_groups(api: Api) -> None:
    group = await create(api, "core", "ann", "aud")
    for who in ("aud", "ann"):
        for call in (
            ("POST", GROUPS, {"name": "x"}),
            ("PATCH", f"/groups/{group}", {"name": "x"}),
            ("PATCH", f"/groups/{group}", {"add_users": [who]}),
            ("DELETE", f"/groups/{group}"),
            ("DELETE", f"/groups/{NIL}"),
        ):
            assert await api.refused(404, who, *call) == NOT_FOUND
    await api.call("hr", "PATCH", f"/groups/{group}", {"name": "x"}, expect=200)
    await api.call("hr", "DELETE", f"/groups/{group}", expect=200)


async def test_members_come_and_go_by_id_or_name(api: Api) -> None:
    group = f"/groups/{await create(api, 'core')}"
    change = {"add_users": ["BOB", api.ids["ann"], "ann"]}
    changed = (await api.call("hr", "PATCH", group, change, expect=200)).json()
    assert (usernames(changed), changed["total_member_count"]) == (["ann", "bob"], 2)
    assert await api.get("root", group) == changed
    change = {"remove_users": ["bob", "root"], "add_users": ["aud"]}
    changed = (await api.call("hr", "PATCH", group, change, expect=200)).json()
    assert usernames(changed) == ["ann", "aud"]
    nothing = (await api.call("hr", "PATCH", group, {}, expect=200)).json()
    assert {**nothing, "updated_at": 0} == {**changed, "updated_at": 0}
    named = {"name": "Core", "display_name": "The core"}
    renamed = (await api.call("hr", "PATCH", group, named, expect=200)).json()
    assert {**changed, **named, "updated_at": 0} == {**renamed, "updated_at": 0}
    null = (await api.call("hr", "PATCH", group, {"name": None}, expect=200)).json()
    assert null["name"] == "Core"


async def test_users_that_nobody_knows_are_named(api: Api) -> None:
    group = f"/groups/{await create(api, 'core')}"
    for field in ("add_users", "remove_users"):
        body = {"name": "new", field: ["ann", "nobody", NIL]}
        found = await api.refused(400, "hr", "PATCH", group, body)
        assert found["message"] == f"there is no user 'nobody', '{NIL}'"
        assert [one["field"] for one in found["validations"]] == [field]
    shown = await api.get("root", group)
    assert (shown["name"], shown["members"]) == ("core", [])


async def test_a_name_is_given_once(api: Api) -> None:
    group = await create(api, "core")
    await create(api, "other")
    for call in (("POST", GROUPS, {"name": "CORE"}), ("POST", GROUPS, {"name": "everyone"})):
        found = await api.refused(409, "hr", *call)
        assert [one["field"] for one in found["validations"]] == ["name"]
    await api.refused(409, "hr", "PATCH", f"/groups/{group}", {"name": "Other"})
    await api.call("hr", "PATCH", f"/groups/{group}", {"name": "CORE"}, expect=200)


@pytest.mark.parametrize(
    "change", [{"name": "all"}, {"add_users": ["ann"]}, {"remove_users": ["ann"]}]
)
async def test_everyone_stays_as_it_is(api: Api, change: dict[str, Any]) -> None:
    found = await api.refused(409, "root", "PATCH", f"/groups/{EVERYONE}", change)
    assert "Everyone holds all users" in found["message"]
    await api.refused(409, "root", "DELETE", f"/groups/{EVERYONE}")
    assert usernames(await api.get("root", f"/groups/{EVERYONE}"))[0] == "ann"


async def test_a_deleted_group_is_gone(api: Api) -> None:
    group = await create(api, "core", "ann")
    answer = await api.call("root", "DELETE", f"/groups/{group}", expect=200)
    assert answer.json() == {"message": "Successfully deleted group!"}
    for method in ("GET", "DELETE"):
        assert await api.refused(404, "root", method, f"/groups/{group}") == NOT_FOUND
    assert [entry.action for entry in api.acts()] == ["create", "write", "delete"]


@pytest.mark.parametrize("name", ["a", "A1", "a-b_c", "x" * 36])
async def test_names_of_groups(api: Api, name: str) -> None:
    made = await api.call("hr", "POST", GROUPS, {"name": name}, expect=201)
    assert made.json()["name"] == name


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({}, {"name"}),
        *(({"name": name}, {"name"}) for name in ("", "-a", "a-", "a__b", "a b", "é", "x" * 37)),
        ({"name": "a\n"}, {"name"}),
        ({"name": None}, {"name"}),
        ({"name": 7}, {"name"}),
        ({"name": "x", "display_name": "a\x00"}, {"display_name"}),
        ({"name": "x", "display_name": "x" * 129}, {"display_name"}),
        ({"name": "x", "members": ["ann"]}, {"members"}),
    ],
)
async def test_groups_that_are_refused(api: Api, body: Any, fields: set[str]) -> None:
    assert await api.invalid("root", "POST", GROUPS, body) == fields
    assert len(await api.get("root", GROUPS)) == 1


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({"name": "-"}, {"name"}),
        ({"add_users": "ann"}, {"add_users"}),
        ({"add_users": [""]}, {"add_users.0"}),
        ({"add_users": [7]}, {"add_users.0"}),
        ({"add_users": [None]}, {"add_users.0"}),
        ({"remove_users": ["x"] * 1001}, {"remove_users"}),
        ({"remove_users": ["x" * 65]}, {"remove_users.0"}),
        ({"members": []}, {"members"}),
    ],
)
async def test_changes_that_are_refused(api: Api, body: Any, fields: set[str]) -> None:
    assert await api.invalid("root", "PATCH", f"/groups/{EVERYONE}", body) == fields


@pytest.mark.parametrize("group", ["core", "1", "everyone", f"{EVERYONE}0"])
async def test_a_group_is_named_by_its_uuid(api: Api, group: str) -> None:
    for method in ("GET", "DELETE"):
        assert await api.invalid("root", method, f"/groups/{group}") == {"group"}
    assert await api.invalid("root", "PATCH", f"/groups/{group}", {}) == {"group"}
