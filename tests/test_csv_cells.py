"""Which texts a spreadsheet would run, and which it shows as they are."""

import pytest

from aibridge.csv_cells import cell

FORMULAS = [
    "=1+1",
    "+1",
    "-1",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    "\n=1",
    "\tx",
    "\rx",
    "\nx",
    "\r\n=1",
    " =1",
    "   @x",
    "\u00a0=1",
    "\u3000=1",
    "\x0b=1",
    "\x00=1",
    "\ufeff=1",
    "\u200b=1",
    "\u2028=1",
    "\uff1d1",
    "\uff0b1",
    "\uff0d1",
    "\uff201",
    "\ufe661",
    "\ufe621",
    "\ufe631",
    "\ufe6b1",
    "\u22121",
    " \uff1d1",
]
HARMLESS = ["", "a", "a=1", "1-1", "'=1", '"=1"', " a", "[]", "a\r=1", "a\n=1", "a,=1", 'a",=1']


@pytest.mark.parametrize("text", FORMULAS, ids=ascii)
def test_a_text_that_would_be_run_has_an_apostrophe_before_it(text: str) -> None:
    assert cell(text) == f"'{text}"


@pytest.mark.parametrize("text", HARMLESS, ids=ascii)
def test_any_other_text_stays_as_it_is(text: str) -> None:
    assert cell(text) == text
