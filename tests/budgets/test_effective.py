"""Which budget applies, and for which month: tables of the rule."""

from datetime import UTC, datetime
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aibridge.budgets.effective import (
    EffectiveBudget,
    GroupLimit,
    OwnLimit,
    effective_budget,
)
from aibridge.budgets.periods import Period, month_of
from aibridge.contract.words import LimitSource

EVERYONE = "e"
UNLIMITED = EffectiveBudget(EVERYONE, None, None)


def of_group(group_id: str, limit: int) -> EffectiveBudget:
    return EffectiveBudget(group_id, limit, LimitSource.GROUP)


@pytest.mark.parametrize(
    ("groups", "expected"),
    [
        pytest.param([], UNLIMITED, id="no group has a budget"),
        pytest.param([("a", 5, 1)], of_group("a", 5), id="one budget"),
        pytest.param([("a", 5, 1), ("b", 7, 9)], of_group("b", 7), id="the highest"),
        pytest.param([("a", 0, 1)], of_group("a", 0), id="nothing is a limit too"),
        pytest.param([("a", 0, 1), ("b", 1, 9)], of_group("b", 1), id="more than nothing"),
        pytest.param([("b", 5, 1), ("a", 5, 2)], of_group("b", 5), id="tie: member for longest"),
        pytest.param([("b", 5, 1), ("a", 5, 1)], of_group("a", 5), id="tie: lowest id"),
        pytest.param([(EVERYONE, 5, 0), ("a", 4, 1)], of_group(EVERYONE, 5), id="everyone's"),
    ],
)
def test_the_highest_limit_of_a_users_groups_applies(
    groups: list[tuple[str, int, int]], expected: EffectiveBudget
) -> None:
    for order in permutations(groups):
        assert effective_budget(None, [GroupLimit(*one) for one in order], EVERYONE) == expected


@pytest.mark.parametrize("limit", [0, 3, 9])
def test_an_own_limit_replaces_any_groups_and_is_charged_to_its_group(limit: int) -> None:
    found = effective_budget(OwnLimit("b", limit), [GroupLimit("a", 5, 1)], EVERYONE)
    assert found == EffectiveBudget("b", limit, LimitSource.USER_OVERRIDE)


def micros(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp()) * 1_000_000


@pytest.mark.parametrize(
    ("at", "start", "end"),
    [
        ("2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z"),
        ("2026-01-31T23:59:59Z", "2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z"),
        ("2026-02-01T00:30:00+01:00", "2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z"),
        ("2026-02-01T00:00:00Z", "2026-02-01T00:00:00Z", "2026-03-01T00:00:00Z"),
        ("2028-02-29T12:00:00Z", "2028-02-01T00:00:00Z", "2028-03-01T00:00:00Z"),
        ("2026-04-30T12:00:00Z", "2026-04-01T00:00:00Z", "2026-05-01T00:00:00Z"),
        ("2026-12-15T12:00:00Z", "2026-12-01T00:00:00Z", "2027-01-01T00:00:00Z"),
        ("1970-01-01T00:00:00Z", "1970-01-01T00:00:00Z", "1970-02-01T00:00:00Z"),
    ],
)
def test_a_period_is_the_calendar_month_in_utc(at: str, start: str, end: str) -> None:
    assert month_of(micros(at)) == Period(micros(start), micros(end))


moments = st.integers(0, micros("2255-01-01T00:00:00Z"))


@given(moments)
def test_months_follow_each_other_without_a_gap(at: int) -> None:
    month = month_of(at)
    assert month.start <= at < month.end
    assert month_of(month.start) == month_of(month.end - 1) == month
    assert month_of(month.end).start == month.end
    first = datetime.fromtimestamp(month.start / 1_000_000, UTC)
    assert (first.day, first.hour, first.minute) == (1, 0, 0)
