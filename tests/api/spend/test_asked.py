"""Which period a request asks for, and which it may not."""

from typing import Any

import pytest
from sqlalchemy import Connection

from aibridge.api.errors import ApiError
from aibridge.api.parameters import Parameters
from aibridge.api.spend.asked import EXPORT_DAYS, period
from aibridge.ids import moment
from tests.api.people_api import Api
from tests.api.spend.conftest import ORGANIZATION
from tests.api.test_groups import EVERYONE
from tests.api.test_lists import ENDLESS

BAD = "must be a valid date format (2006-01-02T15:04:05.999999999Z07:00)"


def asked(start: str = "", end: str = "", days: int = EXPORT_DAYS) -> tuple[str, str]:
    query = {"period_start": start, "period_end": end}
    found = period(Parameters(query), most_days=days)
    return tuple(f"{moment(at):%Y-%m-%dT%H:%M:%S}" for at in found)  # type: ignore[return-value]


@pytest.mark.parametrize(
    ("start", "end", "first", "last"),
    [
        ("", "", "2026-01-01", "2026-02-01"),
        ("2026-01-05T00:00:00Z", "2026-01-06T00:00:00Z", "2026-01-05", "2026-01-06"),
        ("2026-01-05T00:00:00Z", "2026-02-05T00:00:00Z", "2026-01-05", "2026-02-05"),
        ("2026-01-05T23:59:59Z", "2026-01-06T00:00:00.000001Z", "2026-01-05", "2026-01-07"),
        ("2026-01-05T00:00:00+02:00", "2026-01-06T00:00:00+02:00", "2026-01-04", "2026-01-06"),
        ("2026-01-05", "2026-01-06", "2026-01-05", "2026-01-06"),
        ("2026-01-05T10:00:00Z", "2026-01-05T10:00:00.000000001Z", "2026-01-05", "2026-01-06"),
        ("1969-12-31T00:00:00Z", "1970-01-02T00:00:00Z", "1970-01-01", "1970-01-02"),
        ("0001-01-01T00:00:00Z", "0001-01-02T00:00:00Z", "1970-01-01", "1970-01-01"),
        ("9999-12-30T00:00:00Z", "9999-12-31T23:59:59Z", "2255-06-05", "2255-06-05"),
    ],
)
def test_a_period_is_of_the_days_in_utc_that_it_touches(
    start: str, end: str, first: str, last: str
) -> None:
    assert asked(start, end) == (f"{first}T00:00:00", f"{last}T00:00:00")


@pytest.mark.parametrize(
    ("start", "end", "message"),
    [
        ("2026-01-05", "", 'parameters "period_start" and "period_end" must be provided together'),
        ("", "2026-01-05", 'parameters "period_start" and "period_end" must be provided together'),
        ("2026-01-05", "2026-01-05", 'parameter "period_start" must be before "period_end"'),
        ("2026-01-06", "2026-01-05", 'parameter "period_start" must be before "period_end"'),
        ("2026-01-05", "2026-02-05T00:00:00.000001Z", "period must not exceed 31 days"),
        ("0001-01-01T00:00:00Z", "9999-12-31T00:00:00Z", "period must not exceed 31 days"),
    ],
)
def test_a_period_has_both_bounds_in_their_order_and_31_days_at_most(
    start: str, end: str, message: str
) -> None:
    with pytest.raises(ApiError) as caught:
        asked(start, end)
    assert caught.value.status == 400
    assert caught.value.body.message == f"Query {message}."


def test_a_report_may_be_of_a_whole_leap_year() -> None:
    year = ("2028-01-01T00:00:00", "2029-01-01T00:00:00")
    assert asked("2028-01-01", "2029-01-01", days=366) == year
    with pytest.raises(ApiError, match="must not exceed 366 days"):
        asked("2028-01-01", "2029-01-02", days=366)


def test_bad_times_are_all_told_in_the_words_of_the_contract() -> None:
    with pytest.raises(ApiError) as caught:
        asked("noon", "2026-13-01T00:00:00Z")
    told = caught.value.body.validations
    assert [one.field for one in told] == ["period_start", "period_end"]
    for one in told:
        assert one.detail.startswith(f'Query param "{one.field}" {BAD}: parsing time "')


@pytest.mark.parametrize(
    ("module", "function", "path"),
    [
        ("status", "spend_of_users", "/users/me/ai/spend"),
        ("status", "spend_of_groups", f"/groups/{EVERYONE}/ai/spend"),
        ("by_user", "sums", f"{ORGANIZATION}/ai/spend/users"),
        ("breakdown", "sums", f"{ORGANIZATION}/ai/spend"),
        ("export", "sums", f"{ORGANIZATION}/ai/spend/export"),
    ],
)
async def test_what_takes_too_long_is_broken_off_with_what_to_ask_for_instead(
    api: Api, monkeypatch: pytest.MonkeyPatch, module: str, function: str, path: str
) -> None:
    def endless(connection: Connection, *_: object, **_options: object) -> Any:
        return list(connection.exec_driver_sql(ENDLESS))

    room = f"aibridge.api.spend.{module}"
    monkeypatch.setattr(f"{room}.{function}", endless)
    monkeypatch.setattr(f"{room}.READING_SECONDS", 0.05)
    refused = await api.refused(503, "root", "GET", path)
    assert refused["message"] == "This takes too long."
    assert "shorter time (period_start, period_end)" in refused["detail"]
