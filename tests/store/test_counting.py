"""Counts past a bound: about how many there are, near enough, and said to be about."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Connection

from aibridge.store import counting, latest, newest
from aibridge.store.filters import Filter, Span, Values, only
from aibridge.store.latest import Search
from tests.builders import ANA, BEN, START, Call, record
from tests.databases import Databases

SESSIONS, CALLS, EVERY = 300, 3, 10
"""Sessions, calls of each, and seconds between these; the last ones go on for ten times as many."""


@pytest.fixture(scope="module")
def connection(databases: Databases) -> Iterator[Connection]:
    with databases.open() as database:
        with database.write() as writing:
            record(writing, *_calls())
        with database.read() as connection:
            yield connection


def _calls() -> Iterator[Call]:
    for number in range(SESSIONS):
        calls = CALLS * (10 if number % 30 == 0 else 1)
        for turn in range(calls):
            yield Call(
                100 * number + turn,
                at=EVERY * (number + turn),
                initiator=BEN if number % 4 == 0 else ANA,
                session=f"s{number * 7919 % SESSIONS:03}",
                prompts=("Mend the roof",) if number % 2 else ("Paint the door",),
                tokens=((number % 3, 0, 0, 0),),
                columns={"model": ("sonnet", "opus")[number % 5 == 0]},
            )


@pytest.fixture(autouse=True)
def _little_is_exact(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have lists be as long, beside what is counted, as large ones."""
    monkeypatch.setattr(counting, "MOST_EXACT", 10)
    monkeypatch.setattr(counting, "MOST_LOOKED_AT", 40)
    monkeypatch.setattr(counting, "PORTION", 60)
    monkeypatch.setattr(latest, "FEW_HITS", 40)


@pytest.mark.parametrize("dear", [0, 10**9], ids=["looked through", "by words"])
@pytest.mark.parametrize(
    ("where", "number"),
    [
        (Filter(), 300),
        (Filter(initiator_id=only(ANA)), 225),
        (Filter(model=only("opus")), 60),
        (Filter(model=Values(none_of=("opus",))), 240),
        (Filter(prompt=only("roof")), 150),
        (Filter(prompt=Values(none_of=("roof",))), 150),
        (Filter(started_after=START + 150 * EVERY * 1_000_000), 150),
        (Filter(started_before=START + 100 * EVERY * 1_000_000), 100),
    ],
    ids=str,
)
def test_sessions_are_about_as_many(
    connection: Connection, where: Filter, number: int, dear: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(latest, "AS_DEAR", dear)
    count = counting.count_sessions(Search(connection, where))
    assert count.is_estimate
    assert count.number == pytest.approx(number, rel=0.3)


@pytest.mark.parametrize(
    ("where", "number"),
    [
        (Filter(tokens=Span(least=1)), 600),
        (Filter(prompt=Values(none_of=("roof",))), 720),
        (Filter(started_after=START + 150 * EVERY * 1_000_000), 585),
    ],
    ids=str,
)
def test_interceptions_are_about_as_many(
    connection: Connection, where: Filter, number: int
) -> None:
    count = counting.count(newest.Search(connection, where))
    assert count.is_estimate
    assert count.number == pytest.approx(number, rel=0.3)


def test_few_are_exact(connection: Connection) -> None:
    where = Filter(session_id=only("s000", "s001"))
    assert counting.count_sessions(Search(connection, where)) == (2, False)
