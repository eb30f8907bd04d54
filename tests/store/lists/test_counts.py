"""How many there are: exactly as far as that is cheap, and at least so many past it."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Connection

from aibridge.store.lists import counts, interceptions, sessions
from aibridge.store.lists.filters import Filter, Span, Values, only
from tests.builders import ANA, BEN, Call, record, uid
from tests.databases import Databases

NUMBER = 30


@pytest.fixture(scope="module")
def connection(databases: Databases) -> Iterator[Connection]:
    with databases.open() as database:
        with database.write() as writing:
            record(writing, *map(_call, range(NUMBER)))
        with database.read() as connection:
            yield connection


def _call(number: int) -> Call:
    return Call(
        number,
        at=number,
        initiator=(ANA, BEN)[number % 3 == 0],
        prompts=("Mend the roof",),
        columns={"model": ("sonnet", "opus")[number % 2]},
    )


@pytest.fixture(autouse=True)
def _little_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counts, "COUNTED", 12)
    monkeypatch.setattr(counts, "COUNTED_BY_WORDS", 5)


@pytest.mark.parametrize(
    ("where", "number"),
    [
        (Filter(), 30),
        (Filter(initiator_id=only(ANA)), 20),
        (Filter(visible_to=BEN, model=only("opus")), 5),
        (Filter(model=Values(none_of=("opus",)), has=only("prompt")), 15),
    ],
)
def test_interceptions_are_counted_exactly_by_person_and_facet(
    connection: Connection, where: Filter, number: int
) -> None:
    page = interceptions.page(connection, where, limit=1)
    assert (page.count, page.is_more) == (number, False)


@pytest.mark.parametrize(
    ("where", "bound"),
    [(Filter(tokens=Span(most=9)), 12), (Filter(prompt=only("roof")), 5), (Filter(), 12)],
    ids=["by tokens", "by words", "all"],
)
def test_past_a_bound_a_count_is_a_lower_bound_on_every_page(
    connection: Connection, where: Filter, bound: int
) -> None:
    for after in (None, sessions.SessionCursor(uid(20), ANA)):
        found = sessions.page(connection, where, limit=3, after=after)
        assert (found.count, found.is_more) == (bound, True)
    if where != Filter():
        for after_id in (None, uid(20)):
            page = interceptions.page(connection, where, limit=3, after_id=after_id)
            assert (page.count, page.is_more) == (bound, True)


def test_a_page_beyond_the_bound_counts_what_it_shows(connection: Connection) -> None:
    for limit, expected in ((20, (20, True)), (29, (29, True)), (30, (30, False))):
        page = sessions.page(connection, Filter(), limit=limit)
        assert (page.count, page.is_more, len(page.rows)) == (*expected, limit)
