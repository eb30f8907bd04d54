from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aibridge.budgets.money import dollars, parse_dollars


@pytest.mark.parametrize(
    ("text", "micros", "shown"),
    [
        ("12.50", 12_500_000, "$12.50"),
        ("$12.5", 12_500_000, "$12.50"),
        ("0", 0, "$0.00"),
        ("0.000001", 1, "$0.000001"),
        ("0.1", 100_000, "$0.10"),
        ("1000000", 1_000_000_000_000, "$1,000,000.00"),
    ],
)
def test_amounts_are_read_and_shown_exactly(text: str, micros: int, shown: str) -> None:
    assert parse_dollars(text) == micros
    assert dollars(micros) == shown


@pytest.mark.parametrize(
    "text",
    ["", "-1", "+1", "1e3", ".5", "1.", "1,000", "0.0000001", "nan", "\u0661", "12345678", "1\n"],
)
def test_what_is_no_amount_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="expected dollars"):
        parse_dollars(text)


@given(st.integers(0, 9_999_999_999_999))
def test_every_amount_reads_back(micros: int) -> None:
    shown = dollars(micros).replace(",", "")
    assert parse_dollars(shown) == micros
    assert Decimal(shown.removeprefix("$")) * 1_000_000 == micros


def test_less_than_nothing_has_a_sign() -> None:
    assert [dollars(micros) for micros in (-1, -1_500_000)] == ["-$0.000001", "-$1.50"]
