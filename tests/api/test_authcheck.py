from typing import Any

import pytest

from aibridge.contract import TokenScope
from aibridge.identity.rights import Rights
from tests.api.people_api import Api

ORGANIZATION = "00000000-0000-4000-8000-000000000001"


async def check(api: Api, who: str, resource: str, action: str, **what: Any) -> bool:
    """Ask whether somebody may do something to a resource."""
    checks = {"it": {"object": {"resource_type": resource, **what}, "action": action}}
    answer = await api.call(who, "POST", "/authcheck", {"checks": checks}, expect=200)
    assert answer.json().keys() == {"it"}
    return bool(answer.json()["it"])


@pytest.mark.parametrize(
    ("resource", "action", "who"),
    [
        ("aibridge_interception", "read", {"root", "aud"}),
        ("aibridge_interception", "create", set()),
        ("audit_log", "read", {"root", "aud"}),
        ("user", "read", {"root", "hr", "aud"}),
        ("user", "create", {"root", "hr"}),
        ("user", "update", {"root", "hr"}),
        ("user", "delete", set()),
        ("assign_role", "assign", {"root"}),
        ("group", "update", {"root", "hr"}),
        ("api_key", "read", {"root"}),
        ("ai_model_price", "read", {"root", "hr", "aud"}),
        ("ai_model_price", "update", {"root"}),
        ("ai_provider", "read", {"root"}),
        ("ai_provider", "update", set()),
        ("organization", "read", {"root", "hr", "aud", "ann"}),
        ("workspace", "read", set()),
        ("no such thing", "", set()),
    ],
)
async def test_the_answer_is_what_the_rights_say(
    api: Api, resource: str, action: str, who: set[str]
) -> None:
    may = {one for one in ("root", "hr", "aud", "ann") if await check(api, one, resource, action)}
    assert may == who
    for one in who:
        assert await check(api, one, resource, action, organization_id=ORGANIZATION)
        other = ORGANIZATION.replace("1", "2")
        assert not await check(api, one, resource, action, organization_id=other)


async def test_ones_own_is_ones_own(api: Api) -> None:
    for owner in ("me", "ann", "ANN", api.ids["ann"]):
        assert await check(api, "ann", "api_key", "delete", owner_id=owner)
        assert await check(api, "ann", "user", "read", owner_id=owner)
        assert not await check(api, "ann", "user", "update", owner_id=owner)
        assert not await check(api, "ann", "aibridge_interception", "read", owner_id=owner)
    for owner in ("bob", api.ids["bob"], ""):
        assert not await check(api, "ann", "api_key", "delete", owner_id=owner)
    api.change(rights=Rights(members_read_own=True))
    assert await check(api, "ann", "aibridge_interception", "read", owner_id="me")
    assert not await check(api, "ann", "aibridge_interception", "read")


@pytest.mark.parametrize(
    ("who", "owner", "update", "update_personal"),
    [
        ("root", "root", True, True),
        ("root", "hr", True, True),
        ("hr", "root", False, False),
        ("hr", "AUD", False, False),
        ("hr", "me", False, True),
        ("hr", "hr", False, True),
        ("hr", "ann", True, True),
        ("hr", "", True, True),
        ("aud", "me", False, True),
        ("ann", "root", False, False),
    ],
)
async def test_the_account_of_who_has_a_role_is_for_owners_to_change(
    api: Api, who: str, owner: str, *, update: bool, update_personal: bool
) -> None:
    for owner_id in {owner, api.ids.get(owner.lower(), owner)}:
        assert await check(api, who, "user", "update", owner_id=owner_id) is update
        found = await check(api, who, "user", "update_personal", owner_id=owner_id)
        assert found is update_personal


async def test_checks_are_bounded_and_need_a_token_for_changes(api: Api) -> None:
    one = {"object": {"resource_type": "user"}, "action": "read"}
    many = {str(number): one for number in range(100)}
    await api.call("ann", "POST", "/authcheck", {"checks": many}, expect=200)
    assert await api.invalid("ann", "POST", "/authcheck", {"checks": {**many, "x": one}}) == {
        "checks"
    }
    reader = api.token("ann", scopes=[TokenScope.READ])
    await api.refused(403, reader, "POST", "/authcheck", {"checks": {}})
    await api.refused(401, None, "POST", "/authcheck", {"checks": {}})
