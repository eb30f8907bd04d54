"""How lists are found: along indexes, whatever is asked, and never by reading a whole table."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from itertools import combinations, count
from random import Random
from typing import Any

import pytest
from sqlalchemy import Connection, event

from aibridge.sessions import reading
from aibridge.sessions.reading import ThreadPage
from aibridge.store.engine.database import Database
from aibridge.store.lists import counts, windows
from aibridge.store.lists.filters import Filter, Span, Values, only
from aibridge.store.lists.interceptions import Interceptions
from aibridge.store.lists.sessions import SessionCursor, listed
from aibridge.store.lists.windows import walk
from aibridge.store.search.index import tsvector
from aibridge.store.transfer import aging, due
from aibridge.store.transfer.removing import remove, remove_older
from scripts.storing.asked import both
from tests.builders import ANA, BEN, CLEO, START, Call, record, uid
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
ROWS = 8
"""Rows of a page."""
RARE = {
    "somebody rare": Filter(initiator_id=only(CLEO)),
    "a rare model": Filter(model=only("old")),
    "a rare word": Filter(prompt=only("rare")),
    "tokens>=1M": Filter(tokens=Span(least=1_000_000)),
    "a session": Filter(session_id=only("old")),
    "long ago": Filter(started_before=START + 4_000_000),
}
"""What the oldest calls have alone."""
FREQUENT = {
    "somebody": Filter(initiator_id=only(ANA)),
    "a model": Filter(model=only("sonnet")),
    "a phrase": Filter(prompt=only("mend the roof")),
    "not a word": Filter(prompt=Values(none_of=("door",))),
    "a tool": Filter(tool=only("bash")),
    "tokens<100k": Filter(tokens=Span(most=100_000)),
    "since long": Filter(started_after=START + 5_000_000),
}
"""What about every second call has, in whichever combination."""


SINGLES = {**RARE, **FREQUENT, "all": Filter(), "one's own": Filter(visible_to=CLEO)}


def asked() -> Iterator[tuple[str, Filter]]:
    """Yield every filter and every two of them, by name."""
    yield from SINGLES.items()
    for (name, one), (other_name, other) in combinations((RARE | FREQUENT).items(), 2):
        if other_name in FREQUENT and (where := both(one, other)) is not None:
            yield f"{name}, {other_name}", where


WHERE = dict(asked())
SMALL, LARGE = 240, 960
"""Calls of two records, of which the newest are alike."""


@pytest.fixture(scope="module")
def records(databases: Databases) -> Iterator[dict[int, Database]]:
    """Databases with a record of each size."""
    with databases.open() as small, databases.open() as large:
        records = {SMALL: small, LARGE: large}
        for size, database in records.items():
            with database.write() as connection:
                record(connection, *_calls(size))
                connection.exec_driver_sql("ANALYZE" if database.is_postgresql else "SELECT 1")
        yield records


@pytest.fixture
def database(records: dict[int, Database]) -> Database:
    return records[SMALL]


OLDEST = 5


def _calls(size: int) -> Iterator[Call]:
    """Yield calls that end at the same time, whatever their number is."""
    for number in range(size):
        is_old, session = number < OLDEST, (size - number) // 4
        chance = Random(size - number)  # noqa: S311 - made up
        yield Call(
            number,
            at=number,
            initiator=CLEO if is_old else (ANA, BEN)[session % 2],
            session="old" if is_old else f"s{session}",
            prompts=("Rare",) if is_old else chance.choice([("Mend the roof",), ("A door",), ()]),
            tools=("websearch",) if is_old else chance.choice([("bash",), ()]),
            tokens=((5_000_000 if is_old else (9, 200_000)[session // 2 % 2], 1, 1, 1),),
            columns={
                "model": "old" if is_old else chance.choice(["sonnet", "opus"]),
                "provider": chance.choice(["anthropic", "openai"]),
                "error_type": "timeout" if is_old else "",
            },
        )


@pytest.fixture(autouse=True)
def _small_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have windows be as small beside the record as they are beside large ones."""
    monkeypatch.setattr(windows, "FIRST", 8)
    monkeypatch.setattr(tsvector, "NEWEST", 8)
    monkeypatch.setattr(counts, "COUNTED", 12)
    monkeypatch.setattr(counts, "COUNTED_BY_WORDS", 12)


@contextmanager
def noted(database: Database) -> Iterator[list[tuple[str, Any]]]:
    """Yield the statements that are made meanwhile, with their values."""
    asked: list[tuple[str, Any]] = []

    def note(_: object, _cursor: object, sql: str, values: Any, _c: object, many: bool) -> None:
        if not sql.startswith("SET"):
            asked.append((sql, values[0] if many else values))

    event.listen(database.engine, "before_cursor_execute", note)
    try:
        yield asked
    finally:
        event.remove(database.engine, "before_cursor_execute", note)


Explained = Callable[[Callable[[], object]], list[str]]


@pytest.fixture
def explained(database: Database) -> Explained:
    """Run something and return the steps of the plans of all its queries."""

    def explain(ask: Callable[[], object]) -> list[str]:
        with noted(database) as asked:
            ask()
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


def interceptions(database: Database, where: Filter) -> None:
    reading.list_interceptions(database, where, limit=ROWS)


def sessions(database: Database, where: Filter) -> None:
    reading.list_sessions(database, where, limit=ROWS)


@pytest.mark.parametrize("ask", [interceptions, sessions])
def test_lists_are_found_along_indexes(database, explained, ask):
    for name, where in SINGLES.items():
        assert scans(database, explained(partial(ask, database, where))) == [], name


def test_pages_after_a_cursor_are_found_along_indexes(database, explained):
    for where in (RARE | FREQUENT).values():  # of others' records nobody has a cursor
        first = partial(reading.list_interceptions, database, where, limit=ROWS)
        assert scans(database, explained(partial(first, after_id=uid(118)))) == []
        last = SessionCursor("s30", ANA)
        second = partial(reading.list_sessions, database, where, limit=ROWS, after=last)
        assert scans(database, explained(second)) == []


@pytest.mark.parametrize("listing", [Interceptions, listed], ids=["interceptions", "sessions"])
def test_a_page_of_a_large_record_takes_hardly_more_work_than_of_a_small_one(records, listing):
    """Rows that are visited for as many that are returned, whatever is asked."""

    def ask(database: Database, where: Filter) -> None:
        with database.read() as connection:
            walk(connection, listing(connection, where), 2 * ROWS)

    work = {
        name: [visited(each, partial(ask, each, where)) for each in records.values()]
        for name, where in WHERE.items()
    }
    slow = {name: both for name, both in work.items() if both[1] > 2 * both[0] + SMALL / 2}
    assert slow == {}


def test_reading_all_would_be_seen_as_work(records):
    def ask(database: Database) -> None:
        with database.read() as connection:
            connection.exec_driver_sql("SELECT count(*) FROM interceptions WHERE route = 'x'")

    small, large = (visited(database, partial(ask, database)) for database in records.values())
    assert large > 3 * small >= 3 * SMALL


def visited(database: Database, ask: Callable[[], object]) -> int:
    """Return how many rows the statements visit: in SQLite, how many steps its machine takes."""
    if database.is_postgresql:
        return sum(_rows_of(plan) for plan in _analyzed(database, ask))
    steps = count()
    with database.read() as connection:
        driver: Any = connection.connection.driver_connection
    driver.set_progress_handler(lambda: next(steps) < 0, 1)
    ask()  # on the same connection: the pool has no other
    driver.set_progress_handler(None, 1)
    return next(steps)


ROWS_ALONE = ("enable_seqscan = off", "seq_page_cost = 0", "random_page_cost = 0")
"""What the planner goes by: the rows it visits, as in tables that are large."""


def _analyzed(database: Database, ask: Callable[[], object]) -> Iterator[Any]:
    with noted(database) as statements:
        ask()
    with database.read() as connection:
        for setting in ROWS_ALONE:
            connection.exec_driver_sql(f"SET LOCAL {setting}")
        for sql, values in statements:
            explain = f"EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) {sql}"
            yield connection.exec_driver_sql(explain, values).scalar_one()[0]["Plan"]


def _rows_of(plan: dict[str, Any]) -> int:
    removed = plan.get("Rows Removed by Filter", 0) + plan.get("Rows Removed by Index Recheck", 0)
    mine = (
        plan["Actual Loops"] * (plan["Actual Rows"] + removed) if "Scan" in plan["Node Type"] else 0
    )
    return round(mine) + sum(map(_rows_of, plan.get("Plans", ())))


@pytest.mark.parametrize(
    "ask",
    [
        lambda database: reading.show_session(database, "s30", ThreadPage(limit=2)),
        lambda database: reading.show_session(
            database, "s30", ThreadPage(limit=2, after_id=uid(118)), initiator=ANA
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
