"""Adding up parts by windows of time."""

import pytest

from aibridge.focus.parts import Status, UsedPart
from aibridge.focus.windows import Amount, Windows
from tests.builders import DAY, SECOND, START
from tests.focus.rows import call

PART = UsedPart("input", Status.PRICED, 300_000_000, "a/b/input", "a/b/input", 2, 6_000_000)


@pytest.mark.parametrize(
    ("granularity", "at", "start", "end"),
    [
        (3600, 3599, 0, 3600),
        (3600, 3600, 3600, 7200),
        (86_400, 86_399, 0, 86_400),
        (7000, 86_399, 84_000, 86_400),  # the last of a day is shorter
        (7000, 86_400, 86_400, 93_400),
        (1, 5, 5, 6),
        (0, 5, 5, 6),
    ],
)
def test_a_window_begins_at_midnight_or_where_another_ended(
    granularity: int, at: int, start: int, end: int
) -> None:
    windows = Windows(granularity)
    windows.add(call(ended_at=START + at * SECOND + 1), "u", "msg", PART)
    ((charge, _),) = windows.take()
    assert (charge.start, charge.end) == (START + start * SECOND, START + end * SECOND)


def test_what_is_the_same_in_a_window_is_added_up_and_counted() -> None:
    windows = Windows(3600)
    windows.add(call(id="1", session_id="a"), "u1", "msg-1", PART)
    windows.add(call(id="2", session_id="b", client=None), "u2", "msg-2", PART)
    windows.add(call(id="3", session_id="c"), "u3", "msg-3", PART)
    lines = list(windows.take())
    assert [(charge.client, amount) for charge, amount in lines] == [
        ("Claude Code", Amount(4, 12_000_000, 2)),
        ("Unknown", Amount(2, 6_000_000, 1)),
    ]
    assert {charge[-4:] for charge, _ in lines} == {("", "", "", "")}


def test_without_a_granularity_each_usage_row_stands_by_itself() -> None:
    windows = Windows(0)
    windows.add(call(id="1"), "u1", "msg-1", PART)
    windows.add(call(id="1"), "u2", "msg-1", PART)
    assert [(charge[-4:], amount.rows) for charge, amount in windows.take()] == [
        (("session-1", "1", "u1", "msg-1"), 1),
        (("session-1", "1", "u2", "msg-1"), 1),
    ]


def test_windows_are_taken_in_order_once_they_are_over() -> None:
    windows = Windows(86_400)
    for day in (2, 0, 1):
        windows.add(call(ended_at=START + day * DAY), "u", "msg", PART)
    over = [charge.start for charge, _ in windows.take(before=START + 2 * DAY)]
    assert over == [START, START + DAY]
    assert [charge.start for charge, _ in windows.take()] == [START + 2 * DAY]
    assert list(windows.take()) == []
