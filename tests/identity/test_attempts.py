import threading
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aibridge.identity import attempts as module
from aibridge.identity.attempts import FAILURES, WINDOW_SECONDS, Attempts

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
def attempts(clock: Clock) -> Attempts:
    return Attempts(clock)


def fail(attempts: Attempts, key: tuple[str, str], times: int = FAILURES) -> None:
    for _ in range(times):
        attempts.failed(key)


def test_so_many_failures_are_allowed_and_no_more(attempts: Attempts) -> None:
    for _ in range(FAILURES):
        assert attempts.wait(ANA) == 0
        attempts.failed(ANA)
    assert attempts.wait(ANA) == WINDOW_SECONDS


def test_the_wait_is_a_minute_from_the_first_failure(attempts: Attempts, clock: Clock) -> None:
    attempts.failed(ANA)
    clock.now += 40
    fail(attempts, ANA, FAILURES - 1)
    assert attempts.wait(ANA) == WINDOW_SECONDS - 40
    clock.now += WINDOW_SECONDS - 40 - 0.5
    assert attempts.wait(ANA) == 0.5
    clock.now += 0.5
    assert attempts.wait(ANA) == 0


def test_after_the_wait_it_begins_anew(attempts: Attempts, clock: Clock) -> None:
    fail(attempts, ANA)
    clock.now += WINDOW_SECONDS
    fail(attempts, ANA, FAILURES - 1)
    assert attempts.wait(ANA) == 0
    attempts.failed(ANA)
    assert attempts.wait(ANA) == WINDOW_SECONDS


def test_another_address_and_another_account_are_not_kept_out(attempts: Attempts) -> None:
    fail(attempts, ANA)
    assert (attempts.wait(ELSEWHERE), attempts.wait(BEN)) == (0, 0)
    assert attempts.wait(ANA) > 0


def test_success_forgets_the_failures_of_that_place_only(attempts: Attempts) -> None:
    fail(attempts, ANA, FAILURES - 1)
    fail(attempts, BEN)
    attempts.succeeded(ANA)
    attempts.succeeded(ELSEWHERE)
    fail(attempts, ANA, FAILURES - 1)
    assert attempts.wait(ANA) == 0
    assert attempts.wait(BEN) > 0


def test_what_is_remembered_is_bounded_and_the_oldest_goes_first(
    monkeypatch: pytest.MonkeyPatch, attempts: Attempts
) -> None:
    monkeypatch.setattr(module, "KNOWN", 3)
    fail(attempts, ANA)
    fail(attempts, BEN)
    attempts.failed(ANA)
    for number in range(2):
        attempts.failed((str(number), ""))
    assert attempts.wait(BEN) == 0
    assert attempts.wait(ANA) > 0
    assert len(attempts._failures) == 3


def test_threads_may_share_it(attempts: Attempts) -> None:
    keys = [(str(number), "") for number in range(5)]

    def work() -> None:
        for key in keys * (FAILURES // 2):
            attempts.failed(key)

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(attempts.wait(key) == WINDOW_SECONDS for key in keys)


@given(st.lists(st.tuples(st.floats(0, 30), st.sampled_from([ANA, BEN])), max_size=200))
def test_however_somebody_tries_a_window_holds_no_more(
    tries: list[tuple[float, tuple[str, str]]],
) -> None:
    """Of windows that begin with a failure each holds `FAILURES` at most, and no wait is longer."""
    clock = Clock()
    attempts = Attempts(clock)
    windows: dict[tuple[str, str], tuple[float, int]] = {}
    for pause, key in tries:
        clock.now += pause
        wait = attempts.wait(key)
        assert 0 <= wait <= WINDOW_SECONDS
        began, tried = windows.get(key, (clock.now, 0))
        if clock.now - began >= WINDOW_SECONDS:
            began, tried = clock.now, 0
        assert (wait > 0) == (tried == FAILURES)
        if wait == 0:
            attempts.failed(key)
            windows[key] = (began, tried + 1)
