from collections.abc import Iterator
from pathlib import Path

import pytest

from aibridge.identity.people import Role
from aibridge.store.database import Database
from aibridge.store.identity import (
    ACTIVE,
    SUSPENDED,
    Connection,
    IdentityError,
    Token,
    User,
    count_users,
    create_token,
    create_user,
    delete_token,
    list_tokens,
    list_users,
    require_user,
    set_user_status,
    user_by_name,
)


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[Connection]:
    database = Database(f"sqlite:///{tmp_path / 'bridge.db'}")
    database.upgrade()
    with database.write() as connection:
        yield connection
    database.close()


def token(
    connection: Connection, user: User, token_id: str = "A" * 10, name: str = "laptop"
) -> Token:
    return create_token(connection, user, token_id, "0" * 64, name=name, lifetime_us=None)


def test_a_user_is_found_whatever_the_case(connection: Connection) -> None:
    ana = create_user(connection, "Ana-1", Role.AUDITOR)
    assert ana.status == ACTIVE
    assert user_by_name(connection, "aNA-1") == ana
    assert require_user(connection, "ana-1") == ana
    assert user_by_name(connection, "bob") is None
    with pytest.raises(IdentityError, match="there is no user 'bob'"):
        require_user(connection, "bob")


def test_users_are_listed_by_name(connection: Connection) -> None:
    assert count_users(connection) == 0
    names = ["bob", "Carl", "ana"]
    made = {name: create_user(connection, name) for name in names}
    assert list_users(connection) == [made["ana"], made["bob"], made["Carl"]]
    assert count_users(connection) == 3


def test_a_username_is_unique_whatever_the_case(connection: Connection) -> None:
    create_user(connection, "ana")
    with pytest.raises(IdentityError, match="'ANA' is taken"):
        create_user(connection, "ANA")
    assert count_users(connection) == 1


@pytest.mark.parametrize("name", ["a", "A1", "ana-maria-2", "x" * 32])
def test_usernames(connection: Connection, name: str) -> None:
    assert create_user(connection, name).username == name


@pytest.mark.parametrize(
    "name", ["", "-a", "a-", "a--b", "a_b", "a b", "é", "a\n", "x" * 33, "me", "ME", "٣"]
)
def test_what_is_not_a_username(connection: Connection, name: str) -> None:
    with pytest.raises(IdentityError, match="username"):
        create_user(connection, name)


def test_a_user_is_suspended_and_let_in_again(connection: Connection) -> None:
    ana = create_user(connection, "ana")
    assert set_user_status(connection, "ANA", SUSPENDED).status == SUSPENDED
    assert set_user_status(connection, "ana", ACTIVE) == ana
    with pytest.raises(IdentityError, match="no user"):
        set_user_status(connection, "bob", ACTIVE)


def test_tokens_are_listed_by_their_user(connection: Connection) -> None:
    ana, bob = create_user(connection, "ana"), create_user(connection, "bob")
    first = token(connection, ana)
    second = token(connection, bob, "B" * 10)
    assert (first.username, first.expires_at) == ("ana", None)
    assert list_tokens(connection) == [first, second]
    assert list_tokens(connection, bob.id) == [second]


def test_a_token_lives_as_long_as_it_was_given(connection: Connection) -> None:
    ana = create_user(connection, "ana")
    made = create_token(connection, ana, "A" * 10, "0" * 64, name="x", lifetime_us=5)
    assert made.expires_at == made.created_at + 5
    assert list_tokens(connection) == [made]


def test_names_of_tokens_differ_per_user(connection: Connection) -> None:
    ana, bob = create_user(connection, "ana"), create_user(connection, "bob")
    token(connection, ana)
    token(connection, bob, "B" * 10)
    with pytest.raises(IdentityError, match="ana has a token named 'laptop' already"):
        token(connection, ana, "C" * 10)


@pytest.mark.parametrize("name", ["", "x" * 65, "a\x1b[31m"])
def test_what_is_not_a_name_of_a_token(connection: Connection, name: str) -> None:
    with pytest.raises(IdentityError, match="name"):
        token(connection, create_user(connection, "ana"), name=name)


def test_a_token_is_deleted(connection: Connection) -> None:
    made = token(connection, create_user(connection, "ana"))
    assert delete_token(connection, made.id) == made
    assert list_tokens(connection) == []
    with pytest.raises(IdentityError, match="no token"):
        delete_token(connection, made.id)
