import json
import re
from typing import Any

import pytest

from aibridge.contract import SiteRole
from aibridge.store.people.users import change_user
from tests.api.people_api import NIL, NOT_FOUND, PASSWORD, Api


async def test_a_user_is_shown_as_the_contract_says(api: Api) -> None:
    shown = await api.get("root", "/users/hr")
    assert shown.pop("created_at") == shown.pop("updated_at")
    assert shown == {
        "id": api.ids["hr"],
        "username": "hr",
        "name": "Hr",
        "email": "hr@example.com",
        "avatar_url": "",
        "status": "active",
        "roles": [{"name": "user-admin", "display_name": "User Admin"}],
        "organization_ids": ["00000000-0000-4000-8000-000000000001"],
    }


@pytest.mark.parametrize("who", ["root", "hr", "aud", "ann"])
async def test_everybody_sees_themselves_under_every_name_of_theirs(api: Api, who: str) -> None:
    found = [
        await api.get(who, f"/users/{name}") for name in ("me", who, who.upper(), api.ids[who])
    ]
    assert {user["id"] for user in found} == {api.ids[who]}


async def test_others_are_seen_by_who_may_and_are_nobody_to_the_rest(api: Api) -> None:
    assert await api.statuses("GET", "/users/bob") == {
        "root": 200,
        "hr": 200,
        "aud": 200,
        "ann": 404,
        "bob": 200,
    }
    for path in ("/users/bob", f"/users/{api.ids['bob']}", "/users/nobody", f"/users/{NIL}"):
        assert await api.refused(404, "ann", "GET", path) == NOT_FOUND


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/users"),
        ("POST", "/users"),
        ("GET", "/users/me"),
        ("GET", "/users/bob"),
        ("PUT", "/users/bob/status/suspend"),
        ("PUT", "/users/bob/status/activate"),
        ("PUT", "/users/bob/roles"),
        ("PUT", "/users/bob/password"),
        ("POST", "/users/logout"),
    ],
)
async def test_without_a_good_token_there_is_nothing_to_see(
    api: Api, method: str, path: str
) -> None:
    for token in (None, "nonsense", api.tokens["root"][:-1] + "_"):
        answer = await api.call(token, method, path, content=b"not even json")
        assert answer.status_code == 401
        assert answer.json()["message"] == "Authentication required."
        assert answer.headers["www-authenticate"] == "Bearer"


async def test_the_list_holds_everybody_or_oneself(api: Api) -> None:
    for who in ("root", "hr", "aud"):
        found = await api.get(who, "/users")
        assert [user["username"] for user in found["users"]] == ["ann", "aud", "bob", "hr", "root"]
        assert found["count"] == 5
    found = await api.get("ann", "/users")
    assert [user["username"] for user in found["users"]] == ["ann"]
    assert found["count"] == 1
    assert (await api.get("ann", "/users", q="bob"))["users"] == []


@pytest.mark.parametrize(
    ("q", "found"),
    [
        ("", ["ann", "aud", "bob", "hr", "root"]),
        ("A", ["ann", "aud", "bob", "hr", "root"]),
        ("AN", ["ann"]),
        ("bob@example", ["bob"]),
        ("%", []),
        ("search:ann", ["ann"]),
        ("-search:ann -search:bob", ["aud", "hr", "root"]),
        ("role:owner", ["root"]),
        ("role:owner role:auditor", ["aud", "root"]),
        ("-role:owner -role:auditor -role:user-admin", ["ann", "bob"]),
        ("status:suspended", ["bob"]),
        ("status:active role:member", ["ann", "aud", "hr", "root"]),
    ],
)
async def test_the_list_is_searched(api: Api, q: str, found: list[str]) -> None:
    await api.call("root", "PUT", "/users/bob/status/suspend", expect=200)
    page = await api.get("hr", "/users", q=q)
    assert [user["username"] for user in page["users"]] == found
    assert page["count"] == len(found)


async def test_the_list_is_paged(api: Api) -> None:
    first = await api.get("root", "/users", limit=2)
    assert [user["username"] for user in first["users"]] == ["ann", "aud"]
    rest = await api.get("root", "/users", after_id=first["users"][-1]["id"])
    assert [user["username"] for user in rest["users"]] == ["bob", "hr", "root"]
    assert first["count"] == rest["count"] == 5
    same = await api.get("root", "/users", offset=2, limit=0)
    assert same == rest


@pytest.mark.parametrize(
    ("query", "message", "fields"),
    [
        ("limit=x", "Query parameters have invalid values.", {"limit"}),
        ("limit=1001", "Invalid pagination limit value.", set()),
        ("limit=-1", "Invalid pagination limit value.", set()),
        ("offset=-1", "Query parameters have invalid values.", {"offset"}),
        ("after_id=bob", "Query parameters have invalid values.", {"after_id"}),
        (f"after_id={NIL[:-1]}1&offset=1", "Query parameters have invalid values.", set()),
        (f"after_id={NIL[:-1]}1", "Invalid pagination cursor.", set()),
        ("q=status:dormant", "Invalid user search query.", {"status"}),
        ("q=role:king%20-status:x", "Invalid user search query.", {"role", "status"}),
        ("q=email:x", "Invalid user search query.", {"email"}),
    ],
)
async def test_lists_that_are_refused(api: Api, query: str, message: str, fields: set[str]) -> None:
    found = await api.refused(400, "root", "GET", f"/users?{query}")
    assert found["message"] == message
    assert {one["field"] for one in found.get("validations", [])} == fields


async def test_a_cursor_of_somebody_unseen_is_like_one_of_nobody(api: Api) -> None:
    refusals = [
        await api.refused(400, "ann", "GET", f"/users?after_id={id_}")
        for id_ in (api.ids["bob"], api.ids["root"], NIL[:-1] + "1")
    ]
    assert {refusal["message"] for refusal in refusals} == {"Invalid pagination cursor."}
    assert (await api.get("ann", "/users", after_id=api.ids["ann"]))["users"] == []


async def test_a_user_is_made_as_asked(api: Api) -> None:
    new = {
        "username": "Cleo-1",
        "email": "Cleo@Example.com",
        "name": "Cleo",
        "password": PASSWORD,
        "roles": ["auditor", "member"],
    }
    answer = await api.call("root", "POST", "/users", new, expect=201)
    made = answer.json()
    assert (made["username"], made["email"], made["status"]) == (
        "Cleo-1",
        "Cleo@Example.com",
        "active",
    )
    assert [role["name"] for role in made["roles"]] == ["auditor"]
    assert await api.get("root", "/users/cleo-1") == made
    login = {"email": "cleo@example.COM", "password": PASSWORD}
    await api.call(None, "POST", "/users/login", login, expect=201)
    (entry, *_) = api.acts()
    assert (entry.action, entry.resource_type, entry.resource_id) == ("create", "user", made["id"])
    assert (entry.actor_username, entry.ip, entry.user_agent) == ("root", "192.0.2.7", "a browser")
    assert entry.token_id == api.tokens["root"][:10]


async def test_a_user_needs_a_name_only(api: Api) -> None:
    made = (await api.call("hr", "POST", "/users", {"username": "x"}, expect=201)).json()
    assert (made["email"], made["name"], made["roles"]) == ("", "", [])
    refused = await api.refused(401, None, "POST", "/users/login", {"email": "x", "password": "x"})
    assert refused["message"] == "Incorrect email or password."


async def test_only_who_may_makes_users(api: Api) -> None:
    for who, status in {"root": 201, "hr": 201, "aud": 404, "ann": 404}.items():
        answer = await api.call(who, "POST", "/users", {"username": f"by-{who}"})
        assert answer.status_code == status
    assert (await api.get("root", "/users"))["count"] == 7


@pytest.mark.parametrize("role", ["owner", "user-admin", "auditor"])
async def test_only_an_owner_gives_roles(api: Api, role: str) -> None:
    refused = await api.refused(403, "hr", "POST", "/users", {"username": "x", "roles": [role]})
    assert refused == {"message": "Forbidden.", "detail": "Only an owner may give roles."}
    await api.call("hr", "POST", "/users", {"username": "x", "roles": ["member"]}, expect=201)
    await api.call("root", "POST", "/users", {"username": "y", "roles": [role]}, expect=201)
    for who in ("hr", "aud", "ann"):
        for target in ("ann", "me", "bob"):
            roles = {"roles": [role]}
            assert await api.refused(404, who, "PUT", f"/users/{target}/roles", roles) == NOT_FOUND


@pytest.mark.parametrize(
    ("new", "field"),
    [
        ({"username": "BOB"}, "username"),
        ({"username": "x", "email": "BOB@example.com"}, "email"),
    ],
)
async def test_what_is_taken_is_a_conflict(api: Api, new: dict[str, str], field: str) -> None:
    found = await api.refused(409, "hr", "POST", "/users", new)
    assert [one["field"] for one in found["validations"]] == [field]
    assert "is taken" in found["message"]
    assert api.acts() == []


@pytest.mark.parametrize("name", ["a", "A1", "ana-maria-2", "x" * 32])
async def test_usernames(api: Api, name: str) -> None:
    made = await api.call("root", "POST", "/users", {"username": name}, expect=201)
    assert made.json()["username"] == name


@pytest.mark.parametrize(
    "name",
    ["", "-a", "a-", "a--b", "a_b", "a b", "é", "a\n", "x" * 33, "a\x00", "٣", "a/b", None, 7, []],
)
async def test_what_is_not_a_username(api: Api, name: Any) -> None:
    assert await api.invalid("root", "POST", "/users", {"username": name}) == {"username"}


@pytest.mark.parametrize("name", ["me", "ME", "first", "login", "Logout"])
async def test_what_stands_in_paths_is_no_username(api: Api, name: str) -> None:
    found = await api.refused(400, "root", "POST", "/users", {"username": name})
    assert found["message"] == f"the username {name!r} is reserved"
    assert [one["field"] for one in found["validations"]] == ["username"]


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({}, {"username"}),
        ({"username": "x", "admin": True}, {"admin"}),
        ({"username": "x", "status": "active", "id": NIL}, {"status", "id"}),
        ({"username": "x", "email": "no address"}, {"email"}),
        ({"username": "x", "email": "a@b\x00"}, {"email"}),
        ({"username": "x", "email": "a@" + "b" * 254}, {"email"}),
        ({"username": "x", "name": "a\x1b[31m"}, {"name"}),
        ({"username": "x", "name": "x" * 129}, {"name"}),
        ({"username": "x", "password": "1234567"}, {"password"}),
        ({"username": "x", "password": "x" * 257}, {"password"}),
        ({"username": "x", "password": 12345678}, {"password"}),
        ({"username": "x", "roles": ["king"]}, {"roles.0"}),
        ({"username": "x", "roles": "owner"}, {"roles"}),
        ({"username": "x", "roles": ["owner"] * 5}, {"roles"}),
        ([], {"body"}),
        ("x", {"body"}),
    ],
)
async def test_users_that_are_refused(api: Api, body: Any, fields: set[str]) -> None:
    assert await api.invalid("root", "POST", "/users", body) == fields
    assert (await api.get("root", "/users"))["count"] == 5


@pytest.mark.parametrize("name", ["a b", "a%2Fb", "é", "a.b", "x" * 65, "%00"])
async def test_a_path_that_names_no_user_is_refused(api: Api, name: str) -> None:
    answer = await api.call("root", "GET", f"/users/{name}")
    assert answer.status_code in {400, 404}
    assert answer.json()["message"] in {"Validation failed.", "Route not found."}


async def test_a_user_is_suspended_and_let_in_again(api: Api) -> None:
    before = await api.get("root", "/users/bob")
    for _ in range(2):
        answer = await api.call("hr", "PUT", "/users/bob/status/suspend", expect=200)
        assert answer.json()["status"] == "suspended"
    assert await api.get("root", "/users/bob") == answer.json()
    await api.call("bob", "GET", "/users/me", expect=401)
    answer = await api.call("hr", "PUT", "/users/bob/status/activate", expect=200)
    assert answer.json() == await api.get("bob", "/users/me")
    assert answer.json() == {**before, "updated_at": answer.json()["updated_at"]}


async def test_only_who_may_suspends(api: Api) -> None:
    for action, status in (("suspend", "suspended"), ("activate", "active")):
        path = f"/users/bob/status/{action}"
        for who in ("aud", "ann"):
            assert await api.refused(404, who, "PUT", path) == NOT_FOUND
        assert (await api.call("hr", "PUT", path, expect=200)).json()["status"] == status
    assert await api.refused(404, "bob", "PUT", "/users/me/status/suspend") == NOT_FOUND
    assert await api.refused(404, "root", "PUT", "/users/nobody/status/suspend") == NOT_FOUND


@pytest.mark.parametrize("target", ["root", "aud", "hr", "me"])
async def test_a_user_admin_suspends_nobody_who_has_a_role(api: Api, target: str) -> None:
    for action in ("suspend", "activate"):
        found = await api.refused(403, "hr", "PUT", f"/users/{target}/status/{action}")
        assert found["message"] == "Forbidden."
        assert "Only an owner" in found["detail"]
    assert (await api.get("root", f"/users/{'hr' if target == 'me' else target}"))[
        "status"
    ] == "active"
    assert api.acts() == []


async def test_nobody_suspends_themselves_and_the_last_owner_stays(api: Api) -> None:
    for name in ("me", "root", api.ids["root"]):
        found = await api.refused(409, "root", "PUT", f"/users/{name}/status/suspend")
        assert found == {"message": "You cannot suspend yourself."}
    found = await api.refused(409, "root", "PUT", "/users/me/roles", {"roles": ["auditor"]})
    assert found == {"message": "root is the last active owner."}
    await api.call("root", "PUT", "/users/ann/roles", {"roles": ["owner"]}, expect=200)
    await api.refused(409, "root", "PUT", "/users/me/status/suspend")
    await api.call("ann", "PUT", f"/users/{api.ids['root']}/status/suspend", expect=200)
    await api.call("root", "GET", "/users/me", expect=401)
    await api.refused(409, "ann", "PUT", "/users/me/roles", {"roles": []})


async def test_roles_are_replaced(api: Api) -> None:
    wanted = {"roles": ["user-admin", "auditor", "member"]}
    changed = (await api.call("root", "PUT", "/users/bob/roles", wanted, expect=200)).json()
    assert [role["name"] for role in changed["roles"]] == ["auditor", "user-admin"]
    assert await api.get("bob", "/users/me") == changed
    bodies: list[Any] = [{"roles": []}, {"roles": None}]
    for body in bodies:
        none = (await api.call("root", "PUT", "/users/bob/roles", body, expect=200)).json()
        assert none["roles"] == []


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({}, {"roles"}),
        ({"roles": "owner"}, {"roles"}),
        ({"roles": [None]}, {"roles.0"}),
        ({"roles": ["Owner"]}, {"roles.0"}),
        ({"roles": [], "role": "owner"}, {"role"}),
    ],
)
async def test_roles_that_are_refused(api: Api, body: Any, fields: set[str]) -> None:
    assert await api.invalid("root", "PUT", "/users/bob/roles", body) == fields


async def logs_in(api: Api, who: str, password: str) -> bool:
    login = {"email": who, "password": password}
    return (await api.call(None, "POST", "/users/login", login)).status_code == 201


@pytest.mark.parametrize("who", ["root", "hr", "aud", "ann"])
async def test_who_changes_their_own_password_has_to_know_the_old_one(api: Api, who: str) -> None:
    for wrong in ({}, {"old_password": "wrong"}, {"old_password": ""}):
        body = {"password": "another password", **wrong}
        for name in ("me", who):
            found = await api.refused(400, who, "PUT", f"/users/{name}/password", body)
            assert found == {"message": "Old password is incorrect."}
    assert {act.description for act in api.acts()} == {"refused: the old password was wrong"}
    body = {"password": "another password", "old_password": PASSWORD}
    answer = await api.call(who, "PUT", "/users/me/password", body, expect=204)
    assert answer.content == b""
    assert not await logs_in(api, who, PASSWORD)
    assert await logs_in(api, who, "another password")
    await api.call(who, "GET", "/users/me", expect=200)


async def test_who_has_no_password_may_choose_one(api: Api) -> None:
    await api.call("root", "POST", "/users", {"username": "new"}, expect=201)
    token = api.token("new")
    await api.call(token, "PUT", "/users/me/password", {"password": "first one"}, expect=204)
    assert await logs_in(api, "new", "first one")
    await api.refused(400, token, "PUT", "/users/me/password", {"password": "second one"})


async def test_passwords_of_others_are_set_by_who_may(api: Api) -> None:
    body = {"password": "another password"}
    for who in ("aud", "ann"):
        assert await api.refused(404, who, "PUT", "/users/bob/password", body) == NOT_FOUND
    await api.call("hr", "PUT", "/users/bob/password", body, expect=204)
    assert await logs_in(api, "bob", "another password")
    await api.call("root", "PUT", "/users/hr/password", body, expect=204)
    assert await logs_in(api, "hr", "another password")


@pytest.mark.parametrize("target", ["root", "aud"])
async def test_a_user_admin_cannot_set_the_password_of_who_has_a_role(
    api: Api, target: str
) -> None:
    found = await api.refused(
        403, "hr", "PUT", f"/users/{target}/password", {"password": "another password"}
    )
    assert found["message"] == "Forbidden."
    assert await logs_in(api, target, PASSWORD)
    assert not await logs_in(api, target, "another password")


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({}, {"password"}),
        ({"password": "short"}, {"password"}),
        ({"password": None}, {"password"}),
        ({"password": PASSWORD, "old_password": 7}, {"old_password"}),
        ({"password": PASSWORD, "old": PASSWORD}, {"old"}),
    ],
)
async def test_passwords_that_are_refused(api: Api, body: Any, fields: set[str]) -> None:
    assert await api.invalid("root", "PUT", "/users/bob/password", body) == fields


async def test_with_an_old_password_go_all_tokens_but_the_one_of_who_changes_it(api: Api) -> None:
    other, mine = api.token("ann"), api.tokens["ann"]
    body = {"password": "another password", "old_password": PASSWORD}
    await api.call("ann", "PUT", "/users/me/password", body, expect=204)
    await api.call(other, "GET", "/users/me", expect=401)
    await api.call(mine, "GET", "/users/me", expect=200)
    (deleted,) = [act for act in api.acts() if act.resource_type == "api_key"]
    assert (deleted.action, deleted.resource_target) == ("delete", "1 token of ann")
    assert json.loads(deleted.diff)["token_ids"]["old"] == [other[:10]]
    await api.call("root", "PUT", "/users/ann/password", {"password": "a third one"}, expect=204)
    await api.call(mine, "GET", "/users/me", expect=401)


async def test_a_wrong_old_password_is_on_record(api: Api) -> None:
    body = {"password": "another password", "old_password": "wrong"}
    await api.refused(400, "ann", "PUT", "/users/me/password", body)
    (entry,) = api.acts()
    assert (entry.action, entry.actor_username, entry.resource_target) == ("write", "ann", "ann")
    assert (entry.description, entry.diff) == ("refused: the old password was wrong", "{}")


async def test_a_first_password_that_is_ones_own_leaves_the_tokens(api: Api) -> None:
    await api.call("root", "POST", "/users", {"username": "new"}, expect=201)
    token, other = api.token("new"), api.token("new")
    await api.call(token, "PUT", "/users/me/password", {"password": "first one"}, expect=204)
    for one in (token, other):
        await api.call(one, "GET", "/users/me", expect=200)


@pytest.mark.parametrize("who", ["hr", "root"])
@pytest.mark.parametrize("had_one", [False, True])
async def test_a_password_that_somebody_else_sets_ends_all_tokens(
    api: Api, who: str, *, had_one: bool
) -> None:
    """Otherwise they could log in as that user, who would not notice."""
    new = {"username": "new", **({"password": PASSWORD} if had_one else {})}
    await api.call("root", "POST", "/users", new, expect=201)
    tokens = [api.token("new") for _ in range(2)]
    if had_one:
        tokens.append((await log_in(api, "new", PASSWORD))["session_token"])
    await api.call(who, "PUT", "/users/new/password", {"password": "another one"}, expect=204)
    for token in tokens:
        await api.call(token, "GET", "/users/me", expect=401)
    await api.call(who, "GET", "/users/me", expect=200)


async def test_who_set_a_password_is_told_at_every_login_until_it_is_ones_own(api: Api) -> None:
    await api.call("hr", "PUT", "/users/ann/password", {"password": "known to hr"}, expect=204)
    first, second = [await log_in(api, "ann", "known to hr") for _ in range(2)]
    assert first["notices"] == second["notices"]
    (notice,) = first["notices"]
    assert re.fullmatch(
        r"hr set your password at [0-9T:.-]+Z and may know it: please choose a new one.",
        notice,
    )
    own = {"password": "known to ann", "old_password": "known to hr"}
    await api.call(first["session_token"], "PUT", "/users/me/password", own, expect=204)
    assert (await log_in(api, "ann", "known to ann")).keys() == {"session_token"}


async def test_a_password_of_a_new_account_is_known_to_who_made_it(api: Api) -> None:
    new = {"username": "new", "password": PASSWORD}
    await api.call("hr", "POST", "/users", new, expect=201)
    (notice,) = (await log_in(api, "new", PASSWORD))["notices"]
    assert notice.startswith("hr set your password at ")


async def log_in(api: Api, who: str, password: str) -> dict[str, Any]:
    login = {"email": who, "password": password}
    found: dict[str, Any] = (await api.call(None, "POST", "/users/login", login, expect=201)).json()
    return found


@pytest.mark.parametrize("change", [{"status": "suspended"}, {"roles": ""}])
async def test_who_loses_their_rights_while_a_request_is_on_its_way_changes_nothing(
    api: Api, monkeypatch: pytest.MonkeyPatch, change: dict[str, str]
) -> None:
    passwords = api.app.state.services.passwords
    real = passwords.hash

    def meanwhile(password: str) -> str:
        with api.database.write() as connection:
            change_user(connection, api.ids["hr"], **change)
        return str(real(password))

    monkeypatch.setattr(passwords, "hash", meanwhile)
    body = {"username": "backdoor", "password": "a long password"}
    await api.refused(401, "hr", "POST", "/users", body)
    await api.refused(404, "root", "GET", "/users/backdoor")


async def test_who_gets_a_role_in_the_meantime_keeps_their_password(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Hashing takes its time: who it is for is looked at again after it."""
    passwords = api.app.state.services.passwords
    real = passwords.hash

    def meanwhile(password: str) -> str:
        with api.database.write() as connection:
            change_user(connection, api.ids["bob"], roles=SiteRole.OWNER.value)
        return str(real(password))

    monkeypatch.setattr(passwords, "hash", meanwhile)
    await api.refused(403, "hr", "PUT", "/users/bob/password", {"password": "another password"})
    assert await logs_in(api, "bob", PASSWORD)


async def test_the_roles_of_a_user_are_told_by_name(api: Api) -> None:
    everywhere: Any = {"00000000-0000-4000-8000-000000000001": []}
    expected = {"roles": ["auditor"], "organization_roles": everywhere}
    for who in ("root", "aud"):
        assert await api.get(who, "/users/aud/roles") == expected
    assert await api.get("ann", "/users/me/roles") == {**expected, "roles": []}
    assert await api.refused(404, "ann", "GET", "/users/aud/roles") == NOT_FOUND


async def test_the_roles_there_are_can_be_given_by_owners(api: Api) -> None:
    for who, assignable in {"root": True, "hr": False, "ann": False}.items():
        found = await api.get(who, "/users/roles")
        assert [one["name"] for one in found] == ["owner", "user-admin", "auditor"]
        assert {one["assignable"] for one in found} == {assignable}


async def test_everybody_is_a_member_of_the_organization(api: Api) -> None:
    path = "/organizations/default/members"
    for slash in ("", "/"):
        found = await api.get("root", path + slash)
        assert [one["username"] for one in found] == ["ann", "aud", "bob", "hr", "root"]
        assert [one["name"] for one in found[1]["global_roles"]] == ["auditor"]
        assert [one["username"] for one in await api.get("ann", path + slash)] == ["ann"]
    assert await api.refused(404, "root", "GET", "/organizations/x/members") == NOT_FOUND


FROM_GO = {
    "email": "eve@example.com",
    "username": "eve",
    "name": "",
    "password": "correct horse battery",
    "login_type": "",
    "user_status": None,
    "organization_ids": None,
}
"""A new user as clients of Go write one."""


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"login_type": "password", "roles": ["auditor"], "user_status": "active"},
        {"user_status": "dormant"},
        {"organization_ids": ["00000000-0000-4000-8000-000000000001"]},
        {"organization_id": NIL, "disable_login": False},
        {"password": "", "login_type": "none"},
        {"password": "", "service_account": True, "email": ""},
        {"password": "", "disable_login": True},
    ],
)
async def test_a_user_is_made_as_clients_of_go_ask(api: Api, change: dict[str, Any]) -> None:
    made = (await api.call("root", "POST", "/users", FROM_GO | change, expect=201)).json()
    assert (made["username"], made["status"]) == ("eve", "active")
    assert [one["name"] for one in made["roles"]] == change.get("roles", [])
    password = (FROM_GO | change)["password"]
    assert await logs_in(api, "eve", password or "correct horse battery") == bool(password)


@pytest.mark.parametrize(
    ("change", "fields"),
    [
        ({"login_type": "none"}, {"body"}),
        ({"service_account": True}, {"body"}),
        ({"disable_login": True}, {"body"}),
        ({"login_type": "oidc"}, {"login_type"}),
        ({"user_status": "suspended"}, {"user_status"}),
        ({"organization_ids": [NIL.replace("0", "1")]}, {"organization_ids"}),
        ({"organization_id": NIL.replace("0", "1")}, {"organization_ids"}),
        ({"organization_ids": ["x"]}, {"organization_ids.0"}),
        ({"quota_allowance": 0}, {"quota_allowance"}),
    ],
)
async def test_what_clients_of_go_may_ask_and_cannot_be_is_refused(
    api: Api, change: dict[str, Any], fields: set[str]
) -> None:
    assert await api.invalid("root", "POST", "/users", FROM_GO | change) == fields
    assert (await api.get("root", "/users"))["count"] == 5


async def test_users_are_found_by_part_of_their_name_and_in_any_case(api: Api) -> None:
    for q, expected in {
        "name:AN": ["ann"],
        "name:oo": ["root"],
        "-name:o": ["ann", "aud", "hr"],
        "status:ACTIVE role:Auditor": ["aud"],
        "NAME:ann bob": [],
    }.items():
        found = await api.get("root", "/users", q=q)
        assert [user["username"] for user in found["users"]] == expected, q


@pytest.mark.parametrize(
    ("path", "body", "field", "detail"),
    [
        ("/users", {"username": "ANN"}, "username", "it is taken"),
        ("/users", {"username": "x", "email": "ann@example.com"}, "email", "it is taken"),
        ("/users", {"username": "0" * 32}, "username", "it cannot be used"),
        ("/users/me/keys/tokens", {"token_name": "main"}, "token_name", "it is taken"),
        ("/organizations/default/groups", {"name": "everyone"}, "name", "it is taken"),
        ("/organizations/default/groups", {"name": "0" * 32}, "name", "it cannot be used"),
    ],
)
async def test_a_conflict_does_not_say_the_same_sentence_twice(
    api: Api, path: str, body: Any, field: str, detail: str
) -> None:
    found = await api.refused(409, "root", "POST", path, body)
    assert found["validations"] == [{"field": field, "detail": detail}]
    assert detail not in found["message"]
