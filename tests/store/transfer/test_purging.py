"""Purging: what is old goes, with all that belongs to it, and nothing else does."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import ColumnElement, Connection, insert, select, update
from sqlalchemy.exc import DBAPIError

from aibridge.durations import microseconds
from aibridge.ids import moment
from aibridge.recorder.batch import commit
from aibridge.recorder.pending import Pending
from aibridge.recorder.recovery import close_interrupted
from aibridge.sessions import reading
from aibridge.sessions.reading import ThreadPage
from aibridge.store.engine.database import Database
from aibridge.store.engine.errors import is_away
from aibridge.store.lists.filters import Filter, only
from aibridge.store.record.writer import BatchWriter
from aibridge.store.schema import tables as schema
from aibridge.store.transfer import due, purging, removing
from aibridge.store.transfer.checking import disagreements
from aibridge.store.transfer.purging import Purge, Purged, count_due
from tests.builders import ANA, BEN, RECORD, SECOND, START, Call, forget, indexed_words, record, uid
from tests.recorder.facts import end, start

DAY = 86_400
CUT = START + 10 * DAY * SECOND
"""What is older goes."""


def call(number: int, day: float, session: str, **more: Any) -> Call:
    """Return a call with one of everything."""
    given: dict[str, Any] = {
        "prompts": (f"Mend roof {number}",),
        "tools": ("bash", "read"),
        "thoughts": ("Hm.",),
        "tokens": ((number, 2, 3, 4), (1, 0, 0, 0)),
        "costs": (number,),
        **more,
    }
    return Call(number, at=day * DAY, session=session, **given)


OLD = [
    call(1, 1, "old"),
    call(2, 2, "old", root=1, parent=1, prompts=()),
    call(3, 3, "old", initiator=BEN, columns={"model": "opus", "client": "Codex"}),
    call(4, 4, "failed", columns={"error_type": "overloaded", "error_message": "Too much."}),
    Call(5, at=5 * DAY),
]
AGED = [
    call(11, 1, "long"),
    call(21, 2, "goes on", prompts=("one", "two"), columns={"model": "opus", "client": "Codex"}),
    call(22, 3, "goes on", root=21, parent=21, prompts=()),
    call(23, 4, "goes on", kind="subagent", parent=21),
    call(26, 5, "runs too"),
    call(31, 5, "title first"),
]
"""The old parts of sessions that go on."""
KEPT = [
    call(12, 11, "long", root=11, parent=11, prompts=()),
    call(24, 9.9, "goes on", columns={"ended_at": CUT + 1}),
    call(25, 10, "goes on", kind="subagent", parent=24, prompts=("Look.",)),
    call(29, 10, "title first", kind="side_call"),
    call(30, 11, "title first"),
    call(27, 12, "runs too", root=26, kind="retry", prompts=("Mend roof 26",)),
    call(28, 6, "runs too", running=True, tokens=(), costs=()),
    call(13, 12, "old", initiator="0" * 36),
    call(14, 3, "runs"),
    call(15, 4, "runs", running=True),
    call(16, 20, "new"),
]


def state(database: Database) -> dict[str, Any]:
    """Return everything on record."""
    with database.read() as connection:
        found: dict[str, Any] = {
            table.name: [tuple(row) for row in connection.execute(_rows(table))] for table in RECORD
        }
        return found | {"words": indexed_words(connection), "numbers": _numbered(connection)}


def _rows(table: Any) -> Any:
    return select(table).order_by(*table.primary_key)


def _numbered(connection: Connection) -> list[str]:
    if connection.dialect.name == "postgresql":
        return []
    return list(connection.scalars(select(schema.indexed_interceptions.c.interception_id)))


def _key(one: Call) -> dict[str, Any]:
    return {
        "initiator_id": one.initiator,
        "key": f"key {one.number}",
        "interception_id": one.id,
        "session_id": one.session_id,
        "created_at": one.started_at,
    }


def purge(database: Database, before: int = CUT) -> Purged:
    walk, total = Purge(database, before), Purged()
    while (gone := walk.step()) is not None:
        total = total.plus(gone)
    return total


@pytest.fixture
def filled(record_database: Database) -> tuple[Database, dict[str, Any]]:
    """A database with all calls, and what it would be without the old ones."""
    with record_database.write() as connection:
        record(connection, *KEPT)
        connection.execute(insert(schema.correlation_keys), [_key(one) for one in KEPT])
    kept = state(record_database)
    with record_database.write() as connection:
        forget(connection)
        record(connection, *KEPT, *AGED, *OLD)
        connection.execute(insert(schema.correlation_keys), [_key(one) for one in (*KEPT, *OLD)])
    assert state(record_database) != kept
    return record_database, kept


def test_old_sessions_go_whole_and_nothing_else_does(filled) -> None:
    database, kept = filled
    assert purge(database) == Purged(sessions=4, interceptions=5 + len(AGED))
    assert state(database) == kept


def test_what_is_old_of_a_session_that_goes_on_goes(filled) -> None:
    database, _ = filled
    purge(database)
    long = reading.show_session(database, "long", ThreadPage(limit=9))
    assert long is not None
    assert long.started_at == moment(call(12, 11, "long").started_at)
    assert [(thread.id, thread.prompt) for thread in long.threads] == [(uid(11), None)]
    with database.read() as connection:
        assert list(disagreements(connection)) == []
        row = connection.execute(
            select(schema.sessions).where(schema.sessions.c.id == "long")
        ).one()
    assert (row.last_prompt, row.threads, row.interceptions) == (None, 0, 1)
    assert row.last_active_at == row.started_at


def test_the_keys_that_lead_to_what_is_gone_go_with_it(filled) -> None:
    database, _ = filled
    purge(database)
    with database.read() as connection:
        left = connection.scalars(select(schema.correlation_keys.c.interception_id))
        assert sorted(left) == sorted(one.id for one in KEPT)


def test_a_session_that_outlives_every_purge_loses_what_is_old_each_time(record_database) -> None:
    with record_database.write() as connection:
        record(connection, *(call(n, n, "endless", root=n % 3 and n - n % 3) for n in range(30)))
    for day in (7, 8, 20, 29):
        before = START + day * DAY * SECOND
        due_now = count_due(record_database, before)
        assert purge(record_database, before) == due_now == Purged(0, due_now.interceptions)
        assert count_due(record_database, before) == Purged()
        left = reading.list_interceptions(record_database, Filter(), limit=99).results
        assert [one.id for one in left] == [uid(number) for number in range(29, day - 1, -1)]
        with record_database.read() as connection:
            assert list(disagreements(connection)) == []


def test_nothing_is_left_to_purge_again(filled) -> None:
    database, kept = filled
    purge(database)
    assert purge(database) == Purged()
    assert state(database) == kept


def test_what_would_go_is_counted_without_touching_anything(filled) -> None:
    database, _ = filled
    before = state(database)
    assert count_due(database, CUT) == Purged(sessions=4, interceptions=5 + len(AGED))
    assert state(database) == before


@pytest.mark.parametrize("most", [2, 3, 4, 7, 100])
def test_whatever_the_size_of_a_batch_what_is_left_adds_up(filled, monkeypatch, most) -> None:
    database, kept = filled
    with database.write() as connection:
        record(connection, *(call(100 + n, n / 10, "large", root=n and 100) for n in range(20)))
    monkeypatch.setattr(purging, "LEAST", most)
    monkeypatch.setattr(purging, "MOST", most)
    monkeypatch.setattr(purging, "MOST_ACTIVE", most)
    walk = Purge(database, CUT)
    while walk.step() is not None:
        with database.read() as connection:
            assert list(disagreements(connection)) == []
    assert state(database) == kept


@pytest.mark.parametrize("name", ["_remove_texts", "_remove_sessions", "_count_kinds_down"])
def test_what_ends_in_the_midst_of_a_batch_leaves_all_of_it(filled, monkeypatch, name) -> None:
    database, kept = filled
    before = state(database)

    def die(*_: object) -> None:
        raise MemoryError

    with monkeypatch.context() as patch:
        patch.setattr(removing, name, die)
        with pytest.raises(MemoryError):
            Purge(database, CUT).step()
    assert state(database) == before
    purge(database)
    assert state(database) == kept


@pytest.mark.parametrize(
    ("columns", "goes"),
    [
        ({"length": 1}, True),
        ({"last_active_at": CUT, "started_at": CUT}, False),
        ({"last_started_at": CUT, "started_at": CUT}, False),
        ({"ended_at": CUT}, False),
        (dict.fromkeys(("last_active_at", "last_started_at", "ended_at"), CUT - 1), True),
    ],
    ids=["idle", "prompt", "request", "end of an answer", "just before"],
)
def test_a_session_is_as_old_as_the_last_that_happened_in_it(
    record_database, columns: dict[str, int], goes: bool
) -> None:
    with record_database.write() as connection:
        record(connection, call(1, 1, "s"))
        connection.execute(update(schema.sessions).values(columns))
    assert count_due(record_database, CUT) == purge(record_database) == Purged(goes, goes)


def test_no_list_shows_what_nothing_is_of_any_more(filled) -> None:
    database, _ = filled
    models = reading.list_models(database, Filter(), limit=9)
    assert models == ["opus", "sonnet"]
    purge(database)
    assert reading.list_models(database, Filter(), limit=9) == ["sonnet"]
    assert reading.list_clients(database, Filter(), limit=9) == ["Claude Code"]
    assert reading.list_sessions(database, Filter(initiator_id=only(BEN)), limit=9).count == 0
    assert reading.list_interceptions(database, Filter(error=only("much")), limit=9).count == 0


def test_a_session_that_somebody_writes_meanwhile_stays(filled) -> None:
    database, _ = filled
    before = state(database)
    with locked_sessions(database):
        assert purge_patiently(database) == Purged()
    assert state(database) == before
    assert purge(database) == Purged(sessions=4, interceptions=5 + len(AGED))


def purge_patiently(database: Database) -> Purged:
    """Purge, which on SQLite is put off while anything is written."""
    if database.is_postgresql:
        return purge(database)
    with pytest.raises(DBAPIError) as caught:
        purge(database)
    assert is_away(caught.value)
    return Purged()


@contextmanager
def locked_sessions(database: Database) -> Iterator[None]:
    with database.engine.connect().execution_options(aibridge_writes=True) as other, other.begin():
        other.execute(update(schema.sessions).values(length=schema.sessions.c.length))
        yield


def test_a_session_that_goes_on_between_two_batches_stays(filled, monkeypatch) -> None:
    database, _ = filled
    monkeypatch.setattr(purging, "LEAST", 2)
    monkeypatch.setattr(purging, "MOST", 2)
    walk = Purge(database, CUT)
    assert walk.step() is not None
    ended(database, Pending(start(client_session_id="failed", started_at=CUT, initiator_id=ANA)))
    while walk.step() is not None:
        pass
    with database.read() as connection:
        left = connection.scalars(select(schema.sessions.c.id).order_by(schema.sessions.c.id))
        assert list(left) == [
            "failed",
            "goes on",
            "long",
            "new",
            "old",
            "runs",
            "runs too",
            "title first",
        ]
        assert list(disagreements(connection)) == []


def write(database: Database, item: Pending) -> Pending:
    """Write what is known of an interception."""
    writer = BatchWriter(database, session_pause=microseconds(None))
    commit(writer, [item]).note()
    writer.close()
    return item


def ended(database: Database, item: Pending) -> None:
    item.end = end(ended_at=CUT)
    write(database, item)


def test_what_begins_in_a_session_that_goes_just_then_makes_it_anew(filled, monkeypatch) -> None:
    """As if it had begun after the batch looked at what runs, and before the batch's end."""
    database, _ = filled
    item = write(database, Pending(start(client_session_id="old", started_at=CUT - 5)))
    with monkeypatch.context() as patch:
        patch.setattr(due, "running", lambda _: set())
        assert purge(database).sessions == 5
    ended(database, item)
    with database.read() as connection:
        assert list(disagreements(connection)) == []
    shown = reading.show_session(database, "old", ThreadPage(limit=9), initiator=ANA)
    assert shown is not None
    assert [thread.id for thread in shown.threads] == [item.start.id]


def test_a_late_end_of_what_is_gone_breaks_nothing(filled) -> None:
    """Another bridge had taken it for interrupted, and what it closed was purged since."""
    database, _ = filled
    item = write(database, Pending(start(client_session_id="late", started_at=CUT - 5)))
    close_interrupted(database)
    purge(database)
    item.unsure = True
    ended(database, item)
    with database.read() as connection:
        assert list(disagreements(connection)) == []
        row = connection.execute(select(schema.interceptions).where(_is(item))).one()
        assert (row.session_id, row.status) == ("late", "completed")
    purge(database, CUT + 1)
    with database.read() as connection:
        assert connection.execute(select(schema.interceptions).where(_is(item))).all() == []


def _is(item: Pending) -> ColumnElement[bool]:
    return schema.interceptions.c.id == item.start.id
