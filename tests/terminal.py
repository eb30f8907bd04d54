"""Commands run as a person runs them: on a terminal of a size, with keys that are pressed."""

import fcntl
import os
import pty
import struct
import termios
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.processes import environment
from tests.ready import Program, ready

PIECE = 65_536
COMMAND = "from aibridge.cli import main; main()"
"""What ``python -m aibridge`` runs."""
PREPARING = "import aibridge.api.local, aibridge.cli.local, aibridge.cli.sessions, aibridge.sdk"
"""What most of a command's time is for."""


@dataclass(frozen=True, slots=True)
class Shown:
    """How a command ended, and what the terminal showed, keys included."""

    status: int
    text: str

    @property
    def lines(self) -> list[str]:
        """The lines, without what ends them."""
        return self.text.splitlines()


def on_terminal(
    arguments: Sequence[str],
    folder: Path,
    *,
    columns: int = 80,
    typed: str = "",
    **variables: str,
) -> Shown:
    """Run ``aibridge`` in a folder, its data directory being ``data`` in there."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    known = {name: value for name, value in environment().items() if name != "COLUMNS"}
    variables = known | {"AIBRIDGE_DATA_DIR": str(folder / "data"), "TERM": "xterm"} | variables
    process = ready(PREPARING)
    process.start(Program(COMMAND, arguments, str(folder), variables), (theirs, theirs, theirs))
    os.close(theirs)
    os.write(ours, typed.encode())
    found = b"".join(iter(lambda: read(ours), b""))
    os.close(ours)
    return Shown(process.wait(), found.decode())


def read(terminal: int) -> bytes:
    """Return what was written next; nothing once everybody has left the terminal."""
    try:
        return os.read(terminal, PIECE)
    except OSError:
        return b""
