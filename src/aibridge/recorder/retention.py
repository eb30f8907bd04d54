"""The chore of retention: what is older than it is to be kept goes, again and again."""

import asyncio
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from threading import Event, Thread

import structlog

from aibridge.recorder.clock import Clock
from aibridge.store.engine.database import Database
from aibridge.store.engine.errors import is_away, said
from aibridge.store.record.partitions import drop_empty
from aibridge.store.transfer.due import last_active
from aibridge.store.transfer.purging import OtherPurgeError, Purge, Purged

FIRST_SECONDS = 60.0
"""How long after the start the first time is: a start has enough to do."""
EVERY_SECONDS = 600.0
AWAY_SECONDS = 5.0
"""How long a database that is in trouble is left alone."""
STOP_SECONDS = 2.0
"""How long a stop waits for a batch; one that hangs is left to the end of the process."""

_EPOCH = datetime.fromtimestamp(0, UTC)
_log = structlog.get_logger()


async def purge_regularly(database: Database, kept: timedelta | None) -> None:
    """Purge every ten minutes what is older than ``kept``, until cancelled.

    Where that is `None` everything is kept. Of several bridges one does it at a time.
    """
    if kept is None:
        return
    stop = Event()
    thread = Thread(target=_run, args=(database, kept, stop), name="retention", daemon=True)
    thread.start()
    try:
        await asyncio.Event().wait()
    except asyncio.CancelledError:
        stop.set()
        await asyncio.to_thread(thread.join, STOP_SECONDS)


def _run(database: Database, kept: timedelta, stop: Event) -> None:
    seconds, clock, all_due = FIRST_SECONDS, Clock(), None
    while not stop.wait(seconds):
        before = datetime.now(UTC) - kept
        if all_due is None:  # the clock may be wrong since before the start
            all_due = _is_all_due(database, before)
            if all_due:
                clock.doubt("all that is on record would go")
        if all_due is not None and clock.is_believed():
            purge_once(database, before, stop)
        seconds = EVERY_SECONDS


def _is_all_due(database: Database, before: datetime) -> bool | None:
    """Return whether there is anything on record, and all of it is due.

    Nothing is returned by a database that is in trouble.
    """
    try:
        with database.read() as connection:
            latest = last_active(connection)
    except Exception as error:  # noqa: BLE001 - whatever it is, the bridge goes on
        _log.warning("purge_put_off", error=said(error))
        return None
    return latest is not None and latest < microseconds(before)


def purge_once(database: Database, before: datetime, stop: Event) -> Purged:
    """Purge what is due before a time, until it is done or ``stop`` is set; return what went.

    Trouble with the database is waited out. Nothing is raised, and one line logged if anything
    went.
    """
    total, dropped = Purged(), list[str]()
    try:
        for gone in batches(database, before, stop.wait, _Complaints()):
            total = total.plus(gone)
        if not stop.is_set():
            dropped = drop_empty(database, before)
    except OtherPurgeError:
        pass  # it does the same
    except Exception as error:  # noqa: BLE001 - whatever it is, the bridge goes on
        _log.error("purge_failed", error=said(error))
    if any(total) or dropped:
        _log.info("records_purged", **total._asdict(), partitions=len(dropped))
    return total


class _Complaints:
    """Tells of trouble with the database once."""

    def __init__(self) -> None:
        self._is_told = False

    def __call__(self, error: Exception) -> float:
        """Return how long to leave the database alone."""
        if isinstance(error, OtherPurgeError):
            raise error
        if not self._is_told:
            self._is_told = True
            _log.warning("purge_put_off", error=said(error))
        return AWAY_SECONDS


def batches(
    database: Database,
    before: datetime,
    wait: Callable[[float], object],
    put_off: Callable[[Exception], float],
) -> Iterator[Purged]:
    """Purge what is due before a time, and yield what went with each batch.

    ``wait`` waits for some seconds, and returns whether to end. ``put_off`` is told of somebody
    else's purge, or of a database that is locked or away, and returns after how many seconds to try
    again, or raises.
    """
    walk = Purge(database, microseconds(before))
    seconds = 0.0
    while not wait(seconds):
        try:
            gone = walk.step()
        except Exception as error:
            if not isinstance(error, OtherPurgeError) and not is_away(error):
                raise
            seconds = put_off(error)
        else:
            if gone is None:
                return
            yield gone
            seconds = walk.pause


def microseconds(moment: datetime) -> int:
    """Return a time as the record has it."""
    return (moment - _EPOCH) // timedelta(microseconds=1)
