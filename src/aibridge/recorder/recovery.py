"""After a crash: closing the interceptions whose end was never seen."""

from collections.abc import Collection, Iterable

from aibridge.recorder.records import unseen_end
from aibridge.recorder.restoring import read_start
from aibridge.recorder.rows import Lineage, end_rows, numbers
from aibridge.store.engine.database import Database
from aibridge.store.record.writer import BatchWriter
from aibridge.store.schema.rows import InterceptionRow, Row

BATCH = 500
"""Interceptions closed in one transaction."""


def close_interrupted(database: Database, but: Collection[str] = ()) -> int:
    """Close every interception that stands open, ``but`` for some, and return how many there were.

    On SQLite to be called by the one process that writes the record. On PostgreSQL only those are
    closed whose server is gone, and several may do it at once. Nobody knows when they ended, so the
    time of their start, which is certain, is kept as the end.
    """
    closed = 0
    writer = BatchWriter(database)
    try:
        while mine := [
            each for each in writer.open_interceptions(BATCH + len(but)) if each.id not in but
        ]:
            closed += _close(writer, mine)
    finally:
        writer.close()
    return closed


def _close(writer: BatchWriter, found: Iterable[InterceptionRow]) -> int:
    closing = {row.id: _closing(writer, row) for row in found}
    with writer.transaction():
        states = writer.stored_states(list(closing))
        open_ = [id_ for id_, state in states.items() if not state.ended]
        writer.add(row for id_ in open_ for row in closing[id_])
    return len(open_)


def _closing(writer: BatchWriter, row: InterceptionRow) -> list[Row]:
    lineage = Lineage(row.session_id, row.thread_parent_id, row.thread_root_id)
    start = read_start(row, writer.prompts(row.id))
    end = unseen_end(start)
    return end_rows(start, lineage, end, numbers(start, end, writer.number))
