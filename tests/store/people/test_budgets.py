from collections.abc import Iterator

import pytest
from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from aibridge.ids import now
from aibridge.principals import EVERYONE
from aibridge.store.engine.database import Database
from aibridge.store.people import budgets as store
from aibridge.store.people import groups
from aibridge.store.people.groups import Group, insert_group
from tests.builders import ANA, BEN, CLEO, START, add_user
from tests.builders import uid as uuid

CORE = uuid(1)


@pytest.fixture
def connection(record_database: Database) -> Iterator[Connection]:
    with record_database.write() as connection:
        insert_group(connection, Group(CORE, "core", "", START, START, 0))
        yield connection


@pytest.mark.parametrize("limit", [0, 1, 10**12, 2**63 - 1])
def test_a_budget_comes_back_as_it_was_kept(connection: Connection, limit: int) -> None:
    begun = now()
    made = store.put_group_budget(connection, EVERYONE, limit)
    assert store.group_budget(connection, EVERYONE) == made
    assert (made.group_id, made.spend_limit_micros) == (EVERYONE, limit)
    assert begun <= made.created_at == made.updated_at <= now()
    assert store.group_budget(connection, CORE) is None


def test_a_budget_is_replaced_and_keeps_when_it_was_made(
    connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "now", lambda: 5)
    other = store.put_group_budget(connection, EVERYONE, 7)
    store.put_group_budget(connection, CORE, 1)
    monkeypatch.setattr(store, "now", lambda: 9)
    made = store.put_group_budget(connection, CORE, 0)
    assert made == store.GroupBudget(CORE, 0, 5, 9)
    assert store.group_budget(connection, CORE) == made
    assert store.group_budget(connection, EVERYONE) == other


def test_a_deleted_budget_is_none_and_a_new_one_is_new(
    connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "now", lambda: 5)
    store.put_group_budget(connection, CORE, 1)
    store.put_group_budget(connection, EVERYONE, 1)
    store.delete_group_budget(connection, CORE)
    store.delete_group_budget(connection, CORE)
    assert store.group_budget(connection, CORE) is None
    assert store.group_budget(connection, EVERYONE)
    monkeypatch.setattr(store, "now", lambda: 9)
    assert store.put_group_budget(connection, CORE, 1).created_at == 9


def test_a_user_has_one_own_limit_at_most(
    connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "now", lambda: 5)
    assert store.put_override(connection, ANA, CORE, 1) == store.Override(ANA, CORE, 1, 5, 5)
    other = store.put_override(connection, BEN, CORE, 2)
    monkeypatch.setattr(store, "now", lambda: 9)
    moved = store.put_override(connection, ANA, EVERYONE, 0)
    assert moved == store.Override(ANA, EVERYONE, 0, 5, 9)
    assert store.override(connection, ANA) == moved
    assert store.override(connection, BEN) == other
    store.delete_override(connection, ANA)
    store.delete_override(connection, ANA)
    assert store.override(connection, ANA) is None
    assert store.override(connection, BEN) == other


def test_the_tables_hold_no_negative_limit_and_none_of_an_unknown_group(
    connection: Connection,
) -> None:
    for limit, group_id in ((-1, CORE), (1, uuid(9))):
        with pytest.raises(IntegrityError), connection.begin_nested():
            store.put_group_budget(connection, group_id, limit)
        with pytest.raises(IntegrityError), connection.begin_nested():
            store.put_override(connection, ANA, group_id, limit)


def test_limits_are_listed_of_the_groups_that_users_are_in(
    connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number, (user_id, name) in enumerate({ANA: "ana", BEN: "ben"}.items()):
        add_user(connection, user_id, name, created_at=START + number)
    insert_group(connection, Group(uuid(2), "unlimited", "", START, START, 0))
    monkeypatch.setattr(groups, "now", lambda: 7)
    groups.add_members(connection, CORE, [BEN])
    groups.add_members(connection, uuid(2), [ANA])
    assert store.list_member_limits(connection) == []
    store.put_group_budget(connection, CORE, 0)
    in_core = store.MemberLimit(BEN, CORE, 0, 7)
    assert store.list_member_limits(connection) == [in_core]
    store.put_group_budget(connection, EVERYONE, 5)
    of_all = [
        store.MemberLimit(ANA, EVERYONE, 5, START),
        store.MemberLimit(BEN, EVERYONE, 5, START + 1),
    ]
    assert set(store.list_member_limits(connection)) == {in_core, *of_all}
    assert store.list_member_limits(connection, [ANA, CLEO]) == [of_all[0]]
    assert store.list_member_limits(connection, []) == []


def test_own_limits_are_listed_of_all_users_or_of_some(connection: Connection) -> None:
    of_ana = store.put_override(connection, ANA, CORE, 1)
    of_ben = store.put_override(connection, BEN, EVERYONE, 0)
    listed = sorted(store.list_overrides(connection), key=lambda one: one.user_id)
    assert listed == [of_ana, of_ben]
    assert store.list_overrides(connection, [BEN, CLEO]) == [of_ben]
    assert store.list_overrides(connection, []) == []
