"""The index of texts in PostgreSQL, as far as it is not the same in both engines."""

import sqlite3
import unicodedata
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection

from aibridge.store.engine.database import Database
from aibridge.store.schema.rows import TextRow
from aibridge.store.search import index as text_index
from aibridge.store.search.index import tsvector
from aibridge.store.search.index.words import words
from aibridge.store.search.texts import MAX_TEXT
from tests.databases import PostgreSQL


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
    return sorted(connection.scalars(tsvector.found({"prompt": values}, (0, 9))).all())


def test_words_are_what_fts5_takes_for_words() -> None:
    """Of all characters that were there when its tables were made, in the midst of a word."""
    known = unicodedata.ucd_3_2_0
    codes = [code for code in range(1, 0x20000) if known.category(chr(code)) not in {"Cn", "Cs"}]
    found = dict(zip(codes, fts5_words([f"x{chr(code)}y z" for code in codes]), strict=True))
    differing = {code for code in codes if words(f"x{chr(code)}y z") != found[code]}
    assert differing == {0x1E0, 0x1E1, 0x1885, 0x1886}  # ǡ, and two that are marks by now


def fts5_words(texts: list[str]) -> list[list[str]]:
    """Return the words that SQLite finds in texts."""
    connection = sqlite3.connect(":memory:")
    connection.execute(
        "CREATE VIRTUAL TABLE texts USING fts5(a, tokenize='unicode61 remove_diacritics 2')"
    )
    connection.execute("CREATE VIRTUAL TABLE words USING fts5vocab(texts, instance)")
    connection.executemany("INSERT INTO texts (rowid, a) VALUES (?, ?)", enumerate(texts))
    found: list[list[str]] = [[] for _ in texts]
    for word, row in connection.execute("SELECT term, doc FROM words ORDER BY doc, offset"):
        found[row].append(word)
    connection.close()
    return found


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("MEND the Roöf: Çà", ["mend", "the", "roof", "ca"]),
        ("Cafe\u0301 e\u0323\u0301 \u0301x", ["cafe", "e", "x"]),
        ("ΌΣΟΣ straße İ µ K", ["όσοσ", "straße", "i", "μ", "k"]),
        ("日本語 の \ue000", ["日本語", "の", "\ue000"]),
        ("x_y 1e5 a.b@c-d ½ Ⅳ", ["x", "y", "1e5", "a", "b", "c", "d", "½", "ⅳ"]),
        ("\0 😀 \ud800", []),
    ],
)
def test_words_are_told_apart_and_folded(text: str, expected: list[str]) -> None:
    assert words(text) == expected


LONG = {
    "many words": " ".join(f"w{number}" for number in range(9_000)),
    "one word": "a " * (MAX_TEXT // 2),
    "a word without end": "x" * MAX_TEXT,
    "wide characters": "日 " * (MAX_TEXT // 2),
    "no spaces between": "日" * MAX_TEXT,
    "what a compression would be glad of": "ab " * (MAX_TEXT // 3),
}


@pytest.mark.parametrize("text", LONG.values(), ids=LONG)
def test_the_words_of_a_text_of_any_length_are_indexed_to_its_end(
    connection: Connection, text: str
) -> None:
    index(connection, f"{text[: MAX_TEXT - 10]} end", "then")
    assert found(connection, "end") == ["0"]
    assert found(connection, words(text[: MAX_TEXT - 10])[0]) == ["0"]


def test_phrases_are_found_as_far_as_places_are_kept(connection: Connection) -> None:
    numbered = [f"w{number}" for number in range(tsvector.PLACES)]
    often = [word for number in range(300) for word in ("the", f"v{number}")]
    index(connection, " ".join([*numbered, "mend", "roof"]), " ".join(often))
    assert found(connection, " ".join(numbered[-2:])) == ["0"]
    assert found(connection, "mend roof") == []
    assert found(connection, "the v249") == ["1"]
    assert found(connection, "the v299") == []


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
