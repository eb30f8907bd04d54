"""What was spent as a CSV file."""

import csv
from io import StringIO
from typing import Any

import pytest

from tests.api.people_api import NOT_FOUND, Api
from tests.api.spend.conftest import ORGANIZATION, Spend
from tests.api.test_groups import EVERYONE, create
from tests.builders import uid

EXPORT = f"{ORGANIZATION}/ai/spend/export"
COLUMNS = (
    "user_id,username,group_id,group_name,organization_id,organization_name,model,provider,"
    "provider_name,input_tokens,output_tokens,cache_read_tokens,cache_write_tokens,cost_micros,"
    "period_start,period_end"
)
"""Those of the contract, in its order."""


async def exported(api: Api, who: str = "root", **query: str) -> str:
    answer = await api.call(who, "GET", EXPORT, params=query, media="text/csv", expect=200)
    return answer.content.decode()


async def rows(api: Api, **query: str) -> list[dict[str, str]]:
    return list(csv.DictReader(StringIO(await exported(api, **query))))


async def test_a_file_has_the_columns_of_the_contract_in_its_order_and_one_behind_them(
    api: Api,
) -> None:
    assert await exported(api) == f"{COLUMNS},unpriced_usage_count\n"


async def test_a_row_is_what_a_user_used_of_a_model_through_a_provider_for_a_group(
    api: Api, spend: Spend
) -> None:
    core = await create(api, "core", "ann")
    spend("ann", 5, group=core, provider="azure", provider_name="east", tokens=(1, 2, 3, 4))
    spend("ann", 6, group=core, provider="azure", provider_name="east", day=1, client="Codex")
    (row,) = await rows(api)
    assert row == {
        "user_id": api.ids["ann"],
        "username": "ann",
        "group_id": core,
        "group_name": "core",
        "organization_id": EVERYONE,
        "organization_name": "default",
        "model": "sonnet",
        "provider": "openai",
        "provider_name": "east",
        "input_tokens": "1",
        "output_tokens": "2",
        "cache_read_tokens": "3",
        "cache_write_tokens": "4",
        "cost_micros": "11",
        "period_start": "2026-01-01T00:00:00Z",
        "period_end": "2026-02-01T00:00:00Z",
        "unpriced_usage_count": "0",
    }


async def test_rows_without_a_group_a_user_or_a_price_are_in_the_file(
    api: Api, spend: Spend
) -> None:
    gone = uid(900)
    spend("ann", 1)
    spend("ann", 20, group=gone)
    spend(gone, 0, model="unheard-of", unpriced=3)
    found = await rows(api)
    told = [(row["username"], row["group_id"], row["group_name"]) for row in found]
    assert sorted(told) == [("", "", ""), ("ann", "", ""), ("ann", gone, "")]
    report = await api.get("root", f"{ORGANIZATION}/ai/spend/users")
    for column, name in (("cost_micros", "cost_micros"), ("unpriced_usage_count",) * 2):
        assert sum(int(row[column]) for row in found) == report["totals"][name]
    (unpriced,) = (row for row in found if row["model"] == "unheard-of")
    assert (unpriced["cost_micros"], unpriced["unpriced_usage_count"]) == ("0", "3")


@pytest.mark.parametrize(
    ("model", "cell"),
    [
        ("=1+1", "'=1+1"),
        ("+1", "'+1"),
        ("-1", "'-1"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\tx", "'\tx"),
        ("\rx", "'\rx"),
        ('a"b,c', 'a"b,c'),
        ("a\nb=1", "a\nb=1"),
        ("gpt-5", "gpt-5"),
        ("", ""),
    ],
)
async def test_a_cell_that_begins_like_a_formula_is_a_text(
    api: Api, spend: Spend, model: str, cell: str
) -> None:
    spend("ann", 1, model=model)
    (row,) = csv.DictReader(StringIO(await exported(api), newline=""))
    assert row["model"] == cell


async def test_a_file_is_named_after_the_organization_and_the_period(api: Api) -> None:
    answer = await api.call("root", "GET", EXPORT, media="text/csv")
    name = "ai-spend-export-default-2026-01-01-to-2026-02-01.csv"
    assert answer.headers["content-disposition"] == f'attachment; filename="{name}"'
    query = {"period_start": "2025-12-30T00:00:00Z", "period_end": "2026-01-02T00:00:00Z"}
    answer = await api.call("root", "GET", EXPORT, params=query, media="text/csv")
    assert "default-2025-12-30-to-2026-01-02.csv" in answer.headers["content-disposition"]


async def test_a_file_is_of_the_period_and_what_else_is_asked_for(api: Api, spend: Spend) -> None:
    core = await create(api, "core", "ann")
    spend("ann", 1, day=-1)
    spend("ann", 20, group=core)
    spend("ann", 300, model="opus")
    spend("bob", 4000, provider_name="other")

    async def costs(**query: str) -> list[int]:
        return sorted(int(row["cost_micros"]) for row in await rows(api, **query))

    assert await costs() == [20, 300, 4000]
    december = {"period_start": "2025-12-01T00:00:00Z", "period_end": "2026-01-01T00:00:00Z"}
    assert await costs(**december) == [1]
    assert await costs(user_id=api.ids["ann"]) == [20, 300]
    assert await costs(group_id=core.upper()) == [20]
    assert await costs(model="opus") == [300]
    assert await costs(provider_name="other") == [4000]
    assert await costs(provider_name="other", model="opus") == []


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ({"period_start": "2026-01-01T00:00:00Z"}, "must be provided together."),
        (
            {"period_start": "2026-01-01T00:00:00Z", "period_end": "2026-02-01T00:00:01Z"},
            "Query period must not exceed 31 days.",
        ),
        ({"user_id": "ann"}, "Query parameters have invalid values."),
        ({"client": "Codex"}, "Query parameters have invalid values."),
    ],
)
async def test_what_cannot_be_asked_for_is_refused_in_json(
    api: Api, query: dict[str, Any], message: str
) -> None:
    refused = await api.refused(400, "root", "GET", EXPORT, params=query)
    assert refused["message"].endswith(message)


async def test_a_file_of_everybody_is_for_who_may_read_all_users(api: Api) -> None:
    for who in ("root", "hr", "aud"):
        assert await exported(api, who)
    for who in ("ann", "bob"):
        refused = await api.refused(403, who, "GET", EXPORT)
        assert refused["message"] == "Forbidden."
    other = EXPORT.replace("default", "other")
    assert await api.refused(404, "root", "GET", other) == NOT_FOUND
