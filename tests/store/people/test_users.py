from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, func, select

from aibridge.contract import SiteRole
from aibridge.errors import TakenError
from aibridge.ids import now
from aibridge.store.engine.database import Database
from aibridge.store.lists.filters import Values, only
from aibridge.store.people import users as store
from aibridge.store.people.users import ACTIVE, SUSPENDED, User, UserFilter
from aibridge.store.schema.tables import users as table
from tests.builders import START
from tests.builders import uid as uuid

EVERY = UserFilter()

Begin = Callable[[], AbstractContextManager[Connection]]


@pytest.fixture
def connection(record_database: Database) -> Iterator[Connection]:
    with record_database.write() as connection:
        yield connection


def row(number: int, username: str, *roles: SiteRole, **columns: str) -> User:
    user = User(uuid(number), username, "", "", "", ACTIVE, frozenset(roles), START, START)
    return replace(user, **columns)  # type: ignore[arg-type]


def insert(connection: Connection, *users: User) -> None:
    for user in users:
        store.insert_user(connection, user)


def names(connection: Connection, where: UserFilter = EVERY) -> list[str]:
    found = [user.username for user in store.page(connection, where, limit=100, after=None)]
    assert store.count(connection, where) == len(found)
    return found


def test_a_user_is_found_by_name_whatever_the_case_and_by_id(connection: Connection) -> None:
    ana = row(1, "Ana-1", SiteRole.AUDITOR, name="Ana", email="Ana@Example.com", avatar_url="x")
    insert(connection, ana)
    for text in ("aNA-1", "Ana-1", ana.id, ana.id.upper(), ana.id.replace("-", "")):
        assert store.find_user(connection, text) == ana
    assert store.user_by_name(connection, "ANA-1") == ana
    for text in ("ana", "Ana-12", uuid(2), "", "ana_1", "ana@example.com"):
        assert store.find_user(connection, text) is None


def test_an_id_counts_before_a_name_that_looks_like_one(connection: Connection) -> None:
    ana = row(1, "ana")
    sly = row(2, ana.id.replace("-", ""))
    other = row(3, uuid(9).replace("-", ""))
    insert(connection, ana, sly, other)
    assert store.find_user(connection, sly.username) == ana
    assert store.find_user(connection, other.username) == other


@pytest.mark.parametrize(
    ("other", "field"),
    [
        (row(2, "ANA"), "username"),
        (row(2, "ben", email="ANA@example.COM"), "email"),
        (row(2, "Ana", email="ana@example.com"), "username"),
    ],
)
def test_names_and_addresses_are_unique_whatever_the_case(
    connection: Connection, other: User, field: str
) -> None:
    insert(connection, row(1, "ana", email="ana@example.com"))
    with pytest.raises(TakenError, match="is taken") as caught:
        store.insert_user(connection, other)
    assert caught.value.field == field
    assert names(connection) == ["ana"]


def test_many_may_have_no_address(connection: Connection) -> None:
    insert(connection, row(1, "ana"), row(2, "ben"))
    assert names(connection) == ["ana", "ben"]


def test_where_writers_run_side_by_side_the_database_decides(
    connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    insert(connection, row(1, "ana"))
    monkeypatch.setattr(store, "_refuse_taken", lambda *_: None)
    with pytest.raises(TakenError, match="is taken"):
        store.insert_user(connection, row(2, "ANA"))


def test_users_are_listed_by_name_whatever_the_case(connection: Connection) -> None:
    assert store.count(connection) == 0
    insert(connection, *(row(n, name) for n, name in enumerate(["bob", "Carl", "ana", "Bea"])))
    assert names(connection) == ["ana", "Bea", "bob", "Carl"]
    page = store.page(connection, EVERY, limit=2, offset=1, after=None)
    assert [user.username for user in page] == ["Bea", "bob"]


def everybody(connection: Connection) -> None:
    insert(
        connection,
        row(1, "ana", SiteRole.OWNER, name="Ana Lima", email="ana@example.com"),
        row(2, "Ben", SiteRole.USER_ADMIN, SiteRole.AUDITOR, status=SUSPENDED),
        row(3, "cleo", SiteRole.USER_ADMIN, name="100%"),
        row(4, "dan", name="a_b", email="dan@lima.pe"),
    )


@pytest.mark.parametrize(
    ("where", "found"),
    [
        (EVERY, ["ana", "Ben", "cleo", "dan"]),
        (UserFilter(text=only("ben")), ["Ben"]),
        (UserFilter(text=only("LIMA")), ["ana", "dan"]),
        (UserFilter(text=only("ana@")), ["ana"]),
        (UserFilter(text=only("e")), ["ana", "Ben", "cleo", "dan"]),
        (UserFilter(text=only("%")), ["cleo"]),
        (UserFilter(text=only("_")), ["dan"]),
        (UserFilter(text=only("a%a")), []),
        (UserFilter(text=only("/")), []),
        (UserFilter(text=only("ben", "cleo")), ["Ben", "cleo"]),
        (UserFilter(text=Values(none_of=("ben", "cleo"))), ["ana", "dan"]),
        (UserFilter(text=Values(("lima",), ("dan",))), ["ana"]),
        (UserFilter(status=only(ACTIVE)), ["ana", "cleo", "dan"]),
        (UserFilter(status=only(SUSPENDED)), ["Ben"]),
        (UserFilter(status=Values(none_of=(SUSPENDED,))), ["ana", "cleo", "dan"]),
        (UserFilter(status=only(ACTIVE, SUSPENDED)), ["ana", "Ben", "cleo", "dan"]),
        (UserFilter(role=only("owner")), ["ana"]),
        (UserFilter(role=only("user-admin")), ["Ben", "cleo"]),
        (UserFilter(role=only("auditor")), ["Ben"]),
        (UserFilter(role=only("owner", "auditor")), ["ana", "Ben"]),
        (UserFilter(role=only("member")), ["ana", "Ben", "cleo", "dan"]),
        (UserFilter(role=Values(none_of=("member",))), []),
        (UserFilter(role=Values(none_of=("user-admin", "owner"))), ["dan"]),
        (UserFilter(role=only("admin")), []),
        (UserFilter(role=only("user_admin")), []),
        (UserFilter(role=only("user-admin"), status=only(ACTIVE)), ["cleo"]),
        (UserFilter(only=uuid(2)), ["Ben"]),
        (UserFilter(only=uuid(2), status=only(ACTIVE)), []),
        (UserFilter(only=uuid(9)), []),
    ],
)
def test_filters(connection: Connection, where: UserFilter, found: list[str]) -> None:
    everybody(connection)
    assert names(connection, where) == found


@settings(deadline=None)
@given(
    st.lists(st.text("abAB1", min_size=1, max_size=3), max_size=12, unique_by=str.lower),
    st.integers(1, 5),
    st.sampled_from([EVERY, UserFilter(text=only("a")), UserFilter(text=Values(none_of=("b",)))]),
)
def test_walking_the_pages_visits_each_user_once_in_order(
    rolled_back: Begin, usernames: list[str], limit: int, where: UserFilter
) -> None:
    with rolled_back() as connection:
        insert(connection, *(row(number, name) for number, name in enumerate(usernames)))
        walked: list[User] = []
        while page := store.page(
            connection, where, limit=limit, after=walked[-1] if walked else None
        ):
            assert len(page) <= limit
            walked += page
        assert [user.username for user in walked] == names(connection, where)
        assert [user.username.lower() for user in walked] == sorted(
            user.username.lower() for user in walked
        )


def test_an_account_is_found_by_address_or_name_with_its_hash(connection: Connection) -> None:
    ana = row(1, "ana", email="Ana@example.com")
    store.insert_user(connection, ana, store.NewPassword("hash of ana"))
    insert(connection, row(2, "ben"))
    for text in ("ana", "ANA", "ana@EXAMPLE.com"):
        assert store.find_account(connection, text) == (ana, "hash of ana")
    assert store.find_account(connection, "ben") == (row(2, "ben"), None)
    for text in ("", "nobody", "%", "ana@example", ana.id):
        assert store.find_account(connection, text) is None
    assert store.password_hash(connection, ana.id) == "hash of ana"
    assert store.password_hash(connection, uuid(2)) is None
    assert store.password_hash(connection, uuid(9)) is None


def test_a_change_moves_the_time_and_touches_nobody_else(connection: Connection) -> None:
    everybody(connection)
    begun = now()
    at = store.change_user(connection, uuid(1), status=SUSPENDED, password_hash="new hash")
    assert begun <= at <= now()
    ana = row(1, "ana", SiteRole.OWNER, name="Ana Lima", email="ana@example.com")
    assert store.find_user(connection, ana.id) == replace(ana, status=SUSPENDED, updated_at=at)
    assert store.password_hash(connection, ana.id) == "new hash"
    changed = select(func.count()).where(table.c.updated_at != START)
    assert connection.scalar(changed) == 1


def test_who_set_a_password_is_known_until_the_user_does(connection: Connection) -> None:
    store.insert_user(connection, row(1, "ana"), store.NewPassword("one", "root"))
    insert(connection, row(2, "ben"))
    assert store.password_setter(connection, uuid(1)) == ("root", row(1, "ana").created_at)
    store.set_password(connection, uuid(1), store.NewPassword("two"))
    for user_id in (uuid(1), uuid(2), uuid(9)):
        assert store.password_setter(connection, user_id) is None
    begun = now()
    store.set_password(connection, uuid(2), store.NewPassword("three", "hr"))
    name, at = store.password_setter(connection, uuid(2)) or ("", 0)
    assert (name, begun <= at <= now()) == ("hr", True)
    assert store.password_hash(connection, uuid(2)) == "three"


def test_a_row_shows_no_hash(connection: Connection) -> None:
    password = store.NewPassword("hash of ana")
    store.insert_user(connection, row(1, "ana"), password)
    assert "hash of ana" not in repr(password)
    assert "hash of ana" not in repr(store.find_user(connection, "ana"))
