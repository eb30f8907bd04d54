"""Running a reader over inputs, and measuring what each takes."""

import gc
import os
import resource
import time
import traceback
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from scripts.fuzzing.inputs import Input, make
from scripts.fuzzing.readers import Reader

MAX_MS = 50.0
"""Milliseconds of the processor that 100 kB may take; what is smaller may take as long."""

MAX_GROWTH = 64 << 20
"""Bytes by which the process may grow while it reads an input."""

_UNIT = 100_000
_TRIES = 4
_INEXACT = 1 << 20
_MAX_SHOWN = 5


@dataclass
class Result:
    """What came of a reader's inputs; the slowest and the largest with their numbers."""

    inputs: int = 0
    bytes: int = 0
    failures: int = 0
    slowest: tuple[float, int] = (0.0, -1)
    growth: tuple[int, int] = (0, -1)
    shown: list[str] = field(default_factory=list)

    @property
    def good(self) -> bool:
        """Whether nothing is wrong."""
        return not self.failures and self.slowest[0] <= MAX_MS and self.growth[0] <= MAX_GROWTH

    def add(self, other: "Result") -> None:
        """Add the result of other inputs."""
        self.inputs += other.inputs
        self.bytes += other.bytes
        self.failures += other.failures
        self.slowest = max(self.slowest, other.slowest)
        self.growth = max(self.growth, other.growth)
        self.shown = (self.shown + other.shown)[:_MAX_SHOWN]


def run(
    reader: Reader, name: str, seed: int, numbers: Iterable[int], begin: Callable[[int], Any]
) -> Result:
    """Feed a reader the inputs with these numbers; ``begin`` is told of each."""
    result = Result()
    memory = _Memory()
    gc.freeze()
    for number in numbers:
        begin(number)
        given = make(reader.maker, name, seed, number, codings=reader.codings)
        result.inputs += 1
        result.bytes += len(given.data)
        memory.begin()
        try:
            taken = _time(reader, given)
        except Exception:  # noqa: BLE001 - whatever it is, it is what is looked for
            result.failures += 1
            if len(result.shown) < _MAX_SHOWN:
                result.shown.append(f"{name} {number}: {traceback.format_exc()}")
            continue
        result.growth = max(result.growth, (memory.growth(), number))
        if taken > result.slowest[0]:  # the machine may have been busy: the quickest try counts
            again = [_time(reader, given) for _ in range(_TRIES)]
            result.slowest = max(result.slowest, (min([taken, *again]), number))
    return result


def _time(reader: Reader, given: Input) -> float:
    """Return the milliseconds of the processor that 100 kB of the input take."""
    state = given.random.getstate()
    start = time.thread_time_ns()
    try:
        reader.read(given)
    finally:
        given.random.setstate(state)
    taken = (time.thread_time_ns() - start) / 1e6
    return taken / max(1.0, len(given.data) / _UNIT)


class _Memory:
    """By how much the process grew at most since a moment, in bytes."""

    def __init__(self) -> None:
        self._reset: int | None = None
        self._peak = _peak
        try:
            self._reset = os.open("/proc/self/clear_refs", os.O_WRONLY)
        except OSError:  # not Linux: what an earlier input took hides what a later one takes
            return
        self.begin()
        if _peak() > _peak_in_status() + _INEXACT:  # that of before exec() counts there
            self._peak = _peak_in_status

    def begin(self) -> None:
        """Measure from now on."""
        if self._reset is not None:
            os.write(self._reset, b"5")  # the peak is what is taken now
        self._before = self._peak()

    def growth(self) -> int:
        """Return how much the peak has risen."""
        return self._peak() - self._before


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def _peak_in_status() -> int:
    """Return the same, more slowly."""
    lines = Path("/proc/self/status").read_text("ascii", "replace").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:")) * 1024
