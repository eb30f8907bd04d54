from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection

from aibridge.contract import TokenScope
from aibridge.errors import TakenError
from aibridge.store.engine.database import Database
from aibridge.store.people import tokens as store
from aibridge.store.people.tokens import Token
from tests.builders import ANA, BEN, START, add_user

DIGEST = "0" * 64
LAPTOP = Token(
    id="A" * 10,
    user_id=ANA,
    username="ana",
    name="laptop",
    scopes=frozenset(TokenScope),
    login_type="token",
    created_at=START,
    expires_at=None,
    last_used_at=None,
)

Begin = Callable[[], AbstractContextManager[Connection]]


@pytest.fixture
def connection(record_database: Database) -> Iterator[Connection]:
    with record_database.write() as connection:
        add_user(connection, ANA, "ana")
        add_user(connection, BEN, "ben")
        yield connection


def insert(connection: Connection, *tokens: Token) -> None:
    for token in tokens:
        store.insert_token(connection, token, DIGEST)


def used(connection: Connection, token_id: str) -> int | None:
    found = store.find_token(connection, token_id)
    assert found is not None
    return found.last_used_at


@pytest.mark.parametrize(
    "token",
    [
        LAPTOP,
        replace(LAPTOP, scopes=frozenset({TokenScope.READ}), login_type="password"),
        replace(LAPTOP, expires_at=START + 5, last_used_at=START + 3),
        replace(LAPTOP, scopes=frozenset(), name="ünïcode \N{KEY}"),
    ],
)
def test_a_token_comes_back_as_it_was_kept(connection: Connection, token: Token) -> None:
    insert(connection, token)
    assert store.find_token(connection, token.id) == token
    assert store.list_tokens(connection) == [token]


def test_a_token_is_found_by_its_exact_id_and_under_its_user(connection: Connection) -> None:
    insert(connection, LAPTOP)
    assert store.find_token(connection, LAPTOP.id, ANA) == LAPTOP
    assert store.find_token(connection, LAPTOP.id, BEN) is None
    for other in ("a" * 10, "A" * 9, "", "%"):
        assert store.find_token(connection, other) is None


def test_tokens_are_listed_oldest_first_expired_ones_too(connection: Connection) -> None:
    second = replace(LAPTOP, id="C" * 10, name="b", created_at=START + 1, expires_at=START + 2)
    third = replace(second, id="D" * 10, name="c")
    other = replace(LAPTOP, id="B" * 10, user_id=BEN, username="ben")
    insert(connection, third, second, other, LAPTOP)
    assert store.list_tokens(connection) == [LAPTOP, other, second, third]
    assert store.list_tokens(connection, ANA) == [LAPTOP, second, third]
    assert store.list_tokens(connection, "nobody") == []


def test_names_of_tokens_differ_per_user(connection: Connection) -> None:
    insert(
        connection,
        LAPTOP,
        replace(LAPTOP, id="B" * 10, user_id=BEN),
        replace(LAPTOP, id="D" * 10, name="x"),
    )
    with pytest.raises(TakenError, match="ana has a token named 'laptop' already") as caught:
        insert(connection, replace(LAPTOP, id="C" * 10))
    assert caught.value.field == "token_name"
    assert len(store.list_tokens(connection)) == 3


def test_where_writers_run_side_by_side_the_database_decides(connection: Connection) -> None:
    insert(connection, LAPTOP)
    with pytest.raises(TakenError):
        insert(connection, replace(LAPTOP, name="the name is free, the id is not"))


def test_just_one_token_is_deleted(connection: Connection) -> None:
    insert(connection, LAPTOP, replace(LAPTOP, id="B" * 10, name="b"))
    store.delete_token(connection, LAPTOP.id)
    store.delete_token(connection, "nothing")
    assert [token.id for token in store.list_tokens(connection)] == ["B" * 10]


@settings(deadline=None)
@given(st.lists(st.dictionaries(st.sampled_from("AB"), st.integers(0, 9), min_size=1), max_size=8))
def test_the_last_use_is_the_latest_that_was_noted(
    rolled_back: Begin, batches: list[dict[str, int]]
) -> None:
    with rolled_back() as connection:
        add_user(connection, ANA, "ana")
        insert(connection, *(replace(LAPTOP, id=id_ * 10, name=id_) for id_ in "AB"))
        for batch in batches:
            store.note_uses(connection, {id_ * 10: at for id_, at in batch.items()})
        for id_ in "AB":
            noted = [batch[id_] for batch in batches if id_ in batch]
            assert used(connection, id_ * 10) == max(noted, default=None)
