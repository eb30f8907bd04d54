"""The connection that writes the record on PostgreSQL: lost and found, side by side with others."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import psycopg
import pytest
from sqlalchemy import insert, select
from sqlalchemy.exc import DBAPIError, InternalError, OperationalError

from aibridge.store.engine.database import Database, DatabaseError
from aibridge.store.engine.errors import is_away
from aibridge.store.record.writer import BatchWriter
from aibridge.store.schema import tables as schema
from aibridge.store.schema.rows import (
    COUNTERS,
    InitiatorKindRow,
    Kind,
    SessionKindRow,
    SessionRow,
    ToolUsageRow,
    UserPromptRow,
)
from tests.builders import ANA
from tests.databases import PostgreSQL, address

ENDLESS = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid = %s"


@pytest.fixture
def database(postgresql: PostgreSQL) -> Iterator[Database]:
    with postgresql.database() as url:
        database = Database(url)
        yield database
        database.close()


@pytest.fixture
def writer(database: Database) -> Iterator[BatchWriter]:
    writer = BatchWriter(database)
    yield writer
    writer.close()


def prompt(number: int, text: str = "Hi.") -> UserPromptRow:
    return UserPromptRow(f"i{number}", f"p{number}", "", text, "{}", number)


def write(writer: BatchWriter, *rows: Any) -> None:
    with writer.transaction():
        writer.add(rows)


def prompts(database: Database) -> list[str]:
    with database.read() as connection:
        table = schema.user_prompts
        return list(connection.scalars(select(table.c.prompt).order_by(table.c.id)))


def end_connection(database: Database, writer: BatchWriter) -> None:
    """End the writer's connection from the server's side."""
    link: Any = writer._link
    with psycopg.connect(address(database)) as other:
        other.execute(ENDLESS, [link.cursor.connection.info.backend_pid])


def test_what_was_lost_between_two_transactions_is_connected_anew(
    database: Database, writer: BatchWriter
) -> None:
    write(writer, prompt(1, "one"))
    end_connection(database, writer)
    with pytest.raises(OperationalError) as lost:
        write(writer, prompt(2, "two"))
    assert is_away(lost.value)
    write(writer, prompt(3, "three"))
    assert prompts(database) == ["one", "three"]


def test_what_is_lost_within_a_transaction_is_not_half_written(
    database: Database, writer: BatchWriter
) -> None:
    def cut() -> None:
        with writer.transaction():
            writer.add([prompt(1)])
            assert writer.by_call("nobody", "nothing", None) is None  # what was sent has arrived
            end_connection(database, writer)
            for number in range(2, 9):
                writer.add([prompt(number)])

    with pytest.raises(DBAPIError) as lost:
        cut()
    assert is_away(lost.value)
    assert prompts(database) == []
    write(writer, prompt(1))
    assert prompts(database) == ["Hi."]


def test_a_server_that_is_not_there_is_away_until_it_is(postgresql: PostgreSQL) -> None:
    writer = BatchWriter(Database(postgresql.url("nowhere")))
    with pytest.raises(Exception, match="does not exist") as absent:
        write(writer, prompt(1))
    assert is_away(absent.value)
    writer.close()


def test_a_database_that_can_only_be_read_takes_no_transaction(
    database: Database, writer: BatchWriter
) -> None:
    link: Any = writer._link
    link.cursor.execute("SET default_transaction_read_only = on")
    with pytest.raises(InternalError, match="read-only transaction"), writer.transaction():
        pass
    link.cursor.execute("SET default_transaction_read_only = off")
    write(writer, prompt(1))
    assert prompts(database) == ["Hi."]


def test_nul_is_replaced_wherever_texts_go_in(database: Database, writer: BatchWriter) -> None:
    write(writer, prompt(1, "a\0b"), prompt(2, "\0"), prompt(3, "plain"))
    assert prompts(database) == ["a\ufffdb", "\ufffd", "plain"]
    row = {"id": "x\0", "name": "\0", "name_key": "k", "display_name": "", "created_at": 1}
    with database.write() as connection:
        connection.execute(insert(schema.groups), {**row, "updated_at": 1})
        named = select(schema.groups.c.name).where(schema.groups.c.id == "x\0")
        assert connection.scalar(named) == "\ufffd"


def test_names_of_any_characters_are_taken_at_their_full_length(
    database: Database, writer: BatchWriter
) -> None:
    """Indexes have a limit, of bytes: 512 characters are what readers of traffic keep of a name."""
    name = "".join(chr(0x20000 + number * 79) for number in range(512))
    write(
        writer,
        ToolUsageRow("i", "t", "", ANA, "t", "", "", False, "", name, "", "{}", 1),
        session(name[:256], 1),
        SessionKindRow(name[:256], "i", writer.number(Kind("p" * 32, "n" * 64, name, "c" * 64, 0))),
    )
    assert writer.by_call(ANA, name, name[:256]) is None
    with database.read() as connection:
        assert connection.scalar(select(schema.kinds.c.model)) == name


def test_a_database_of_another_encoding_is_refused(postgresql: PostgreSQL) -> None:
    with postgresql.place(encoding="LATIN1") as url:
        database = Database(url)
        with pytest.raises(DatabaseError, match="its encoding is LATIN1"):
            database.upgrade()
        database.close()


def test_a_server_that_is_too_old_is_refused(
    postgresql: PostgreSQL, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("aibridge.store.engine.postgresql.OLDEST", 990_000)
    with postgresql.place() as url:
        database = Database(url)
        with pytest.raises(DatabaseError, match="it is PostgreSQL 18; 99 or newer is needed"):
            database.upgrade()
        database.close()


def session(name: str, at: int) -> SessionRow:
    times = {"started_at": at, "ended_at": at, "last_active_at": at}
    tokens = dict.fromkeys(COUNTERS, 1)
    return SessionRow(
        id=name,
        initiator_id="i",
        client=None,
        metadata="{}",
        last_prompt_at=None,
        last_prompt=None,
        last_started_at=at,
        length=0,
        magnitude=0,
        tokens=4,
        threads=1,
        interceptions=1,
        **times,
        **tokens,
    )


def test_keys_that_become_one_are_added_up(database: Database, writer: BatchWriter) -> None:
    write(writer, session("a\0", 1), session("a\ufffd", 2), session("b", 3), session("a\0", 4))
    with database.read() as connection:
        table = schema.sessions
        found = connection.execute(select(table.c.id, table.c.interceptions).order_by(table.c.id))
        assert [tuple(row) for row in found] == [("a\ufffd", 3), ("b", 1)]


def test_writers_of_the_same_sessions_never_lock_each_other_out(database: Database) -> None:
    rounds, names = 15, [f"s{number}" for number in range(40)]
    together = Barrier(3)

    def keep_writing(turn: int) -> None:
        writer = BatchWriter(database)
        for number in range(rounds):
            order = names[:: -1 if (turn + number) % 2 else 1]
            together.wait(20)
            kinds = [writer.number(Kind("p", "n", name, "c", 0)) for name in order[:5]]
            together.wait(20)
            write(
                writer,
                *(session(name, number + 1) for name in order),
                *(SessionKindRow(name, "i", kind) for name in order for kind in kinds),
                *(InitiatorKindRow("i", kind, 1) for kind in kinds),
            )
        writer.close()

    with ThreadPoolExecutor(together.parties) as pool:
        list(pool.map(keep_writing, range(together.parties)))
    with database.read() as connection:
        counts = set(connection.scalars(select(schema.sessions.c.interceptions)))
        kinds = connection.scalars(select(schema.initiator_kinds.c.interceptions)).all()
    assert counts == {rounds * together.parties}
    assert sum(kinds) == 5 * rounds * together.parties


def test_administrative_writes_take_turns_and_hold_up_no_record(
    database: Database, writer: BatchWriter
) -> None:
    with database.write():
        write(writer, prompt(1))
        with psycopg.connect(address(database)) as other:
            query = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted"
            assert other.execute(query).fetchone() == (1,)
    assert prompts(database) == ["Hi."]


def test_a_reader_sees_one_state_and_may_not_write(database: Database, writer: BatchWriter) -> None:
    table = schema.user_prompts
    with database.read() as connection:
        assert list(connection.scalars(select(table.c.id))) == []
        write(writer, prompt(1))
        assert list(connection.scalars(select(table.c.id))) == []
        with pytest.raises(Exception, match="read-only transaction"):
            connection.execute(insert(table), prompt(2)._asdict())


def test_a_connection_is_set_as_it_has_to_be(postgresql: PostgreSQL) -> None:
    with postgresql.database() as url:
        with psycopg.connect(url, autocommit=True) as other:
            other.execute("ALTER ROLE aibridge SET synchronous_commit = off")
        database = Database(f"{url}&application_name=mine&options=-c%20work_mem%3D5MB")
        with database.read() as connection:
            names = ("synchronous_commit", "plan_cache_mode", "TimeZone", "application_name")
            found = [connection.exec_driver_sql(f"SHOW {name}").scalar() for name in names]
            assert found == ["on", "force_custom_plan", "UTC", "mine"]
            assert connection.exec_driver_sql("SHOW work_mem").scalar() == "5MB"
        database.close()
        with psycopg.connect(url, autocommit=True) as other:
            other.execute("ALTER ROLE aibridge RESET synchronous_commit")
