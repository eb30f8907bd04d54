import json
from dataclasses import replace

import pytest

from aibridge.budgets.limits import set_group_budget, set_override
from aibridge.errors import ConflictError, IdentityError, TakenError
from aibridge.identity.audit import Act
from aibridge.identity.grouping import create_group, delete_group, update_group
from aibridge.principals import EVERYONE
from aibridge.store.people.budgets import group_budget, override
from aibridge.store.people.groups import Group, find_group, members
from aibridge.store.people.users import Connection, User
from tests.people import acting, entries, new_user


@pytest.fixture
def act(connection: Connection) -> Act:
    return Act(connection)


@pytest.fixture
def ana(connection: Connection) -> User:
    return new_user(connection, "ana")


@pytest.fixture
def ben(connection: Connection) -> User:
    return new_user(connection, "Ben")


@pytest.fixture
def platform(act: Act) -> Group:
    return create_group(act, "platform", "Platform team")


@pytest.fixture
def everyone(connection: Connection) -> Group:
    found = find_group(connection, EVERYONE)
    assert found is not None
    return found


def names(connection: Connection, group: Group) -> list[str]:
    return [member.username for member in members(connection, group)]


def change(connection: Connection) -> object:
    found = json.loads(entries(connection)[-1].diff)
    return {key: (one["old"], one["new"]) for key, one in found.items()}


def test_a_new_group_is_empty_and_on_record(connection: Connection, platform: Group) -> None:
    assert find_group(connection, platform.id) == platform
    assert (platform.name, platform.display_name, platform.member_count) == (
        "platform",
        "Platform team",
        0,
    )
    entry = entries(connection)[-1]
    assert (entry.action, entry.resource_type) == ("create", "group")
    assert (entry.resource_id, entry.resource_target) == (platform.id, "platform")
    assert change(connection) == {
        "name": (None, "platform"),
        "display_name": (None, "Platform team"),
    }


def test_members_are_named_by_id_or_username_in_either_case(
    connection: Connection, act: Act, platform: Group, ana: User, ben: User
) -> None:
    changed = update_group(act, platform, add_users=["BEN", ana.id.upper(), "ana"])
    assert changed.member_count == 2
    assert names(connection, changed) == ["ana", "Ben"]
    assert change(connection) == {"joined": (None, ["Ben", "ana"])}
    assert changed == find_group(connection, platform.id)
    changed = update_group(act, changed, remove_users=[ben.id], add_users=["ana"])
    assert names(connection, changed) == ["ana"]
    assert change(connection) == {"left": (None, ["Ben"])}


def test_names_change_one_by_one(connection: Connection, act: Act, platform: Group) -> None:
    renamed = update_group(act, platform, name="Core")
    assert (renamed.name, renamed.display_name) == ("Core", "Platform team")
    assert entries(connection)[-1].resource_target == "Core"
    shown = update_group(act, renamed, display_name="")
    assert (shown.name, shown.display_name) == ("Core", "")
    assert change(connection) == {"display_name": ("Platform team", "")}
    assert (shown.created_at, shown.updated_at >= platform.updated_at) == (
        platform.created_at,
        True,
    )


def test_a_group_may_change_the_case_of_its_name(act: Act, platform: Group) -> None:
    assert update_group(act, platform, name="PLATFORM").name == "PLATFORM"


def test_users_that_nobody_knows_are_all_named_and_nothing_changes(
    connection: Connection, act: Act, platform: Group, ana: User
) -> None:
    before = entries(connection)
    for field in ("add_users", "remove_users"):
        with pytest.raises(IdentityError, match="there is no user 'x', 'y'") as caught:
            update_group(act, platform, name="new", **{field: ["x", "ana", "y"]})  # type: ignore[arg-type]
        assert caught.value.field == field
    assert find_group(connection, platform.id) == platform
    assert entries(connection) == before


@pytest.mark.parametrize("name", ["platform", "PLATFORM", "everyone", "Everyone"])
def test_a_name_that_another_group_has_is_refused(act: Act, platform: Group, name: str) -> None:
    with pytest.raises(TakenError, match="there is a group") as caught:
        create_group(act, name)
    assert caught.value.field == "name"
    other = create_group(act, "other")
    with pytest.raises(TakenError, match="there is a group"):
        update_group(act, other, name=name)


@pytest.mark.parametrize(
    "wanted", [{"name": "all"}, {"add_users": ["ana"]}, {"remove_users": ["ana"]}]
)
def test_everyone_keeps_its_name_and_its_members(
    connection: Connection, act: Act, everyone: Group, ana: User, wanted: dict[str, object]
) -> None:
    with pytest.raises(ConflictError, match="Everyone holds all users"):
        update_group(act, everyone, **wanted)  # type: ignore[arg-type]
    with pytest.raises(ConflictError, match="Everyone holds all users"):
        delete_group(act, everyone)
    assert names(connection, everyone) == ["ana"]


def test_everyone_may_be_shown_under_another_name(
    connection: Connection, act: Act, everyone: Group, ana: User
) -> None:
    changed = update_group(act, everyone, display_name="All of us")
    assert (changed.display_name, changed.member_count) == ("All of us", 1)
    assert change(connection) == {"display_name": ("Everyone", "All of us")}


def test_a_deleted_group_is_gone_and_on_record_with_its_members(
    connection: Connection, act: Act, platform: Group, ana: User
) -> None:
    full = update_group(act, platform, add_users=["ana"])
    delete_group(acting(connection, ana), full)
    assert find_group(connection, platform.id) is None
    entry = entries(connection)[-1]
    assert (entry.action, entry.resource_target, entry.actor_id) == ("delete", "platform", ana.id)
    assert change(connection) == {
        "name": ("platform", None),
        "display_name": ("Platform team", None),
        "members": (["ana"], None),
    }


def test_who_leaves_loses_an_own_limit_charged_to_the_group_and_it_is_on_record(
    connection: Connection, act: Act, platform: Group, ana: User, ben: User
) -> None:
    other = create_group(act, "other")
    update_group(act, platform, add_users=["ana", "ben"])
    update_group(act, other, add_users=["ana", "ben"])
    set_override(act, ana, platform, 5)
    set_override(act, ben, other, 5)
    update_group(act, platform, remove_users=["ana", "ben"])
    assert override(connection, ana.id) is None
    assert override(connection, ben.id) is not None
    dropped, changed = entries(connection)[-2:]
    assert (dropped.action, dropped.resource_type) == ("delete", "user_ai_budget_override")
    assert (dropped.resource_target, changed.resource_target) == ("ana", "platform")


def test_with_a_group_go_its_budget_and_what_is_charged_to_it_and_it_is_on_record(
    connection: Connection, act: Act, platform: Group, ana: User
) -> None:
    update_group(act, platform, add_users=["ana"])
    set_override(act, ana, platform, 5)
    set_group_budget(act, platform, 7)
    delete_group(act, platform)
    assert override(connection, ana.id) is None
    assert group_budget(connection, platform.id) is None
    kinds = [entry.resource_type for entry in entries(connection)[-3:]]
    assert kinds == ["user_ai_budget_override", "group_ai_budget", "group"]


@pytest.mark.parametrize(
    "name",
    [
        "01a22c4c-2e8b-7125-b17b-b171a2ce3eb6",
        "01A22C4C2E8B7125B17BB171A2CE3EB6",
        "01a22c4c2e8b7125b17b-b171a2ce3eb6",
        "01a22c4c_2e8b_7125_b17b_b171a2ce",
    ],
)
def test_no_group_gets_a_name_that_can_be_read_as_an_id(connection: Connection, name: str) -> None:
    platform = create_group(Act(connection), "platform")
    for change in (
        lambda: create_group(Act(connection), name),
        lambda: update_group(Act(connection), platform, name=name),
    ):
        with pytest.raises(
            ConflictError, match="a group's name must not look like an id"
        ) as caught:
            change()
        assert caught.value.field == "name"
    old = replace(platform, name=name)
    assert update_group(Act(connection), old, name=name, display_name="Old").display_name == "Old"
