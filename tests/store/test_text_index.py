"""The index of texts: words and phrases are found, and nothing in a value is a command."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection

from aibridge.store import text_index
from aibridge.store.database import Database
from aibridge.store.rows import TextRow
from tests.builders import indexed_words
from tests.words import TEXTS, stands_in

PROMPTS = [
    "Please mend the roof of the house.",
    "MEND the Roöf: Çà et là",
    "the roof; mend-it",
    "rooftop",
    "日本語 の テスト",
    "mend\0roof",
    "Cafe\u0301 crème e\u0301",
    "e",
]


@pytest.fixture(scope="module")
def database(databases):
    with databases.open() as database:
        yield database


@contextmanager
def forgotten(database: Database) -> Iterator[Connection]:
    """Yield a connection whose changes are rolled back."""
    with database.engine.connect() as connection:
        connection.begin()
        yield connection


@pytest.fixture
def connection(database):
    with forgotten(database) as connection:
        yield connection


def index(connection: Connection, rows: Iterable[tuple[str, str]]) -> None:
    texts = [TextRow(str(number), number, *row, "") for number, row in enumerate(rows)]
    text_index.add(connection.connection.cursor(), texts)


def found(connection: Connection, name: str, *values: str) -> list[int]:
    portions = text_index.portions(connection, {name: values}, None, None)
    return sorted(int(id_) for ids in portions for id_ in ids)


@pytest.mark.parametrize(
    ("values", "numbers"),
    [
        (["mend"], [0, 1, 2, 5]),
        (["MEND"], [0, 1, 2, 5]),
        (["roof"], [0, 1, 2, 5]),
        (["ROÖF"], [0, 1, 2, 5]),
        (["the roof"], [0, 1, 2]),
        (["the-roof"], [0, 1, 2]),
        (["roof the"], []),
        (["mend the roof"], [0, 1]),
        (["mend roof"], [5]),
        (["mend\0roof"], [5]),
        (["mend it"], [2]),
        (["roo"], []),
        (["roo*"], [0, 1, 2, 3, 5]),
        (["the roo*"], [0, 1, 2]),
        (["the roo *"], [0, 1, 2]),
        (["th* roof"], []),
        (["rooft*"], [3]),
        (["*roof"], [0, 1, 2, 5]),
        (["house", "rooftop"], [0, 3]),
        (["ca et la"], [1]),
        (["cafe creme"], [6]),
        (["CAFÉ"], [6]),
        (["e"], [6, 7]),
        (["日本語"], [4]),
        (["日本"], []),
        (["日本*"], [4]),
        (["prompt"], []),
        (["mend OR rooftop"], []),
        (["mend AND roof"], []),
        (["NEAR(mend roof)"], []),
        (["NOT mend"], []),
        (["prompt:mend"], []),
        (["^mend"], [0, 1, 2, 5]),
        (['mend" OR "rooftop'], []),
        (['"mend" "the"'], [0, 1]),
        (["-mend"], [0, 1, 2, 5]),
        (["mend + roof"], [5]),
        (["{mend}"], [0, 1, 2, 5]),
        (['"'], []),
        (["*"], []),
        (["\0"], []),
        (["\ud800"], []),
        (["mend\ud800roof"], [5]),
        (["\U00016ff0\U0001e7e0"], []),
        (["\U0001e7e0", "rooftop"], [3]),
        ([""], []),
    ],
)
def test_the_words_of_a_value_stand_beside_each_other(connection, values, numbers):
    index(connection, [(prompt, "other") for prompt in PROMPTS])
    assert found(connection, "prompt", *values) == numbers
    assert found(connection, "tool", *values) == []


@settings(deadline=None, max_examples=300)
@given(
    rows=st.lists(st.tuples(TEXTS, TEXTS), max_size=4),
    values=st.lists(TEXTS, min_size=1, max_size=3),
    name=st.sampled_from(["prompt", "tool"]),
)
def test_whatever_is_looked_for_is_found_where_its_words_stand(database, rows, values, name):
    column = ["prompt", "tool"].index(name)
    with forgotten(database) as connection:
        index(connection, rows)
        assert found(connection, name, *values) == [
            number
            for number, row in enumerate(rows)
            if any(stands_in(value, row[column]) for value in values)
        ]


@settings(deadline=None)
@given(value=st.text(st.characters(codec=None)))
def test_any_value_can_be_looked_for(database, value):
    with forgotten(database) as connection:
        index(connection, [("mend", "")])
        assert found(connection, "prompt", value, "mend") == [0]


def test_many_and_long_values_can_be_looked_for(connection):
    index(connection, [("mend", "x" * 65_536)])
    assert found(connection, "prompt", *(f"w{number}" for number in range(199)), "mend") == [0]
    assert found(connection, "prompt", "a " * 4000) == []
    assert found(connection, "tool", "x" * 8000 + "*") == [0]


@pytest.fixture(params=["one span", "several spans", "all read"])
def _spans(request, monkeypatch):
    """Have PostgreSQL look in one span of time, and in several, as it does in a large index."""
    if request.param != "one span":
        monkeypatch.setattr(text_index, "_AS_DEAR", 10**9 if request.param == "all read" else 0)
        monkeypatch.setattr(text_index, "_READ", 2)
        monkeypatch.setattr(text_index, "WEEK", 1)
        monkeypatch.setattr(text_index, "_FIRST_SORTED", 2)


@pytest.mark.usefixtures("_spans")
def test_what_is_found_comes_newest_first_in_whole_moments(connection):
    moments = [5] * 70 + [4] * 3 + [9] + [7] * 300
    rows = [TextRow(str(number), at, "mend", "", "") for number, at in enumerate(moments)]
    for some in (rows[:1], rows[1:40], rows[40:]):
        text_index.add(connection.connection.cursor(), some)
    portions = list(text_index.portions(connection, {"prompt": ["mend"]}, None, None))
    assert len(portions) > 1
    found = [[moments[int(id_)] for id_ in ids] for ids in portions]
    assert [at for portion in found for at in sorted(portion, reverse=True)] == sorted(
        moments, reverse=True
    )
    for portion, following in pairwise(found):
        assert min(portion) > max(following)


@pytest.mark.usefixtures("_spans")
@pytest.mark.parametrize("most", [1, 9, 10, 11, 100])
def test_what_has_words_is_counted_up_to_a_bound(connection, most):
    long = "mend " + "roof " * 400 + "mend"  # of several rows on PostgreSQL
    rows = [TextRow(str(at), at, "mend" if at % 2 else long, "", "") for at in range(10)]
    text_index.add(connection.connection.cursor(), [*rows, TextRow("x", 5, "door", "", "")])
    assert text_index.frequency(connection, {"prompt": ["mend"]}, most) == min(most, 10)


@pytest.mark.parametrize("read", [8000, 20])
def test_words_are_sparse_by_what_the_newest_texts_have(connection, monkeypatch, read):
    monkeypatch.setattr(text_index, "_READ", read)
    rows = [TextRow(str(at), at, "door" if at % 2 else "mend", "", "") for at in range(1, 101)]
    text_index.add(connection.connection.cursor(), rows)
    mend = {"prompt": ["mend"]}
    assert text_index.is_sparse(connection, mend, 1, 53)  # 50, or 52 by the newest
    assert not text_index.is_sparse(connection, mend, 1, 50)
    assert text_index.is_sparse(connection, mend, 101, 1)
    assert text_index.is_sparse(connection, {"prompt": ["roof"]}, 1, 1)
    assert text_index.is_sparse(connection, {**mend, "tool": ["mend"]}, 1, 1)


@pytest.mark.usefixtures("_spans")
@pytest.mark.parametrize(
    ("least", "most", "expected"),
    [(None, None, {2, 3, 4}), (3, None, {3, 4}), (None, 3, {2, 3}), (3, 3, {3}), (5, None, set())],
)
def test_what_is_looked_for_may_be_of_a_time(connection, least, most, expected):
    rows = [TextRow(str(at), at, "mend", "", "") for at in (2, 3, 4)]
    text_index.add(connection.connection.cursor(), rows)
    found = text_index.portions(connection, {"prompt": ["mend"]}, least, most)
    assert {int(id_) for ids in found for id_ in ids} == expected


def test_words_of_several_texts_have_to_stand_in_one_interception(connection):
    rows = [TextRow("1", 1, "mend", "bash", ""), TextRow("2", 2, "mend", "", "bash")]
    text_index.add(connection.connection.cursor(), rows)
    both = {"prompt": ["mend", "roof"], "tool": ["bash"]}
    assert list(text_index.portions(connection, both, None, None)) == [["1"]]


def test_what_is_rolled_back_is_not_found(database):
    with forgotten(database) as connection:
        index(connection, [("mend", "roof")])
    with database.read() as connection:
        assert indexed_words(connection) == set()
        assert found(connection, "prompt", "mend") == []
