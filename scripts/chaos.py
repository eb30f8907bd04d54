"""The bridge among faults: no answer that a client has read to its end is lost or there twice.

In every round clients stream against a bridge of its own, and meanwhile a fault strikes and is
mended, at moments drawn from the seed. Once what waits in the journal is on record the bridge is
stopped, and its tables are compared with what the clients have read.
"""

import argparse
import random
import signal
import sys
from collections.abc import Iterator

from aibridge.practice import serve
from scripts.faults import rounds
from scripts.faults.disks import (
    FullInOutage,
    FullUnderBoth,
    FullUnderJournal,
    FullUnderSQLite,
    NoDisk,
)
from scripts.faults.fault import Fault
from scripts.faults.journals import DamagedJournal, TornTail
from scripts.faults.outages import (
    KillInOutage,
    KillKeeperInOutage,
    KillPostgreSQL,
    Outage,
    StallPostgreSQL,
)
from scripts.faults.processes import (
    KillAll,
    KillBridge,
    KillKeeper,
    KillKeeperOrWorker,
    KillWorker,
    KillWorkerUnseen,
    PauseKeeper,
    PauseWorker,
)
from scripts.faults.repeated import CutWriter, LoseCommits, StepClock
from scripts.faults.scenes import Scenes
from scripts.faults.several import KillOneOfTwo, PauseOneOfTwo
from scripts.kill_asks import SCRIPT
from scripts.running import BridgeError

FAULTS: tuple[type[Fault], ...] = (
    KillBridge,
    KillAll,
    KillKeeper,
    KillKeeperOrWorker,
    KillWorker,
    KillWorkerUnseen,
    PauseKeeper,
    PauseWorker,
    TornTail,
    DamagedJournal,
    Outage,
    KillInOutage,
    KillKeeperInOutage,
    KillPostgreSQL,
    StallPostgreSQL,
    CutWriter,
    LoseCommits,
    FullUnderSQLite,
    FullUnderBoth,
    FullUnderJournal,
    FullInOutage,
    KillOneOfTwo,
    PauseOneOfTwo,
    StepClock,
)
QUICK = ((KillKeeper, "sqlite"), (KillAll, "postgresql"))
QUICK_SECONDS = 3
SHOWN_WRONGS = 5
TITLES = (
    "waited",
    "requests",
    "refused",
    "completed",
    "found",
    "damaged",
    "duplicates",
    "lost",
    "wrong",
)
LEGEND = """
waited       bytes that were in the journals, and not in the database, when a fault was mended
refused      calls answered with 503; completed: answers that clients have read to their end
found        those of them that are on record as they were; damaged: those that a fault has damaged
wrong        whatever is not as it should be
"""
Round = tuple[type[Fault], str]


def main() -> int:
    """Run the rounds; the result is the exit status."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that all that was started is ended
    options = _options()
    print(f"--seed {options.seed}, {options.clients} clients\n{LEGEND}")
    print(_line("fault", "engine", *TITLES), flush=True)
    with serve(SCRIPT, log=False) as practice:
        scenes = Scenes(practice.url, options.durability)
        try:
            sums = [_run(scenes, *one, options) for one in _chosen(options)]
        finally:
            scenes.close()
    total = [sum(column) for column in zip(*sums, strict=True)] or [0] * len(TITLES)
    print(_line("all of them", "", *total))
    return 1 if any(total[-3:]) or not total[TITLES.index("found")] else 0


def _options() -> argparse.Namespace:
    names = [fault.name for fault in FAULTS]
    parser = argparse.ArgumentParser(prog="scripts/chaos", description=__doc__)
    parser.add_argument(
        "--only", action="append", choices=names, help="this fault; may be repeated"
    )
    parser.add_argument("--engine", choices=("sqlite", "postgresql"), help="with this one only")
    parser.add_argument("--quick", action="store_true", help="two short rounds")
    parser.add_argument("--seconds", type=float, default=12, help="of load in a round")
    parser.add_argument("--outage", type=float, default=5, help="seconds without the database")
    parser.add_argument(
        "--durability",
        choices=("journal", "database"),
        default="",
        help="where records must be before an answer ends, if not where the engine's rule says",
    )
    parser.add_argument("--clients", type=int, default=24)
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))  # noqa: S311 - see main
    return parser.parse_args()


def _chosen(options: argparse.Namespace) -> Iterator[Round]:
    if options.quick:
        options.seconds = QUICK_SECONDS
        yield from QUICK
        return
    for fault in FAULTS:
        for engine in fault.engines:
            if fault.name in (options.only or [fault.name]) and options.engine in {None, engine}:
                yield fault, engine


def _run(scenes: Scenes, fault: type[Fault], engine: str, options: argparse.Namespace) -> list[int]:
    """Run a round, print its line, and return its counts."""
    plan = rounds.plan(
        fault,
        engine,
        seed=options.seed,
        seconds=options.seconds,
        outage=options.outage,
        clients=options.clients,
    )
    try:
        result = rounds.run(scenes, plan)
    except NoDisk as error:
        print(f"{fault.name:26}{engine:>12}  skipped: {error}", flush=True)
        return [0] * len(TITLES)
    except BridgeError as error:
        print(f"{fault.name:26}{engine:>12}  {error}", flush=True)
        return [0] * (len(TITLES) - 1) + [1]
    counts = _counts(result)
    struck = ", ".join(f"{after:.2f} s for {hold:.2f} s" for after, hold in plan.blows)
    print(
        _line(fault.name, engine, *counts),
        f"  /healthz {result.load.slowest:.2f} s; after {struck}",
        flush=True,
    )
    for text in result.verdict.wrong[:SHOWN_WRONGS]:
        print(f"    {text}", flush=True)
    return counts


def _counts(result: rounds.Result) -> list[int]:
    """Count what `TITLES` name."""
    load, verdict = result.load, result.verdict
    return [
        result.waited,
        len(load.asked),
        load.refused,
        load.ended,
        verdict.found,
        verdict.damaged,
        verdict.duplicates,
        verdict.lost,
        len(verdict.wrong),
    ]


def _line(name: str, engine: str, *cells: object) -> str:
    return f"{name:26}{engine:>12}" + "".join(f"{cell!s:>12}" for cell in cells)


if __name__ == "__main__":
    sys.exit(main())
