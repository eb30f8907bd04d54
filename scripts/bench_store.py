"""Measure reading a large record: p50, p95 and p99 of every list under every filter.

The record is made up from a seed and written by the recorder's own writer, so that it is as one
that has grown. It is kept: a later run builds what is missing, or nothing. Each figure is one page
with its count and all that is shown on it, without HTTP; one that takes longer than a list may is
broken off then, as for anybody. "naive" is the same from the raw rows.
At the end stand all pages under single filters, and those under every two, the slowest by name.
"""

import argparse
import statistics
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from sqlalchemy.exc import DBAPIError

from aibridge.collecting import spare_collecting
from aibridge.store.engine.database import Database
from aibridge.store.engine.errors import is_too_slow
from scripts.storing.asked import Ask, routes, routes_of_pairs
from scripts.storing.build import build
from scripts.storing.made_up import PORTION_SESSIONS, SESSION_CALLS, Record

LISTS = ("interceptions", "sessions")
"""How the lines of lists begin."""
SLOWEST = 5
"""Lines that are told with the longest that a page took."""
MOST_SECONDS = 5.0
"""How long one line is measured at most, once it was asked once."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Build and measure."""
    options = _options(arguments)
    database = Database(options.database)
    began = time.monotonic()
    portions = max(1, round(options.interceptions / SESSION_CALLS / PORTION_SESSIONS))
    record = Record(options.seed, portions, options.skewed)
    build(database, record)
    spare_collecting()  # as the server does
    print(f"built in {time.monotonic() - began:.0f} s; times in ms")
    print(f"{'':44}{'p50':>10}{'p95':>10}{'p99':>10}{'times':>7}")
    singles: dict[str, list[float]] = {}
    for name, ask in routes(database, record):
        if options.only in name:
            times = singles[name] = measure(ask, options.times)
            p50, p95, p99 = (quantile(times, share) for share in (0.5, 0.95, 0.99))
            print(f"{name:44}{p50:10.1f}{p95:10.1f}{p99:10.1f}{len(times):7}", flush=True)
    lists = {name: times for name, times in singles.items() if name.startswith(LISTS)}
    tell_together("single filters", lists)
    tell_together("pairs of filters", measured_pairs(database, options, record))
    database.close()
    return 0


def measured_pairs(
    database: Database, options: argparse.Namespace, record: Record
) -> dict[str, list[float]]:
    """Return milliseconds of pages under every two filters, by name."""
    return {
        name: measure(ask, options.pair_times)
        for name, ask in routes_of_pairs(database, record)
        if options.pair_times and options.only in name
    }


def tell_together(name: str, found: Mapping[str, Sequence[float]]) -> None:
    """Print below which time most pages of all lines lie, and the slowest lines."""
    times = [time for line in found.values() for time in line]
    if not times:
        return
    p50, p95, p99 = (quantile(times, share) for share in (0.5, 0.95, 0.99))
    print(f"{name:44}{p50:10.1f}{p95:10.1f}{p99:10.1f}{len(times):7}")
    for line in sorted(found, key=lambda one: max(found[one]), reverse=True)[:SLOWEST]:
        print(f"  {max(found[line]):10.1f}  {line}", flush=True)


def measure(ask: Ask, times: int) -> list[float]:
    """Return milliseconds of each time something was asked, until it was answered or refused."""
    found: list[float] = []
    end = time.monotonic() + MOST_SECONDS
    while len(found) < times and (not found or time.monotonic() < end):
        began = time.perf_counter()
        try:
            ask()
        except DBAPIError as error:
            if not is_too_slow(error):
                raise
        found.append((time.perf_counter() - began) * 1000)
    return found


def quantile(times: Sequence[float], share: float) -> float:
    """Return below which time this share of the times lie."""
    if len(times) == 1:
        return times[0]
    return statistics.quantiles(times, n=1000, method="inclusive")[round(share * 1000) - 1]


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    file = Path("bench-store.db").resolve()
    parser.add_argument("--database", default=f"sqlite:///{file}", help="where the record is kept")
    parser.add_argument("--interceptions", type=int, default=10_000_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--skewed", action="store_true", help="half of it one person's, a tenth of that one session"
    )
    parser.add_argument("--times", type=int, default=40, help="how often each line is asked")
    parser.add_argument("--pair-times", type=int, default=3, help="the same for every two filters")
    parser.add_argument("--only", default="", help="measure the lines with this in their name")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
