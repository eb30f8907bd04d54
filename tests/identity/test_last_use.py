import asyncio

import pytest
from sqlalchemy.exc import OperationalError
from structlog.testing import capture_logs

from aibridge.identity import last_use
from aibridge.identity.last_use import LastUses
from aibridge.store.engine.database import Database
from aibridge.store.people.tokens import find_token, note_uses
from aibridge.store.people.users import Connection
from tests.people import new_token, new_user
from tests.wire import PATIENCE


@pytest.fixture
def token_id(database: Database) -> str:
    with database.write() as connection:
        return new_token(connection, new_user(connection, "ana"))[:10]


def used(database: Database, token_id: str) -> int | None:
    with database.read() as connection:
        found = find_token(connection, token_id)
    assert found is not None
    return found.last_used_at


def test_what_was_noted_shows_when_it_is_written(database: Database, token_id: str) -> None:
    uses = LastUses(database)
    uses.note(token_id, 5)
    assert used(database, token_id) is None
    uses.note(token_id, 7)
    uses.write()
    assert used(database, token_id) == 7


def test_a_token_that_was_deleted_since_is_no_trouble(database: Database, token_id: str) -> None:
    uses = LastUses(database)
    uses.note("gone", 5)
    uses.note(token_id, 6)
    with capture_logs() as logs:
        uses.write()
    assert (used(database, token_id), logs) == (6, [])


def test_nothing_noted_writes_nothing(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise AssertionError

    monkeypatch.setattr(last_use, "note_uses", fail)
    LastUses(database).write()


def test_what_could_not_be_written_is_kept_and_newer_uses_win(
    database: Database, token_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    uses = LastUses(database)
    real = note_uses

    def fail(_connection: Connection, _noted: object) -> None:
        uses.note(token_id, 9)
        raise OperationalError("secret statement", {}, OSError("disk"))

    monkeypatch.setattr(last_use, "note_uses", fail)
    uses.note(token_id, 5)
    uses.note("other", 1)
    with capture_logs() as logs:
        uses.write()
    assert logs == [
        {"event": "last_uses_not_written", "error": "OperationalError", "log_level": "warning"}
    ]
    assert uses._noted == {token_id: 9, "other": 1}
    monkeypatch.setattr(last_use, "note_uses", real)
    uses.write()
    assert used(database, token_id) == 9


async def test_it_is_written_now_and_then_and_at_the_end(
    database: Database, token_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(last_use, "EVERY_SECONDS", 0)
    loop, written = asyncio.get_running_loop(), asyncio.Event()
    real = note_uses

    def tell(connection: Connection, noted: dict[str, int]) -> None:
        real(connection, noted)
        loop.call_soon_threadsafe(written.set)

    monkeypatch.setattr(last_use, "note_uses", tell)
    uses = LastUses(database)
    uses.note(token_id, 5)
    task = asyncio.create_task(uses.write_regularly())
    async with asyncio.timeout(PATIENCE):
        await written.wait()
    monkeypatch.setattr(last_use, "EVERY_SECONDS", 3600)
    uses.note(token_id, 6)
    task.cancel()
    await task
    assert used(database, token_id) == 6
