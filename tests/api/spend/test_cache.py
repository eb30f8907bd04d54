"""What caches saved and what missing them cost, as the API tells it."""

from typing import Any

import pytest

from aibridge.api.spend import cache
from aibridge.budgets.caching import TooManyCallsError
from tests.api.people_api import NOT_FOUND, Api
from tests.api.spend.conftest import JANUARY, ORGANIZATION
from tests.caching import record_cached

PATH = f"{ORGANIZATION}/ai/spend/cache"
OF_BOB = {
    "request_count": 2,
    "input_tokens": 50,
    "cache_read_input_tokens": 0,
    "cache_write_input_tokens": 100,
    "saved_micros": 0,
    "write_extra_micros": 75,
    "net_micros": -75,
    "missed_input_tokens": 50,
    "miss_cost_micros": 135,
    "unpriced_usage_count": 0,
    "misses": [{"reason": "unknown", "miss_count": 1, "input_tokens": 50, "cost_micros": 135}],
}


@pytest.fixture
def _recorded(api: Api) -> None:
    with api.database.write() as connection:
        record_cached(connection, api.ids["ann"], api.ids["bob"])


async def keys(api: Api, who: str, **query: Any) -> list[tuple[str, str, int]]:
    found = await api.get(who, PATH, **query)
    return [(part["key"], part["username"], part["miss_cost_micros"]) for part in found["parts"]]


@pytest.mark.usefixtures("_recorded")
async def test_the_dearest_misses_come_first_and_all_add_up(api: Api) -> None:
    found = await api.get("root", PATH)
    first, second = found.pop("parts")
    assert (first["key"], first["miss_cost_micros"]) == ("s", 3795)
    assert second == {"key": "t", "user_id": api.ids["bob"], "username": "bob", **OF_BOB}
    totals = found.pop("totals")
    assert found == {**JANUARY, "by": "session", "count": 2}
    for name in OF_BOB.keys() - {"misses"}:
        assert totals[name] == first[name] + second[name]
    assert [each["reason"] for each in totals["misses"]] == ["expired", "unknown"]


@pytest.mark.usefixtures("_recorded")
async def test_ways_filters_and_pages(api: Api) -> None:
    clients = [("Claude Code", "", 3795), ("Codex", "", 135)]
    assert await keys(api, "root", by="client") == clients
    assert await keys(api, "root", by="client", limit=1, offset=1) == clients[1:]
    assert await keys(api, "root", by="model", client="Codex") == [("opus", "", 135)]
    assert await keys(api, "root", user="bob") == [("t", "bob", 135)]


@pytest.mark.usefixtures("_recorded")
async def test_who_may_not_read_others_sees_their_own_alone(api: Api) -> None:
    assert await keys(api, "bob") == [("t", "bob", 135)]
    assert await api.refused(404, "bob", "GET", f"{PATH}?user=ann") == NOT_FOUND


async def test_a_period_is_of_31_days_and_not_too_many_calls(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    days = "period_start=2026-01-01T00:00:00Z&period_end=2026-02-02T00:00:00Z"
    refused = await api.refused(400, "root", "GET", f"{PATH}?{days}")
    assert refused["message"] == "Query period must not exceed 31 days."

    def too_many(*_: object, **__: object) -> None:
        raise TooManyCallsError

    monkeypatch.setattr(cache, "cache_economics", too_many)
    refused = await api.refused(400, "root", "GET", PATH)
    assert refused["message"].startswith("The period has more than 200,000 calls: ask for")
