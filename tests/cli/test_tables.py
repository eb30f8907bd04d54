from datetime import UTC, datetime

import pytest

from aibridge.cli.tables import LEAST, SHORT, Column, lines

COLUMNS = (
    Column("ID"),
    Column("TIME", rank=1),
    Column("USER", rank=2),
    Column("IN", rank=3, right=True),
    Column("PROMPT", telling=True),
)
THEN = datetime(2001, 2, 3, 4, 5, 6, tzinfo=UTC)
ROW = ("0199a3c4-7f00-7000-8000-000000000001", THEN, "ana", "7", "word " * 60)


@pytest.mark.parametrize(
    ("width", "titles"),
    [
        (200, ["ID", "TIME", "USER", "IN", "PROMPT"]),
        (92, ["ID", "TIME", "USER", "IN", "PROMPT"]),
        (88, ["ID", "TIME", "USER", "PROMPT"]),
        (80, ["ID", "TIME", "PROMPT"]),
        (70, ["ID", "PROMPT"]),
        (20, ["ID", "PROMPT"]),
    ],
)
def test_a_narrow_terminal_has_fewer_columns_and_the_telling_one_the_rest(
    width: int, titles: list[str]
) -> None:
    title, row = lines(COLUMNS, [ROW], width)
    assert title.split() == titles
    assert row.startswith(ROW[0])
    prompt = row[title.index("PROMPT") :]
    assert len(prompt) == max(LEAST, width - title.index("PROMPT"))
    assert prompt.endswith("…")


def test_a_column_takes_no_more_room_than_it_needs() -> None:
    title, row = lines(COLUMNS, [(*ROW[:-1], "hello")], 70)
    assert title.split() == ["ID", "TIME", "USER", "IN", "PROMPT"]
    assert row.split()[1:] == ["2001-02-03", "ana", "7", "hello"]


def test_a_program_gets_everything_whole() -> None:
    _, row = lines(COLUMNS, [ROW], None)
    assert row.split(maxsplit=4)[1:4] == ["2001-02-03T04:05:06Z", "ana", "7"]
    assert row.endswith(("word " * 60).strip())


def test_wide_characters_are_counted_as_wide() -> None:
    _, row = lines(COLUMNS, [(*ROW[:-1], "\u6f22" * 60)], 120)
    assert len(row) + row.count("\u6f22") <= 120
    assert row.endswith("…")


def test_numbers_stand_on_the_right() -> None:
    rows = lines((Column("N", right=True), Column("A")), [("1", "x"), ("100", "y")], 80)
    assert rows == ["  N  A", "  1  x", "100  y"]


def test_what_never_was_is_said_in_the_columns_words() -> None:
    (_, row) = lines((Column("USED", never="not yet"),), [(None,)], 80)
    assert row == "not yet"


IDS = ("0199a3c4-7f00-7000-8000-000000000001", "0199a3c4-7f00-7000-8001-000000000002")


def test_ids_are_shortened_before_a_column_is_left_out_but_stay_apart() -> None:
    columns = (Column("ID", ids=True), *COLUMNS[1:])
    title, *rows = lines(columns, [(one, *ROW[1:]) for one in IDS], 80)
    assert title.split() == ["ID", "TIME", "USER", "IN", "PROMPT"]
    assert [row.split()[0] for row in rows] == [one[:23] for one in IDS]
    assert lines(columns, [ROW], 80)[1].startswith(f"{IDS[0][:SHORT]}  ")
    assert lines(columns, [ROW], 200)[1].startswith(f"{IDS[0]}  ")


def test_no_column_but_the_telling_one_is_wider_than_40_characters_on_a_terminal() -> None:
    row = ("x" * 256, THEN, "u" * 256, "7", "hello")
    assert lines(COLUMNS, [row], 200)[1].split()[0] == "x" * 39 + "…"
    assert max(map(len, lines(COLUMNS, [row], 80))) <= 80
    assert lines(COLUMNS, [row], None)[1].split()[0] == "x" * 256
