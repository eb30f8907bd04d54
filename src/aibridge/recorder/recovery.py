"""After a crash: closing the interceptions whose end was never seen."""

import contextlib
from collections.abc import Iterable, Iterator

import msgspec

from aibridge.recorder.entries import Unreadable, from_entry, to_entry
from aibridge.recorder.records import unseen_end
from aibridge.recorder.restoring import read_start
from aibridge.recorder.rows import Place, end_rows, kind
from aibridge.store.database import Database
from aibridge.store.rows import InterceptionRow, Row
from aibridge.store.servers import leave_for
from aibridge.store.spool import Spool, SpoolError
from aibridge.store.writing import BatchWriter

BATCH = 500
"""Interceptions closed in one transaction."""

_decode = msgspec.json.decode


def close_interrupted(database: Database, spool: Spool | None = None) -> int:
    """Close every interception that stands open and return how many there were.

    On SQLite to be called before the first request is taken, by the one process that serves the
    database. On PostgreSQL only those are closed whose server is gone, and several may do it at
    once. Nobody knows when they ended, so the time of their start, which is certain, is kept as
    the end. What is on the spool is closed there, and only where its end is not there too.
    """
    closed = 0
    if spool is not None:
        if database.is_postgresql:
            leave_for(database, spool.former)
        closed = _close_spooled(spool)
    writer = BatchWriter(database)
    spooled = 0
    try:
        while found := writer.open_interceptions(BATCH + spooled):
            mine = [each for each in found if spool is None or not spool.has(each.id)]
            if not mine:
                break
            closed += _close(writer, mine)
            spooled = len(found) - len(mine)
    finally:
        writer.close()
    return closed


def close_left_open(writer: BatchWriter, ids: Iterable[str]) -> int:
    """Close those of the interceptions that are there and open, and return how many."""
    return _close(writer, [each for id_ in ids for each in writer.open_interception(id_)])


def _close(writer: BatchWriter, found: Iterable[InterceptionRow]) -> int:
    closing = {row.id: list(_closing(writer, row)) for row in found}
    with writer.transaction():
        stands = writer.standing(list(closing))
        open_ = [id_ for id_, stand in stands.items() if not stand.ended]
        writer.add(row for id_ in open_ for row in closing[id_])
    return len(open_)


def _close_spooled(spool: Spool) -> int:
    """Close what an earlier run began on the spool and did not end there."""
    closed = 0
    for kept in spool.without_end():
        with contextlib.suppress(Unreadable, SpoolError):  # damaged, or full: it stays open
            opened = from_entry(kept)
            opened.end = unseen_end(opened.start)
            spool.append([to_entry(opened)])
            closed += 1
    return closed


def _closing(writer: BatchWriter, row: InterceptionRow) -> Iterator[Row]:
    place = Place(row.session_id, row.thread_parent_id, row.thread_root_id)
    start = read_start(row, writer.prompts(row.id))
    end = unseen_end(start)
    return end_rows(start, place, end, writer.kind_id(kind(start, end)))
