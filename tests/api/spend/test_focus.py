"""What was spent as FOCUS 1.2, as it is asked for and answered."""

import csv
import hashlib
from collections.abc import Callable
from datetime import timedelta
from io import BytesIO, StringIO
from typing import Any

import pytest
from pyarrow import parquet

from aibridge.api.spend import focus
from aibridge.focus import export
from tests.api.people_api import NOT_FOUND, Api
from tests.api.spend.conftest import JANUARY, NOON
from tests.builders import DAY, Call, record

FOCUS = "/api/experimental/organizations/default/ai/spend/export/focus"


@pytest.fixture(autouse=True)
def _used(api: Api) -> None:
    """Two calls of ann's and one of bob's on the first days of January, without prices."""
    with api.database.write() as connection:
        record(
            connection,
            Call(1, 0, api.ids["ann"], tokens=((1, 2, 0, 0),)),
            Call(2, 60, api.ids["ann"], tokens=((10, 20, 0, 0),)),
            Call(3, 86_400, api.ids["bob"], tokens=((5, 0, 0, 0),)),
        )


async def exported(api: Api, who: str = "root", **query: Any) -> list[dict[str, str]]:
    answer = await api.call(who, "GET", FOCUS, params=query, media="text/csv", expect=200)
    return list(csv.DictReader(StringIO(answer.text, newline="")))


async def used(api: Api, **query: Any) -> list[tuple[str, str, str]]:
    names = ("x_TokenType", "ConsumedQuantity", "x_PricingStatus")
    found = [tuple(row[name] for name in names) for row in await exported(api, **query)]
    return sorted(found)  # type: ignore[arg-type]


async def test_a_file_says_its_version_checksum_number_of_rows_and_name(api: Api) -> None:
    answer = await api.call("root", "GET", FOCUS, media="text/csv", expect=200)
    headers = answer.headers
    assert headers["x-focus-version"] == "1.2"
    assert headers["x-checksum-sha256"] == hashlib.sha256(answer.content).hexdigest()
    assert headers["x-row-count"] == str(answer.text.count("\n") - 1) == "3"
    assert headers["content-length"] == str(len(answer.content))
    name = "ai-spend-focus-default-2026-01-01-to-2026-02-01.csv"
    assert headers["content-disposition"] == f'attachment; filename="{name}"'


async def test_users_and_the_organization_are_named(api: Api) -> None:
    row = (await exported(api))[0]
    assert (row["BillingAccountName"], row["SubAccountName"]) == ("default", "")
    assert row["Tags"] == '{"coder.username":"ann","aibridge.client":"Claude Code"}'


async def test_usage_is_added_up_by_the_hour_or_as_it_is_asked_for(api: Api) -> None:
    by_hour = [
        ("input", "11", "unpriced"),
        ("input", "5", "unpriced"),
        ("output", "22", "unpriced"),
    ]
    assert await used(api) == await used(api, granularity="3600") == by_hour
    assert await used(api, granularity="") == await used(api, granularity="86400") == by_hour
    assert len(await used(api, granularity="60")) == len(await used(api, granularity="0")) == 5


async def test_a_file_is_of_the_period_and_what_else_is_asked_for(api: Api) -> None:
    assert len(await used(api, **JANUARY)) == 3
    day = {"period_start": "2026-01-02T00:00:00Z", "period_end": "2026-01-03T00:00:00Z"}
    assert await used(api, **day) == [("input", "5", "unpriced")]
    assert len(await used(api, user_id=api.ids["ann"])) == 2
    assert len(await used(api, model="sonnet", provider_name="claude")) == 3
    assert await used(api, model="opus") == await used(api, provider_name="other") == []


async def test_parquet_is_answered_where_it_can_be_written(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with api._client() as client:
        headers = {"Coder-Session-Token": api.tokens["root"]}
        answer = await client.get(FOCUS, params={"format": "parquet"}, headers=headers)
    assert answer.headers["content-type"] == "application/vnd.apache.parquet"
    assert answer.headers["content-disposition"].endswith('.parquet"')
    assert parquet.read_table(BytesIO(answer.content)).num_rows == 3
    monkeypatch.setattr(focus, "has_parquet", lambda: False)
    refused = await api.refused(400, "root", "GET", FOCUS, params={"format": "parquet"})
    assert refused["message"] == "Format parquet is not available."
    assert "ask for csv" in refused["detail"]


@pytest.mark.parametrize(
    ("query", "field", "told"),
    [
        ({"format": "xml"}, "format", '"xml" is none of csv, parquet'),
        ({"granularity": "-1"}, "granularity", "must be from 0 to 86400 seconds"),
        ({"granularity": "86401"}, "granularity", "must be from 0 to 86400 seconds"),
        ({"granularity": "1h"}, "granularity", "must be a valid integer"),
        ({"client": "Codex"}, "client", "is not a valid query param"),
        ({"user_id": "ann"}, "user_id", "must be a valid uuid"),
    ],
)
async def test_what_cannot_be_asked_for_is_named(
    api: Api, query: dict[str, str], field: str, told: str
) -> None:
    refused = await api.refused(400, "root", "GET", FOCUS, params=query)
    (complaint,) = refused["validations"]
    assert complaint["field"] == field
    assert told in complaint["detail"]


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ({"period_start": "2026-01-01T00:00:00Z"}, "must be provided together."),
        (
            {"period_start": "2026-01-01T00:00:00Z", "period_end": "2026-02-01T00:00:01Z"},
            "Query period must not exceed 31 days.",
        ),
    ],
)
async def test_periods_are_as_with_the_other_file(
    api: Api, query: dict[str, str], message: str
) -> None:
    refused = await api.refused(400, "root", "GET", FOCUS, params=query)
    assert refused["message"].endswith(message)


async def test_a_file_is_of_what_is_still_on_record(api: Api, at: Callable[[int], None]) -> None:
    api.change(retention=timedelta(days=10, hours=1))  # since eleven o'clock on the first
    refused = await api.refused(400, "root", "GET", FOCUS, params=JANUARY)
    assert "must be 2026-01-02T00:00:00Z or later" in refused["message"]
    assert await used(api) == [("input", "5", "unpriced")]
    at(NOON + DAY)
    assert await used(api) == []


async def test_a_file_that_is_too_large_is_refused(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export, "MAX_BYTES", 1000)
    refused = await api.refused(400, "root", "GET", FOCUS)
    assert refused["message"] == "The export is too large."
    assert refused["detail"].endswith("Ask for a shorter period, or for a coarser granularity.")


async def test_a_file_of_everybody_is_for_who_may_read_all_users(api: Api) -> None:
    for who in ("root", "hr", "aud"):
        assert await exported(api, who)
    for who in ("ann", "bob"):
        refused = await api.refused(403, who, "GET", FOCUS)
        assert refused["message"] == "Forbidden."
    other = FOCUS.replace("default", "other")
    assert await api.refused(404, "root", "GET", other) == NOT_FOUND
