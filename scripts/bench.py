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
import time
from dataclasses import replace
from pathlib import Path

import httpx
import msgspec

from scripts.benching.load import OVERTIME_SECONDS, Result
from scripts.benching.machine import (
    allow_many_files,
    children_cpu_seconds,
    conditions,
    cores,
    cpu_seconds,
    memory_mb,
)
from scripts.benching.peers import PEERS, running
from scripts.benching.table import LEGEND, Run, table
from scripts.benching.targets import Target, order, prepared_bridge, provider, start, targets
from scripts.benching.traffic import LARGE, SMALL, SMALL_KB, Work, request_body
from scripts.running import Bridge, BridgeError

WARM_UP_SECONDS = 0.3
MOST_REQUESTS = 200_000
"""Requests of one load at most, however long it may take."""
FILES_A_STREAM = 2
SPARE_FILES = 200
STARTS = 5
READY_SECONDS = 20.0
LOOK_SECONDS = 0.002
WORKS = (SMALL, replace(SMALL, connections=16), LARGE, replace(LARGE, connections=16))


def main() -> int:
    """Measure; the result is the exit status, 1 if anything went wrong on the way."""
    options = _options()
    allow_many_files()
    with (
        tempfile.TemporaryDirectory(prefix="aibridge-bench-") as home,
        tempfile.TemporaryDirectory(prefix="aibridge-bench-", dir=options.directory) as data,
        provider(cores()[1]) as port,
    ):
        print(*conditions(Path(data)), sep="\n")
        bridge = prepared_bridge(Path(data), port)
        starts = [_start_seconds(bridge) for _ in range(options.starts)]
        print(f"start to ready: bridge {statistics.median(starts):.2f} s, median of {len(starts)}")
        with (
            targets(Path(home), bridge, port) as ours,
            running(PEERS if options.peers else (), Path(home), port) as peers,
        ):
            return _measure_all([*ours, *peers, Target("direct", 0, port)], options)


def _measure_all(found: list[Target], options: argparse.Namespace) -> int:
    """Measure these, the bridge first and the provider itself last, and return the exit status."""
    names = ", ".join(target.name for target in found)
    print(f"loads of {options.seconds:g} s, median of {options.rounds}, in turn on {names}")
    print(LEGEND)
    print(f"memory, idle, of all processes: {', '.join(map(_memory, found[:-1]))}")
    sent, errors = _warm_up(found)
    for work in WORKS:
        runs = _measure(work, found, options)
        print("", *table(work.name, runs), sep="\n", flush=True)
        sent += sum(run.requests for run in runs[found[0].name])
        errors += sum(run.result.errors for one in found if not one.peer for run in runs[one.name])
    print(f"\nmemory, idle after {sent:,} requests: {_memory(found[0])}")
    recorded = _recorded(found[0])
    for target in found[:-1]:
        _hold(target, options.hold)
    print(f"\non record of the bridge's requests: {recorded:,} of {sent:,}")
    return 1 if errors or recorded != sent else 0


def _start_seconds(bridge: Bridge) -> float:
    """Return the seconds from the start of the bridge's process to its first 200 of /readyz."""
    with httpx.Client(trust_env=False) as client:
        started = time.perf_counter()
        with bridge.running():
            while not client.get(f"{bridge.url}/readyz").is_success:
                if time.perf_counter() - started > READY_SECONDS:
                    raise BridgeError(f"the bridge is not ready after {READY_SECONDS:g} s")
                time.sleep(LOOK_SECONDS)
            return time.perf_counter() - started


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
    parser.add_argument(
        "--peers",
        action="store_true",
        help=f"measure {' and '.join(peer.name for peer in PEERS)} too; they are installed from "
        "their registries (PyPI, npm) into a cache folder, if they are not there yet",
    )
    parser.add_argument("--quick", action="store_true", help="one short round, to see that it runs")
    parser.set_defaults(starts=STARTS)
    options = parser.parse_args()
    if options.quick:
        options.seconds, options.rounds, options.hold, options.starts = 0.3, 1, 50, 1
    options.hold = min(options.hold, (allow_many_files() - SPARE_FILES) // FILES_A_STREAM)
    return options


def _warm_up(found: list[Target]) -> tuple[int, int]:
    """Have everything run once; return the bridge's requests, and the errors but of peers."""
    sent = errors = 0
    for target in found:
        for work in (one for one in WORKS if one.connections > 1):
            run = _run(work, target, WARM_UP_SECONDS)
            sent += run.requests if target is found[0] else 0
            errors += 0 if target.peer else run.result.errors
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
    before, others = cpu_seconds(target.pid), children_cpu_seconds(target.pid)
    with start("scripts.benching.load", on=cores()[1]) as process:
        out, _ = process.communicate(f"{load}\n", timeout=seconds + 2 * OVERTIME_SECONDS)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, f"the load on {target.name}")
    result = msgspec.json.decode(out, type=Result)
    cpu = cpu_seconds(target.pid) - before
    return Run(result, cpu, cpu + children_cpu_seconds(target.pid) - others)


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
    except (subprocess.SubprocessError, BridgeError) as error:
        sys.exit(f"scripts/bench: {error}")
