"""Feeds every reader of foreign bytes made-up inputs; none may raise, be slow or take much."""

import argparse
import ctypes
import multiprocessing
import resource
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import NamedTuple

from scripts.fuzzing.inputs import make
from scripts.fuzzing.measure import Result, run
from scripts.fuzzing.readers import Reader, readers

PROCESSES = 2
BATCH = 20_000
MAX_SECONDS = 60
"""Seconds that one input may take before its process is killed."""

SHOWN = 1000
"""Bytes of a long input's beginning and end that are shown."""

MAX_MEMORY = 4 << 30

_fork = multiprocessing.get_context("fork")


class Job(NamedTuple):
    """Some inputs of a reader."""

    name: str
    numbers: range


class Worker(NamedTuple):
    """A process at a job, the number of the input that it is at, and where its result comes."""

    job: Job
    process: BaseProcess
    at: ctypes.c_long
    result: Connection


def main(arguments: Sequence[str] | None = None) -> int:
    """Run; 0 where nothing was found."""
    options = _parser().parse_args(arguments)
    chosen = {name: reader for name, reader in readers().items() if _is_chosen(name, options.only)}
    if not chosen:
        print(f"no such reader: there are {', '.join(readers())}", file=sys.stderr)
        return 2
    if options.input is not None:
        return _show_one(chosen, options.seed, options.input)
    started = time.monotonic()
    print(f"{'reader':20} {'inputs':>9} {'MB':>7} {'raised':>6}  slowest ms/100 kB   growth MB")
    jobs = [
        Job(name, range(start, min(start + BATCH, options.inputs)))
        for name in chosen
        for start in range(0, options.inputs, BATCH)
    ]
    results = {name: Result() for name in chosen}
    left = dict.fromkeys(chosen, options.inputs)
    for job, result in _run_all(jobs, chosen, options.seed):
        results[job.name].add(result)
        left[job.name] -= len(job.numbers)
        if not left[job.name]:
            _print(job.name, results[job.name])
    good = all(result.good for result in results.values())
    print(
        f"seed {options.seed}, {time.monotonic() - started:.0f} s: {'good' if good else 'FAILED'}"
    )
    return 0 if good else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="scripts/fuzz", description=__doc__)
    parser.add_argument("--inputs", type=int, default=10_000, help="inputs of each reader")
    parser.add_argument("--seed", type=int, default=1, help="the same seed makes the same inputs")
    parser.add_argument("--only", action="append", metavar="READER", help="may be given repeatedly")
    parser.add_argument("--input", type=int, metavar="NUMBER", help="show this input only")
    return parser


def _is_chosen(name: str, only: Sequence[str] | None) -> bool:
    return not only or name in only


def _run_all(
    jobs: Sequence[Job], chosen: dict[str, Reader], seed: int
) -> Iterator[tuple[Job, Result]]:
    """Yield the jobs as they are done, by `PROCESSES` processes."""
    waiting, working = list(reversed(jobs)), list[Worker]()
    while waiting or working:
        while waiting and len(working) < PROCESSES:
            working.append(_begin(waiting.pop(), chosen, seed))
        ready = wait([worker.result for worker in working])
        for worker in [worker for worker in working if worker.result in ready]:
            working.remove(worker)
            yield worker.job, _result(worker)


def _begin(job: Job, chosen: dict[str, Reader], seed: int) -> Worker:
    result, send = _fork.Pipe(duplex=False)
    at = _fork.RawValue(ctypes.c_long, -1)
    process = _fork.Process(target=_work, args=(job, chosen[job.name], seed, at, send))
    process.start()
    send.close()
    return Worker(job, process, at, result)


def _work(job: Job, reader: Reader, seed: int, at: ctypes.c_long, result: Connection) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MAX_MEMORY, MAX_MEMORY))
    signal.signal(signal.SIGALRM, signal.SIG_DFL)

    def begin(number: int) -> None:
        at.value = number
        signal.alarm(MAX_SECONDS)

    result.send(run(reader, job.name, seed, job.numbers, begin))


def _result(worker: Worker) -> Result:
    """Return what a process found; one that was killed failed at its last input."""
    try:
        result: Result = worker.result.recv()
    except EOFError:
        result = Result(failures=1, shown=[f"{worker.job.name} {worker.at.value}: killed"])
    worker.result.close()
    worker.process.join()
    return result


def _print(name: str, result: Result) -> None:
    slow, growth = result.slowest, result.growth
    print(
        f"{name:20} {result.inputs:9,} {result.bytes / 1e6:7.0f} {result.failures:6}"
        f"  {slow[0]:7.1f} (#{slow[1]})  {growth[0] / (1 << 20):7.1f} (#{growth[1]})"
        f"{'' if result.good else '  FAILED'}",
        flush=True,
    )
    for text in result.shown:
        print(text)


def _show_one(chosen: dict[str, Reader], seed: int, number: int) -> int:
    """Feed readers one input, and show it with what it takes."""
    results = []
    for name, reader in chosen.items():
        given = make(reader.maker, name, seed, number, codings=reader.codings)
        data = given.data
        print(f"{name} {number}: {len(data)} bytes, {given.coding or 'not compressed'}")
        print(data if len(data) <= 2 * SHOWN else data[:SHOWN] + b" ... " + data[-SHOWN:])
        results.append(run(reader, name, seed, [number], lambda _: None))
        _print(name, results[-1])
    return 0 if all(result.good for result in results) else 1


if __name__ == "__main__":
    sys.exit(main())
