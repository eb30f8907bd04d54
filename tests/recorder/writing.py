"""Writing interceptions for tests, as the keeper does: in transactions of their own."""

from contextlib import closing

from aibridge.recorder.batch import commit
from aibridge.recorder.pending import Pending
from aibridge.recorder.records import End, Start
from aibridge.store.engine.database import Database
from aibridge.store.engine.servers import Lease
from aibridge.store.record.writer import BatchWriter


def write(database: Database, *items: Pending, lease: Lease | None = None) -> None:
    """Write what is known of interceptions, together."""
    with closing(BatchWriter(database, lease=lease)) as store:
        commit(store, items).note()


def record(database: Database, begun: Start, over: End | None = None) -> Pending:
    """Write an interception, with its end if it has one."""
    item = Pending(begun, over)
    write(database, item)
    return item
