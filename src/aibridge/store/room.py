"""Room on a disk: whether files can still grow there."""

import os
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryFile

ROOM_BYTES = 1 << 20
"""What has to fit: some calls, with their ends."""


def check_room(folder: Path) -> None:
    """Write `ROOM_BYTES` to a file without a name. Raises `OSError` where there is no room.

    A folder that takes no new files says nothing about those that are there.
    """
    with suppress(PermissionError), TemporaryFile(dir=folder) as file:
        file.write(bytes(ROOM_BYTES))
        file.flush()
        os.fsync(file.fileno())
