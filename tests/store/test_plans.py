"""How lists are found: along indexes, whatever is asked, and never by reading a whole table."""

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import Connection, event

from aibridge.sessions import reading
from aibridge.sessions.reading import ThreadPage
from aibridge.store import aging, due, latest, listed
from aibridge.store.database import Database
from aibridge.store.filters import Filter, Values, only
from aibridge.store.removing import remove, remove_older
from aibridge.store.sessions import SessionCursor
from scripts.storing.asked import Choices, filters
from tests.builders import ANA, BEN, START, Call, record, uid
from tests.databases import Databases

RAW = (
    "interceptions|user_prompts|token_usages|tool_usages|model_thoughts"
    "|sessions|session_kinds|indexed_interceptions|text_index"
)
"""The tables that grow with every call, and their partitions."""
SCANS = {
    # What is looked for in the index of texts is told by an M behind the number of its plan.
    "sqlite": re.compile(
        rf"SCAN ({RAW})\b(?!.* USING (COVERING )?INDEX| VIRTUAL TABLE INDEX \d+:\S*M)"
    ),
    "postgresql": re.compile(rf"Seq Scan on ({RAW})(_\w+)?\b"),
}
SESSIONS_OF_ALL = re.compile(r"initiator_id = \(hashed SubPlan")
"""All sessions with some interception, made out at once to find one among them."""
COMBINED = {
    "initiator and model": Filter(initiator_id=only(ANA), model=only("sonnet")),
    "model and error": Filter(model=only("sonnet"), has=only("error")),
    "a word of all": Filter(prompt=only("roof")),
    "words and model": Filter(prompt=only("roof"), model=only("sonnet")),
    "a phrase": Filter(prompt=only("mend the roof")),
    "words in two texts": Filter(prompt=only("roof"), tool=only("bash")),
    "time and client": Filter(started_after=START, client=only("Codex")),
    "a span of time": Filter(started_after=START, started_before=START + 9_000_000),
    "one's own": Filter(visible_to=BEN, provider=Values(none_of=("openai",))),
}
WHERE = dict(filters(Choices(seed=1, chunks=1))) | {
    name: lambda where=where: where for name, where in COMBINED.items()
}


@pytest.fixture(scope="module")
def database(databases: Databases) -> Iterator[Database]:
    with databases.open() as database:
        with database.write() as connection:
            record(connection, *_calls())
        yield database


def _calls() -> Iterator[Call]:
    for number in range(200):
        yield Call(
            number,
            at=number,
            initiator=(ANA, BEN)[number % 2],
            session=f"s{number // 5}",
            prompts=("Mend the roof",) if number % 3 else (),
            tools=("bash",) if number % 4 else (),
            tokens=((number * 1000, 1, 1, 1),),
            columns={"model": ("sonnet", "opus")[number % 3 == 0]},
        )


@pytest.fixture(params=["few", "many", "many, in long sessions"])
def _hits(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have words be in few interceptions, and in so many that sessions are looked through."""
    monkeypatch.setattr(latest, "AS_DEAR", 10**9 if request.param == "few" else 0)
    if request.param != "few":
        monkeypatch.setattr(latest, "FEW_HITS", 10)
    if "long" in request.param:
        monkeypatch.setattr(listed, "SHORT", 0)


Explained = Callable[[Callable[[], object]], list[str]]


@pytest.fixture
def explained(database: Database) -> Explained:
    """Run something and return the steps of the plans of all its queries."""

    def explain(ask: Callable[[], object]) -> list[str]:
        asked: list[tuple[str, Any]] = []

        def note(_: object, _cursor: object, sql: str, values: Any, _c: object, many: bool) -> None:
            asked.append((sql, values[0] if many else values))

        event.listen(database.engine, "before_cursor_execute", note)
        try:
            ask()
        finally:
            event.remove(database.engine, "before_cursor_execute", note)
        with database.read() as connection:
            if database.is_postgresql:  # tables as small as these would be read whole
                connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
            return [step for sql, values in asked for step in _plan(connection, sql, values)]

    return explain


def _plan(connection: Connection, sql: str, values: Any) -> list[str]:
    explain = "EXPLAIN QUERY PLAN" if connection.dialect.name == "sqlite" else "EXPLAIN"
    return [str(row[-1]) for row in connection.exec_driver_sql(f"{explain} {sql}", values)]


def scans(database: Database, steps: list[str]) -> list[str]:
    assert steps
    return [step for step in steps if SCANS[database.engine.dialect.name].search(step)]


@pytest.mark.parametrize("name", WHERE)
def test_interceptions_are_found_along_indexes(database, explained, name):
    where = WHERE[name]()
    for after in (None, uid(151)):
        steps = explained(
            lambda after=after: reading.list_interceptions(database, where, limit=5, after_id=after)
        )
        assert scans(database, steps) == []


@pytest.mark.usefixtures("_hits")
@pytest.mark.parametrize("name", WHERE)
def test_sessions_are_found_along_indexes(database, explained, name):
    where = WHERE[name]()
    for after in (None, SessionCursor("s30", BEN)):
        steps = explained(
            lambda after=after: reading.list_sessions(database, where, limit=5, after=after)
        )
        assert scans(database, steps) == []
        assert [step for step in steps if SESSIONS_OF_ALL.search(step)] == []


@pytest.mark.parametrize(
    "ask",
    [
        lambda database: reading.show_session(database, "s30", ThreadPage(limit=2)),
        lambda database: reading.show_session(
            database, "s30", ThreadPage(limit=2, after_id=uid(152)), initiator=ANA
        ),
        lambda database: reading.list_models(database, Filter(), limit=5),
        lambda database: reading.list_clients(database, Filter(visible_to=ANA), limit=5),
    ],
    ids=["session", "a page of its threads", "models", "one's own clients"],
)
def test_all_else_is_found_along_indexes(database, explained, ask):
    assert scans(database, explained(lambda: ask(database))) == []


def test_a_scan_would_be_seen(database, explained):
    def ask() -> None:
        with database.read() as connection:
            connection.exec_driver_sql("SELECT count(*) FROM interceptions WHERE route = 'x'")

    assert scans(database, explained(ask)) != []


def test_what_is_old_of_active_sessions_is_purged_along_indexes(database, explained):
    before = START + 152_000_000

    def purge() -> None:
        with database.write() as connection:
            aging.count(connection, before)
            found = aging.find(connection, before, 1)
            found += aging.find(connection, before, 9, found[-1])
            for most in (1, 9):
                assert remove_older(connection, found, before, most)[0] > 0
            connection.rollback()

    purge()  # so that nothing of the pool's own is explained
    steps = explained(purge)
    assert scans(database, steps) == []
    assert [step for step in steps if "ix_sessions_length" in step]


def test_what_is_due_is_purged_along_indexes(database, explained):
    last_due = START + 150_000_000

    def purge() -> None:
        """Look at a few batches, which are undone."""
        with database.write() as connection:
            due.count(connection, last_due)
            found = due.find(connection, last_due, 3)
            found += due.find(connection, last_due, 3, found[-1].place)
            due.running(connection)
            for most in (2, 100):
                assert remove(connection, found, most)[1] > 0
            connection.rollback()

    purge()  # so that nothing of the pool's own is explained
    steps = explained(purge)
    assert scans(database, steps) == []
