"""Partitions of the record on PostgreSQL: weeks that are made in time, and a rest."""

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from aibridge.ids import first_id_at
from aibridge.store.engine.database import Database
from aibridge.store.record import partitions
from aibridge.store.record.writer import BatchWriter
from aibridge.store.schema.rows import PromptIdRow, UserPromptRow
from tests.builders import new_database
from tests.databases import PostgreSQL, address

MONDAY = datetime(2030, 1, 7, tzinfo=UTC)
"""Long after what a new database has partitions for."""
TABLES = {
    "interceptions",
    "user_prompts",
    "token_usages",
    "tool_usages",
    "model_thoughts",
    "text_index",
}


@pytest.fixture
def database(postgresql: PostgreSQL) -> Iterator[Database]:
    """A database whose partitions go with it."""
    with postgresql.place() as url:
        database = Database(url)
        database.upgrade()
        yield database
        database.close()


def id_at(moment: datetime) -> str:
    """Return the id of something that began at a moment."""
    return f"{first_id_at(round(moment.timestamp() * 1_000_000))}7000-8000-000000000000"


def prompt(moment: datetime, **columns: str) -> UserPromptRow:
    id_ = id_at(moment)
    return UserPromptRow(id_, id_, "", "Hi.", "{}", 1)._replace(**columns)  # type: ignore[arg-type]


def write(database: Database, *rows: UserPromptRow | PromptIdRow) -> None:
    writer = BatchWriter(database)
    with writer.transaction():
        writer.add(rows)
    writer.close()


def places(database: Database) -> list[str]:
    """Return the partition of each prompt, in the order of the prompts' ids."""
    with database.read() as connection:
        query = "SELECT tableoid::regclass::text FROM user_prompts ORDER BY id"
        return [name for (name,) in connection.exec_driver_sql(query)]


def test_what_grows_with_every_call_lies_in_partitions() -> None:
    assert {table.name for table in partitions.partitioned()} == TABLES


@pytest.mark.parametrize(
    ("since", "until", "found"),
    [
        (MONDAY, MONDAY, ["20300107"]),
        (MONDAY - timedelta(microseconds=1), MONDAY, ["20291231", "20300107"]),
        (
            MONDAY + timedelta(days=6, hours=23),
            MONDAY + timedelta(weeks=1),
            ["20300107", "20300114"],
        ),
        (MONDAY.astimezone(), MONDAY, ["20300107"]),
    ],
)
def test_a_week_begins_on_monday(since: datetime, until: datetime, found: list[str]) -> None:
    assert [f"{week:%Y%m%d}" for week in partitions.weeks(since, until)] == found


@given(st.integers(0, 200 * 365 * 86_400 * 1_000_000))
def test_every_moment_is_in_one_week(microseconds: int) -> None:
    moment = datetime.fromtimestamp(0, UTC) + timedelta(microseconds=microseconds)
    (week,) = partitions.weeks(moment, moment)
    assert week <= moment < week + timedelta(weeks=1)
    assert week.weekday() == 0


def test_the_current_week_and_the_next_are_made_once(database: Database) -> None:
    made = partitions.prepare(database, MONDAY + timedelta(days=3))
    weeks = ("20300107", "20300114", "20300121")
    assert set(made) == {f"{table}_{week}" for table in TABLES for week in weeks}
    assert partitions.prepare(database, MONDAY) == []
    later = partitions.prepare(database, MONDAY + timedelta(weeks=1))
    assert set(later) == {f"{table}_20300128" for table in TABLES}


def test_a_row_lies_in_the_week_of_its_id(database: Database) -> None:
    partitions.prepare(database, MONDAY)
    end = MONDAY + timedelta(weeks=1)
    moment = timedelta(milliseconds=1)
    write(database, *map(prompt, (MONDAY - moment, MONDAY, end - moment, end)))
    assert places(database) == [
        "user_prompts_rest",
        "user_prompts_20300107",
        "user_prompts_20300107",
        "user_prompts_20300114",
    ]


def test_ids_of_no_time_lie_in_the_rest(database: Database) -> None:
    partitions.prepare(database, MONDAY)
    write(
        database, *(prompt(MONDAY, interception_id=id_) for id_ in ("", "v1", "\uffff", "Z" * 36))
    )
    assert set(places(database)) == {"user_prompts_rest"}


def test_a_row_is_changed_in_whichever_partition_it_lies(database: Database) -> None:
    partitions.prepare(database, MONDAY)
    moments = [MONDAY + timedelta(days=days) for days in (-3, 0, 8, 900)]
    write(database, *map(prompt, moments))
    write(database, *(PromptIdRow(f"msg-{at}", id_at(at)) for at in moments))
    with database.read() as connection:
        found = connection.exec_driver_sql(
            "SELECT provider_response_id FROM user_prompts ORDER BY id"
        )
        assert [id_ for (id_,) in found] == [f"msg-{at}" for at in moments]


def test_several_servers_may_prepare_at_once(database: Database) -> None:
    several = [Database(address(database)) for _ in range(4)]
    with capture_logs() as logs, ThreadPoolExecutor(len(several)) as pool:
        made = list(pool.map(lambda one: partitions.prepare(one, MONDAY), several))
    assert sorted(name for names in made for name in names) == sorted(
        f"{table}_{week}" for table in TABLES for week in ("20300107", "20300114", "20300121")
    )
    assert logs == []
    for each in several:
        each.close()


def test_a_week_that_lies_in_the_rest_already_is_left_there(database: Database) -> None:
    write(database, prompt(MONDAY))
    with capture_logs() as logs:
        made = partitions.prepare(database, MONDAY)
    assert len(made) == 3 * len(TABLES) - 1
    assert [entry["partition"] for entry in logs] == ["user_prompts_20300107"]
    write(database, prompt(MONDAY + timedelta(days=1)))
    assert places(database) == ["user_prompts_rest"] * 2


def test_who_holds_a_table_is_not_waited_for_long(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(partitions, "_WAIT", "10ms")
    with psycopg.connect(address(database)) as other, capture_logs() as logs:
        other.execute("LOCK TABLE user_prompts IN ACCESS EXCLUSIVE MODE")
        made = partitions.prepare(database, MONDAY)
    assert len(made) == 3 * (len(TABLES) - 1)
    assert {entry["error"] for entry in logs} == {"canceling statement due to lock timeout"}
    assert len(partitions.prepare(database, MONDAY)) == 3


def test_a_query_of_one_week_looks_into_no_other(database: Database) -> None:
    partitions.make(database, MONDAY, MONDAY + timedelta(weeks=9))
    with database.read() as connection:
        query = "EXPLAIN SELECT * FROM user_prompts WHERE interception_id = %(id)s"
        plan = connection.exec_driver_sql(query, {"id": id_at(MONDAY)}).scalars().all()
    assert any("user_prompts_20300107" in step for step in plan)
    assert not any("20300114" in step or "rest" in step for step in plan)


async def test_they_are_prepared_again_and_again(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepared = asyncio.Event()
    loop = asyncio.get_running_loop()
    monkeypatch.setattr(partitions, "EVERY_SECONDS", 0.0)
    monkeypatch.setattr(partitions, "prepare", lambda _: loop.call_soon_threadsafe(prepared.set))
    chore = asyncio.create_task(partitions.prepare_regularly(database))
    await asyncio.wait_for(prepared.wait(), 20)
    chore.cancel()
    await chore


async def test_sqlite_has_none() -> None:
    database = new_database("sqlite://")
    assert partitions.prepare(database) == []
    await asyncio.wait_for(partitions.prepare_regularly(database), 20)
    database.close()
