"""Whether the wall clock is believed: not for a day after a leap ahead."""

import time
from collections.abc import Callable

import pytest
from structlog.testing import capture_logs

from aibridge.recorder import clock
from aibridge.recorder.clock import Clock

DAY = 86_400.0
Pass = Callable[..., None]


@pytest.fixture
def pass_(monkeypatch: pytest.MonkeyPatch) -> Pass:
    """Have seconds pass, which the wall clock may miss or have in excess."""
    moments = {"passed": 1000.0, "wall": 1.7e9}
    monkeypatch.setattr(clock, "_passed", lambda: moments["passed"])
    monkeypatch.setattr(time, "time", lambda: moments["wall"])

    def go_on(seconds: float, *, leap: float = 0.0) -> None:
        moments["passed"] += seconds
        moments["wall"] += seconds + leap

    return go_on


def test_a_clock_that_goes_as_time_passes_is_believed(pass_: Pass) -> None:
    one = Clock()
    for _ in range(100):
        pass_(600, leap=30)
        assert one.is_believed()


def test_one_that_leaps_ahead_is_not_believed_for_a_day(pass_: Pass) -> None:
    one = Clock()
    with capture_logs() as logs:
        pass_(600, leap=40 * DAY)
        assert not one.is_believed()
        pass_(DAY - 1)
        assert not one.is_believed()
        pass_(1)
        assert one.is_believed()
    assert [line["cause"] for line in logs] == ["the clock has leapt ahead by 3456000 s"]


def test_one_that_is_set_back_is_believed_at_once(pass_: Pass) -> None:
    one = Clock()
    pass_(600, leap=40 * DAY)
    assert not one.is_believed()
    pass_(600, leap=-40 * DAY)
    assert one.is_believed()


def test_a_long_sleep_is_no_leap(pass_: Pass) -> None:
    one = Clock()
    pass_(30 * DAY)
    assert one.is_believed()


def test_the_real_clock_is_believed() -> None:
    assert Clock().is_believed()
