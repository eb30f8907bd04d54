"""A provider's report beside the record, as a person and a program read it."""

from collections.abc import Iterable
from decimal import Decimal
from fractions import Fraction
from typing import Any

from aibridge.budgets.money import dollars
from aibridge.cli.output import say
from aibridge.cli.spend.shown import TOTAL
from aibridge.cli.tables import Column, print_table
from aibridge.reconciling.comparing import Line, Sums
from aibridge.reconciling.reports import Amounts, Report

_TOKENS = ("input", "output", "cache_read", "cache_write")


def print_lines(report: Report, lines: Iterable[Line], sums: Sums, tolerance: Decimal) -> None:
    """Print both sides of each line, how they differ and why, and at last their sums."""
    sorts = ("cost",) if report.kind.is_of_costs else _TOKENS
    rows = [row for line in lines for row in _rows(line, sorts)]
    for sort in sorts:
        both = (sums.provider, sums.ours, sums.difference)
        rows.append((TOTAL, "", sort.replace("_", " "), *_cells(sort, *both), ""))
    columns = (
        Column("DAY"),
        Column("MODEL"),
        Column("OF", rank=2),
        *(Column(name, right=True) for name in ("PROVIDER", "RECORD", "DIFFERENCE")),
        Column("REASON", telling=True),
    )
    shown = [number for number in range(len(columns)) if number != 2 or len(sorts) > 1]  # noqa: PLR2004
    print_table([columns[one] for one in shown], [[row[one] for one in shown] for row in rows])
    outcome = "agree within" if sums.is_within else "differ by more than"
    first, last = report.days[0], report.days[-1]
    say(f"{report.kind}, {first} to {last} in UTC: the sums {outcome} {tolerance} %.", err=True)


def _rows(line: Line, sorts: Iterable[str]) -> Iterable[tuple[str, ...]]:
    """Return a row for each sort of tokens that there is any of, or one of costs."""
    ours = None if line.ours is None else line.ours.amounts
    for sort in sorts:
        if sort == "cost" or any(getattr(one or Amounts(), sort) for one in (line.provider, ours)):
            cells = _cells(sort, line.provider, ours, line.difference)
            yield line.day.isoformat(), line.name, sort.replace("_", " "), *cells, line.reason


def _cells(sort: str, *sides: Amounts | None) -> tuple[str, ...]:
    return tuple("-" if side is None else _text(sort, getattr(side, sort)) for side in sides)


def _text(sort: str, number: Fraction) -> str:
    if sort != "cost":
        return f"{number:,}"
    return dollars(round(number))


def as_json_value(
    report: Report, lines: Iterable[Line], sums: Sums, tolerance: Decimal
) -> dict[str, Any]:
    """Return all that is told as JSON; money is in micro-dollars, rounded to whole ones."""
    return {
        "report": report.kind.value,
        "days": [day.isoformat() for day in report.days],
        "tolerance_percent": str(tolerance),
        "within_tolerance": sums.is_within,
        "totals": {
            "provider": _numbers(report, sums.provider),
            "record": _numbers(report, sums.ours),
            "difference": _numbers(report, sums.difference),
        },
        "lines": [_line(report, line) for line in lines],
    }


def _line(report: Report, line: Line) -> dict[str, Any]:
    ours = line.ours
    return {
        "day": line.day.isoformat(),
        "model": line.name if line.is_model else None,
        "item": None if line.is_model else line.name,
        "provider": None if line.provider is None else _numbers(report, line.provider),
        "record": None
        if ours is None
        else {
            **_numbers(report, ours.amounts),
            "request_count": ours.requests,
            "unpriced_usage_count": ours.unpriced,
            "estimated_call_count": ours.estimated,
        },
        "difference": _numbers(report, line.difference),
        "reason": line.reason,
    }


def _numbers(report: Report, amounts: Amounts) -> dict[str, int]:
    if report.kind.is_of_costs:
        return {"cost_micros": round(amounts.cost)}
    return {f"{sort}_tokens": getattr(amounts, sort) for sort in _TOKENS}
