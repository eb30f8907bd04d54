import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from aibridge.journal import progress as progresses
from aibridge.journal.progress import NAME, STALE_SECONDS, Progress

NOW = 1_000 * 10**9
STALE = int(STALE_SECONDS * 10**9)


@pytest.fixture
def keepers(tmp_path: Path) -> Iterator[Progress]:
    progress = Progress(tmp_path)
    yield progress
    progress.close()


@pytest.fixture
def gateways(tmp_path: Path, keepers: Progress) -> Iterator[Progress]:
    """The same file, as another process has it."""
    progress = Progress(tmp_path)
    yield progress
    progress.close()


def test_whoever_looks_sees_how_far_the_keeper_has_come(
    keepers: Progress, gateways: Progress, tmp_path: Path
) -> None:
    assert gateways.position == 0
    for position in (1, 1 << 40, (1 << 63) + 255, 7):
        keepers.tell(position)
        assert gateways.position == position
    keepers.beat(is_away=True)
    again = Progress(tmp_path)
    assert again.position == 7
    again.close()
    assert stat.S_IMODE((tmp_path / NAME).stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("now", "is_away", "is_held_up"),
    [
        (NOW, False, False),
        (NOW + STALE, False, False),
        (NOW + STALE + 1, False, True),
        (NOW, True, True),
        (NOW - 1, False, True),
    ],
    ids=["just told", "told lately", "told long ago", "away", "told before a reboot"],
)
def test_a_keeper_that_is_away_or_says_nothing_is_not_waited_for(
    keepers: Progress,
    gateways: Progress,
    monkeypatch: pytest.MonkeyPatch,
    now: int,
    is_away: bool,
    is_held_up: bool,
) -> None:
    monkeypatch.setattr(progresses, "monotonic_ns", lambda: NOW)
    keepers.beat(is_away=is_away)
    monkeypatch.setattr(progresses, "monotonic_ns", lambda: now)
    assert gateways.is_held_up is is_held_up


def test_where_no_keeper_ever_was_none_is_waited_for(gateways: Progress) -> None:
    assert gateways.is_held_up
