from collections.abc import Iterator
from dataclasses import replace

import pytest
from sqlalchemy import Connection, func, select

from aibridge.errors import TakenError
from aibridge.ids import now
from aibridge.principals import EVERYONE
from aibridge.store.engine.database import Database
from aibridge.store.people import budgets
from aibridge.store.people import groups as store
from aibridge.store.people.groups import Group
from aibridge.store.schema import tables as schema
from tests.builders import ANA, BEN, CLEO, START, add_user
from tests.builders import uid as uuid

CORE = Group(uuid(1), "Core", "The core", START, START, 0)
WEB = Group(uuid(2), "web", "", START, START, 0)


@pytest.fixture
def connection(record_database: Database) -> Iterator[Connection]:
    with record_database.write() as connection:
        for user_id, name in ((ANA, "ana"), (BEN, "Ben"), (CLEO, "cleo")):
            add_user(connection, user_id, name)
        store.insert_group(connection, WEB)
        store.insert_group(connection, CORE)
        yield connection


def find(connection: Connection, group_id: str) -> Group:
    found = store.find_group(connection, group_id)
    assert found is not None
    return found


def names(connection: Connection, group_id: str) -> list[str]:
    return [user.username for user in store.members(connection, find(connection, group_id))]


def rows(connection: Connection, table: str) -> int:
    count = select(func.count()).select_from(schema.metadata.tables[table])
    return connection.execute(count).scalar_one()


def test_a_group_is_found_by_id_and_by_name_in_either_case(connection: Connection) -> None:
    assert store.find_group(connection, CORE.id) == CORE
    assert store.group_by_name(connection, "cORE") == CORE
    for name in ("cor", "", "c%", "_ore"):
        assert store.group_by_name(connection, name) is None
    assert store.find_group(connection, uuid(9)) is None


def test_groups_are_listed_by_name_and_counted(connection: Connection) -> None:
    store.add_members(connection, CORE.id, [ANA, BEN])
    listed = store.list_groups(connection)
    assert [(group.name, group.member_count) for group in listed] == [
        ("Core", 2),
        ("Everyone", 3),
        ("web", 0),
    ]
    assert [group.is_everyone for group in listed] == [False, True, False]


def test_of_a_user_are_everyone_and_the_groups_they_are_in(connection: Connection) -> None:
    store.add_members(connection, WEB.id, [ANA])
    store.add_members(connection, CORE.id, [BEN])

    def of(user_id: str) -> list[str]:
        return [group.name for group in store.list_groups(connection, of_users=[user_id])]

    assert (of(ANA), of(BEN), of(CLEO)) == (["Everyone", "web"], ["Core", "Everyone"], ["Everyone"])


@pytest.mark.parametrize("name", ["core", "CORE", "everyone"])
def test_names_are_unique_whatever_the_case(connection: Connection, name: str) -> None:
    with pytest.raises(TakenError, match=f"there is a group '{name}' already") as caught:
        store.insert_group(connection, replace(CORE, id=uuid(3), name=name))
    assert caught.value.field == "name"
    with pytest.raises(TakenError):
        store.rename_group(connection, WEB.id, name, "")
    assert find(connection, WEB.id) == WEB


def test_where_writers_run_side_by_side_the_database_decides(
    connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "_refuse_taken", lambda *_: None)
    with pytest.raises(TakenError), connection.begin_nested():
        store.insert_group(connection, replace(CORE, id=uuid(3)))
    with pytest.raises(TakenError), connection.begin_nested():
        store.rename_group(connection, WEB.id, "CORE", "")


def test_a_name_is_changed_also_to_itself_in_another_case(connection: Connection) -> None:
    begun = now()
    store.rename_group(connection, CORE.id, "CORE", "x")
    changed = find(connection, CORE.id)
    assert (changed.name, changed.display_name, changed.created_at) == ("CORE", "x", START)
    assert begun <= changed.updated_at <= now()
    store.insert_group(connection, replace(WEB, id=uuid(3), name="free"))
    store.rename_group(connection, uuid(3), "new", "")
    store.insert_group(connection, replace(WEB, id=uuid(4), name="free"))


def test_members_are_listed_by_name_and_come_in_once(connection: Connection) -> None:
    store.add_members(connection, CORE.id, [CLEO, BEN, CLEO])
    store.add_members(connection, CORE.id, [ANA, BEN])
    store.add_members(connection, CORE.id, [])
    assert names(connection, CORE.id) == ["ana", "Ben", "cleo"]
    assert names(connection, WEB.id) == []
    assert store.is_member(connection, CORE.id, ANA)
    assert not store.is_member(connection, WEB.id, ANA)


def test_everyone_holds_all_users_without_rows(connection: Connection) -> None:
    assert names(connection, EVERYONE) == ["ana", "Ben", "cleo"]
    assert all(store.is_member(connection, EVERYONE, user_id) for user_id in (ANA, BEN, CLEO))
    assert rows(connection, "group_members") == 0
    add_user(connection, uuid(7), "dan")
    assert find(connection, EVERYONE).member_count == 4


def test_leaving_another_group_keeps_the_own_limit(connection: Connection) -> None:
    for group_id in (CORE.id, WEB.id):
        store.add_members(connection, group_id, [ANA])
    budgets.put_override(connection, ANA, CORE.id, 5)
    store.remove_members(connection, WEB.id, [ANA])
    store.remove_members(connection, CORE.id, [])
    assert budgets.override(connection, ANA)


def test_a_deleted_group_takes_its_members_budget_and_charged_limits(
    connection: Connection,
) -> None:
    for group_id, user_id in ((CORE.id, ANA), (WEB.id, BEN)):
        store.add_members(connection, group_id, [user_id])
        budgets.put_group_budget(connection, group_id, 1)
        budgets.put_override(connection, user_id, group_id, 2)
    store.delete_group(connection, CORE.id)
    assert store.find_group(connection, CORE.id) is None
    assert not store.is_member(connection, CORE.id, ANA)
    assert budgets.override(connection, ANA) is None
    assert budgets.group_budget(connection, CORE.id) is None
    assert budgets.override(connection, BEN)
    assert budgets.group_budget(connection, WEB.id)
    for table in ("group_members", "group_ai_budgets", "user_ai_budget_overrides"):
        assert rows(connection, table) == 1
