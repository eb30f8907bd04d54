import threading

import pytest
from argon2 import PasswordHasher, extract_parameters
from argon2.low_level import Type

from aibridge.identity import passwords
from aibridge.identity.passwords import AT_ONCE, WAITING, BusyError, Passwords
from tests.people import cheap_passwords
from tests.wire import PATIENCE


@pytest.fixture
def some() -> Passwords:
    return cheap_passwords()


def test_a_password_matches_its_own_hash_only(some: Passwords) -> None:
    stored = some.hash("correct horse")
    assert some.matches("correct horse", stored)
    for wrong in ("", "correct hors", "Correct horse", "correct horse ", stored):
        assert not some.matches(wrong, stored)


def test_a_hash_holds_no_password_and_is_another_one_each_time(some: Passwords) -> None:
    first, second = some.hash("correct horse"), some.hash("correct horse")
    assert first != second
    assert "correct" not in first
    assert "correct horse" not in repr(some)


@pytest.mark.parametrize("password", ["pässwörd\u2028", "x" * 256, "\x00\x01", "🔑🔑🔑🔑"])
def test_any_text_may_be_a_password(some: Passwords, password: str) -> None:
    assert some.matches(password, some.hash(password))


@pytest.mark.parametrize("stored", ["", "x", "$argon2id$", "$2b$12$abc", "nobody's password"])
def test_what_is_no_hash_matches_nothing(some: Passwords, stored: str) -> None:
    for password in ("", stored, "nobody's password"):
        assert not some.matches(password, stored)


def test_who_has_no_password_is_refused_by_the_same_work(monkeypatch: pytest.MonkeyPatch) -> None:
    checked: list[str] = []
    some = cheap_passwords()
    stored = some.hash("correct horse")
    verify = PasswordHasher.verify

    def count(hasher: PasswordHasher, stored: str, password: str) -> bool:
        checked.append(stored)
        return verify(hasher, stored, password)

    monkeypatch.setattr(PasswordHasher, "verify", count)
    assert not some.matches("wrong", stored)
    assert not some.matches("wrong", None)
    assert not some.matches("nobody's password", None)
    assert len(checked) == 3
    assert extract_parameters(checked[1]) == extract_parameters(checked[0])
    assert checked[2] == checked[1]


def test_by_default_it_is_argon2id_with_at_least_what_owasp_asks() -> None:
    found = extract_parameters(Passwords().hash("correct horse"))
    assert found.type is Type.ID
    assert found.memory_cost >= 19_456
    assert found.time_cost >= 2


class Held(PasswordHasher):
    """Hashes when it is let."""

    def __init__(self) -> None:
        super().__init__(time_cost=1, memory_cost=8, parallelism=1)
        self.begun = threading.Semaphore(0)
        self.go = threading.Event()

    def hash(self, password: str | bytes, *, salt: bytes | None = None) -> str:
        self.begun.release()
        assert self.go.wait(PATIENCE)
        return super().hash(password, salt=salt)


def test_few_run_at_once_and_who_waits_too_long_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    hasher = Held()
    some = Passwords(hasher)
    made: list[str] = []
    threads = [threading.Thread(target=lambda: made.append(some.hash("x"))) for _ in range(AT_ONCE)]
    for thread in threads:
        thread.start()
    for _ in threads:
        assert hasher.begun.acquire(timeout=PATIENCE)
    monkeypatch.setattr(passwords, "PATIENCE_SECONDS", 0)
    with pytest.raises(BusyError, match="too many passwords"):
        some.hash("y")
    with pytest.raises(BusyError, match="too many passwords"):
        some.matches("y", "$argon2id$")
    hasher.go.set()
    for thread in threads:
        thread.join(PATIENCE)
    assert len(made) == AT_ONCE
    assert some.matches("x", made[0])


def test_only_few_wait_and_the_next_is_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords, "PATIENCE_SECONDS", PATIENCE)
    hasher = Held()
    some = Passwords(hasher)
    for _ in range(AT_ONCE + WAITING):
        assert some._places.acquire(blocking=False)
    with pytest.raises(BusyError, match="too many passwords"):
        some.hash("y")


def test_what_fails_gives_its_turn_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords, "PATIENCE_SECONDS", 0)
    some = cheap_passwords()
    for _ in range(AT_ONCE + 1):
        assert not some.matches("x", "no hash")
        with pytest.raises(UnicodeEncodeError):
            some.hash("\ud800")
    assert some.hash("x")
