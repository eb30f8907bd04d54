"""What a process is allotted of the room that a limit leaves."""

import pytest
from sqlalchemy.exc import OperationalError

from aibridge.budgets.ledger import allot, to_allot
from aibridge.contract.words import CapPeriod, CapScope
from aibridge.store.people import caps
from aibridge.store.schema.accounts import TOKEN, AccountName
from aibridge.store.schema.tables import account_spend
from aibridge.store.usage import allotments
from aibridge.store.usage.allotments import Holder
from tests.builders import START, uid
from tests.databases import Databases


@pytest.mark.parametrize(
    ("room", "reserved", "wanted", "allotted"),
    [
        (100, 0, [10], 21),  # an eighth of the rest ahead
        (10_000_000, 0, [10], 2570),  # no more ahead than 256 times what is wanted
        (100, 40, [10], 56),
        (100, 0, [100], 100),
        (100, 0, [101], 0),  # what is too little for any is left to others
        (100, 30, [71], 30),
        (100, 0, [60, 50, 40], 100),  # those that fit, in their order
        (100, 0, [], 0),
        (0, 0, [0], 0),
        (10, 40, [1], 40),  # what is reserved stays, where the limit was lowered
        (-5, 0, [1], 0),
    ],
)
def test_a_process_is_allotted_what_fits(
    room: int, reserved: int, wanted: list[int], allotted: int
) -> None:
    assert to_allot(room, reserved, wanted) == allotted


@pytest.mark.parametrize("databases", ["postgresql"], indirect=True)
def test_what_is_given_back_while_something_is_allotted_is_not_missed(
    databases: Databases, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another process's cost is put on record, and what it held given back, between two reads."""
    account, one, other = AccountName(TOKEN, "t").text, Holder(uid(801), 0), Holder(uid(802), 0)
    with databases.open() as database:
        with database.write() as connection:
            caps.put_cap(connection, CapScope.TOKEN, "t", CapPeriod.TOTAL, 100)
            allot(connection, account, other, reserved=0, wanted=[100], at=START)
        as_it_is = allotments.find

        def find(*asked):
            found = as_it_is(*asked)
            with database.write_beside(lock_seconds=1.0) as connection:
                row = {"account": account, "day": 0, "cost_micros": 100}
                connection.execute(account_spend.insert(), row)
                allotments.put(connection, account, other, 0, START)
            return found

        monkeypatch.setattr(allotments, "find", find)
        with database.write_beside(lock_seconds=1.0) as connection:
            balance = allot(connection, account, one, reserved=0, wanted=[100], at=START)
    assert (balance.allotted, balance.missing) == (0, 100)


@pytest.mark.parametrize("databases", ["postgresql"], indirect=True)
def test_one_process_at_a_time_is_allotted_of_an_account(databases: Databases) -> None:
    account, one, other = AccountName(TOKEN, "t").text, Holder(uid(801), 0), Holder(uid(802), 0)
    with databases.open() as database, database.write_beside(lock_seconds=1.0) as connection:
        allot(connection, account, one, reserved=0, wanted=[1], at=START)
        with (
            pytest.raises(OperationalError, match="lock"),
            database.write_beside(lock_seconds=0.01) as beside,
        ):
            allot(beside, account, other, reserved=0, wanted=[1], at=START)
