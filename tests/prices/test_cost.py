from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aibridge.prices.cost import MAX_COUNT, MAX_MICROS, Billable, Cost, Priced, Unpriced, cost
from aibridge.prices.rates import CALLS, Price, Rate, Source, Tier, Unit

RATES = st.integers(0, 10**9)
COUNTS = st.dictionaries(st.sampled_from(Unit), st.integers(0, 10**7))
TOKENS = {unit: 0 for unit in Unit if unit not in CALLS}


def priced(rates: dict[Unit, Rate], percent: int = 100) -> Price:
    return Price(Source.SHIPPED, "list/model", rates, percent=percent)


@st.composite
def rate_of_tiers(draw: st.DrawFn) -> Rate:
    """A rate that rises with the prompt, as all do."""
    edges = draw(st.lists(st.integers(1, 10**6), unique=True, max_size=3).map(sorted))
    micros = draw(st.lists(RATES, min_size=len(edges) + 1, max_size=len(edges) + 1).map(sorted))
    return Rate(micros[0], tuple(map(Tier, edges, micros[1:])))


PRICES = st.builds(
    priced,
    st.fixed_dictionaries({unit: rate_of_tiers() for unit in Unit}),
    st.sampled_from([100, 110]),
)


def micros(found: Cost) -> int:
    assert isinstance(found, Priced)
    return found.micros


def test_a_cost_is_rounded_up_once_and_not_for_each_part() -> None:
    price = priced({Unit.INPUT: Rate(400_000), Unit.OUTPUT: Rate(400_000)})
    assert cost(Billable({Unit.INPUT: 1}), price) == Priced(1)
    assert cost(Billable({Unit.INPUT: 1, Unit.OUTPUT: 1}), price) == Priced(1)  # 0.4 + 0.4
    assert cost(Billable({Unit.INPUT: 5}), price) == Priced(2)


def test_a_part_without_a_price_leaves_the_cost_unknown_and_is_named() -> None:
    price = priced({Unit.INPUT: Rate(3_000_000)})
    assert cost(Billable({Unit.INPUT: 2, Unit.OUTPUT: 1}), price) == Unpriced(("output",), 6)
    assert cost(Billable({Unit.INPUT: 2}, ("a tool",)), price) == Unpriced(("a tool",), 6)


def test_no_tokens_of_a_part_need_no_price() -> None:
    assert cost(Billable({Unit.OUTPUT: 0}), priced({})) == Priced(0)


def test_unknown_is_not_zero() -> None:
    free = cost(Billable({Unit.INPUT: 5}), priced({Unit.INPUT: Rate(0)}))
    unknown = cost(Billable({Unit.INPUT: 5}), priced({}))
    assert free == Priced(0)
    assert unknown == Unpriced(("input",), 0)


@pytest.mark.parametrize("count", [-1, MAX_COUNT + 1])
def test_counts_that_cannot_be_have_no_cost(count: int) -> None:
    price = priced({Unit.INPUT: Rate(1)})
    assert isinstance(cost(Billable({Unit.INPUT: count}), price), Unpriced)


def test_a_cost_that_cannot_be_is_none() -> None:
    price = priced({Unit.INPUT: Rate(10_000_000)})
    assert cost(Billable({Unit.INPUT: MAX_COUNT}), price) == Priced(MAX_MICROS)
    dearer = priced({Unit.INPUT: Rate(10_000_001)})
    assert isinstance(cost(Billable({Unit.INPUT: MAX_COUNT}), dearer), Unpriced)


@pytest.mark.parametrize(
    ("prompt", "expected"), [(0, 1), (10, 1), (11, 2), (20, 2), (21, 3), (10**9, 3)]
)
def test_a_tier_holds_beyond_its_edge(prompt: int, expected: int) -> None:
    assert Rate(1, (Tier(10, 2), Tier(20, 3))).at(prompt) == expected


@given(PRICES, COUNTS, st.sampled_from(Unit), st.integers(0, 10**7))
def test_more_never_costs_less(
    price: Price, counts: dict[Unit, int], unit: Unit, more: int
) -> None:
    larger = {**counts, unit: counts.get(unit, 0) + more}
    assert micros(cost(Billable(counts), price)) <= micros(cost(Billable(larger), price))


@given(
    st.fixed_dictionaries({unit: st.builds(Rate, RATES) for unit in Unit}),
    st.lists(COUNTS, min_size=1, max_size=5),
)
def test_costs_of_parts_add_up_to_the_whole_up_to_rounding(
    rates: dict[Unit, Rate], parts: list[dict[Unit, int]]
) -> None:
    price = priced(rates)
    whole = {unit: sum(part.get(unit, 0) for part in parts) for unit in Unit}
    apart = sum(micros(cost(Billable(part), price)) for part in parts)
    together = micros(cost(Billable(whole), price))
    assert together <= apart < together + len(parts)


@given(PRICES, COUNTS)
def test_a_cost_is_exact_to_less_than_a_micro_dollar(price: Price, counts: dict[Unit, int]) -> None:
    billed = Billable(counts)
    exact = Decimal(0)
    for unit, count in counts.items():
        percent = 100 if unit in CALLS else price.percent
        exact += Decimal(count) * price.rates[unit].at(billed.prompt) * percent / 10**8
    assert 0 <= micros(cost(billed, price)) - exact < 1


@given(PRICES, COUNTS)
def test_the_price_that_is_kept_gives_the_same_cost_again(
    price: Price, counts: dict[Unit, int]
) -> None:
    kept = Price.decode(price.encode())
    assert kept == price
    assert cost(Billable(counts), kept) == cost(Billable(counts), price)
