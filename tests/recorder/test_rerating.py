"""What is rated anew at the prices that it was rated with does not differ."""

from aibridge.recorder.pending import Pending
from aibridge.recorder.rerating import differences
from aibridge.store.engine.database import Database
from aibridge.store.usage.calls import read
from aibridge.store.usage.daily import UsageFilter
from tests.focus.test_export import CALLS, RATER
from tests.recorder.writing import write

EVER = UsageFilter(0, 1 << 62)


def test_at_the_same_prices_nothing_differs(database: Database) -> None:
    """With lifetimes, searches, several model runs, and parts without a price."""
    write(database, *(Pending(item.start, item.end) for item in CALLS))
    with database.read() as connection:
        calls = read(connection, EVER, after=None, limit=100)
    assert sum(len(call.usages) for call in calls) == 9
    for call in calls:
        assert list(differences(call.row, call.usages, call.tools, RATER)) == []
