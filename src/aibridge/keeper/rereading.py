"""Reading calls again whose bytes are still in the journals: what is on record is corrected.

A newer release may read more of the same bytes, or better. Where a call belongs stays: its session
and its thread, and the keys by which later calls were linked to it.
"""

from collections.abc import Iterator, Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import NamedTuple

import msgspec

from aibridge.dialects.facts import PromptKind
from aibridge.journal.folders import id_of, journals
from aibridge.keeper import completing
from aibridge.keeper.bounds import Bounded, TooMuch
from aibridge.keeper.calls import Call, Calls
from aibridge.keeper.following import Followed
from aibridge.keeper.prices import Prices
from aibridge.keeper.reading import why_not
from aibridge.keeper.writing import REFUSED
from aibridge.reading.call import read_answer
from aibridge.reading.request import Reading, read_request
from aibridge.recorder.linking import mark
from aibridge.recorder.records import End, Start
from aibridge.recorder.rows import (
    Lineage,
    Numbers,
    annotation_number,
    annotation_row,
    kind,
    whole_rows,
)
from aibridge.store.engine.database import Database
from aibridge.store.engine.errors import is_away, said
from aibridge.store.record.correcting import (
    Recorded,
    correct,
    differing,
    look,
    replaced,
    with_end_of,
)
from aibridge.store.record.stored import Finality
from aibridge.store.record.writer import BatchWriter
from aibridge.store.schema.rows import Kind
from aibridge.store.transfer.purging import OtherPurgeError, take_lock

CHANGED = "it was changed or removed meanwhile"
ENDLESS = "its end is gone from the journal"
LOCK_SECONDS = 0.25
"""How long a correction waits for others: it is the one that gives way, as a purge does."""
_BY_LINKING = frozenset({PromptKind.RETRY, PromptKind.SUBAGENT})


class Reread(NamedTuple):
    """What came of a call: the ``fields`` in which it differs, or the reason why it is not read."""

    interception_id: str
    fields: Sequence[str] = ()
    reason: str = ""
    is_on_record: bool = True


class Rereader:
    """Reads the calls of all journals below a folder again. Belongs to one thread."""

    def __init__(
        self, root: Path, database: Database, reading: Reading, bounded: Bounded, prices: Prices
    ) -> None:
        self._root = root
        self._database = database
        self._reading = reading
        self._bounded = bounded
        self._prices = prices
        self._writer = BatchWriter(database, lock_seconds=LOCK_SECONDS)

    def calls(self, since: int) -> Iterator[Call]:
        """Yield the calls that began since then, and whose ends the database has been told of.

        Raises `OSError`, and what the database raises when it is away.
        """
        for folder in journals(self._root):
            position = self._writer.position_in(id_of(folder))
            if position is None:
                continue
            with closing(Followed(folder, "", None)) as followed:
                for call in _ended(followed, position.applied):
                    if call.begun.at >= since and not call.begun.completes:
                        yield call

    def reread(self, call: Call, *, is_dry: bool) -> Reread | None:
        """Compare a call with what is on record of it, and correct that unless it ``is_dry``.

        Returns nothing for one that is under way. Raises `OtherPurgeError`, and what the database
        raises when it is away: it may be tried again then.
        """
        id_ = call.begun.id
        with self._database.read() as connection:
            old = look(connection, id_)
        if old is None:
            return Reread(id_, is_on_record=False)
        if old.finality is None:
            return None
        try:
            start, end = self._read(call, old)
            new = self._new(old, start, end)
            fields = differing(old, new)
            is_done = is_dry or not fields or self._correct(start, end, new.kind)
        except _NotRead as why:
            return Reread(id_, reason=str(why))
        return Reread(id_, fields) if is_done else Reread(id_, reason=CHANGED)

    def close(self) -> None:
        """Give the connection back."""
        self._writer.close()

    def _read(self, call: Call, old: Recorded) -> tuple[Start, End]:
        """Read a call, unless its bytes are not all there any more. Raises `_NotRead`."""
        if call.notes or call.ended is None:
            raise _NotRead("; ".join(call.notes))
        try:
            with self._bounded():
                asked = read_request(call.begun, call.read_body(), self._reading)
                end = read_answer(call.begun, asked, call.ended, call.read_pieces)
        except (Exception, TooMuch) as error:
            raise _NotRead(why_not(error)) from error
        was_seen = old.finality is not Finality.UNSEEN and not _is_completed(old)
        if was_seen and end.finality is Finality.UNSEEN:
            raise _NotRead(ENDLESS)
        end.costs = self._prices.costs(asked.start, end)
        return asked.start, end

    def _new(
        self, old: Recorded, start: Start, end: End, prices: tuple[int | None, ...] = ()
    ) -> Recorded:
        """Return what is to be on record in the place of the old; an end that was fetched stays.

        ``prices`` are the numbers of those that it is rated with, where they are needed.
        """
        row = old.row
        before = msgspec.json.decode(row.metadata).get("kind")
        if row.thread_parent_id is not None and before in _BY_LINKING and start.typed is not None:
            mark(start, PromptKind(before))
        lineage = Lineage(row.session_id, row.thread_parent_id, row.thread_root_id)
        rows = whole_rows(start, lineage, end, Numbers(row.kind_id or 0, 0, prices))
        is_postgresql = self._database.is_postgresql
        noted = None if start.annotations is None else annotation_row(start.annotations)
        new = replaced(old, rows, kind(start, end), annotations=noted, is_postgresql=is_postgresql)
        return with_end_of(old, new) if _is_completed(old) else new

    def _correct(self, start: Start, end: End, to_kind: Kind) -> bool:
        """Correct what is on record, in a transaction of its own; say whether it is still that."""
        try:
            number = self._writer.number
            kind_id, facet_id = number(to_kind), number(to_kind._replace(shape=0))
            annotation_id = annotation_number(start, number) or None
            prices = tuple(number(each.price) if each.price else None for each in end.costs)
            with self._database.write_beside(lock_seconds=LOCK_SECONDS) as connection:
                take_lock(connection)
                old = look(connection, start.id, to_change=True)
                new = None if old is None else self._new(old, start, end, prices)
                if old is None or new is None or new.kind != to_kind:
                    return False
                row = new.row._replace(kind_id=kind_id, annotation_id=annotation_id)
                correct(connection, old, new._replace(row=row), facet_id)
                return True
        except Exception as error:
            if is_away(error) or isinstance(error, OtherPurgeError):
                raise
            raise _NotRead(REFUSED.format(said(error))) from error


class _NotRead(Exception):
    """A call is not read again; the text says why."""


def _is_completed(old: Recorded) -> bool:
    return completing.NOTE in msgspec.json.decode(old.row.notes)


def _ended(followed: Followed, applied: int) -> Iterator[Call]:
    """Yield the calls of a journal that have ended, as far as the database has been told of it."""
    calls = Calls()
    while _fill(followed):
        while followed.ahead:
            item = followed.ahead.popleft()
            if item.position > applied:
                return
            yield from (call for call in calls.take(followed, item) if call.ended is not None)
    yield from calls.close_gone(followed)


def _fill(followed: Followed) -> bool:
    """Read ahead, and say whether there was anything."""
    while True:
        with suppress(FileNotFoundError):  # a segment has just been removed: others come next
            followed.fill()
            return bool(followed.ahead)
