"""A mark beside an SQLite file that every process changes which writes anything but the record.

So what was read of users and tokens can be kept, and whether it still holds is a look at memory.
"""

import os
from pathlib import Path

from aibridge.mapped import mapped

_BYTES = 16


class Changes:
    """The mark of a database file. For any thread."""

    def __init__(self, file: Path) -> None:
        """Map the mark into memory; its file is made if need be. Raises `OSError`."""
        self._shared = mapped(file.with_name(f"{file.name}.changes"), _BYTES)

    @property
    def mark(self) -> bytes:
        """What it is now: another one after each change."""
        return self._shared[:]

    def note(self) -> None:
        """Change it. No counter: two that count at once could leave the same number."""
        self._shared[:] = os.urandom(_BYTES)

    def close(self) -> None:
        """Unmap it."""
        self._shared.close()
