"""How far the keeper has come with a journal: a few bytes that other processes look at.

They lie in a file beside the segments. The keeper and the process that writes the journal have it
mapped into memory, so for them looking is no system call.
"""

from pathlib import Path
from struct import Struct
from time import monotonic_ns
from typing import NamedTuple

from aibridge.mapped import mapped

NAME = "progress"
STALE_SECONDS = 5.0
"""How long the keeper may say nothing until it is taken for gone."""

_POSITION = Struct("@Q")
_BEAT = Struct("@QQ")
_SEEN = Struct("@QQQ")
"""In the machine's own order, which is written and read in one piece: no reader sees half of it."""
_BYTES = _SEEN.size


class Seen(NamedTuple):
    """What is in the file: a position, when the keeper wrote last, and whether it is held up."""

    position: int
    told_at: int
    is_away: int

    @property
    def is_followed(self) -> bool:
        """Whether a keeper has ever followed the journal."""
        return bool(self.told_at)

    @property
    def is_silent(self) -> bool:
        """Whether nothing is heard of a keeper."""
        age = monotonic_ns() - self.told_at
        return not 0 <= age <= STALE_SECONDS * 1e9  # below 0: before a reboot

    @property
    def is_held_up(self) -> bool:
        """Whether the database takes nothing at the moment, or there is no keeper."""
        return bool(self.is_away) or self.is_silent


def seen_in(folder: Path) -> Seen:
    """Return how far the keeper has come with a journal, without making its file.

    Raises `OSError`.
    """
    try:
        content = (folder / NAME).read_bytes()
    except FileNotFoundError:
        content = b""
    return Seen(*_SEEN.unpack(content[:_BYTES].ljust(_BYTES, b"\0")))


class Progress:
    """The position up to which the database has a journal, and whether more can come there."""

    def __init__(self, folder: Path) -> None:
        """Open the file of a journal, made if need be. Raises `OSError`."""
        self._shared = mapped(folder / NAME, _BYTES)

    @property
    def position(self) -> int:
        """Up to where everything is committed."""
        (position,) = _POSITION.unpack_from(self._shared)
        return int(position)

    @property
    def is_held_up(self) -> bool:
        """Whether the database takes nothing at the moment, or there is no keeper."""
        return Seen(*_SEEN.unpack_from(self._shared)).is_held_up

    def tell(self, position: int) -> None:
        """Say up to where everything is committed now. For the keeper."""
        _POSITION.pack_into(self._shared, 0, position)

    def beat(self, *, is_away: bool) -> None:
        """Say that the keeper lives, and whether the database is away. For the keeper."""
        _BEAT.pack_into(self._shared, _POSITION.size, monotonic_ns(), is_away)

    def close(self) -> None:
        """Unmap the file."""
        self._shared.close()
