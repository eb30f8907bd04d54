"""The index of texts in SQLite, as far as it is not the same in both engines."""

from collections.abc import Iterable

import pytest
from sqlalchemy import Connection

from aibridge.store import text_index
from aibridge.store.rows import TextRow
from tests.builders import indexed_words, new_database


@pytest.fixture
def connection():
    database = new_database("sqlite://")
    with database.write() as connection:
        yield connection
    database.close()


def index(connection: Connection, rows: Iterable[tuple[str, str]]) -> None:
    texts = [TextRow(str(number), 7, *row, "") for number, row in enumerate(rows)]
    text_index.add(connection.connection.cursor(), texts)


def test_rows_are_numbered_on(connection):
    numbers = "SELECT number FROM indexed_interceptions ORDER BY number"
    for size in (0, 1, 33, 0, 2):
        index(connection, [("mend", "")] * size)
    rows = connection.exec_driver_sql(numbers)
    assert [number for (number,) in rows] == list(range(7 << 10, (7 << 10) + 36))


def test_a_row_is_taken_out_with_its_number_and_the_same_texts(connection):
    index(connection, [("mend roof", "bash"), ("mend", "read")])
    connection.exec_driver_sql(
        "INSERT INTO text_index (text_index, rowid, prompt, tool, error) "
        "VALUES ('delete', ?, ?, ?, '')",
        (7 << 10, "mend roof", "bash"),
    )
    assert indexed_words(connection) == {("1", "prompt", "mend", 0), ("1", "tool", "read", 0)}
    connection.exec_driver_sql("INSERT INTO text_index (text_index) VALUES ('integrity-check')")
