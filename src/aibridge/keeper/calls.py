"""The calls that journals tell of, from beginning to end; their bytes stay where they are."""

from collections.abc import Iterator
from itertools import chain
from typing import Protocol

from msgspec import Struct

from aibridge.journal.contents import Begun, Ended, How
from aibridge.journal.format import RUN_BYTES
from aibridge.journal.reader import Span
from aibridge.keeper.following import Followed, Item
from aibridge.reading.request import Asked
from aibridge.recorder.pending import Pending
from aibridge.store.record.journals import Position

GAP_NOTE = "a part of the answer may be missing: the journal has a gap"
STOPPED_NOTE = "the end was not seen: the bridge stopped while the answer was under way"


class Elsewhere(Protocol):
    """A place for the bytes of a call that is not its journal; ``size`` is that of its answer."""

    size: int

    def body(self) -> bytes:
        """Return the request's body. Raises `OSError`."""

    def pieces(self) -> Iterator[bytes]:
        """Yield the answer as far as it is there. Raises `OSError`."""


class Call(Struct, eq=False):
    """A call as far as its journal tells of it; ``start`` to ``number`` is its beginning there."""

    journal: Followed
    start: int
    number: int
    begun: Begun
    body: Span
    pieces: list[Span] = []
    ended: Ended | None = None
    is_applied: bool = False
    """Whether the database has had its beginning, as far as its position in the journal says."""
    notes: list[str] = []
    asked: Asked | None = None
    """What its request says, once that is read."""
    pending: Pending | None = None
    """What is on its way into the database, once there is anything."""
    kept: "Elsewhere | None" = None
    """Where its bytes are up to ``needed_from``, if they are not in the journal any more."""
    needed_from: int = -1
    """From where on it needs the journal; -1 stands for ``start``."""

    @property
    def run(self) -> int:
        """The number of the run that began it."""
        return self.number // RUN_BYTES

    @property
    def size(self) -> int:
        """How many bytes of its answer there are."""
        kept = 0 if self.kept is None else self.kept.size
        return kept + sum(each.end - each.start for each in self.pieces)

    def keep_in(self, kept: "Elsewhere", position: int) -> None:
        """Have all up to a position somewhere else from now on."""
        self.kept, self.needed_from, self.pieces = kept, position, []

    def read_body(self) -> bytes:
        """Return the request's body. Raises `OSError`."""
        if self.kept is not None:
            return self.kept.body()
        return self.journal.bodies.read(self.start, self.begun, self.body)

    def read_pieces(self) -> Iterator[bytes]:
        """Yield the answer as far as it came. Raises `OSError`."""
        kept = () if self.kept is None else self.kept.pieces()
        return chain(kept, map(self.journal.reader.content, self.pieces))


class Calls:
    """The calls of all journals that have begun and not ended."""

    def __init__(self) -> None:
        self._open: dict[tuple[str, int], Call] = {}
        self._runs: dict[str, int] = {}
        """The run of each journal that was taken last."""

    def ids(self) -> set[str]:
        """Return the ids of all that are open."""
        return {call.begun.id for call in self._open.values()}

    def take(self, journal: Followed, item: Item) -> list[Call]:
        """Take an entry; return the calls that are to be written for it."""
        changed, run = [], item.position // RUN_BYTES
        if run != self._runs.get(journal.id):
            self._runs[journal.id] = run
            changed = self._close_older(journal, run)
        is_new = item.position > journal.applied
        if is_new:
            journal.applied = item.position
        key = (journal.id, item.number)
        if item.begun is not None:
            call = self._open.get(key) or Call(
                journal, item.start, item.number, item.begun, item.span
            )
            call.is_applied |= not is_new or item.position <= journal.unsure_until
            self._open[key] = call
            return [*changed, call] if is_new else changed
        if item.ended is None:
            found = self._open.get(key)
            if found is not None and item.position > found.needed_from:
                found.pieces.append(item.span)
        elif (found := self._open.pop(key, None)) is not None and is_new:
            found.ended = item.ended
            if item.span.end > item.span.start:
                found.pieces.append(item.span)
            if found.size < item.ended.response_bytes:
                found.notes.append(GAP_NOTE)
            changed.append(found)
        return changed

    def add(self, call: Call) -> None:
        """Add a call that is open, and whose bytes are kept elsewhere."""
        self._open[call.journal.id, call.number] = call

    def close_gone(self, journal: Followed) -> list[Call]:
        """Close the calls of a journal that nobody goes on with, as their process is gone."""
        if not (journal.is_taken and self._has_any(journal)):
            return []
        run = journal.run  # of a later one nothing may be taken yet
        return self._close_older(journal, run + 1 if journal.is_over() else run)

    def of(self, journal: Followed) -> list[Call]:
        """Return the calls of a journal."""
        return [call for (id_, _), call in self._open.items() if id_ == journal.id]

    def position(self, journal: Followed) -> Position:
        """Return where a journal has to be read again from, should the keeper be gone."""
        firsts = [max(call.start, call.needed_from) for call in self.of(journal)]
        return Position(journal.applied, min(firsts, default=journal.applied))

    def _has_any(self, journal: Followed) -> bool:
        return any(id_ == journal.id for id_, _ in self._open)

    def _close_older(self, journal: Followed, run: int) -> list[Call]:
        """End the calls of earlier runs: their process is gone."""
        gone = [key for key, call in self._open.items() if key[0] == journal.id and call.run < run]
        closed = [self._open.pop(key) for key in gone]
        for call in closed:
            call.ended = Ended(call.begun.at, How.STOPPED, notes=[STOPPED_NOTE])
        return closed
