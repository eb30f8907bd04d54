"""What was spent, beside the limits that it counts against."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Connection

from aibridge.budgets.effective import EffectiveBudget
from aibridge.budgets.periods import month_of
from aibridge.budgets.spend import (
    UNLIMITED,
    effective_budgets,
    spend_of_groups,
    spend_of_members,
    spend_of_users,
)
from aibridge.contract.words import LimitSource
from aibridge.principals import EVERYONE
from aibridge.store.people import budgets, groups
from aibridge.store.people.groups import Group, find_group
from tests.builders import ANA, BEN, CLEO, START, Used, add_user, uid, use
from tests.databases import Databases

CORE, WEB = (Group(uid(number), f"g{number}", "", START, START, 0) for number in (901, 902))
JANUARY = month_of(START)


@pytest.fixture
def connection(databases: Databases) -> Iterator[Connection]:
    with databases.open() as database, database.write() as connection:
        for user_id, name in ((ANA, "ana"), (BEN, "ben"), (CLEO, "cleo")):
            add_user(connection, user_id, name)
        for group in (CORE, WEB):
            groups.insert_group(connection, group)
        yield connection


def test_all_effective_budgets_are_those_of_each_user(connection: Connection) -> None:
    assert effective_budgets(connection) == {}
    groups.add_members(connection, CORE.id, [ANA, BEN])
    groups.add_members(connection, WEB.id, [BEN])
    budgets.put_group_budget(connection, CORE.id, 5)
    budgets.put_group_budget(connection, WEB.id, 7)
    budgets.put_override(connection, CLEO, EVERYONE, 0)
    expected = {
        ANA: EffectiveBudget(CORE.id, 5, LimitSource.GROUP),
        BEN: EffectiveBudget(WEB.id, 7, LimitSource.GROUP),
        CLEO: EffectiveBudget(EVERYONE, 0, LimitSource.USER_OVERRIDE),
    }
    assert effective_budgets(connection) == expected
    for user_id, budget in expected.items():
        assert effective_budgets(connection, [user_id]) == {user_id: budget}
        (spend,) = spend_of_users(connection, [user_id], JANUARY)
        assert spend.budget == budget


def test_spend_is_told_in_the_order_in_which_it_is_asked_for(connection: Connection) -> None:
    use(connection, Used(initiator=BEN, cost=5), Used(initiator=ANA, cost=7, group=CORE.id))
    spent = spend_of_users(connection, [CLEO, BEN, ANA], JANUARY)
    assert [(one.user_id, one.used.cost_micros) for one in spent] == [(CLEO, 0), (BEN, 5), (ANA, 7)]
    assert {one.budget for one in spent} == {UNLIMITED}
    everyone = find_group(connection, EVERYONE)
    assert everyone is not None
    charged = spend_of_groups(connection, [WEB, CORE, everyone], JANUARY)
    assert [(one.group_id, one.used.cost_micros) for one in charged] == [
        (WEB.id, 0),
        (CORE.id, 7),
        (EVERYONE, 0),
    ]
    members = spend_of_members(connection, CORE, [BEN, ANA], JANUARY)
    assert [(one.charged.cost_micros, one.user.used.cost_micros) for one in members] == [
        (0, 5),
        (7, 7),
    ]


def test_nobody_asked_for_is_nothing_told(connection: Connection) -> None:
    use(connection, Used(cost=5))
    assert spend_of_users(connection, [], JANUARY) == []
    assert spend_of_groups(connection, [], JANUARY) == []
    assert spend_of_members(connection, CORE, [], JANUARY) == []
