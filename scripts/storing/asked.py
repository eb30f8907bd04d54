"""What is asked of a made-up record: every list, under no filter, each filter, and any two."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from itertools import combinations
from random import Random
from typing import Any

from sqlalchemy import text

from aibridge.sessions import reading
from aibridge.store.engine.database import Database
from aibridge.store.lists.filters import Filter, Span, Values, only
from aibridge.store.lists.sessions import SessionCursor
from scripts.storing.made_up import BEGIN, DAY, DAYS, LASTING, WORDS, Record, person

PAGE = 50
PAGES = 3
"""How many pages of a list are asked for, one after the other."""
Read = Callable[[Database, Filter, Any], Any]
"""Reads a page of a list after a cursor, and returns that of the next one, if there may be any."""
Ask = Callable[[], object]
"""Asks once; each time for another page, or for something else of the kind."""

NAIVE = {
    "sessions": """
        SELECT session_id, initiator_id, min(started_at), max(started_at) AS latest, count(*)
        FROM interceptions WHERE ended_at IS NOT NULL
        GROUP BY session_id, initiator_id ORDER BY latest DESC LIMIT 50""",
    "count of a model": "SELECT count(*) FROM interceptions WHERE lower(model) = 'gpt-5'",
    "models": "SELECT DISTINCT lower(model) FROM interceptions ORDER BY 1",
}
"""The same without what is kept for it: sums and lists from the raw rows."""


class Choices:
    """What is chosen anew each time something is asked."""

    def __init__(self, record: Record) -> None:
        self._random = Random(record.seed)  # noqa: S311 - made up
        self._record = record

    def one(self, *values: str) -> str:
        """Return one of the values."""
        return self._random.choice(values)

    def moment(self) -> int:
        """Return a moment on record."""
        return BEGIN + self._random.randrange(DAYS * DAY)

    def session(self) -> str:
        """Return the id of a session on record."""
        number = self._random.randrange(self._record.portions)
        return next(self._record.portion(number)).lineage.session_id

    def person(self) -> str:
        """Return the id of one of those who use it most."""
        return person(self._random.randrange(1000))

    def word(self, first: int, last: int) -> str:
        """Return a word by how rare it is."""
        return WORDS[self._random.randrange(first, last)]


def filters(choose: Choices) -> Iterator[tuple[str, Callable[[], Filter]]]:
    """Yield the filters by name; each makes another filter of its kind every time."""
    yield "(none)", Filter
    yield "initiator", lambda: Filter(initiator_id=only(choose.person()))
    yield "initiator, the busiest", lambda: Filter(initiator_id=only(person(0)))
    yield "-initiator", lambda: Filter(initiator_id=Values(none_of=(person(0),)))
    yield "provider", lambda: Filter(provider=only("openai"))
    yield "provider_name", lambda: Filter(provider_name=only("spare"))
    yield "model", lambda: Filter(model=only(choose.one("gpt-5", "deepseek-v3")))
    yield "-model", lambda: Filter(model=Values(none_of=("claude-sonnet-4-5",)))
    yield "client", lambda: Filter(client=only(choose.one("Zed", "Codex", "Unknown")))
    yield "session_id", lambda: Filter(session_id=only(choose.session()))
    yield "started_after", lambda: Filter(started_after=choose.moment())
    yield "started_before", lambda: Filter(started_before=choose.moment())
    yield "prompt, common", lambda: Filter(prompt=only(choose.word(0, 30)))
    yield "prompt, rarer", lambda: Filter(prompt=only(choose.word(300, 3000)))
    yield "prompt, rare", lambda: Filter(prompt=only(choose.word(10_000, 18_000)))
    yield "-prompt", lambda: Filter(prompt=Values(none_of=(choose.word(0, 30),)))
    yield "tool", lambda: Filter(tool=only(choose.one("Bash", "WebSearch")))
    yield "error", lambda: Filter(error=only(choose.one("rate_limited", "answer in time")))
    yield "has:error", lambda: Filter(has=only("error"))
    yield "has:prompt", lambda: Filter(has=only("prompt"))
    yield "has:thinking", lambda: Filter(has=only("thinking"))
    yield "has:tool", lambda: Filter(has=only("tool"))
    yield "-has:tool", lambda: Filter(has=Values(none_of=("tool",)))
    yield "tokens>=30k", lambda: Filter(tokens=Span(least=30_000))
    yield "tokens>=300k", lambda: Filter(tokens=Span(least=300_000))
    yield "tokens>=1234567", lambda: Filter(tokens=Span(least=1_234_567))
    yield "tokens<=1000", lambda: Filter(tokens=Span(most=1000))


def both(one: Filter, other: Filter) -> Filter | None:
    """Return a filter for what two mean together, `None` where they ask the same thing."""
    asked = [name for name in Filter.__slots__ if getattr(other, name) != getattr(Filter(), name)]
    if any(getattr(one, name) != getattr(Filter(), name) for name in asked):
        return None
    return replace(one, **{name: getattr(other, name) for name in asked})


def pairs(choose: Choices) -> Iterator[tuple[str, Callable[[], Filter]]]:
    """Yield every two filters that can be asked at once, by name."""

    def make(first: Callable[[], Filter], second: Callable[[], Filter]) -> Filter:
        return both(first(), second()) or Filter()

    for (name, one), (other_name, other) in combinations(list(filters(choose))[1:], 2):
        if both(one(), other()) is not None:
            yield f"{name}, {other_name}", partial(make, one, other)


def routes(database: Database, record: Record) -> Iterator[tuple[str, Ask]]:
    """Yield what is measured, by name."""
    choose = Choices(record)
    for name, make in filters(choose):
        yield f"interceptions  {name}", Pages(interceptions, database, make)
    for name, make in filters(choose):
        yield f"sessions  {name}", Pages(sessions, database, make)
    page, mine = reading.ThreadPage(limit=PAGE), Filter(visible_to=person(5))
    yield "one session", lambda: reading.show_session(database, choose.session(), page)
    if record.is_skewed:
        yield "the longest session", lambda: reading.show_session(database, LASTING, page)
    yield "models", lambda: reading.list_models(database, Filter(), limit=PAGE)
    yield "clients", lambda: reading.list_clients(database, Filter(), limit=PAGE)
    yield "models  visible_to", lambda: reading.list_models(database, mine, limit=PAGE)
    for name, statement in NAIVE.items():
        yield f"naive  {name}", partial(_naive, database, statement)


def routes_of_pairs(database: Database, record: Record) -> Iterator[tuple[str, Ask]]:
    """Yield both lists under every two filters, by name."""
    for name, make in pairs(Choices(record)):
        yield f"interceptions  {name}", Pages(interceptions, database, make)
        yield f"sessions  {name}", Pages(sessions, database, make)


def _naive(database: Database, statement: str) -> object:
    with database.read() as connection:
        return connection.execute(text(statement)).all()


class Pages:
    """Asks for pages that follow each other: three at most, and then those of another filter."""

    def __init__(self, read: Read, database: Database, make: Callable[[], Filter]) -> None:
        self._read, self._database, self._make = read, database, make
        self._following: Iterator[None] = iter(())

    def __call__(self) -> None:
        """Ask for the next page."""
        for _ in self._following:
            return
        self._following = self._pages(self._make())
        next(self._following)

    def _pages(self, where: Filter) -> Iterator[None]:
        after: Any = None
        for _ in range(PAGES):
            after = self._read(self._database, where, after)
            yield
            if after is None:
                return


def interceptions(database: Database, where: Filter, after: str | None) -> str | None:
    """Ask for a page of interceptions."""
    found = reading.list_interceptions(database, where, limit=PAGE, after_id=after).results
    return None if len(found) < PAGE else found[-1].id


def sessions(
    database: Database, where: Filter, after: SessionCursor | None
) -> SessionCursor | None:
    """Ask for a page of sessions."""
    found = reading.list_sessions(database, where, limit=PAGE, after=after).sessions
    return None if len(found) < PAGE else SessionCursor(found[-1].id, found[-1].initiator.id)
