"""What the machine says: CPU time, memory, and the conditions of a measurement. Linux only."""

import os
import platform
import resource
import sqlite3
import time
from importlib.metadata import version
from pathlib import Path

from scripts.processes import children, state

TICKS_A_SECOND = os.sysconf("SC_CLK_TCK")
REST_SECONDS = 20.0
LOOK_SECONDS = 0.4
RESTING = 0.05
"""The part of a core that is not exceeded by processes that rest."""
LIBRARIES = ("uvicorn", "uvloop", "httptools", "msgspec")


def cores() -> tuple[set[int], set[int]]:
    """Return the cores for what is measured and for all else: the first one, and the others."""
    first, *others = sorted(os.sched_getaffinity(0))
    return {first}, set(others) or {first}


def cpu_seconds(pid: int) -> float:
    """Return the processor time, user's and system's, that a process has taken; 0 for none."""
    if not pid:
        return 0.0
    user, system = state(pid)[11:13] or (0, 0)
    return (int(user) + int(system)) / TICKS_A_SECOND


def children_cpu_seconds(pid: int) -> float:
    """Return the processor time of the processes that a process has begun, once they rest.

    What they have to do may be left to them when the load has ended.
    """
    begun = children(pid) if pid else []
    if not begun:
        return 0.0
    until, before = time.monotonic() + REST_SECONDS, -1.0
    while (taken := sum(map(cpu_seconds, begun))) - before > RESTING * LOOK_SECONDS:
        if time.monotonic() > until:
            break
        before = taken
        time.sleep(LOOK_SECONDS)
    return taken


def memory_mb(pid: int) -> float:
    """Return the memory of a process and of those that it has begun, in MB.

    Their own, and their share of what they share (PSS).
    """
    return sum(map(_memory_mb, (pid, *children(pid))))


def _memory_mb(pid: int) -> float:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024


def allow_many_files() -> int:
    """Raise this process's limit of open files as far as it goes, and return it."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    return most


def conditions(directory: Path) -> list[str]:
    """Describe the machine and the software; ``directory`` is where the database is."""
    measured, others = cores()
    libraries = ", ".join(f"{name} {version(name)}" for name in LIBRARIES)
    return [
        f"{_processor()}, {os.cpu_count()} cores, Linux {platform.release()}",
        f"what is measured runs on core {_list(measured)}, all else on {_list(others)}",
        f"Python {platform.python_version()}, {libraries}",
        f"SQLite {sqlite3.sqlite_version} on {_file_system(directory)}, as the bridge opens it",
        "every request through the bridge is authenticated and recorded before its end is sent",
    ]


def _list(numbers: set[int]) -> str:
    return ", ".join(str(number) for number in sorted(numbers))


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.machine())


def _file_system(directory: Path) -> str:
    """Return the kind of file system that holds a directory: the longest mount point above it."""
    mounts = (line.split()[1:3] for line in Path("/proc/mounts").read_text().splitlines())
    above = [(point, kind) for point, kind in mounts if directory.resolve().is_relative_to(point)]
    return max(above, key=lambda mount: len(mount[0]), default=("", "an unknown file system"))[1]
