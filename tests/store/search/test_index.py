"""The index of texts: words and phrases are found, and nothing in a value is a command."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, and_, insert, select

from aibridge.store.engine.database import Database
from aibridge.store.schema import tables as schema
from aibridge.store.schema.measures import MAX_TIME
from aibridge.store.schema.rows import TextRow
from aibridge.store.search import index as text_index
from tests.builders import Call, indexed_words
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
    write(connection, [TextRow(str(number), number, *row, "") for number, row in enumerate(rows)])


def write(connection: Connection, texts: list[TextRow]) -> None:
    """Write interceptions with these texts, of which only the texts are made up."""
    calls = [
        Call(0).row() | {"id": row.interception_id, "started_at": row.started_at} for row in texts
    ]
    if calls:
        connection.execute(insert(schema.interceptions), calls)
    text_index.add(connection.connection.cursor(), texts)


def found(connection: Connection, name: str, *values: str) -> list[int]:
    words = {name: values}
    ids = _rows(connection, words, (0, MAX_TIME))
    if ids:
        assert text_index.knows(connection, words)
    return sorted(map(int, ids))


def _rows(connection: Connection, words: text_index.Words, times: tuple[int, int]) -> set[str]:
    """Return the ids of what is found, which is the same in each way of finding it."""
    c = schema.interceptions.c
    conditions = [
        text_index.looks_up(connection, c.id, words, times),
        text_index.gathers(connection, c.id, words, times),
        text_index.gathers(connection, c.id, words, times, looked_up=True),
        and_(c.started_at.between(*times), text_index.finds(connection, c.started_at, c.id, words)),
    ]
    looked_up, *others = [set(connection.scalars(select(c.id).where(each))) for each in conditions]
    assert others == [looked_up] * len(others)
    return looked_up


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


@settings(deadline=None, max_examples=150)
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


@pytest.mark.parametrize(
    ("times", "expected"),
    [
        ((0, MAX_TIME), {"2", "3", "4"}),
        ((3, MAX_TIME), {"3", "4"}),
        ((3, 3), {"3"}),
        ((5, 9), set()),
    ],
)
def test_what_is_looked_for_may_be_of_a_time(connection, times, expected):
    write(connection, [TextRow(str(at), at, "mend", "", "") for at in (2, 3, 4)])
    assert _rows(connection, {"prompt": ["mend"]}, times) == expected


def test_words_of_several_texts_have_to_stand_in_one_interception(connection):
    write(connection, [TextRow("1", 1, "mend", "bash", ""), TextRow("2", 2, "mend", "", "bash")])
    both = {"prompt": ["mend", "roof"], "tool": ["bash"]}
    assert _rows(connection, both, (0, MAX_TIME)) == {"1"}


@pytest.mark.parametrize(
    ("words", "known"),
    [
        ({"prompt": ["mend"]}, True),
        ({"prompt": ["mend house"]}, True),  # though nowhere beside each other
        ({"prompt": ["mend hous*"]}, True),
        ({"prompt": ["mend hous"]}, False),
        ({"prompt": ["hous", "ROÖF"]}, True),
        ({"prompt": ["mend"], "tool": ["bash"]}, False),
        ({"tool": ["mend"]}, False),
        ({"prompt": ["-"]}, False),
        ({"prompt": ["m*", "x"]}, True),
        ({"prompt": ["none " * text_index.MOST_ASKED]}, False),
        ({"prompt": ["none " * (text_index.MOST_ASKED + 1)]}, True),
    ],
)
def test_words_that_stand_in_no_text_are_known_not_to(connection, words, known):
    index(connection, [(PROMPTS[0], "read")])
    assert text_index.knows(connection, words) == known


def test_what_is_rolled_back_is_not_found(database):
    with forgotten(database) as connection:
        index(connection, [("mend", "roof")])
    with database.read() as connection:
        assert indexed_words(connection) == set()
        assert found(connection, "prompt", "mend") == []
