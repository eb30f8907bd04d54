import json
import time
from datetime import datetime
from typing import Any
from urllib.parse import quote

import pytest

from aibridge.contract import TokenScope
from tests.api.people_api import NOT_FOUND, ROLES, Api

MINE = "/users/me/keys/tokens"


async def create(api: Api, who: str, path: str = MINE, **body: Any) -> Any:
    return (await api.call(who, "POST", path, body, expect=201)).json()


def seconds(moment: str) -> float:
    return datetime.fromisoformat(moment).timestamp()


@pytest.mark.parametrize("who", ROLES)
async def test_everybody_makes_tokens_that_work_at_once(api: Api, who: str) -> None:
    begun = int(time.time())
    made = await create(
        api, who, token_name="laptop", lifetime_seconds=3600, scopes=["read", "admin"]
    )
    key = made.pop("key")
    assert key[:11] == made["id"] + "-"
    created = seconds(made["created_at"])
    assert begun <= created <= time.time()
    assert seconds(made["expires_at"]) == pytest.approx(created + 3600)
    assert {**made, "created_at": 0, "expires_at": 0} == {
        "id": key[:10],
        "user_id": api.ids[who],
        "username": who,
        "token_name": "laptop",
        "scopes": ["admin", "read"],
        "login_type": "token",
        "created_at": 0,
        "expires_at": 0,
        "last_used": None,
        "lifetime_seconds": 3600,
    }
    assert (await api.get(key, "/users/me"))["username"] == who


async def test_left_alone_a_token_is_for_everything_and_a_month(api: Api) -> None:
    made = await create(api, "ann")
    assert made["token_name"] == made["id"]
    assert made["scopes"] == ["admin", "gateway", "read"]
    assert made["lifetime_seconds"] == 30 * 86_400
    for_ever = await create(api, "ann", lifetime_seconds=0)
    assert (for_ever["expires_at"], for_ever["lifetime_seconds"]) == (None, 0)
    longest = await create(api, "ann", lifetime_seconds=36_500 * 86_400)
    assert longest["lifetime_seconds"] == 36_500 * 86_400


async def test_tokens_are_listed_oldest_first_without_their_secrets(api: Api) -> None:
    made = [await create(api, "ann", token_name=name) for name in ("b", "a")]
    answer = await api.call("ann", "GET", MINE, expect=200)
    assert [token["token_name"] for token in answer.json()] == ["main", "b", "a"]
    for token in made:
        key = token.pop("key")
        assert key[11:] not in answer.text
        assert {**token, "last_used": None} in answer.json()
        shown = await api.call("ann", "GET", f"/users/me/keys/{token['id']}", expect=200)
        assert shown.json() == token


async def test_a_token_tells_when_it_was_last_used(api: Api) -> None:
    begun = int(time.time())
    other = api.token("ann")[:10]
    tokens = {token["id"]: token for token in await api.get("ann", MINE)}
    assert begun <= seconds(tokens[api.tokens["ann"][:10]]["last_used"]) <= time.time()
    assert tokens[other]["last_used"] is None
    assert (await api.get("ann", f"/users/me/keys/{api.tokens['ann'][:10]}"))["last_used"]


async def test_of_others_only_an_owner_sees_and_makes_tokens(api: Api) -> None:
    token_id = api.tokens["bob"][:10]
    expected = {"root": 200, "hr": 404, "aud": 404, "ann": 404, "bob": 200}
    assert await api.statuses("GET", "/users/bob/keys/tokens") == expected
    assert await api.statuses("GET", f"/users/bob/keys/{token_id}") == expected
    calls: list[tuple[Any, ...]] = [
        ("POST", "/users/bob/keys/tokens", {}),
        ("DELETE", f"/users/bob/keys/{token_id}"),
        ("DELETE", f"/users/me/keys/{token_id}"),
        ("GET", f"/users/me/keys/{token_id}"),
        ("GET", "/users/nobody/keys/tokens"),
    ]
    for who in ("hr", "aud", "ann"):
        for call in calls:
            assert await api.refused(404, who, *call) == NOT_FOUND
    made = await create(api, "root", "/users/bob/keys/tokens", token_name="of root")
    assert (await api.get(made["key"], "/users/me"))["username"] == "bob"
    await api.call("root", "DELETE", f"/users/bob/keys/{token_id}", expect=204)
    await api.call("bob", "GET", "/users/me", expect=401)


async def test_everybodys_tokens_are_listed_for_an_owner_only(api: Api) -> None:
    everybody = await api.get("root", MINE, include_all="true")
    assert [token["username"] for token in everybody] == list(ROLES)
    for who in ("hr", "aud", "ann"):
        found = await api.get(who, MINE, include_all="true")
        assert {token["username"] for token in found} == {who}
    assert len(await api.get("root", MINE, include_all="false")) == 1
    refused = await api.refused(400, "root", "GET", f"{MINE}?include_all=yes")
    assert [one["field"] for one in refused["validations"]] == ["include_all"]


async def test_just_the_token_that_is_named_is_deleted_and_refused_at_once(api: Api) -> None:
    first, second = [await create(api, "ann") for _ in range(2)]
    await api.call(first["key"], "GET", "/users/me", expect=200)
    answer = await api.call("ann", "DELETE", f"/users/me/keys/{first['id']}", expect=204)
    assert answer.content == b""
    await api.call(first["key"], "GET", "/users/me", expect=401)
    await api.call(second["key"], "GET", "/users/me", expect=200)
    for method in ("DELETE", "GET"):
        found = await api.refused(404, "ann", method, f"/users/me/keys/{first['id']}")
        assert found == NOT_FOUND


async def test_a_name_is_given_once_to_each_user(api: Api) -> None:
    await create(api, "ann", token_name="laptop")
    await create(api, "bob", token_name="laptop")
    found = await api.refused(409, "ann", "POST", MINE, {"token_name": "laptop"})
    assert found["message"] == "ann has a token named 'laptop' already"
    assert [one["field"] for one in found["validations"]] == ["token_name"]


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({"token_name": "x" * 65}, {"token_name"}),
        ({"token_name": "a\x1b[31m"}, {"token_name"}),
        ({"token_name": None}, {"token_name"}),
        ({"lifetime_seconds": -1}, {"lifetime_seconds"}),
        ({"lifetime_seconds": 36_500 * 86_400 + 1}, {"lifetime_seconds"}),
        ({"lifetime_seconds": 2**63}, {"lifetime_seconds"}),
        ({"lifetime_seconds": 1.5}, {"lifetime_seconds"}),
        ({"lifetime_seconds": True}, {"lifetime_seconds"}),
        ({"lifetime_seconds": "3600"}, {"lifetime_seconds"}),
        ({"lifetime_seconds": None}, {"lifetime_seconds"}),
        ({"scopes": []}, {"scopes"}),
        ({"scopes": ["read", "write"]}, {"scopes.1"}),
        ({"scopes": "read"}, {"scopes"}),
        ({"scopes": ["read"] * 4}, {"scopes"}),
        ({"scope": "read", "name": "x"}, {"scope", "name"}),
        ([], {"body"}),
    ],
)
async def test_tokens_that_are_refused(api: Api, body: Any, fields: set[str]) -> None:
    assert await api.invalid("ann", "POST", MINE, body) == fields
    assert len(await api.get("ann", MINE)) == 1


async def test_a_token_id_that_is_none_is_refused(api: Api) -> None:
    assert await api.refused(404, "ann", "GET", "/users/me/keys/nothing") == NOT_FOUND
    assert await api.invalid("ann", "GET", "/users/me/keys/" + "x" * 11) == {"token"}


WRITES: list[tuple[str, str, Any]] = [
    ("POST", "/users", {"username": "x"}),
    ("PUT", "/users/bob/status/suspend", None),
    ("PUT", "/users/bob/roles", {"roles": []}),
    ("PUT", "/users/bob/password", {"password": "another password"}),
    ("POST", MINE, {}),
    ("DELETE", "/users/me/keys/main", None),
    ("POST", "/organizations/default/groups", {"name": "x"}),
    ("PUT", "/groups/00000000-0000-4000-8000-000000000001/ai/budget", {"spend_limit_micros": 1}),
]


@pytest.mark.parametrize(("method", "path", "body"), WRITES)
@pytest.mark.parametrize("scopes", [["read"], ["gateway"], ["read", "gateway"]])
async def test_without_the_scope_admin_nothing_is_changed(
    api: Api, scopes: list[str], method: str, path: str, body: Any
) -> None:
    token = (await create(api, "root", scopes=scopes))["key"]
    before = api.acts()
    found = await api.refused(403, token, method, path, body)
    assert found == {
        "message": "Forbidden.",
        "detail": "This token lacks the scope admin: use one that has, or make one.",
    }
    assert api.acts() == before


READS = ["/users", "/users/me", MINE, "/audit", "/organizations", "/aibridge/sessions"]


@pytest.mark.parametrize("path", READS)
@pytest.mark.parametrize("scopes", [["read"], ["admin"], ["gateway"]])
async def test_the_scopes_read_and_admin_read(api: Api, scopes: list[str], path: str) -> None:
    token = (await create(api, "root", scopes=scopes))["key"]
    if scopes == ["gateway"]:
        found = await api.refused(403, token, "GET", path)
        assert "lacks the scope admin or read" in found["detail"]
    else:
        await api.call(token, "GET", path, expect=200)


async def test_a_scope_gives_nobody_a_right_they_have_not(api: Api) -> None:
    token = (await create(api, "ann", scopes=["admin"]))["key"]
    assert await api.refused(404, token, "POST", "/users", {"username": "x"}) == NOT_FOUND
    assert await api.refused(404, token, "GET", "/audit") == NOT_FOUND


DAY = 86_400


@pytest.mark.parametrize(
    ("body", "seconds"),
    [
        ({"lifetime": 0, "token_name": ""}, 30 * DAY),
        ({"lifetime": 7 * DAY * 10**9, "token_name": ""}, 7 * DAY),
        ({"lifetime": 10**9, "token_name": "x"}, 1),
        ({"lifetime": 36_500 * DAY * 10**9, "token_name": "x"}, 36_500 * DAY),
        ({"lifetime": 0, "lifetime_seconds": 5}, 5),
    ],
)
async def test_a_token_is_made_as_clients_of_go_ask(api: Api, body: Any, seconds: int) -> None:
    made = await create(api, "ann", **body)
    assert made["lifetime_seconds"] == seconds
    assert made["scopes"] == ["admin", "gateway", "read"]


@pytest.mark.parametrize(
    ("body", "scopes"),
    [
        ({"scope": "all"}, ["admin", "gateway", "read"]),
        ({"scope": ""}, ["admin", "gateway", "read"]),
        ({"scopes": ["all"]}, ["admin", "gateway", "read"]),
        ({"scopes": ["coder:all"], "allow_list": ["*:*"]}, ["admin", "gateway", "read"]),
        ({"scope": "all", "scopes": ["read"]}, ["read"]),
    ],
)
async def test_all_scopes_have_the_names_of_the_original_too(
    api: Api, body: Any, scopes: list[str]
) -> None:
    assert (await create(api, "ann", **body))["scopes"] == scopes


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({"lifetime": -1}, {"lifetime"}),
        ({"lifetime": 999_999_999}, {"body"}),
        ({"lifetime": 36_500 * DAY * 10**9 + 1}, {"lifetime"}),
        ({"lifetime": 10**9, "lifetime_seconds": 1}, {"body"}),
        ({"lifetime": "1h"}, {"lifetime"}),
        ({"scope": "application_connect"}, {"scope"}),
        ({"scopes": ["all", "read"]}, {"scopes.0"}),
        ({"allow_list": ["workspace:*"]}, {"allow_list.0"}),
        ({"allow_list": None}, {"allow_list"}),
    ],
)
async def test_a_narrower_token_than_there_can_be_is_refused(
    api: Api, body: Any, fields: set[str]
) -> None:
    assert await api.invalid("ann", "POST", MINE, body) >= fields
    assert len(await api.get("ann", MINE)) == 1


async def test_a_token_for_the_api_is_made_as_by_a_login(api: Api) -> None:
    made = (await api.call("ann", "POST", "/users/me/keys", expect=201)).json()
    assert made.keys() == {"key"}
    token = await api.get(made["key"], f"/users/me/keys/{made['key'][:10]}")
    assert (token["scopes"], token["lifetime_seconds"]) == (["admin", "read"], DAY)
    assert token["login_type"] == "password"
    assert [entry.action for entry in api.acts()] == ["create"]
    assert await api.refused(404, "ann", "POST", "/users/bob/keys") == NOT_FOUND
    reader = api.token("ann", scopes=[TokenScope.READ])
    await api.refused(403, reader, "POST", "/users/me/keys")


async def test_it_is_told_how_long_a_token_may_live(api: Api) -> None:
    found = await api.get("ann", f"{MINE}/tokenconfig")
    assert found == {"max_token_lifetime": 36_500 * DAY * 10**9}
    assert await api.refused(404, "ann", "GET", "/users/bob/keys/tokens/tokenconfig") == NOT_FOUND


async def test_a_token_is_found_by_its_name(api: Api) -> None:
    made = await create(api, "ann", token_name="my laptop")
    del made["key"]
    assert await api.get("ann", f"{MINE}/my%20laptop") == made
    for who, path in (("ann", "/users/me/keys/tokens/other"), ("bob", f"{MINE}/my%20laptop")):
        assert await api.refused(404, who, "GET", path) == NOT_FOUND
    assert await api.get("root", "/users/ann/keys/tokens/my%20laptop") == made
    assert await api.refused(404, "bob", "GET", "/users/ann/keys/tokens/main") == NOT_FOUND


@pytest.mark.parametrize("name", ["ci/deploy", "/a//b/", "expire/tokenconfig", "50%/2F"])
async def test_a_token_whose_name_has_slashes_is_found_by_it(api: Api, name: str) -> None:
    made = await create(api, "ann", token_name=name)
    del made["key"]
    assert await api.get("ann", f"{MINE}/{quote(name, safe='')}") == made
    assert await api.refused(404, "bob", "GET", f"{MINE}/{quote(name, safe='')}") == NOT_FOUND


async def test_no_token_has_the_name_of_a_route(api: Api) -> None:
    found = await api.refused(400, "ann", "POST", MINE, {"token_name": "tokenconfig"})
    assert found["message"] == "the token's name 'tokenconfig' is reserved"
    assert [one["field"] for one in found["validations"]] == ["token_name"]
    await create(api, "ann", token_name="TokenConfig")


async def test_an_expired_token_is_refused_and_stays_in_the_list(api: Api) -> None:
    made = await create(api, "ann", token_name="old", lifetime_seconds=0)
    await api.call(made["key"], "GET", "/users/me", expect=200)
    for _ in range(2):
        await api.call("ann", "PUT", f"/users/me/keys/{made['id']}/expire", expect=204)
    await api.call(made["key"], "GET", "/users/me", expect=401)
    (token,) = [one for one in await api.get("ann", MINE) if one["id"] == made["id"]]
    assert token["expires_at"] is not None
    for wanted, names in (("true", ["main", "old"]), ("false", ["main"])):
        found = await api.get("ann", MINE, include_expired=wanted)
        assert [one["token_name"] for one in found] == names
    (_, expired) = api.acts()
    assert (expired.action, expired.resource_key) == ("write", made["id"])
    assert json.loads(expired.diff).keys() == {"expires_at"}
    path = f"/users/ann/keys/{made['id']}/expire"
    assert await api.refused(404, "bob", "PUT", path) == NOT_FOUND
