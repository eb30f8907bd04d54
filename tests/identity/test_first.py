import threading
from datetime import timedelta

import pytest

from aibridge.contract import SiteRole
from aibridge.identity.audit import Act
from aibridge.identity.authenticate import Authenticator
from aibridge.identity.first import ensure_owner
from aibridge.identity.issuing import Issued, issue_token
from aibridge.server import _news
from aibridge.settings import load
from aibridge.store.engine.database import Database
from aibridge.store.people import tokens as store
from aibridge.store.people import users as store_of_users
from tests.people import new_user


async def test_an_empty_database_gets_its_owner_once(database: Database) -> None:
    issued = ensure_owner(database)
    assert issued is not None
    assert ensure_owner(database) is None
    authenticator = Authenticator(database)
    person = await authenticator.person(issued.text)
    authenticator.close()
    assert person is not None
    assert person.username == "admin"
    assert person.roles == {SiteRole.OWNER}
    with database.read() as connection:
        (token,) = store.list_tokens(connection)
    assert (token.name, token.expires_at) == ("first", token.created_at + 30 * 86_400_000_000)


def test_the_start_prints_the_token_and_how_long_it_is_valid(database: Database) -> None:
    (news,) = _news(database, load(None, {}, {}))
    with database.read() as connection:
        (token,) = store.list_tokens(connection)
    assert f"\n\n    {token.id}-" in news
    assert "\n\nIt is valid for 30 days; make another" in news


def test_until_a_token_is_used_a_start_says_how_to_replace_a_lost_one(database: Database) -> None:
    settings = load(None, {}, {})
    issued = ensure_owner(database)
    assert issued is not None
    (news,) = _news(database, settings)
    assert "aibridge tokens create --user admin" in news
    with database.write() as connection:
        store.note_uses(connection, {issued.row.id: 1})
    assert list(_news(database, settings)) == []


def test_a_start_that_makes_no_owner_says_how_somebody_becomes_it(database: Database) -> None:
    settings = load(None, {}, {"make_owner": False})
    (news,) = _news(database, settings)
    assert "first calls POST /api/v2/users/first becomes the owner" in news
    with database.write() as connection:
        new_user(connection, "ana")
    assert list(_news(database, settings)) == []


def test_a_database_with_users_is_let_be(database: Database) -> None:
    with database.write() as connection:
        new_user(connection, "ana")
    assert ensure_owner(database) is None
    with database.read() as connection:
        assert store.list_tokens(connection) == []


def test_where_writers_run_side_by_side_the_name_decides(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    with database.write() as connection:
        new_user(connection, "ADMIN")
    monkeypatch.setattr(store_of_users, "count", lambda _connection: 0)
    assert ensure_owner(database) is None


def test_of_processes_that_start_at_once_one_makes_the_owner(database: Database) -> None:
    owners: list[Issued | None] = []
    together = threading.Barrier(4)

    def start() -> None:
        mine = Database(str(database.engine.url))
        together.wait()
        owners.append(ensure_owner(mine))
        mine.close()

    threads = [threading.Thread(target=start) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len([issued for issued in owners if issued is not None]) == 1
    assert len(owners) == 4


def test_a_token_is_named_after_its_id_unless_it_gets_a_name(database: Database) -> None:
    with database.write() as connection:
        user = new_user(connection, "ana")
        plain = issue_token(Act(connection), user)
        named = issue_token(Act(connection), user, "laptop", timedelta(days=1))
    assert plain.row.name == plain.row.id == plain.text[:10]
    assert named.row.name == "laptop"
    assert named.row.expires_at == named.row.created_at + 86_400_000_000
    assert named.text not in repr(named)
