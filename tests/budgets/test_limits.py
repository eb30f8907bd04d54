import json
from collections.abc import Iterator
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aibridge.budgets.limits import (
    LimitTooHighError,
    NotInGroupError,
    delete_group_budget,
    delete_override,
    set_group_budget,
    set_override,
)
from aibridge.budgets.money import MICROS, dollars
from aibridge.contract import MAX_SPEND_LIMIT_MICROS
from aibridge.errors import UnknownError
from aibridge.identity.audit import Act
from aibridge.identity.grouping import create_group, update_group
from aibridge.principals import EVERYONE
from aibridge.store.people import budgets as store
from aibridge.store.people.groups import Group, find_group
from aibridge.store.people.users import Connection, User
from tests.databases import Databases
from tests.people import acting, entries, new_user


@pytest.fixture
def connection(databases: Databases) -> Iterator[Connection]:
    with databases.open() as database, database.write() as connection:
        yield connection


@pytest.fixture
def ana(connection: Connection) -> User:
    return new_user(connection, "ana")


@pytest.fixture
def act(connection: Connection, ana: User) -> Act:
    return acting(connection, ana)


@pytest.fixture
def core(act: Act) -> Group:
    return update_group(act, create_group(act, "core"), add_users=["ana"])


@pytest.fixture
def web(act: Act) -> Group:
    return create_group(act, "web")


def last(connection: Connection) -> tuple[str, str, str, str, dict[str, tuple[object, object]]]:
    entry = entries(connection)[-1]
    diff = {key: (one["old"], one["new"]) for key, one in json.loads(entry.diff).items()}
    return entry.action, entry.resource_type, entry.resource_id, entry.resource_target, diff


@pytest.mark.parametrize(
    ("micros", "text"),
    [
        (0, "$0.00"),
        (1, "$0.000001"),
        (10, "$0.00001"),
        (10_000, "$0.01"),
        (15_000, "$0.015"),
        (100_000, "$0.10"),
        (999_999, "$0.999999"),
        (1_000_000, "$1.00"),
        (1_500_000, "$1.50"),
        (1_234_500_000, "$1,234.50"),
        (1_234_567_891, "$1,234.567891"),
        (200_000_000, "$200.00"),
        (MAX_SPEND_LIMIT_MICROS, "$1,000,000.00"),
    ],
)
def test_micro_dollars_are_written_as_dollars(micros: int, text: str) -> None:
    assert dollars(micros) == text


@given(st.integers(0, 2**63 - 1))
def test_dollars_say_exactly_what_they_are_of(micros: int) -> None:
    text = dollars(micros)
    assert text.startswith("$")
    whole, fraction = text.removeprefix("$").split(".")
    assert Decimal(f"{whole.replace(',', '')}.{fraction}") * MICROS == micros
    assert 2 <= len(fraction) <= 6
    assert len(fraction) == 2 or not fraction.endswith("0")


def test_a_first_budget_is_made_from_nothing(connection: Connection, act: Act, core: Group) -> None:
    made = set_group_budget(act, core, 200_000_000)
    assert store.group_budget(connection, core.id) == made
    assert made.spend_limit_micros == 200_000_000
    assert last(connection) == (
        "create",
        "group_ai_budget",
        core.id,
        "core",
        {"spend_limit": ("$0.00", "$200.00")},
    )
    assert entries(connection)[-1].actor_username == "ana"


def test_a_budget_is_replaced(
    connection: Connection, act: Act, core: Group, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "now", lambda: 5)
    set_group_budget(act, core, 1_000_000)
    monkeypatch.setattr(store, "now", lambda: 9)
    made = set_group_budget(act, core, 2_500_000)
    assert (made.created_at, made.updated_at) == (5, 9)
    assert last(connection)[0] == "write"
    assert last(connection)[-1] == {"spend_limit": ("$1.00", "$2.50")}


def test_nothing_to_spend_is_a_budget_too(connection: Connection, act: Act, core: Group) -> None:
    set_group_budget(act, core, 0)
    found = store.group_budget(connection, core.id)
    assert found is not None
    assert found.spend_limit_micros == 0
    assert last(connection)[:3] == ("create", "group_ai_budget", core.id)
    delete_group_budget(act, core)
    assert store.group_budget(connection, core.id) is None
    assert last(connection)[0] == "delete"


def test_a_budget_is_lifted_once(connection: Connection, act: Act, core: Group) -> None:
    set_group_budget(act, core, 1_500_000)
    delete_group_budget(act, core)
    assert store.group_budget(connection, core.id) is None
    assert last(connection)[0] == "delete"
    assert last(connection)[-1] == {"spend_limit": ("$1.50", None)}
    before = entries(connection)
    with pytest.raises(UnknownError, match="the group core has no budget"):
        delete_group_budget(act, core)
    assert entries(connection) == before


def test_everyone_may_have_a_budget_and_charge(connection: Connection, act: Act, ana: User) -> None:
    everyone = find_group(connection, EVERYONE)
    assert everyone is not None
    assert set_group_budget(act, everyone, 1).group_id == EVERYONE
    assert set_override(act, ana, everyone, 1).group_id == EVERYONE


def test_the_highest_limit_is_a_million_dollars(
    connection: Connection, act: Act, ana: User, core: Group
) -> None:
    set_group_budget(act, core, MAX_SPEND_LIMIT_MICROS)
    set_override(act, ana, core, MAX_SPEND_LIMIT_MICROS)
    before = entries(connection)
    for limit in (MAX_SPEND_LIMIT_MICROS + 1, 2**63):
        with pytest.raises(LimitTooHighError, match="Must not exceed 1000000000000") as caught:
            set_group_budget(act, core, limit)
        assert caught.value.field == "spend_limit_micros"
        with pytest.raises(LimitTooHighError):
            set_override(act, ana, core, limit)
    assert entries(connection) == before
    kept = store.group_budget(connection, core.id)
    assert kept is not None
    assert kept.spend_limit_micros == MAX_SPEND_LIMIT_MICROS


def test_an_own_limit_is_made_moved_and_taken_away(
    connection: Connection,
    act: Act,
    ana: User,
    core: Group,
    web: Group,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    update_group(act, web, add_users=["ana"])
    monkeypatch.setattr(store, "now", lambda: 5)
    set_override(act, ana, core, 1_000_000)
    assert last(connection) == (
        "create",
        "user_ai_budget_override",
        ana.id,
        "ana",
        {"spend_limit": ("$0.00", "$1.00"), "group_id": (None, core.id)},
    )
    monkeypatch.setattr(store, "now", lambda: 9)
    moved = set_override(act, ana, web, 1_000_000)
    assert moved == store.Override(ana.id, web.id, 1_000_000, 5, 9)
    assert last(connection)[0] == "write"
    assert last(connection)[-1] == {"group_id": (core.id, web.id)}
    delete_override(act, ana)
    assert store.override(connection, ana.id) is None
    assert last(connection)[0] == "delete"
    assert last(connection)[-1] == {"spend_limit": ("$1.00", None), "group_id": (web.id, None)}
    before = entries(connection)
    with pytest.raises(UnknownError, match="ana has no own limit"):
        delete_override(act, ana)
    assert entries(connection) == before


def test_an_own_limit_is_charged_to_a_group_of_ones_own_only(
    connection: Connection, act: Act, ana: User, core: Group, web: Group
) -> None:
    kept = set_override(act, ana, core, 1)
    before = entries(connection)
    with pytest.raises(NotInGroupError, match="user must be a member of this group") as caught:
        set_override(act, ana, web, 1)
    assert caught.value.field == "group_id"
    assert store.override(connection, ana.id) == kept
    assert entries(connection) == before
