"""Partitions of PostgreSQL that are old and empty are dropped, and no other."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from sqlalchemy import delete, text
from structlog.testing import capture_logs

from aibridge.ids import first_id_at
from aibridge.store.engine.database import Database
from aibridge.store.record import partitions
from aibridge.store.record.partitions import drop_empty
from aibridge.store.record.writer import BatchWriter
from aibridge.store.schema import tables as schema
from aibridge.store.schema.rows import UserPromptRow
from tests.builders import new_database
from tests.databases import PostgreSQL, address

ENGINES = ("postgresql",)
MONDAY = datetime(2030, 1, 7, tzinfo=UTC)
WEEK = timedelta(weeks=1)
TABLES = {table.name for table in partitions.partitioned()}


@pytest.fixture
def database(postgresql: PostgreSQL) -> Iterator[Database]:
    """A database with partitions for three weeks from `MONDAY` on, which go with it."""
    with postgresql.place() as url:
        database = Database(url)
        database.upgrade()
        partitions.make(database, MONDAY, MONDAY + 2 * WEEK)
        yield database
        database.close()


def add_prompt(database: Database, moment: datetime) -> None:
    id_ = f"{first_id_at(round(moment.timestamp() * 1_000_000))}7000-8000-000000000000"
    writer = BatchWriter(database)
    with writer.transaction():
        writer.add([UserPromptRow(id_, id_, "", "Hi.", "{}", 1)])
    writer.close()


def there(database: Database) -> set[str]:
    with database.read() as connection:
        return set(
            connection.scalars(
                text("SELECT relname FROM pg_class WHERE relispartition AND relkind = 'r'")
            )
        )


def of_week(*days: str) -> set[str]:
    return {f"{table}_{day}" for table in TABLES for day in days}


def test_weeks_that_are_over_and_empty_are_dropped_and_the_rest_stays(database: Database) -> None:
    before = there(database)
    dropped = drop_empty(database, MONDAY + 2 * WEEK)
    assert set(dropped) == of_week("20300107", "20300114")
    assert len(dropped) == len(set(dropped))
    assert there(database) == before - set(dropped)
    assert {f"{table}_rest" for table in TABLES} <= there(database)
    assert drop_empty(database, MONDAY + 2 * WEEK) == []


def test_a_week_that_is_not_over_stays(database: Database) -> None:
    assert drop_empty(database, MONDAY + WEEK - timedelta(microseconds=1)) == []
    assert set(drop_empty(database, MONDAY + WEEK)) == of_week("20300107")


def test_what_has_a_row_stays_until_that_is_gone(database: Database) -> None:
    add_prompt(database, MONDAY)
    assert set(drop_empty(database, MONDAY + WEEK)) == of_week("20300107") - {
        "user_prompts_20300107"
    }
    with database.write() as connection:
        connection.execute(delete(schema.user_prompts))
    assert drop_empty(database, MONDAY + WEEK) == ["user_prompts_20300107"]


def test_what_comes_in_for_a_week_that_was_dropped_lies_in_the_rest(database: Database) -> None:
    drop_empty(database, MONDAY + WEEK)
    add_prompt(database, MONDAY)
    with database.read() as connection:
        place = "SELECT tableoid::regclass::text FROM user_prompts"
        assert connection.scalar(text(place)) == "user_prompts_rest"


def test_a_row_that_comes_in_between_the_two_looks_is_kept(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked = partitions._is_empty_now

    def write_after(*arguments) -> bool:
        empty = looked(*arguments)
        if arguments[2] == "user_prompts_20300107":
            add_prompt(database, MONDAY)
        return empty

    monkeypatch.setattr(partitions, "_is_empty_now", write_after)
    assert "user_prompts_20300107" not in drop_empty(database, MONDAY + WEEK)
    assert "user_prompts_20300107" in there(database)


def test_who_uses_a_table_is_not_waited_for_long_and_it_is_tried_again(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(partitions, "LOCK_SECONDS", 0.01)
    with psycopg.connect(address(database)) as other, capture_logs() as logs:
        other.execute("SELECT count(*) FROM user_prompts")
        first = drop_empty(database, MONDAY + WEEK)
    assert set(first) < of_week("20300107")
    assert [(one["event"], one["error"]) for one in logs] == [
        ("partition_not_dropped", "canceling statement due to lock timeout")
    ]
    second = drop_empty(database, MONDAY + WEEK)
    assert set(first + second) == of_week("20300107")


def test_who_makes_partitions_is_let_be(database: Database) -> None:
    with psycopg.connect(address(database)) as other:
        other.execute(f"SELECT pg_advisory_xact_lock({partitions.LOCK})".encode())
        assert drop_empty(database, MONDAY + WEEK) == []
    assert set(drop_empty(database, MONDAY + WEEK)) == of_week("20300107")


def test_sqlite_has_none() -> None:
    database = new_database("sqlite://")
    assert drop_empty(database, MONDAY) == []
    database.close()
