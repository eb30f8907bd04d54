"""What the keeper says of itself: a small file that the server's processes look at."""

import os
from pathlib import Path

import msgspec

NAME = "keeper.json"


class Status(msgspec.Struct, frozen=True):
    """How the keeper stands. ``trouble`` is what is wrong with the database, in words for anybody.

    ``behind`` is how many bytes of the journals the database does not have. ``set_aside`` counts
    calls that the database refuses, ``unread`` requests of which something was not read since the
    keeper began.
    """

    trouble: str = ""
    set_aside: int = 0
    unread: int = 0
    behind: int = 0
    server_id: int | None = None


class StatusFile:
    """Where it is said, below a folder of journals."""

    def __init__(self, root: Path) -> None:
        self._file = root / NAME
        self._said: Status | None = None

    def say(self, status: Status) -> None:
        """Say how the keeper stands now. Raises `OSError`."""
        if status == self._said:
            return
        new = self._file.with_suffix(".new")
        with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(msgspec.json.encode(status))
        new.replace(self._file)
        self._said = status

    def read(self) -> Status:
        """Return what was said last; as if all were well where nothing can be read."""
        try:
            return msgspec.json.decode(self._file.read_bytes(), type=Status)
        except (OSError, msgspec.MsgspecError):
            return Status()
