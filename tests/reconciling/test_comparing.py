"""What is on record beside a report, line by line."""

from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aibridge.reconciling.comparing import (
    AT_PROVIDER,
    MORE_AT_PROVIDER,
    NO_MODEL,
    ROUNDING,
    WITH_US,
    Recorded,
    compare,
    compared,
    sum_up,
)
from aibridge.reconciling.reports import Amounts, Item, Report, ReportKind

DAY = date(2026, 1, 1)
COSTS, USAGE = ReportKind.ANTHROPIC_COSTS, ReportKind.OPENAI_USAGE


def report(*items: tuple[str, Amounts], kind: ReportKind = COSTS, other: str = "") -> Report:
    return Report(kind, (DAY,), tuple(Item(DAY, name, name != other, one) for name, one in items))


def cost(micros: Any) -> Amounts:
    return Amounts(Fraction(micros))


def ours(micros: int, requests: int = 1, unpriced: int = 0, estimated: int = 0) -> Recorded:
    return Recorded(cost(micros), requests, unpriced, estimated)


@pytest.mark.parametrize(
    ("provider", "recorded", "reason"),
    [
        (cost(500), ours(500), ""),
        (cost("498.5"), ours(500, 2), ROUNDING),
        (cost("497.9"), ours(500, 2), ""),
        (cost(502), ours(500, 2), ROUNDING),
        (cost(900), ours(500), MORE_AT_PROVIDER),
        (cost(900), ours(500, 9, 3), "3 usage rows of ours have a part without a price"),
        (cost(100), ours(500, 9, 3), ""),
        (cost(100), ours(500, 9, 0, 2), "the tokens of 2 calls of ours are estimated"),
        (cost(900), None, AT_PROVIDER),
        (None, ours(500), WITH_US),
    ],
)
def test_a_reason_is_told_where_there_is_one(
    provider: Amounts | None, recorded: Recorded | None, reason: str
) -> None:
    items = [] if provider is None else [("m", provider)]
    record = {} if recorded is None else {(DAY, "m"): recorded}
    (line,) = compare(report(*items), record)
    assert (line.provider, line.ours, line.reason) == (provider, recorded, reason)


@pytest.mark.parametrize(
    ("theirs", "mine", "shown"),
    [
        (["claude-opus-5-5-20261007"], ["claude-opus-5-5"], ["claude-opus-5-5"]),
        (["claude-opus-5-5"], ["claude-opus-5.5", "Claude-Opus-5-5[1m]"], ["claude-opus-5-5"]),
        (["claude-opus-5-5-20261007"], ["claude-opus-5-5-20261007"], ["claude-opus-5-5-20261007"]),
        (["gpt-4o"], ["openai/gpt-4o-2024-08-06", "gpt-4o"], ["gpt-4o"]),
        (
            ["gpt-4o-2024-08-06", "gpt-4o-2024-05-13"],
            ["gpt-4o"],
            ["gpt-4o", "gpt-4o-2024-05-13", "gpt-4o-2024-08-06"],
        ),
        (
            ["gpt-4o-2024-08-06"],
            ["gpt-4o-2024-05-13", "gpt-4o@20240806"],
            ["gpt-4o-2024-05-13", "gpt-4o@20240806"],
        ),
        (["o3"], ["o3-mini"], ["o3", "o3-mini"]),
    ],
)
def test_a_dated_name_is_its_base_where_that_has_one_date(
    theirs: list[str], mine: list[str], shown: list[str]
) -> None:
    record = {(DAY, name): ours(7) for name in mine}
    lines = compare(report(*((name, cost(7)) for name in theirs)), record)
    assert [line.name for line in lines] == shown
    total = sum_up(lines, Decimal(0))
    assert (total.provider, total.ours) == (cost(7 * len(theirs)), cost(7 * len(mine)))


def test_what_is_of_no_model_stands_by_itself_and_is_in_the_sums() -> None:
    of = report(("m", cost(500)), ("Web Search", cost(10)), other="Web Search")
    model, other = compare(of, {(DAY, "m"): ours(510)})
    assert (model.name, model.difference) == ("m", cost(10))
    assert (other.name, other.reason, other.difference) == ("Web Search", NO_MODEL, cost(-10))
    assert sum_up([model, other], Decimal(0)).is_within


def test_tokens_are_compared_as_the_provider_counts_them() -> None:
    assert compared(COSTS, 5, (1, 2, 3, 4)) == cost(5)
    assert compared(ReportKind.ANTHROPIC_USAGE, 5, (1, 2, 3, 4)) == Amounts(Fraction(), 1, 2, 3, 4)
    recorded = Recorded(compared(USAGE, 5, (1, 2, 3, 4)), 1)
    lines = compare(report(("m", Amounts(Fraction(), 5, 2, 3)), kind=USAGE), {(DAY, "m"): recorded})
    assert [(line.difference, line.reason) for line in lines] == [(Amounts(), "")]
    more = report(("m", Amounts(Fraction(), 5, 9, 3)), kind=USAGE)
    assert compare(more, {(DAY, "m"): recorded})[0].reason == MORE_AT_PROVIDER


@pytest.mark.parametrize(
    ("provider", "micros", "tolerance", "is_within"),
    [
        (1000, 1005, "0.5", True),
        (1000, 1006, "0.5", False),
        (1000, 995, "0.5", True),
        (0, 0, "0", True),
        (0, 1, "100", False),
    ],
)
def test_sums_agree_within_a_part_of_the_providers(
    provider: int, micros: int, tolerance: str, is_within: bool
) -> None:
    lines = compare(report(("m", cost(provider))), {(DAY, "m"): ours(micros)})
    assert sum_up(lines, Decimal(tolerance)).is_within is is_within


names = st.sampled_from(["gpt-4o", "gpt-4o-2024-08-06", "gpt-4o-2024-05-13", "openai/gpt-4o", "o3"])
micros = st.integers(0, 50)


@given(st.lists(st.tuples(names, micros)), st.dictionaries(names, micros))
def test_lines_leave_nothing_out(items: list[tuple[str, int]], record: dict[str, int]) -> None:
    lines = compare(
        report(*((name, cost(amount)) for name, amount in items)),
        {(DAY, name): ours(amount) for name, amount in record.items()},
    )
    total = sum_up(lines, Decimal(0))
    assert total.provider.cost == sum(amount for _, amount in items)
    assert total.ours.cost == sum(record.values())
    assert total.difference.cost == total.ours.cost - total.provider.cost
