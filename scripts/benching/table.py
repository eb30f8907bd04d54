"""The table of a benchmark: what the loads on each target took, and how often that is nginx's."""

import math
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from scripts.benching.load import Result

TIMES = "× nginx"  # noqa: RUF001 - the sign of multiplication
HEADINGS = (
    "requests/s",
    "CPU µs",
    TIMES,
    "all µs",
    TIMES,
    "first p50",
    "p99 ms",
    "last p50",
    "p99 ms",
    "requests",
    "errors",
)
LEGEND = (
    "c: connections; CPU µs: processor time of the process that serves, all µs: and of its "
    f"children, a request; {TIMES}: as a multiple of nginx's; first, last: byte, in ms"
)
YARDSTICK = "nginx"


@dataclass(frozen=True, slots=True)
class Run:
    """One load on one target.

    ``cpu`` is seconds of processor time of the process that serves, ``all_cpu`` that of those it
    has begun too.
    """

    result: Result
    cpu: float
    all_cpu: float

    @property
    def rate(self) -> float:
        """Answers a second."""
        return len(self.result.totals) / self.result.seconds

    @property
    def requests(self) -> int:
        """Requests made, answered or not."""
        return len(self.result.totals) + self.result.errors

    @property
    def costs(self) -> tuple[float, float]:
        """Microseconds a request of ``cpu`` and ``all_cpu``."""
        each = 1e6 / max(1, self.requests)
        return self.cpu * each, self.all_cpu * each


def table(name: str, runs: dict[str, list[Run]]) -> list[str]:
    """Return the lines of a kind of load; the runs are by target, and in the order of rounds."""
    yardstick = runs.get(YARDSTICK, [])
    rows = (_line(f"  {target}", _figures(own, yardstick)) for target, own in runs.items())
    return [_line(name, HEADINGS), *rows]


def _figures(runs: list[Run], yardstick: list[Run]) -> list[str]:
    """Return the columns of `HEADINGS`: medians of the runs' figures, sums of their counts."""
    cpu, all_cpu = zip(*(run.costs for run in runs), strict=True)
    nginx = [run.costs[1] for run in yardstick]
    firsts = [_percentiles(run.result.first_bytes) for run in runs]
    lasts = [_percentiles(run.result.totals) for run in runs]
    latencies = [
        statistics.median(values) * 1000
        for pairs in (firsts, lasts)
        for values in zip(*pairs, strict=True)
    ]
    return [
        f"{statistics.median(run.rate for run in runs):,.0f}",
        *(_cost(cpu), _multiple(cpu, nginx), _cost(all_cpu), _multiple(all_cpu, nginx)),
        *(f"{value:.2f}" for value in latencies),
        f"{sum(run.requests for run in runs):,}",
        f"{sum(run.result.errors for run in runs):,}",
    ]


def _cost(microseconds: Sequence[float]) -> str:
    cost = statistics.median(microseconds)
    return f"{cost:,.0f}" if cost else "-"


def _multiple(own: Sequence[float], nginx: Sequence[float]) -> str:
    """Return the median over the rounds of one cost by another of the same round.

    What else the machine did in a round falls on both. There is none where nginx is not measured,
    where it took less than the kernel counts, and for what has no process.
    """
    pairs = zip(own, nginx, strict=False)  # there may be no nginx at all
    multiples = [one / other for one, other in pairs if one and other]
    return f"{statistics.median(multiples):,.1f}" if multiples else "-"


def _percentiles(seconds: list[float]) -> tuple[float, float]:
    """Return the 50th and the 99th, not a number if there is nothing."""
    if not seconds:
        return math.nan, math.nan
    ordered = sorted(seconds)
    return ordered[len(ordered) // 2], ordered[len(ordered) * 99 // 100]


def _line(name: str, cells: Iterable[str]) -> str:
    return f"{name:36}" + "".join(f"{cell:>12}" for cell in cells)
