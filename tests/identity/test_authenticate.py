import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

from aibridge.contract import SiteRole, TokenScope
from aibridge.identity.authenticate import KEPT_SECONDS, Authenticator, Rejection
from aibridge.identity.known import IdentityUnavailable
from aibridge.identity.last_use import LastUses
from aibridge.store.engine.database import Database
from aibridge.store.engine.sqlite_files import Changes
from aibridge.store.people.tokens import delete_token, find_token
from aibridge.store.people.users import ACTIVE, SUSPENDED, change_user, user_by_name
from tests.databases import address
from tests.people import new_token, new_user, person


@pytest.fixture
def authenticator(database: Database) -> Iterator[Authenticator]:
    authenticator = Authenticator(database)
    yield authenticator
    authenticator.close()


def issue(database: Database, username: str = "ana", lifetime: timedelta | None = None) -> str:
    with database.write() as connection:
        return new_token(connection, new_user(connection, username, SiteRole.AUDITOR), "", lifetime)


def set_status(database: Database, status: str) -> None:
    with database.write() as connection:
        user = user_by_name(connection, "ana")
        assert user is not None
        change_user(connection, user.id, status=status)


async def test_a_token_says_who_calls(database: Database, authenticator: Authenticator) -> None:
    token = issue(database)
    found = await authenticator.person(token)
    assert found is not None
    assert found == person(found.user_id, "ana", SiteRole.AUDITOR, token_id=token[:10])


async def test_expired_suspended_and_unknown_tokens_are_told_alike(
    database: Database, authenticator: Authenticator
) -> None:
    token = issue(database)
    expired = issue(database, "bea", timedelta(microseconds=1))
    assert await authenticator.look_up(expired) is Rejection.INVALID
    set_status(database, SUSPENDED)
    if authenticator.known:
        authenticator.known.forget("token", token[:10])
    assert await authenticator.look_up(token) is Rejection.INVALID
    for other in (token, expired):
        assert await authenticator.look_up(other[:11] + "x" * 22) is Rejection.INVALID
        assert await authenticator.look_up("x" * 10 + other[10:]) is Rejection.INVALID
        assert await authenticator.look_up(other[:-1]) is Rejection.MALFORMED
        assert await authenticator.person(other) is None


async def test_a_token_says_what_it_is_for(
    database: Database, authenticator: Authenticator
) -> None:
    with database.write() as connection:
        user = new_user(connection, "ana")
        token = new_token(connection, user, scopes=[TokenScope.READ, TokenScope.GATEWAY])
    found = await authenticator.person(token)
    assert found is not None
    assert found.scopes == {TokenScope.READ, TokenScope.GATEWAY}


async def test_uses_are_written_and_never_moved_back(database: Database) -> None:
    token = issue(database)
    uses = LastUses(database)
    authenticator = Authenticator(database, uses)
    for at in (5_000_000, 9_000_000, 7_000_000):
        uses.note(token[:10], at)
        uses.write()
    with database.read() as connection:
        row = find_token(connection, token[:10])
    assert row is not None
    assert row.last_used_at == 9_000_000
    begun = time.time_ns() // 1000
    assert await authenticator.person(token)
    uses.write()
    uses.write()
    with database.read() as connection:
        row = find_token(connection, token[:10])
    authenticator.close()
    assert row is not None
    assert begun <= (row.last_used_at or 0) <= time.time_ns() // 1000


async def test_every_bad_token_looks_the_same(
    database: Database, authenticator: Authenticator
) -> None:
    token = issue(database)
    other = issue(database, "bob")
    mixed = f"{token[:10]}-{other[11:]}"
    for bad in ("", "x", "sk-ant-1", f"AAAAAAAAAA-{token[11:]}", mixed, token.swapcase()):
        assert await authenticator.person(bad) is None


async def test_a_suspended_user_is_refused_at_the_next_request(
    database: Database, authenticator: Authenticator
) -> None:
    token = issue(database)
    assert await authenticator.person(token)
    set_status(database, SUSPENDED)
    assert await authenticator.person(token) is None
    set_status(database, ACTIVE)
    assert await authenticator.person(token)


async def test_a_deleted_token_is_refused_at_the_next_request(
    database: Database, authenticator: Authenticator
) -> None:
    token = issue(database)
    assert await authenticator.person(token)
    with database.write() as connection:
        delete_token(connection, token[:10])
    assert await authenticator.person(token) is None


@contextmanager
def other(database: Database) -> Iterator[Callable[[str], Any]]:
    """Yield what runs statements as another process of ours would, each in a transaction."""
    if database.is_postgresql:
        connection: Any = psycopg.connect(address(database), autocommit=True)
        yield connection.execute
    else:
        connection = sqlite3.connect(str(database.file), isolation_level=None)
        assert database.file is not None
        changes = Changes(database.file)

        def execute(statement: str) -> Any:
            found = connection.execute(statement)
            changes.note()
            return found

        yield execute
        changes.close()
    connection.close()


async def test_a_commit_of_another_process_counts_at_once(
    database: Database, authenticator: Authenticator
) -> None:
    token = issue(database)
    assert await authenticator.person(token)
    with other(database) as execute:
        execute("UPDATE users SET status = 'suspended'")
    assert await authenticator.person(token) is None


async def test_a_commit_of_another_program_counts_after_a_second(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It leaves no mark."""
    database = Database(f"sqlite:///{tmp_path / 'a.db'}")
    database.upgrade()
    authenticator, token = Authenticator(database), issue(database)
    assert await authenticator.person(token)
    program = sqlite3.connect(tmp_path / "a.db", isolation_level=None)
    program.execute("UPDATE users SET status = 'suspended'")
    program.close()
    later = time.monotonic() + KEPT_SECONDS
    monkeypatch.setattr(time, "monotonic", lambda: later + 0.1)
    assert await authenticator.person(token) is None
    authenticator.close()
    database.close()


async def test_a_token_ends_when_its_time_is_over(
    database: Database, authenticator: Authenticator, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = issue(database, lifetime=timedelta(hours=1))
    begun = time.time_ns()
    assert await authenticator.person(token)
    monkeypatch.setattr(time, "time_ns", lambda: begun + 3_590 * 10**9)
    assert await authenticator.person(token)
    monkeypatch.setattr(time, "time_ns", lambda: begun + 3_600 * 10**9)
    assert await authenticator.person(token) is None


async def test_a_role_or_scope_of_a_newer_release_is_none(
    database: Database, authenticator: Authenticator
) -> None:
    token = issue(database)
    with other(database) as execute:
        execute("UPDATE users SET roles = 'emperor auditor'")
        execute("UPDATE tokens SET scopes = 'galaxy read'")
    found = await authenticator.person(token)
    assert found is not None
    assert found.roles == {SiteRole.AUDITOR}
    assert found.scopes == {TokenScope.READ}


async def test_a_look_up_holds_no_snapshot_open(
    database: Database, authenticator: Authenticator
) -> None:
    token = issue(database)
    for known in (token, f"AAAAAAAAAA-{token[11:]}"):
        await authenticator.person(known)
        set_status(database, ACTIVE)
        with other(database) as execute:
            if database.is_postgresql:
                query = "SELECT count(*) FROM pg_stat_activity WHERE state LIKE 'idle in%'"
            else:
                query = "PRAGMA wal_checkpoint(TRUNCATE)"
            assert execute(query).fetchone()[0] == 0


async def test_trouble_is_not_a_bad_token_and_passes(
    database: Database, authenticator: Authenticator
) -> None:
    token = issue(database)
    assert await authenticator.person(token)
    with other(database) as execute:
        execute("ALTER TABLE tokens RENAME TO away")
        with pytest.raises(IdentityUnavailable):
            await authenticator.person(token)
        with pytest.raises(IdentityUnavailable):
            await authenticator.person(token)
        execute("ALTER TABLE away RENAME TO tokens")
    assert await authenticator.person(token)


async def test_a_database_that_cannot_be_opened_is_trouble(tmp_path: Path) -> None:
    file = tmp_path / "x.db"
    file.write_text("this is no database" * 100)
    database = Database(f"sqlite:///{file}")
    authenticator = Authenticator(database)
    with pytest.raises(IdentityUnavailable):
        await authenticator.person("AAAAAAAAAA-0123456789abcdefghijkl")
    authenticator.close()
    database.close()


async def test_it_works_again_after_close(database: Database, authenticator: Authenticator) -> None:
    token = issue(database)
    authenticator.close()
    assert await authenticator.person(token)
