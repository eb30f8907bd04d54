"""What other limits would have refused, by tables and against what must hold for all of them."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aibridge.budgets.effective import GroupLimit, OwnLimit, UserLimits, effective_budget
from aibridge.budgets.simulation import Month, Policy, UserMonth, limits_under, replay, total
from aibridge.principals import EVERYONE
from tests.builders import ANA, BEN, DAY, START

CORE, WEB, NEW = "g-core", "g-web", "g-new"
FEBRUARY = START + 31 * DAY


def day(number: int) -> int:
    return START + number * DAY


@pytest.mark.parametrize(
    ("limit", "days", "since", "expected"),
    [
        (None, [(0, 5), (1, 6)], 0, [Month(START, 11, 0, None)]),
        (12, [(0, 5), (1, 6)], 0, [Month(START, 11, 0, None)]),
        (11, [(0, 5), (1, 6)], 0, [Month(START, 11, 0, day(1))]),
        (10, [(1, 6), (0, 5)], 0, [Month(START, 11, 1, day(1))]),
        (5, [(0, 5), (1, 6), (2, 0)], 0, [Month(START, 11, 6, day(0))]),
        (0, [(3, 0)], 0, [Month(START, 0, 0, day(3))]),
        (0, [(3, 7)], 0, [Month(START, 7, 7, day(3))]),
        # What was spent before counts, and is not refused.
        (10, [(0, 8), (4, 3), (5, 1)], 4, [Month(START, 4, 2, day(4))]),
        (5, [(0, 8), (4, 3)], 4, [Month(START, 3, 3, day(4))]),
        (5, [(0, 8)], 4, []),
        # Each month has the whole limit.
        (
            5,
            [(30, 7), (31, 6), (58, 1)],
            0,
            [Month(START, 7, 2, day(30)), Month(FEBRUARY, 7, 2, FEBRUARY)],
        ),
        (5, [], 0, []),
    ],
)
def test_a_limit_is_reached_on_a_day_and_what_is_beyond_it_in_the_month_is_refused(
    limit: int | None, days: list[tuple[int, int]], since: int, expected: list[Month]
) -> None:
    used = [(day(number), cost) for number, cost in days]
    assert replay(limit, used, day(since)) == expected


PRESENT = UserLimits(None, (GroupLimit(CORE, 5, 1), GroupLimit(WEB, 7, 2)))
IN_ALL = {CORE: 1, WEB: 2, NEW: 3}


@pytest.mark.parametrize(
    ("policy", "present", "group", "limit"),
    [
        (Policy(), PRESENT, WEB, 7),
        (Policy({WEB: 3}), PRESENT, CORE, 5),
        (Policy({WEB: 5}), PRESENT, CORE, 5),
        (Policy({WEB: None}), PRESENT, CORE, 5),
        (Policy({WEB: None, CORE: None}), PRESENT, EVERYONE, None),
        (Policy({NEW: 9}), PRESENT, NEW, 9),
        (Policy({"g-other": 9}), PRESENT, WEB, 7),
        (Policy({}, {ANA: OwnLimit(CORE, 0)}), PRESENT, CORE, 0),
        (Policy({}, {BEN: OwnLimit(CORE, 0)}), PRESENT, WEB, 7),
        (Policy({}, {ANA: None}), UserLimits(OwnLimit(CORE, 9), PRESENT.groups), WEB, 7),
        (Policy({WEB: 1}), UserLimits(OwnLimit(CORE, 9), PRESENT.groups), CORE, 9),
    ],
)
def test_a_policy_replaces_what_it_names_and_nothing_else(
    policy: Policy, present: UserLimits, group: str, limit: int | None
) -> None:
    limits = limits_under(policy, ANA, present, IN_ALL)
    budget = effective_budget(limits.own, limits.groups, EVERYONE)
    assert (budget.group_id, budget.spend_limit_micros) == (group, limit)


def test_totals_count_each_user_once() -> None:
    budget = effective_budget(None, (), EVERYONE)
    months = [
        UserMonth(ANA, budget, Month(START, 5, 2, START)),
        UserMonth(ANA, budget, Month(FEBRUARY, 7, 3, FEBRUARY)),
        UserMonth(BEN, budget, Month(START, 11, 0, None)),
    ]
    assert total(months) == (23, 5, 2, 1)
    assert total([]) == (0, 0, 0, 0)


costs = st.integers(0, 30)
days_used = st.dictionaries(st.integers(0, 89), costs, max_size=12).map(
    lambda found: [(day(number), cost) for number, cost in found.items()]
)


@given(days_used, st.integers(0, 89), costs, costs)
def test_no_limit_refuses_nothing_and_a_lower_one_never_less(
    days: list[tuple[int, int]], since: int, one: int, other: int
) -> None:
    low, high = sorted((one, other))
    first = day(since)
    unlimited, higher, lower = (replay(limit, days, first) for limit in (None, high, low))
    spent = sum(cost for at, cost in days if at >= first)
    for months in (unlimited, higher, lower):
        assert sum(month.spent for month in months) == spent
        assert all(0 <= month.refused <= month.spent for month in months)
    assert not any(month.refused for month in unlimited)
    for less, more in zip(lower, higher, strict=True):
        assert less.start == more.start
        assert less.refused >= more.refused
        starts = [datetime.fromtimestamp(month.start / 1e6, UTC).day for month in (less, more)]
        assert starts == [1, 1]
        if more.refused:
            assert more.reached_on is not None
        if more.reached_on is not None:
            assert less.reached_on is not None
            assert less.reached_on <= more.reached_on
