"""The writer: one thread, one transaction for all that came in since the last (group commit)."""

import time
from collections.abc import Callable
from queue import Empty, SimpleQueue
from threading import Event, Thread

import structlog

from aibridge.recorder.records import Start
from aibridge.recorder.rows import Place, end_rows, kind, start_rows, whole_rows
from aibridge.recorder.ticket import RecordingError, Ticket
from aibridge.store.database import Database
from aibridge.store.rows import Row
from aibridge.store.trouble import DRIVER_ERRORS, is_away, said
from aibridge.store.writing import BatchWriter

MAX_BATCH = 512
"""Tickets in one transaction: bounds how long the first of them waits."""
LINGER_SECONDS = 0.004
"""How long a ticket waits for company, unless all that are under way wait for the commit.

A start is not in a hurry: its commit runs beside the upstream call, which takes far longer. An
answer that is quick all the same is then written together with its start, in half the commits.
"""
PROBE_SECONDS = 1.0
"""How often a database that failed is looked at when there is nothing to write."""

_log = structlog.get_logger()

Settled = Callable[[list[Ticket], RecordingError | None], None]


class Writer:
    """Writes tickets as they come, in order. ``settled`` is called in the writer's thread."""

    def __init__(self, database: Database, settled: Settled, *, patience_seconds: float) -> None:
        self._database = database
        self._settled = settled
        self._patience = patience_seconds
        self._queue: SimpleQueue[Ticket | None] = SimpleQueue()
        self._thread = Thread(target=self._run, name="recorder", daemon=True)
        self._stopping = Event()
        self._hurry = Event()
        self.failing = False
        """Whether the database refuses to take what the writer has for it."""

    def begin(self) -> None:
        """Start the thread."""
        self._thread.start()

    def put(self, ticket: Ticket) -> None:
        """Have the ticket written, as far as it is known when its turn comes."""
        self._queue.put(ticket)

    def hurry(self) -> None:
        """Commit at once: nobody is left whose ticket could join."""
        self._hurry.set()

    def waiting(self) -> int:
        """Return about how many tickets wait for their turn."""
        return self._queue.qsize()

    def stop(self) -> None:
        """Write what is queued, then end the thread."""
        self._stopping.set()
        self._queue.put(None)
        self._thread.join()

    def _run(self) -> None:
        store = BatchWriter(self._database)
        try:
            while batch := self._take(store):
                self._write(store, batch)
        finally:
            store.close()

    def _take(self, store: BatchWriter) -> list[Ticket]:
        """Wait for a ticket and return it with all others that are there; none at the end."""
        batch: dict[Ticket, None] = {}
        item = self._next(store)
        if item is not None:
            self._hurry.wait(LINGER_SECONDS)
        self._hurry.clear()
        try:
            while item is not None:
                batch[item] = None
                if len(batch) >= MAX_BATCH:
                    break
                item = self._queue.get_nowait()
            else:
                self._queue.put(None)  # stopping: to be met again after this batch
        except Empty:
            pass
        return list(batch)

    def _next(self, store: BatchWriter) -> Ticket | None:
        """Wait for a ticket, and for the database's recovery: while it fails none may come."""
        while self.failing:
            try:
                return self._queue.get(timeout=PROBE_SECONDS)
            except Empty:
                self.failing = not _takes_transactions(store)
        return self._queue.get()

    def _write(self, store: BatchWriter, batch: list[Ticket]) -> None:
        try:
            self._persist(store, batch)
        except Exception as error:  # noqa: BLE001 - whatever it is, the others' records go on
            if len(batch) > 1 and not is_away(error):
                for ticket in batch:  # one of them cannot be written: the others must not suffer
                    self._write(store, [ticket])
                return
            _log.error("record_not_written", tickets=len(batch), error=said(error))
            self._settled(batch, RecordingError(f"the record could not be written: {said(error)}"))
        else:
            self._settled(batch, None)

    def _persist(self, store: BatchWriter, batch: list[Ticket]) -> None:
        """Write the batch, trying again while the database is busy, full or away."""
        give_up = time.monotonic() + self._patience
        pause = 0.05
        while True:
            try:
                _commit(store, batch)
            except DRIVER_ERRORS as error:
                if not is_away(error):
                    raise
                self.failing = True
                if time.monotonic() + pause > give_up or self._stopping.is_set():
                    raise
                _log.warning("record_delayed", tickets=len(batch), error=said(error))
                self._stopping.wait(pause)
                pause = min(pause * 2, 1.0)
            else:
                self.failing = False
                return


def _takes_transactions(store: BatchWriter) -> bool:
    try:
        with store.transaction():
            return True
    except DRIVER_ERRORS:
        return False


def _commit(store: BatchWriter, batch: list[Ticket]) -> None:
    """Write all that is known of the tickets in one transaction."""
    places: dict[Ticket, Place] = {}
    ends = {ticket: ticket.end for ticket in batch}  # the event loop may set one at any moment
    kinds = {ticket: store.kind_id(kind(ticket.start, end)) for ticket, end in ends.items() if end}
    rows: list[Row] = []
    with store.transaction():
        for ticket, end in ends.items():
            start = ticket.start
            if ticket.place is None:
                place = places[ticket] = _place(store, start)
                rows += (
                    whole_rows(start, place, end, kinds[ticket])
                    if end
                    else start_rows(start, place)
                )
            elif end is not None and not ticket.end_is_written:
                rows += end_rows(start, ticket.place, end, kinds[ticket])
        store.add(rows)
    for ticket, place in places.items():
        ticket.place = place
    for ticket in kinds:
        ticket.end_is_written = True


def _place(store: BatchWriter, start: Start) -> Place:
    """Find the thread that the request goes on with: its newest tool result that is known."""
    for call_id in reversed(start.tool_result_ids):
        parent = store.parent(start.initiator_id, call_id, start.client_session_id)
        if parent is not None:
            return Place(parent.session_id, parent.id, parent.root_id)
    return Place(start.client_session_id or start.id)
