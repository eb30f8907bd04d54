"""Replay: what waits on the spool goes into the database, in its order and exactly once.

An entry is removed after the transaction that wrote it. Whatever happens between the two, it is
replayed again, and the database is asked first what it has of it.
"""

from dataclasses import dataclass, field

import structlog

from aibridge.recorder.batch import commit
from aibridge.recorder.entries import Unreadable, from_entry
from aibridge.recorder.recovery import close_left_open
from aibridge.recorder.ticket import Pending
from aibridge.store.correlation import PAUSE
from aibridge.store.database import Database
from aibridge.store.spool import Kept, Spool
from aibridge.store.trouble import is_away, said
from aibridge.store.writing import BatchWriter

SMALLEST, LARGEST = 8, 512
"""Entries in one transaction: few at first, for a database that may take next to nothing."""

_log = structlog.get_logger()


@dataclass(slots=True)
class _Item:
    """An interception, and the numbers of the entries that it comes from."""

    pending: Pending
    numbers: list[int] = field(default_factory=list)


class Replay:
    """Replays a spool, step by step. For the writer's thread."""

    def __init__(self, spool: Spool) -> None:
        self._spool = spool
        self._size = SMALLEST
        self._left_open: set[str] = set()
        """Interceptions whose ends were set aside: nothing else closes them while this runs."""

    @property
    def is_near_its_end(self) -> bool:
        """Whether one step more may be the last."""
        return self._spool.waiting <= LARGEST

    @property
    def is_done(self) -> bool:
        """Whether nothing is left to replay."""
        return self._spool.waiting == 0

    def step(self, store: BatchWriter) -> int:
        """Replay the oldest entries, and return how many; with none it tries the database.

        Raises what the database raises when it is away.
        """
        kept = self._spool.first(self._size)
        try:
            self._apply(store, self._read(kept))
            self._close_left_open(store)
        except Exception:
            self._size = SMALLEST
            raise
        self._spool.remove([entry.number for entry in kept])
        self._size = min(self._size * 2, LARGEST)
        return len(kept)

    def _read(self, kept: list[Kept]) -> list[_Item]:
        """Return the interceptions of the entries, each once and with its end if that is there."""
        items: dict[str, _Item] = {}
        for entry in kept:
            try:
                pending = from_entry(entry)
            except Unreadable as error:
                numbers, ended = [entry.number], entry.ended
                self._set_aside(entry.interception_id, numbers, str(error), ended=bool(ended))
                continue
            item = items.pop(entry.interception_id, None) or _Item(pending)
            if pending.end is not None:
                item.pending = pending
            item.numbers.append(entry.number)
            items[entry.interception_id] = item  # where its last entry stands
        return list(items.values())

    def _apply(self, store: BatchWriter, items: list[_Item]) -> None:
        """Write what is new; one by one if one of them is in the way of the others."""
        try:
            commit(store, [item.pending for item in items])
        except Exception as error:
            if is_away(error):
                raise
            if len(items) > 1:
                for item in items:
                    self._apply(store, [item])
                return
            (item,) = items
            pending = item.pending
            ended = pending.end is not None
            self._set_aside(pending.start.id, item.numbers, said(error), ended=ended)

    def _close_left_open(self, store: BatchWriter) -> None:
        """Close as interrupted what the database has of them, as the next start would."""
        ids, self._left_open = self._left_open, set()
        try:
            close_left_open(store, ids)
        except Exception as error:
            if is_away(error):
                self._left_open = ids
                raise

    def _set_aside(
        self, interception_id: str, numbers: list[int], reason: str, *, ended: bool
    ) -> None:
        if ended:
            self._left_open.add(interception_id)
        self._spool.set_aside(numbers, reason)
        _log.error("record_set_aside", interception=interception_id, reason=reason)


def replay_all(database: Database, spool: Spool, session_pause: int = PAUSE) -> None:
    """Replay everything. Raises what the database raises when it is away."""
    store = BatchWriter(database, session_pause=session_pause)
    replay = Replay(spool)
    try:
        while not replay.is_done:
            replay.step(store)
    finally:
        store.close()
