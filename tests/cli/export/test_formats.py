"""What strangers wrote stays in its cell, and no spreadsheet runs it."""

import csv
from io import BytesIO, StringIO, TextIOWrapper

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aibridge.cli.export.formats import comma_separated
from aibridge.contract import Model
from tests.test_csv_cells import FORMULAS, HARMLESS


class Item(Model):
    """An item of two texts and a number."""

    name: str
    text: str | None
    number: int


def written(*items: Item) -> bytes:
    file = BytesIO()
    with comma_separated(file, Item) as write:
        for item in items:
            write(item)
    return file.getvalue()


def read(data: bytes, newline: str | None) -> list[list[str]]:
    """Read rows; ``newline`` is that of `open`: `None` translates all ends of lines."""
    return list(csv.reader(TextIOWrapper(BytesIO(data), encoding="utf-8", newline=newline)))


@pytest.mark.parametrize("text", FORMULAS, ids=ascii)
def test_a_text_that_would_be_run_is_guarded_in_whatever_column(text):
    (_, row) = read(written(Item(name=text, text=text, number=-1)), "")
    assert row == [f"'{text}", f"'{text}", "-1"]


@pytest.mark.parametrize("text", HARMLESS, ids=ascii)
def test_any_other_is_as_it_was(text):
    (_, row) = read(written(Item(name=text, text=text, number=1)), "")
    assert row == [text, text, "1"]


def test_every_cell_is_quoted():
    data = written(Item(name="a", text=None, number=1))
    assert data == b'"name","text","number"\n"a","","1"\n'


@pytest.mark.parametrize("newline", ["", None, "\n"])
@given(texts=st.lists(st.text(alphabet=st.sampled_from("a=,\"'\r\n\t\v\f\x1c\x85\u2028 "))))
def test_each_item_is_one_row_however_lines_are_read(newline, texts):
    data = written(*(Item(name=text, text=text, number=1) for text in texts))
    rows = read(data, newline)
    assert [len(row) for row in rows] == [3] * (len(texts) + 1)
    assert not any(row[0].startswith("=") for row in rows)


def test_all_that_is_in_a_cell_comes_back():
    text = "please\r=cmd|' /C calc'!A0\r\nnext\n"
    data = written(Item(name=text, text=text, number=1))
    assert read(data, "")[1][:2] == [text, text]
    assert [*csv.reader(StringIO(data.decode(), newline=""))][1][0] == text
