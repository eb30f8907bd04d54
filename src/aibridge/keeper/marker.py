"""A marker at the call that is being read: whether it was that call which ended the keeper.

It stands in a file that is mapped into memory, and outlives the process. A call that three keepers
in a row ended at is not read any more.
"""

from contextlib import suppress
from pathlib import Path

from aibridge.mapped import mapped

NAME = "reading"
ATTEMPTS = 3
_BYTES = 128
_NOWHERE = b" " * _BYTES


class Marker:
    """The marker of a folder of journals."""

    def __init__(self, root: Path) -> None:
        """Look where the last keeper was. Raises `OSError`."""
        self._shared = mapped(root / NAME, _BYTES)
        self._last, self._attempts = "", 0
        with suppress(ValueError):
            last, attempts = self._shared[:].decode("ascii", "replace").strip(" \0").split()
            self._last, self._attempts = last, int(attempts)

    def begin(self, call: str) -> bool:
        """Set the marker at a call, and say whether that may be read."""
        attempts = self._attempts + 1 if call == self._last else 1
        if attempts > ATTEMPTS:
            return False
        self._shared[:] = f"{call} {attempts}".ljust(_BYTES).encode("ascii")
        return True

    def end(self) -> None:
        """Take it away: nothing is being read."""
        self._shared[:] = _NOWHERE

    def close(self) -> None:
        """Unmap the file."""
        self._shared.close()
