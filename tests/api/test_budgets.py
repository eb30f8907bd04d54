import json
from typing import Any

import pytest

from aibridge.store.people import budgets
from tests.api.people_api import NIL, NOT_FOUND, Api
from tests.api.test_groups import EVERYONE, create

MOST = 1_000_000_000_000
MINE = "/users/me/ai/budget/override"


def of(group: str) -> str:
    return f"/groups/{group}/ai/budget"


def of_user(user: str) -> str:
    return f"/users/{user}/ai/budget/override"


def limit(micros: Any = 5, **more: Any) -> dict[str, Any]:
    return {"spend_limit_micros": micros, **more}


@pytest.fixture
async def core(api: Api) -> str:
    """A group with ann and aud in it."""
    return await create(api, "core", "ann", "aud")


async def test_a_budget_is_set_shown_and_lifted(
    api: Api, core: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(budgets, "now", lambda: 1_767_225_600_250_000)
    made = (await api.call("hr", "PUT", of(core), limit(), expect=200)).json()
    assert made == {
        "group_id": core,
        "spend_limit_micros": 5,
        "created_at": "2026-01-01T00:00:00.25Z",
        "updated_at": "2026-01-01T00:00:00.25Z",
    }
    assert await api.get("root", of(core)) == made
    monkeypatch.setattr(budgets, "now", lambda: 1_767_225_601_000_000)
    again = (await api.call("root", "PUT", of(core), limit(0), expect=200)).json()
    assert again == {**made, "spend_limit_micros": 0, "updated_at": "2026-01-01T00:00:01Z"}
    assert await api.get("ann", of(core)) == again
    answer = await api.call("hr", "DELETE", of(core), expect=204)
    assert answer.content == b""
    for method in ("DELETE", "GET"):
        assert await api.refused(404, "hr", method, of(core)) == NOT_FOUND


async def test_a_budget_is_read_by_members_and_written_by_who_may(api: Api, core: str) -> None:
    absent = {"root": 404, "hr": 404, "aud": 404, "ann": 404, "bob": 404}
    assert await api.statuses("GET", of(core)) == absent
    await api.call("root", "PUT", of(core), limit(), expect=200)
    expected = {"root": 200, "hr": 200, "aud": 200, "ann": 200, "bob": 404}
    assert await api.statuses("GET", of(core)) == expected
    writers = {"root": 200, "hr": 200, "aud": 404, "ann": 404, "bob": 404}
    assert await api.statuses("PUT", of(core), limit(7)) == writers
    for who in ("aud", "ann", "bob"):
        assert await api.refused(404, who, "DELETE", of(core)) == NOT_FOUND
        assert await api.refused(404, who, "PUT", of(NIL), limit()) == NOT_FOUND
    assert (await api.get("ann", of(core)))["spend_limit_micros"] == 7


async def test_everyone_has_a_budget_that_everybody_reads(api: Api) -> None:
    await api.call("hr", "PUT", of(EVERYONE), limit(), expect=200)
    assert set((await api.statuses("GET", of(EVERYONE))).values()) == {200}


@pytest.mark.parametrize(
    "path",
    [of(EVERYONE), of(NIL), MINE, of_user("bob")],
)
async def test_without_a_good_token_there_is_nothing_to_see(api: Api, path: str) -> None:
    for method in ("GET", "PUT", "DELETE"):
        for token in (None, "nonsense"):
            answer = await api.call(token, method, path, content=b"x")
            assert answer.status_code == 401


@pytest.mark.parametrize("micros", [0, 1, MOST, 5.0])
async def test_limits(api: Api, core: str, micros: float) -> None:
    for path, body in ((of(core), limit(micros)), (of_user("ann"), limit(micros, group_id=core))):
        made = (await api.call("root", "PUT", path, body, expect=200)).json()
        assert made["spend_limit_micros"] == micros
        assert isinstance(made["spend_limit_micros"], int)


BAD = ["true", '"5"', '""', "1.5", "null", "-1", "[]", "{}", "-1.0", "NaN", "Infinity", "1e400"]


@pytest.mark.parametrize("text", BAD)
async def test_what_is_not_a_limit(api: Api, core: str, text: str) -> None:
    group, user = f'{{"spend_limit_micros": {text}}}', f'"group_id": "{core}"'
    both = {of(core): group, of_user("ann"): f"{group[:-1]}, {user}}}"}
    for path, content in both.items():
        fields = await api.invalid("root", "PUT", path, content=content)
        assert fields == {"spend_limit_micros"}
        assert await api.refused(404, "root", "GET", path) == NOT_FOUND


async def test_a_negative_limit_is_refused_in_the_words_of_the_contract(
    api: Api, core: str
) -> None:
    found = await api.refused(400, "root", "PUT", of(core), limit(-1))
    assert found == {
        "message": "Validation failed.",
        "validations": [
            {
                "field": "spend_limit_micros",
                "detail": 'Validation failed for tag "gte" with value: "-1"',
            }
        ],
    }


@pytest.mark.parametrize("micros", [MOST + 1, 2**63 - 1, 2**63, 10**30])
async def test_a_limit_has_a_bound(api: Api, core: str, micros: int) -> None:
    for path, body in ((of(core), limit(micros)), (of_user("ann"), limit(micros, group_id=core))):
        found = await api.refused(400, "root", "PUT", path, body)
        assert found == {
            "message": "Invalid AI spend limit.",
            "validations": [
                {"field": "spend_limit_micros", "detail": "Must not exceed 1000000000000."}
            ],
        }
        assert await api.refused(404, "root", "GET", path) == NOT_FOUND


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({}, {"spend_limit_micros"}),
        (limit(spend_limit=5), {"spend_limit"}),
        ({"spend_limit": 5}, {"spend_limit", "spend_limit_micros"}),
        (limit(group_id=EVERYONE), {"group_id"}),
        ([5], {"body"}),
    ],
)
async def test_budgets_that_are_refused(api: Api, core: str, body: Any, fields: set[str]) -> None:
    assert await api.invalid("root", "PUT", of(core), body) == fields
    assert await api.refused(404, "root", "GET", of(core)) == NOT_FOUND


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({}, {"spend_limit_micros", "group_id"}),
        (limit(), {"group_id"}),
        ({"group_id": EVERYONE}, {"spend_limit_micros"}),
        (limit(group_id="core"), {"group_id"}),
        (limit(group_id=None), {"group_id"}),
        (limit(group_id=EVERYONE, user_id=NIL), {"user_id"}),
    ],
)
async def test_own_limits_that_are_refused(api: Api, body: Any, fields: set[str]) -> None:
    assert await api.invalid("root", "PUT", of_user("ann"), body) == fields


@pytest.mark.parametrize("group", ["core", "x" * 36, "1"])
async def test_a_group_is_named_by_its_uuid(api: Api, group: str) -> None:
    for method in ("GET", "DELETE"):
        assert await api.invalid("root", method, of(group)) == {"group"}
    assert await api.invalid("root", "PUT", of(group), limit()) == {"group"}


async def test_an_own_limit_is_set_moved_and_taken_away(
    api: Api, core: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(budgets, "now", lambda: 1_767_225_600_000_000)
    body = limit(9, group_id=core)
    made = (await api.call("hr", "PUT", of_user("ann"), body, expect=200)).json()
    assert made == {
        "user_id": api.ids["ann"],
        "group_id": core,
        "spend_limit_micros": 9,
        "created_at": "2026-01-01T00:00:00Z",
        "updated_at": "2026-01-01T00:00:00Z",
    }
    assert await api.get("ann", MINE) == made
    monkeypatch.setattr(budgets, "now", lambda: 1_767_225_601_000_000)
    body = limit(9, group_id=EVERYONE)
    moved = (await api.call("root", "PUT", of_user(api.ids["ann"]), body, expect=200)).json()
    assert moved == {**made, "group_id": EVERYONE, "updated_at": "2026-01-01T00:00:01Z"}
    assert (await api.call("hr", "DELETE", of_user("ANN"), expect=204)).content == b""
    for method in ("DELETE", "GET"):
        assert await api.refused(404, "hr", method, of_user("ann")) == NOT_FOUND


async def test_an_own_limit_is_read_by_oneself_and_written_by_who_may(api: Api) -> None:
    body = limit(group_id=EVERYONE)
    await api.call("root", "PUT", of_user("bob"), body, expect=200)
    expected = {"root": 200, "hr": 200, "aud": 404, "ann": 404, "bob": 200}
    assert await api.statuses("GET", of_user("bob")) == expected
    writers = {"root": 200, "hr": 200, "aud": 404, "ann": 404, "bob": 404}
    assert await api.statuses("PUT", of_user("bob"), body) == writers
    for who in ("aud", "ann", "bob"):
        for path in (of_user("bob"), of_user("nobody"), MINE):
            assert await api.refused(404, who, "PUT", path, body) == NOT_FOUND
            assert await api.refused(404, who, "DELETE", path) == NOT_FOUND
    assert await api.refused(404, "root", "PUT", of_user("nobody"), body) == NOT_FOUND


async def test_an_own_limit_is_charged_to_a_group_of_ones_own(api: Api, core: str) -> None:
    found = await api.refused(400, "hr", "PUT", of_user("bob"), limit(group_id=core))
    assert found == {
        "message": "User is not a member of the referenced group.",
        "validations": [{"field": "group_id", "detail": "user must be a member of this group"}],
    }
    body = limit(group_id=NIL)
    assert await api.refused(404, "hr", "PUT", of_user("bob"), body) == NOT_FOUND


async def test_leaving_or_deleting_the_group_takes_the_own_limit_away(api: Api, core: str) -> None:
    for user in ("ann", "aud"):
        body = limit(group_id=core)
        await api.call("hr", "PUT", of_user(user), body, expect=200)
    change = {"remove_users": ["ann"]}
    await api.call("hr", "PATCH", f"/groups/{core}", change, expect=200)
    assert await api.refused(404, "ann", "GET", MINE) == NOT_FOUND
    await api.call("aud", "GET", MINE, expect=200)
    await api.call("hr", "DELETE", f"/groups/{core}", expect=200)
    assert await api.refused(404, "aud", "GET", MINE) == NOT_FOUND


async def test_what_is_done_to_budgets_is_on_record_in_dollars(api: Api, core: str) -> None:
    before = len(api.acts())
    await api.call("hr", "DELETE", of(core), expect=404)
    await api.call("hr", "DELETE", of_user("ann"), expect=404)
    await api.call("hr", "PUT", of(core), limit(MOST + 1), expect=400)
    assert len(api.acts()) == before
    await api.call("hr", "PUT", of(core), limit(1_500_000), expect=200)
    await api.call("hr", "PUT", of(core), limit(0), expect=200)
    await api.call("hr", "DELETE", of(core), expect=204)
    await api.call("hr", "PUT", of_user("ann"), limit(1, group_id=core), expect=200)
    await api.call("hr", "DELETE", of_user("ann"), expect=204)
    acts = [
        (row.action, row.resource_type, row.resource_id, json.loads(row.diff))
        for row in api.acts()[before:]
    ]
    ann = api.ids["ann"]

    def diff(old: Any, new: Any) -> dict[str, Any]:
        return {"old": old, "new": new, "secret": False}

    assert acts == [
        ("create", "group_ai_budget", core, {"spend_limit": diff("$0.00", "$1.50")}),
        ("write", "group_ai_budget", core, {"spend_limit": diff("$1.50", "$0.00")}),
        ("delete", "group_ai_budget", core, {"spend_limit": diff("$0.00", None)}),
        (
            "create",
            "user_ai_budget_override",
            ann,
            {"spend_limit": diff("$0.00", "$0.000001"), "group_id": diff(None, core)},
        ),
        (
            "delete",
            "user_ai_budget_override",
            ann,
            {"spend_limit": diff("$0.000001", None), "group_id": diff(core, None)},
        ),
    ]
