"""Waiting until the keeper has read what the journals held at a moment."""

from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from time import monotonic, sleep

from aibridge.journal.bell import HASTE, Rope
from aibridge.journal.folders import journals
from aibridge.journal.format import HEAD_BYTES
from aibridge.journal.progress import Seen, seen_in
from aibridge.journal.segments import listed

BELL = "bell"
"""The keeper's bell, beside the journals."""
LOOK_SECONDS = 0.002


class CatchingUp:
    """Waits for the keeper of some journals, and changes nothing there. For any thread."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def wait(self, seconds: float) -> bool:
        """Wait until all that is in the journals now is read, and say whether it is.

        While the database takes nothing, or there is no keeper, nothing is waited for.
        Raises `OSError`.
        """
        return self.wait_for(ends(self._root), seconds)

    def wait_for(self, positions: Mapping[Path, int], seconds: float) -> bool:
        """Wait until journals are read up to positions, and say whether they are.

        Raises `OSError`.
        """
        until = monotonic() + seconds
        with closing(Rope(self._root / BELL)) as rope:
            while waiting := _behind(positions):
                if monotonic() >= until or all(map(_is_in_vain, waiting)):
                    return False
                rope.ring(HASTE)
                sleep(LOOK_SECONDS)
            return True


def _behind(positions: Mapping[Path, int]) -> list[Seen]:
    """Return how far the keeper is in the journals in which it has not come to a position yet."""
    seen = ((seen_in(folder), end) for folder, end in positions.items())
    return [one for one, end in seen if one.position < end]


def _is_in_vain(seen: Seen) -> bool:
    """Say whether nothing is to be waited for; a new journal may not have been found yet."""
    return seen.is_followed and seen.is_held_up


def ends(root: Path) -> dict[Path, int]:
    """Return where the last entry of each journal below a folder ends on the disk now."""
    found = {}
    for folder in journals(root):
        sizes = ((one.base, one.size) for one in reversed(listed(folder)))
        base, size = next((one for one in sizes if one[1] > HEAD_BYTES), (0, 0))
        found[folder] = end_of(base, size)
    return found


def behind(folder: Path, position: int) -> int:
    """Return how many bytes of a journal are behind a position."""
    segments = (one for one in listed(folder) if end_of(one.base, one.size) > position)
    return sum(end_of(one.base, one.size) - max(one.base, position) for one in segments)


def end_of(base: int, size: int) -> int:
    """Return where a segment of so many bytes ends."""
    return base + max(0, size - HEAD_BYTES)
