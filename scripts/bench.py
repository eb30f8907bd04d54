"""Measure the bridge's hot path, beside nginx as a bare proxy and the provider itself.

Everything runs on this machine: a provider that answers at once, a load whose connections ask
again as soon as they are answered, and what is measured on a core of its own, where there are
two. The targets take turns, so that what else the machine does falls on all of them. CPU time a
request is the figure to plan with; requests/s of nginx and direct are bounded by the load.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import httpx
import msgspec

from scripts.benching.load import OVERTIME_SECONDS, Result
from scripts.benching.machine import (
    allow_many_files,
    conditions,
    cores,
    cpu_seconds,
    memory_mb,
)
from scripts.benching.targets import Target, order, start, targets
from scripts.benching.traffic import EVENTS, WHOLE_BYTES, request_body

SMALL_KB, LARGE_KB = 0.5, 78.0
WARM_UP_SECONDS = 0.3
MOST_REQUESTS = 200_000
"""Requests of one load at most, however long it may take."""
FILES_A_STREAM = 2
SPARE_FILES = 200
HEADINGS = (
    "requests/s",
    "CPU µs",
    "first p50",
    "p99 ms",
    "last p50",
    "p99 ms",
    "requests",
    "errors",
)


@dataclass(frozen=True, slots=True)
class Work:
    """A kind of request, and how many connections make it."""

    kilobytes: float
    answer: str
    connections: int

    @property
    def name(self) -> str:
        """Say what it is."""
        out = f"{WHOLE_BYTES / 1024:g} KB" if self.answer == "whole" else f"{EVENTS} events"
        return f"{self.kilobytes:g} KB in, {out} out, c={self.connections}"

    @property
    def body(self) -> bytes:
        """The request's body."""
        return request_body(self.kilobytes, stream=self.answer != "whole")


WORKS = (
    Work(SMALL_KB, "whole", 1),
    Work(SMALL_KB, "whole", 16),
    Work(LARGE_KB, "stream", 1),
    Work(LARGE_KB, "stream", 16),
)


@dataclass(frozen=True, slots=True)
class Run:
    """One load on one target. ``cpu`` is seconds of the target's processor time."""

    result: Result
    cpu: float

    @property
    def rate(self) -> float:
        """Answers a second."""
        return len(self.result.totals) / self.result.seconds

    @property
    def requests(self) -> int:
        """Requests made, answered or not."""
        return len(self.result.totals) + self.result.errors


def main() -> int:
    """Measure; the result is the exit status, 1 if anything went wrong on the way."""
    options = _options()
    allow_many_files()
    with (
        tempfile.TemporaryDirectory(prefix="aibridge-bench-") as home,
        tempfile.TemporaryDirectory(prefix="aibridge-bench-", dir=options.directory) as data,
        targets(Path(home), Path(data)) as found,
    ):
        _print_conditions(options, Path(data), found)
        print(f"memory, idle: {_memory(found[0])}")
        sent, errors = _warm_up(found)
        for work in WORKS:
            runs = _measure(work, found, options)
            _print_work(work, runs)
            sent += sum(run.requests for run in runs["bridge"])
            errors += sum(run.result.errors for several in runs.values() for run in several)
        print(f"\nmemory, idle after {sent:,} requests: {_memory(found[0])}")
        recorded = _recorded(found[0])
        for target in found[:-1]:
            _hold(target, options.hold)
    print(f"\non record of the bridge's requests: {recorded:,} of {sent:,}")
    return 1 if errors or recorded != sent else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="scripts/bench",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--seconds", type=float, default=3.0, help="of each load (3)")
    parser.add_argument("--rounds", type=int, default=3, help="loads of each kind (3)")
    parser.add_argument("--hold", type=int, default=1000, help="streams held open (1000)")
    parser.add_argument("--directory", type=Path, help="where the database is; temporary files")
    parser.add_argument("--quick", action="store_true", help="one short round, to see that it runs")
    options = parser.parse_args()
    if options.quick:
        options.seconds, options.rounds, options.hold = 0.3, 1, 50
    options.hold = min(options.hold, (allow_many_files() - SPARE_FILES) // FILES_A_STREAM)
    return options


def _print_conditions(options: argparse.Namespace, directory: Path, found: list[Target]) -> None:
    names = ", ".join(target.name for target in found)
    print(*conditions(directory), sep="\n")
    print(f"loads of {options.seconds:g} s, median of {options.rounds}, in turn on {names}")
    print(
        "c: connections; CPU µs: processor time of the target a request; first, last: byte, in ms"
    )


def _warm_up(found: list[Target]) -> tuple[int, int]:
    """Have everything run once; return the bridge's requests, and the errors of all."""
    sent = errors = 0
    for target in found:
        for work in (one for one in WORKS if one.connections > 1):
            run = _run(work, target, WARM_UP_SECONDS)
            sent += run.requests if target is found[0] else 0
            errors += run.result.errors
    return sent, errors


def _measure(work: Work, found: list[Target], options: argparse.Namespace) -> dict[str, list[Run]]:
    runs: dict[str, list[Run]] = {target.name: [] for target in found}
    for _ in range(options.rounds):
        for target in found:
            runs[target.name].append(_run(work, target, options.seconds))
    return runs


def _run(work: Work, target: Target, seconds: float) -> Run:
    bounds = {"seconds": seconds, "requests": MOST_REQUESTS}
    load = order(target, work.answer, work.body, work.connections, **bounds)
    before = cpu_seconds(target.pid)
    with start("scripts.benching.load", on=cores()[1]) as process:
        out, _ = process.communicate(f"{load}\n", timeout=seconds + 2 * OVERTIME_SECONDS)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, f"the load on {target.name}")
    result = msgspec.json.decode(out, type=Result)
    return Run(result, cpu_seconds(target.pid) - before)


def _print_work(work: Work, runs: dict[str, list[Run]]) -> None:
    print("\n" + _line(work.name, HEADINGS))
    for name, several in runs.items():
        print(_line(f"  {name}", _figures(several)), flush=True)


def _figures(runs: list[Run]) -> list[str]:
    """Return the columns of `HEADINGS`: medians of the runs' figures, sums of their counts."""
    firsts = [_percentiles(run.result.first_bytes) for run in runs]
    lasts = [_percentiles(run.result.totals) for run in runs]
    cpu = statistics.median(run.cpu / max(1, run.requests) for run in runs) * 1e6
    latencies = [
        statistics.median(values) * 1000
        for pairs in (firsts, lasts)
        for values in zip(*pairs, strict=True)
    ]
    return [
        f"{statistics.median(run.rate for run in runs):,.0f}",
        f"{cpu:,.0f}" if cpu else "-",
        *(f"{value:.2f}" for value in latencies),
        f"{sum(run.requests for run in runs):,}",
        f"{sum(run.result.errors for run in runs):,}",
    ]


def _percentiles(seconds: list[float]) -> tuple[float, float]:
    """Return the 50th and the 99th, not a number if there is nothing."""
    if not seconds:
        return float("nan"), float("nan")
    ordered = sorted(seconds)
    return ordered[len(ordered) // 2], ordered[len(ordered) * 99 // 100]


def _line(name: str, cells: Iterable[str]) -> str:
    return f"{name:36}" + "".join(f"{cell:>12}" for cell in cells)


def _memory(target: Target) -> str:
    return f"{target.name} {memory_mb(target.pid):.0f} MB"


def _hold(target: Target, streams: int) -> None:
    """Print the memory of a target with streams that have begun and go no further."""
    idle = memory_mb(target.pid)
    load = order(target, "held", request_body(SMALL_KB, stream=True), streams, hold=True)
    with start("scripts.benching.load", on=cores()[1]) as process:
        assert process.stdin is not None  # noqa: S101 - both are piped
        assert process.stdout is not None  # noqa: S101
        process.stdin.write(f"{load}\n")
        process.stdin.flush()
        begun = int(process.stdout.readline() or 0)
        held = memory_mb(target.pid)
        process.communicate(timeout=OVERTIME_SECONDS)
    each = (held - idle) * 1024 / max(1, begun)
    print(
        f"memory, {begun:,} of {streams:,} streams of {SMALL_KB:g} KB in held open: "
        f"{target.name} {held:.0f} MB, {each:.1f} KB a stream"
    )


def _recorded(bridge: Target) -> int:
    """Count the interceptions on record."""
    url = f"http://127.0.0.1:{bridge.port}/api/v2/aibridge/interceptions?limit=1"
    headers = {"Coder-Session-Token": bridge.headers["x-api-key"]}
    answer = httpx.get(url, headers=headers, timeout=60, trust_env=False).raise_for_status()
    return int(json.loads(answer.content)["count"])


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
    except subprocess.SubprocessError as error:
        sys.exit(f"scripts/bench: {error}")
