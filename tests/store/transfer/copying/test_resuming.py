"""A copy that is broken off goes on where it was, whatever became of the source meanwhile."""

import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import count

import pytest
from sqlalchemy import Connection, Table, delete, text, update

from aibridge.store import migrations
from aibridge.store.engine.database import DatabaseError
from aibridge.store.migrations import NewerSchemaError
from aibridge.store.schema import tables as schema
from aibridge.store.transfer.copying import copying, indexing, state, tables
from aibridge.store.transfer.copying.target import Target
from tests.builders import Call, record, uid
from tests.grown import calls, everything, opened
from tests.people import new_user
from tests.store.transfer.copying.conftest import Pair
from tests.store.transfer.copying.running import STEPS, nothing, run

pytestmark = pytest.mark.parametrize(
    "engines", [("sqlite", "postgresql"), ("postgresql", "sqlite")], ids="-to-".join, indirect=True
)
"""Each engine once as the source and once as the target: what they hold is for another module."""

KILLED = """
import os, signal, sys
from aibridge.store.transfer.copying import copying, indexing, state, tables
from tests.store.transfer.copying.running import run

tables.MOST_ROWS, indexing.BATCH = 3, 2
keep, left = state.keep, int(sys.argv[3])

def keep_or_die(*values):
    global left
    keep(*values)
    left -= 1
    if not left:
        os.kill(os.getpid(), signal.SIGKILL)

state.keep = keep_or_die
run(sys.argv[1], sys.argv[2])
"""


class Broken(BaseException):
    """The end of a process, as far as its transactions see it."""


@pytest.fixture(autouse=True)
def _small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "MOST_ROWS", 3)
    monkeypatch.setattr(indexing, "BATCH", 2)


@contextmanager
def breaking(monkeypatch: pytest.MonkeyPatch, at: int) -> Iterator[None]:
    """Have the n-th transaction that writes rows fail when it has done its work."""
    keep, numbers = state.keep, count(1)

    def keep_or_break(connection: Connection, name: str, key: Sequence[object]) -> None:
        keep(connection, name, key)
        if next(numbers) == at:
            raise Broken

    with monkeypatch.context() as patch:
        patch.setattr(state, "keep", keep_or_break)
        yield


def test_broken_off_again_and_again_it_ends_equal(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    for at in count(1):
        try:
            with breaking(monkeypatch, at):
                run(pair.source, pair.target)
        except Broken:
            continue
        break
    assert everything(pair.target) == everything(pair.source, without_nul=pair.loses_nul)
    assert at > 10


def test_killed_it_goes_on_and_ends_equal(pair: Pair) -> None:
    command = [sys.executable, "-c", KILLED, pair.source, pair.target, "13"]
    done = subprocess.run(command, check=False, capture_output=True)
    assert (done.returncode, done.stderr) == (-signal.SIGKILL, b"")
    run(pair.source, pair.target)
    assert everything(pair.target) == everything(pair.source, without_nul=pair.loses_nul)


def test_broken_off_between_any_two_steps_it_ends_equal(pair: Pair) -> None:
    for steps in range(len(STEPS)):
        run(pair.source, pair.target, steps)
    run(pair.source, pair.target)
    assert everything(pair.target) == everything(pair.source, without_nul=pair.loses_nul)


def test_what_is_there_of_a_large_table_is_not_written_again(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(pair.source, pair.target, 2)
    names: list[str] = []
    add = Target.add

    def noted(self: Target, table: Table, rows: list[tuple[object, ...]]) -> None:
        names.append(table.name)
        add(self, table, rows)

    monkeypatch.setattr(Target, "add", noted)
    run(pair.source, pair.target)
    assert {"interceptions", "user_prompts", "sessions"}.isdisjoint(names)


def test_half_a_copy_is_not_served(pair: Pair) -> None:
    for steps in range(len(STEPS)):
        run(pair.source, pair.target, steps)
        with opened(pair.target) as database:
            with pytest.raises(DatabaseError, match="run the same aibridge db copy once more"):
                database.upgrade()
            with database.write() as connection, pytest.raises(NewerSchemaError):
                migrations.upgrade(connection)  # as older releases do


def test_it_ends_equal_to_a_source_that_has_changed_meanwhile(pair: Pair) -> None:
    run(pair.source, pair.target, 4)
    first = calls()[0].id
    with opened(pair.source) as database, database.write() as connection:
        _swap_names(connection)
        record(connection, Call(99, prompts=("A late one.",)))
        changed = update(schema.interceptions).where(schema.interceptions.c.id == first)
        connection.execute(changed.values(error_message="changed"))
        connection.execute(
            delete(schema.user_prompts).where(schema.user_prompts.c.interception_id == uid(2))
        )
    compared = run(pair.source, pair.target)
    assert all(one.is_equal for one in compared)
    expected, found = everything(pair.source, without_nul=pair.loses_nul), everything(pair.target)
    assert {**found, "text_index": None} == {**expected, "text_index": None}
    words = {(id_, word) for id_, _, word, _ in found["text_index"]}
    assert {(uid(99), "late"), (first, "changed")} <= words
    assert (uid(2), "mend") not in words


def _swap_names(connection: Connection) -> None:
    """Let a name go from one user to another, who comes before."""
    users = schema.users
    ids = sorted(connection.execute(users.select()).scalars())
    connection.execute(
        update(users).where(users.c.id == ids[0]).values(username="old", username_key="old")
    )
    connection.execute(
        update(users).where(users.c.id == ids[1]).values(username="ana", username_key="ana")
    )
    new_user(connection, "another")


def test_what_somebody_else_has_changed_in_the_target_is_found(pair: Pair) -> None:
    with copying(pair.source, pair.target) as copy:
        copy.begin()
        copy.rows(nothing)
        with copy.target.database.write() as connection:
            connection.execute(text("UPDATE sessions SET tokens = tokens + 1 WHERE id = 's0'"))
            connection.execute(text("DELETE FROM user_prompts WHERE prompt LIKE 'Mend roof 2%'"))
        compared = copy.check(nothing)
    differing = {
        one.name: (one.source.rows, one.target.rows) for one in compared if not one.is_equal
    }
    assert differing.keys() == {"sessions", "user_prompts"}
    assert differing["sessions"][0] == differing["sessions"][1]
    assert differing["user_prompts"][0] == differing["user_prompts"][1] + 1
    run(pair.source, pair.target)
    assert everything(pair.target) == everything(pair.source, without_nul=pair.loses_nul)
