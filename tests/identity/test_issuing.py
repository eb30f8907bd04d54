import json
from datetime import timedelta

import pytest
from sqlalchemy import event, insert, update

from aibridge.contract import AuditAction, LoginType, TokenScope, rfc3339
from aibridge.errors import ConflictError, TakenError
from aibridge.identity.issuing import (
    MAX_TOKENS,
    delete_token,
    delete_tokens,
    issue_token,
    log_in,
)
from aibridge.identity.tokens import digest
from aibridge.ids import moment, now
from aibridge.principals import ALL_SCOPES
from aibridge.store.engine.database import Database
from aibridge.store.people.grants import Grants
from aibridge.store.people.tokens import find_token, list_tokens
from aibridge.store.people.users import Connection, User
from aibridge.store.schema.tables import tokens
from tests.people import acting, entries, new_token, new_user

DAY = 86_400_000_000


@pytest.fixture
def ana(connection: Connection) -> User:
    return new_user(connection, "ana")


def test_a_token_is_what_was_asked_for(connection: Connection, ana: User) -> None:
    begun = now()
    issued = issue_token(
        acting(connection, ana), ana, "laptop", timedelta(days=2), [TokenScope.READ]
    )
    row = issued.row
    assert (row.user_id, row.username, row.name) == (ana.id, "ana", "laptop")
    assert row.scopes == {TokenScope.READ}
    assert (row.login_type, row.last_used_at) == ("token", None)
    assert begun <= row.created_at <= now()
    assert row.expires_at == row.created_at + 2 * DAY
    assert find_token(connection, row.id) == row
    assert issued.text.startswith(f"{row.id}-")


def test_left_alone_a_token_is_for_everything_and_for_ever(
    connection: Connection, ana: User
) -> None:
    row = issue_token(acting(connection, ana), ana).row
    assert (row.name, row.expires_at, row.scopes) == (row.id, None, ALL_SCOPES)


def test_no_token_is_issued_twice_under_a_name(connection: Connection, ana: User) -> None:
    ben = new_user(connection, "ben")
    act = acting(connection, ana)
    issue_token(act, ana, "laptop")
    issue_token(act, ben, "laptop")
    before = entries(connection)
    with pytest.raises(TakenError, match="ana has a token named 'laptop' already") as caught:
        issue_token(act, ana, "laptop")
    assert caught.value.field == "token_name"
    assert entries(connection) == before
    assert len(list_tokens(connection)) == 2


def test_issuing_is_on_record_and_the_secret_is_not(connection: Connection, ana: User) -> None:
    issued = issue_token(
        acting(connection, ana), ana, "laptop", timedelta(days=1), [TokenScope.GATEWAY]
    )
    entry = entries(connection)[-1]
    assert (entry.action, entry.resource_type) == ("create", "api_key")
    assert (entry.resource_key, entry.resource_target) == (issued.row.id, "laptop of ana")
    assert {key: change["new"] for key, change in json.loads(entry.diff).items()} == {
        "token_name": "laptop",
        "user_id": ana.id,
        "scopes": ["gateway"],
        "expires_at": rfc3339(moment(issued.row.expires_at or 0)),
        "login_type": "token",
    }
    shown = "".join(map(str, entry)) + repr(issued)
    secret = issued.text.partition("-")[2]
    assert secret not in shown
    assert digest(secret) not in shown


def test_a_login_is_for_the_api_and_for_a_day(connection: Connection, ana: User) -> None:
    row = log_in(acting(connection, ana), ana).row
    assert row.scopes == {TokenScope.READ, TokenScope.ADMIN}
    assert row.expires_at == row.created_at + DAY
    assert row.login_type == LoginType.PASSWORD
    assert find_token(connection, row.id) == row
    assert entries(connection)[-1].action == "login"


@pytest.mark.parametrize("action", [AuditAction.DELETE, AuditAction.LOGOUT])
def test_deleting_takes_just_that_token_and_is_on_record(
    connection: Connection, ana: User, action: AuditAction
) -> None:
    act = acting(connection, ana)
    first, second = issue_token(act, ana, "a").row, issue_token(act, ana, "b").row
    delete_token(act, first, action)
    assert list_tokens(connection) == [second]
    entry = entries(connection)[-1]
    assert (entry.action, entry.resource_key) == (action, first.id)
    assert json.loads(entry.diff)["token_name"] == {"old": "a", "new": None, "secret": False}


def test_of_the_secret_only_its_digest_is_stored(database: Database) -> None:
    with database.write() as connection:
        text = new_token(connection, new_user(connection, "ana"))
    grants = Grants(database)
    token_id, _, secret = text.partition("-")
    found = grants.find(token_id)
    assert found is not None
    assert found[0] == digest(secret)
    assert not any(secret in str(value) for value in found)
    grants.close()


def fill(connection: Connection, user: User, number: int, **columns: object) -> list[str]:
    """Give a user so many tokens at once, that end at ``expires_at`` if it is given."""
    row = {"user_id": user.id, "secret_sha256": "", "scopes": "read", "created_at": 1}
    row |= {"login_type": LoginType.TOKEN.value, "expires_at": None, **columns}
    ids = [f"{index:010}" for index in range(number)]
    connection.execute(insert(tokens), [{**row, "id": id_, "name": id_} for id_ in ids])
    return ids


def test_a_user_may_have_so_many_tokens_and_no_more(connection: Connection, ana: User) -> None:
    act = acting(connection, ana)
    fill(connection, ana, MAX_TOKENS - 1, expires_at=1)
    last = issue_token(act, ana).row
    for issue in (issue_token, log_in):
        with pytest.raises(ConflictError, match=r"ana has 1000 tokens.*: please delete some"):
            issue(act, ana)
    issue_token(act, new_user(connection, "ben"))
    delete_token(act, last)
    issue_token(act, ana)


def test_expired_tokens_of_logins_make_room_and_no_others(
    connection: Connection, ana: User
) -> None:
    login = LoginType.PASSWORD.value
    fill(connection, ana, 1, login_type=login, expires_at=now() + DAY)
    connection.execute(update(tokens).values(id="valid", name="valid"))
    ben = new_user(connection, "ben")
    kept = issue_token(acting(connection, ben), ben).row
    expired = fill(connection, ana, MAX_TOKENS - 1, login_type=login, expires_at=1)
    log_in(acting(connection, ana), ana)
    left = [token.id for token in list_tokens(connection, ana.id)]
    assert (len(left), left[0]) == (2, "valid")
    assert find_token(connection, kept.id) == kept
    deleted = entries(connection)[-2]
    assert (deleted.action, deleted.resource_target) == ("delete", "999 tokens of ana")
    assert json.loads(deleted.diff)["token_ids"]["old"] == expired


def test_tokens_that_go_together_are_one_statement_and_one_entry_and_each_is_told_of(
    connection: Connection, ana: User
) -> None:
    act, more = acting(connection, ana), MAX_TOKENS + 500
    ids = fill(connection, ana, more)
    said = list[str]()
    event.listen(connection, "before_cursor_execute", lambda *told: said.append(told[2]))
    delete_tokens(act, ana, but=ids[0])
    assert [text.split()[0] for text in said] == ["DELETE", "SELECT", "INSERT"]  # caps of theirs
    assert [token.id for token in list_tokens(connection, ana.id)] == ids[:1]
    assert {target.id for target in act.touched} >= set(ids[1:])
    entry = entries(connection)[-1]
    assert (entry.resource_id, entry.resource_target) == (ana.id, f"{more - 1} tokens of ana")
    assert entry.description == f"{more - 1} tokens deleted"
    assert json.loads(entry.diff)["token_ids"]["old"] == ids[1 : MAX_TOKENS + 1]
    delete_tokens(act, ana, but=ids[0])
    assert entries(connection)[-1] == entry
