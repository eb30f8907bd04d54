"""Building a made-up record with the recorder's own rows and writer, portion by portion."""

import sys
import time
from datetime import UTC, datetime, timedelta

from sqlalchemy import func, select

from aibridge.recorder.rows import kind, whole_rows
from aibridge.store import partitions
from aibridge.store.database import Database
from aibridge.store.schema import sessions
from aibridge.store.writing import BatchWriter
from scripts.storing.made_up import BEGIN, CHUNK_SESSIONS, DAYS, SECOND, SESSION_CALLS, chunk

NEWS_SECONDS = 10


def build(database: Database, *, interceptions: int, seed: int, most: int = sys.maxsize) -> int:
    """Write what is missing of a record of about so many interceptions; return the portions.

    A portion is one transaction, so the number of sessions says how many are there already.
    ``most`` portions are written, if not all.
    """
    database.upgrade()
    begin = datetime.fromtimestamp(BEGIN / SECOND, UTC)
    partitions.make(database, begin, begin + timedelta(days=DAYS))
    chunks = max(1, round(interceptions / SESSION_CALLS / CHUNK_SESSIONS))
    with database.read() as connection:
        there = connection.execute(select(func.count()).select_from(sessions)).scalar_one()
    writer, told = BatchWriter(database), time.monotonic()
    try:
        first = there // CHUNK_SESSIONS
        for number in range(first, min(chunks, first + most)):
            _write(writer, seed, number, chunks)
            if time.monotonic() - told > NEWS_SECONDS:
                told = time.monotonic()
                print(f"  {number + 1} of {chunks} portions", file=sys.stderr)
    finally:
        writer.close()
    return chunks


def _write(writer: BatchWriter, seed: int, number: int, chunks: int) -> None:
    made = [
        (each, writer.kind_id(kind(each.start, each.end))) for each in chunk(seed, number, chunks)
    ]
    with writer.transaction():
        writer.add(
            row
            for each, kind_id in made
            for row in whole_rows(each.start, each.place, each.end, kind_id)
        )
