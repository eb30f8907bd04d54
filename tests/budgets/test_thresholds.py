"""Parts of limits at which somebody is told."""

import pytest

from aibridge.budgets.account_limits import Limit
from aibridge.budgets.periods import period_of
from aibridge.budgets.thresholds import Thresholds, note
from aibridge.contract.words import CapPeriod
from aibridge.store.schema.accounts import SESSION, USER, AccountName
from aibridge.store.schema.tables import budget_events
from tests.builders import ANA, DAY, START, add_user
from tests.databases import Databases
from tests.people import entries


def limit(spent: int, *, at: int = START, micros: int = 100) -> Limit:
    return Limit(micros, spent, CapPeriod.DAY, period_of(CapPeriod.DAY, at))


@pytest.mark.parametrize(
    ("limits", "told"),
    [
        ([limit(84)], []),
        ([limit(85)], [85]),
        ([limit(99), limit(85)], [85]),
        ([limit(100)], [85, 100]),
        ([limit(85), limit(130)], [85, 100]),
        ([limit(90), limit(90, at=START + DAY)], [85, 85]),  # another period
        ([limit(90), limit(180, micros=200)], [85, 85]),  # another limit
        ([limit(0, micros=0)], []),
    ],
)
def test_each_threshold_is_told_of_once(
    databases: Databases, limits: list[Limit], told: list[int]
) -> None:
    account = AccountName(USER, ANA).text
    with databases.open() as database, database.write() as connection:
        add_user(connection, ANA, "ana")
        for each in limits:
            note(connection, account, [each], Thresholds((85, 100), is_told=True), START)
        rows = connection.execute(budget_events.select()).all()
        acts = entries(connection)
    assert sorted(row.threshold for row in rows) == told
    assert [(row.next_at, row.attempts) for row in rows] == [(START, 0)] * len(told)
    assert [(act.action, act.resource_target) for act in acts] == [("reach", "ana")] * len(told)


def test_an_entry_says_how_much_of_what_is_spent(databases: Databases) -> None:
    with databases.open() as database, database.write() as connection:
        account = AccountName(SESSION, "s-1", ANA).text
        note(connection, account, [limit(5_000_000, micros=5_000_000)], Thresholds((50,)), START)
        (row,) = connection.execute(budget_events.select()).all()
        (act,) = entries(connection)
    assert row.next_at is None
    assert act.description == "$5.00 of $5.00 (day) is spent: 50 %"
    assert (act.resource_type, act.resource_target) == ("ai_budget", "session s-1")
