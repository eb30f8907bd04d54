import stat
from collections.abc import Iterator
from pathlib import Path
from threading import Thread

import pytest

from aibridge.journal.bell import Bell, Rope

PATIENCE = 20.0


@pytest.fixture
def bell(tmp_path: Path) -> Iterator[Bell]:
    bell = Bell(tmp_path / "bell")
    yield bell
    bell.close()


@pytest.fixture
def rope(tmp_path: Path) -> Iterator[Rope]:
    rope = Rope(tmp_path / "bell")
    yield rope
    rope.close()


def test_whoever_rings_wakes_the_one_that_waits(bell: Bell, rope: Rope) -> None:
    ringing = Thread(target=rope.ring)
    ringing.start()
    assert bell.wait(PATIENCE)
    ringing.join()


def test_however_often_it_was_rung_it_is_heard_once(bell: Bell, rope: Rope) -> None:
    for _ in range(100_000):  # more than a pipe holds
        rope.ring()
    heard = 0
    while bell.wait(0):
        heard += 1
    assert 1 <= heard <= 2


def test_without_a_ring_it_is_waited_for_as_long_as_was_said(bell: Bell) -> None:
    assert not bell.wait(0.001)


def test_ringing_where_nobody_listens_does_nothing_and_is_heard_by_who_comes_later(
    tmp_path: Path, rope: Rope
) -> None:
    rope.ring()
    for _ in range(2):  # a keeper, and the next one
        bell = Bell(tmp_path / "bell")
        rope.ring()
        assert bell.wait(0)
        bell.close()
        rope.ring()


def test_a_bell_that_hangs_there_already_is_used(bell: Bell, rope: Rope, tmp_path: Path) -> None:
    other = Bell(tmp_path / "bell")
    rope.ring()
    assert other.wait(0)
    other.close()
    assert stat.S_IMODE((tmp_path / "bell").stat().st_mode) == 0o600


def test_nothing_stays_open(tmp_path: Path) -> None:
    before = len(list(Path("/proc/self/fd").iterdir()))
    bell, rope = Bell(tmp_path / "bell"), Rope(tmp_path / "bell")
    rope.ring()
    rope.close()
    bell.close()
    rope.ring()
    assert len(list(Path("/proc/self/fd").iterdir())) == before
