"""Estimates are kept for a while; what is exact is counted anew each time."""

import time
from collections.abc import Iterator

import pytest

from aibridge.store import estimates
from aibridge.store.counting import Count
from aibridge.store.estimates import Estimates


@pytest.fixture
def numbers() -> Iterator[int]:
    return iter(range(100))


def test_an_estimate_is_kept_for_a_while(
    numbers: Iterator[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 1000.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    kept = Estimates()
    about = [kept.get("a", lambda: Count(next(numbers), is_estimate=True)) for _ in range(3)]
    assert about == [(0, True)] * 3
    now += estimates.KEPT_SECONDS
    assert kept.get("a", lambda: Count(next(numbers), is_estimate=True)) == (1, True)


def test_what_is_exact_is_counted_each_time(numbers: Iterator[int]) -> None:
    kept = Estimates()
    assert [kept.get("a", lambda: Count(next(numbers))).number for _ in range(3)] == [0, 1, 2]


def test_each_question_has_its_own(numbers: Iterator[int]) -> None:
    kept = Estimates()
    for asked, number in [("a", 0), ("b", 1), ("a", 0)]:
        assert kept.get(asked, lambda: Count(next(numbers), is_estimate=True)).number == number


def test_the_oldest_are_forgotten(numbers: Iterator[int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(estimates, "MOST", 2)
    kept = Estimates()
    for asked, number in [("a", 0), ("b", 1), ("c", 2), ("b", 1), ("a", 3)]:
        assert kept.get(asked, lambda: Count(next(numbers), is_estimate=True)).number == number
