"""The index of texts in SQLite, as far as it is not the same in both engines."""

from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection

from aibridge.store.record.writer import BatchWriter
from aibridge.store.schema.rows import CorrelationRow, TextRow
from aibridge.store.search import index as text_index
from tests.builders import indexed_words, new_database


@pytest.fixture
def connection():
    database = new_database("sqlite://")
    with database.write() as connection:
        yield connection
    database.close()


def index(connection: Connection, rows: Iterable[tuple[str, str]], at: int = 7) -> None:
    texts = [TextRow(str(number), at, *row, "") for number, row in enumerate(rows)]
    text_index.add(connection.connection.cursor(), texts)


def test_rows_are_numbered_on(connection):
    numbers = "SELECT number FROM indexed_interceptions ORDER BY number"
    for size in (0, 1, 33, 0, 2):
        index(connection, [("mend", "")] * size)
    rows = connection.exec_driver_sql(numbers)
    assert [number for (number,) in rows] == list(range(7 << 10, (7 << 10) + 36))


def test_a_row_that_started_before_others_is_numbered_on_from_its_own_time(connection):
    for at in (7, 9, 7, 8):
        index(connection, [("mend", "")], at)
    rows = connection.exec_driver_sql("SELECT number FROM indexed_interceptions ORDER BY number")
    assert [number for (number,) in rows] == [7 << 10, (7 << 10) + 1, 8 << 10, 9 << 10]


def test_a_row_is_taken_out_with_its_number_and_the_same_texts(connection):
    index(connection, [("mend roof", "bash"), ("mend", "read")])
    connection.exec_driver_sql(
        "INSERT INTO text_index (text_index, rowid, prompt, tool, error) "
        "VALUES ('delete', ?, ?, ?, '')",
        (7 << 10, "mend roof", "bash"),
    )
    assert indexed_words(connection) == {("1", "prompt", "mend", 0), ("1", "tool", "read", 0)}
    connection.exec_driver_sql("INSERT INTO text_index (text_index) VALUES ('integrity-check')")


def test_texts_are_indexed_when_all_else_of_a_batch_is_written(tmp_path: Path):
    said: list[str] = []
    with (
        closing(new_database(f"sqlite:///{tmp_path / 'record.db'}")) as database,
        closing(BatchWriter(database)) as writer,
    ):
        key = CorrelationRow("ana", "k", "1", 7)
        driver: Any = writer._link.cursor.connection
        driver.set_trace_callback(said.append)
        with writer.transaction():
            writer.add([TextRow("1", 7, "mend", "", ""), key])
    written = [each.split(" (")[0] for each in said if not each.startswith("--")]  # as FTS5 says
    assert written[-2:] == ["INSERT INTO text_index", "COMMIT"]
