"""Caps: limits beside the budgets, set by who may set budgets."""

from typing import Any

import pytest

from aibridge.ids import now
from aibridge.principals import EVERYONE
from aibridge.store.schema.tables import account_spend
from tests.api.people_api import NIL, Api
from tests.api.test_groups import create

CAPS = "/api/experimental/ai/spend-caps"
DAY = 86_400_000_000


def cap(**more: Any) -> dict[str, Any]:
    """What is asked for a cap of all spending a day."""
    wanted = {"scope": "group", "target_id": EVERYONE, "period": "day", "spend_limit_micros": 5}
    return {**wanted, **more}


async def test_a_cap_is_set_replaced_listed_and_lifted(api: Api) -> None:
    made = (await api.call("hr", "PUT", CAPS, cap(), expect=200)).json()
    assert (made["target_name"], made["current_spend_micros"]) == ("Everyone", 0)
    today = now() // DAY * DAY
    spent = [("group:" + EVERYONE, today, 7), ("group:" + EVERYONE, today - DAY, 9)]
    with api.database.write() as connection:
        names = ("account", "day", "cost_micros")
        rows = [dict(zip(names, row, strict=True)) for row in spent]
        connection.execute(account_spend.insert(), rows)
    again = (await api.call("root", "PUT", CAPS, cap(spend_limit_micros=6), expect=200)).json()
    assert again == {
        **made,
        "spend_limit_micros": 6,
        "current_spend_micros": 7,
        "updated_at": again["updated_at"],
    }
    assert await api.get("aud", CAPS) == [again]
    await api.call("root", "DELETE", f"{CAPS}/{made['id']}", expect=204)
    assert await api.get("root", CAPS) == []
    await api.refused(404, "root", "DELETE", f"{CAPS}/{made['id']}")
    (*_, lifted) = api.acts()
    assert (lifted.resource_type, lifted.resource_target) == ("ai_spend_cap", "group Everyone")


async def test_caps_are_read_by_who_reads_budgets_and_set_by_who_sets_them(api: Api) -> None:
    readers = {"root": 200, "hr": 200, "aud": 200, "ann": 404, "bob": 404}
    assert await api.statuses("GET", CAPS) == readers
    writers = {"root": 200, "hr": 200, "aud": 404, "ann": 404, "bob": 404}
    assert await api.statuses("PUT", CAPS, cap()) == writers
    assert set((await api.statuses("DELETE", f"{CAPS}/{NIL}")).values()) == {404}


@pytest.mark.parametrize(
    ("wanted", "field"),
    [
        (cap(period="total"), "period"),
        (cap(scope="member", period="month"), "period"),
        (cap(scope="session", period="day"), "period"),
        (cap(scope="user"), "target_id"),
        (cap(scope="token", target_id="abcdefghij"), "target_id"),
        (cap(target_id=NIL), "target_id"),
        (cap(spend_limit_micros=10**12 + 1), "spend_limit_micros"),
        (cap(spend_limit_micros=-1), "spend_limit_micros"),
        (cap(scope="all"), "scope"),
        (cap(period="year"), "period"),
    ],
)
async def test_caps_that_are_refused(api: Api, wanted: dict[str, Any], field: str) -> None:
    refused = await api.refused(400, "root", "PUT", CAPS, wanted)
    assert [each["field"] for each in refused["validations"]] == [field]
    assert await api.get("root", CAPS) == []


async def test_a_cap_goes_with_the_group_or_token_that_it_is_of(api: Api) -> None:
    core = await create(api, "core")
    token = api.token("ann")
    id_ = token.partition("-")[0]
    await api.call("root", "PUT", CAPS, cap(target_id=core), expect=200)
    of_token = cap(scope="token", target_id=id_, period="total")
    await api.call("root", "PUT", CAPS, of_token, expect=200)
    assert len(await api.get("root", CAPS)) == 2
    await api.call("root", "DELETE", f"/groups/{core}", expect=200)
    await api.call("ann", "DELETE", f"/users/ann/keys/{id_}", expect=204)
    assert await api.get("root", CAPS) == []
