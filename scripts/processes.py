"""The processes of this machine and their children, as Linux tells of them in ``/proc``."""

import os
import signal
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

GONE_SECONDS = 10
"""How long processes that were killed may take to be gone."""


def signal_all(parent: int, number: signal.Signals) -> list[int]:
    """Signal a process and its children, and return these.

    It is stopped meanwhile, so that it makes no more of them; none has a parent once it is dead.
    """
    os.kill(parent, signal.SIGSTOP)
    pids = children(parent)
    for pid in (parent, *pids):
        with suppress(ProcessLookupError):
            os.kill(pid, number)
    return pids


def wait_until_gone(pids: Iterable[int]) -> None:
    """Return once processes that were killed hold nothing any more."""
    left, give_up = list(pids), time.monotonic() + GONE_SECONDS
    while (left := [pid for pid in left if lives(pid)]) and time.monotonic() < give_up:
        time.sleep(0.01)


def children(parent: int) -> list[int]:
    """Return the processes that a process has started and that have not been waited for."""
    pids = [int(folder.name) for folder in Path("/proc").glob("[0-9]*")]
    return [pid for pid in pids if state(pid)[1:2] == [str(parent)]]


def lives(pid: int) -> bool:
    """Whether a process still holds anything, such as shared memory."""
    return state(pid)[:1] not in ([], ["Z"])


def command(pid: int) -> list[str]:
    """Return the words that a process was begun with; nothing if it has ended."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_text(errors="replace").split("\0")[:-1]
    except OSError:
        return []


def state(pid: int) -> list[str]:
    """Return the state of a process, its parent and more (proc(5)); nothing if it has ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []
