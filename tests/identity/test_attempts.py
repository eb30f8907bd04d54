import threading
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aibridge.identity import attempts as module
from aibridge.identity.attempts import (
    FAILURES,
    FAILURES_OF_NETWORK,
    WINDOW_SECONDS,
    Attempts,
    Counter,
)

ANA, ELSEWHERE, BEN = ("ana", "192.0.2.1"), ("ana", "192.0.2.2"), ("ben", "192.0.2.1")


@dataclass
class Clock:
    now: float = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def counter(clock: Clock) -> Counter:
    return Counter(FAILURES, clock)


@pytest.fixture
def attempts(clock: Clock) -> Attempts:
    return Attempts(clock)


def fail(counter: Counter, key: tuple[str, str], times: int = FAILURES) -> None:
    for _ in range(times):
        counter.add(key)


def test_so_many_failures_are_allowed_and_no_more(counter: Counter) -> None:
    for _ in range(FAILURES):
        assert counter.wait(ANA) == 0
        counter.add(ANA)
    assert counter.wait(ANA) == WINDOW_SECONDS


def test_the_wait_is_a_minute_from_the_first_failure(counter: Counter, clock: Clock) -> None:
    counter.add(ANA)
    clock.now += 40
    fail(counter, ANA, FAILURES - 1)
    assert counter.wait(ANA) == WINDOW_SECONDS - 40
    clock.now += WINDOW_SECONDS - 40 - 0.5
    assert counter.wait(ANA) == 0.5
    clock.now += 0.5
    assert counter.wait(ANA) == 0


def test_after_the_wait_it_begins_anew(counter: Counter, clock: Clock) -> None:
    fail(counter, ANA)
    clock.now += WINDOW_SECONDS
    fail(counter, ANA, FAILURES - 1)
    assert counter.wait(ANA) == 0
    counter.add(ANA)
    assert counter.wait(ANA) == WINDOW_SECONDS


def test_another_address_and_another_account_are_not_kept_out(counter: Counter) -> None:
    fail(counter, ANA)
    assert (counter.wait(ELSEWHERE), counter.wait(BEN)) == (0, 0)
    assert counter.wait(ANA) > 0


def test_success_forgets_the_failures_of_that_place_only(counter: Counter) -> None:
    fail(counter, ANA, FAILURES - 1)
    fail(counter, BEN)
    counter.forget(ANA)
    counter.forget(ELSEWHERE)
    fail(counter, ANA, FAILURES - 1)
    assert counter.wait(ANA) == 0
    assert counter.wait(BEN) > 0


def test_what_is_remembered_is_bounded_and_the_oldest_goes_first(
    monkeypatch: pytest.MonkeyPatch, counter: Counter
) -> None:
    monkeypatch.setattr(module, "MOST", 3)
    fail(counter, ANA)
    fail(counter, BEN)
    counter.add(ANA)
    for number in range(2):
        counter.add((str(number), ""))
    assert counter.wait(BEN) == 0
    assert counter.wait(ANA) > 0
    assert len(counter._failures) == 3


def test_of_one_network_so_many_names_may_fail_and_no_more(attempts: Attempts) -> None:
    tried = [attempts.begin((str(number), "192.0.2.1")) for number in range(100)]
    assert [wait > 0 for wait in tried].count(False) == FAILURES_OF_NETWORK
    assert attempts.begin(BEN) == WINDOW_SECONDS
    assert attempts.begin(ELSEWHERE) == 0


def test_what_is_refused_does_not_prolong_the_wait(attempts: Attempts, clock: Clock) -> None:
    for _ in range(FAILURES):
        assert attempts.begin(ANA) == 0
    clock.now += WINDOW_SECONDS - 1
    assert attempts.begin(ANA) == 1
    clock.now += 1
    assert attempts.begin(ANA) == 0


def test_who_came_in_from_a_network_before_is_not_kept_out_by_others_there(
    attempts: Attempts,
) -> None:
    assert attempts.begin(ANA) == 0
    assert not attempts.recognizes(ANA)
    attempts.succeeded(ANA)
    assert (attempts.recognizes(ANA), attempts.recognizes(ELSEWHERE)) == (True, False)
    for number in range(FAILURES_OF_NETWORK):
        attempts.begin((str(number), ANA[1]))
    assert attempts.begin(BEN) > 0
    assert [attempts.begin(ANA) > 0 for _ in range(FAILURES + 1)] == [False] * FAILURES + [True]


def test_coming_in_is_no_failure_of_the_network_and_forgives_none(attempts: Attempts) -> None:
    for _ in range(3 * FAILURES_OF_NETWORK):
        assert attempts.begin(ANA) == 0
        attempts.succeeded(ANA)
    for number in range(FAILURES_OF_NETWORK):
        assert attempts.begin((str(number), ANA[1])) == 0
        attempts.begin(ANA)
        attempts.succeeded(ANA)
    assert attempts.begin(BEN) > 0


def test_who_is_recognized_is_bounded_and_the_longest_away_goes_first(
    monkeypatch: pytest.MonkeyPatch, attempts: Attempts
) -> None:
    monkeypatch.setattr(module, "MOST", 2)
    for pair in (ANA, BEN, ANA, ELSEWHERE):
        attempts.succeeded(pair)
    assert [attempts.recognizes(pair) for pair in (ANA, BEN, ELSEWHERE)] == [True, False, True]


def test_threads_may_share_it(attempts: Attempts) -> None:
    """Of many at once no more are let through than of one after the other."""
    allowed: list[float] = []

    def work() -> None:
        allowed.extend(attempts.begin(ANA) for _ in range(FAILURES))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert allowed.count(0) == FAILURES


@given(st.lists(st.tuples(st.floats(0, 30), st.sampled_from([ANA, BEN])), max_size=200))
def test_however_somebody_tries_a_window_holds_no_more(
    tries: list[tuple[float, tuple[str, str]]],
) -> None:
    """Of windows that begin with a failure each holds `FAILURES` at most, and no wait is longer."""
    clock = Clock()
    counter = Counter(FAILURES, clock)
    windows: dict[tuple[str, str], tuple[float, int]] = {}
    for pause, key in tries:
        clock.now += pause
        wait = counter.wait(key)
        assert 0 <= wait <= WINDOW_SECONDS
        began, tried = windows.get(key, (clock.now, 0))
        if clock.now - began >= WINDOW_SECONDS:
            began, tried = clock.now, 0
        assert (wait > 0) == (tried == FAILURES)
        if wait == 0:
            counter.add(key)
            windows[key] = (began, tried + 1)
