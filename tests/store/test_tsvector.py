"""The index of texts in PostgreSQL, as far as it is not the same in both engines."""

from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection

from aibridge.store import text_index
from aibridge.store.database import Database
from aibridge.store.rows import TextRow
from aibridge.store.text_index.tsvector import MOST_OF_ONE, OVERLAP
from aibridge.store.text_index.words import words
from aibridge.store.texts import MAX_TEXT
from tests import words as plain
from tests.databases import PostgreSQL
from tests.words import TEXTS


@pytest.fixture(scope="module")
def database(postgresql: PostgreSQL) -> Iterator[Database]:
    with postgresql.database() as url:
        database = Database(url)
        yield database
        database.close()


@pytest.fixture
def connection(database: Database) -> Iterator[Connection]:
    with database.engine.connect() as connection:
        yield connection


def index(connection: Connection, *texts: str) -> None:
    rows = [TextRow(str(number), 7, text, "", "") for number, text in enumerate(texts)]
    text_index.add(connection.connection.cursor(), rows)


def found(connection: Connection, *values: str) -> list[str]:
    portions = text_index.portions(connection, {"prompt": values}, None, None)
    return sorted(id_ for ids in portions for id_ in ids)


@given(TEXTS | st.text())
def test_words_are_what_fts5_takes_for_words(text: str) -> None:
    """Of what the plain model knows: letters without marks of other alphabets."""
    if all(ord(each) < 0x300 or each in "\u0301\u0308\u1e09日本жЖ😀\ufffd" for each in text):
        assert words(text) == plain.words(text)


LONG = {
    "many words": " ".join(f"w{number}" for number in range(9_000)),
    "one word": "a " * (MAX_TEXT // 2),
    "a word without end": "x" * MAX_TEXT,
    "wide characters": "日 " * (MAX_TEXT // 2),
    "no spaces between": "日" * MAX_TEXT,
    "what a compression would be glad of": "ab " * (MAX_TEXT // 3),
}


@pytest.mark.parametrize("text", LONG.values(), ids=LONG)
def test_a_text_of_any_length_is_indexed_to_its_end(connection: Connection, text: str) -> None:
    long = f"{text[: MAX_TEXT - 10]} then end"
    index(connection, long, "then")
    assert found(connection, "then end") == ["0"]
    assert found(connection, words(long)[0]) == ["0"]
    assert found(connection, "end then") == []


def test_a_phrase_is_found_where_the_text_is_cut(connection: Connection) -> None:
    text = [f"w{number}" for number in range(3 * MOST_OF_ONE)]
    text[::2] = ["a"] * len(text[::2])
    index(connection, " ".join(text))
    (portions,) = connection.exec_driver_sql("SELECT count(*) FROM text_index").one()
    assert portions > 1
    for start in range(len(text) - OVERLAP):
        assert found(connection, " ".join(text[start : start + OVERLAP])) == ["0"]


def test_words_that_differ_beyond_all_bounds_count_as_one(connection: Connection) -> None:
    index(connection, "x" * 5_000)
    assert found(connection, "x" * 6_000) == found(connection, "x" * 100 + "*") == ["0"]
    assert found(connection, "x" * 100) == []


def test_a_row_is_taken_out_by_its_id(connection: Connection) -> None:
    index(connection, "a " * 1_000, "a")
    connection.exec_driver_sql("DELETE FROM text_index WHERE interception_id = '0'")
    assert found(connection, "a") == ["1"]


@settings(deadline=None, max_examples=200)
@given(st.text(st.characters(codec="utf-8"), max_size=50))
def test_any_text_can_be_indexed(database: Database, text: str) -> None:
    with database.engine.connect() as connection:
        index(connection, text, f"{text} roof")
        assert found(connection, "roof")[-1:] == ["1"]
