"""Following all journals of a data directory together, in the order in which things happened.

A request that goes on with an answer may come to another process than the answer did. It began
after the answer's end was on the disk. So whoever has seen it in its journal, and then looks into
the others, finds the end there; and it comes first where entries are taken by their times.
"""

import heapq
import time
from collections import deque
from collections.abc import Iterator
from pathlib import Path

import structlog
from msgspec import Struct

from aibridge.journal.catching_up import behind, end_of
from aibridge.journal.contents import (
    NUMBER_BYTES,
    Begun,
    ContentError,
    Ended,
    number_of,
    read_begin,
    read_end,
)
from aibridge.journal.folders import id_of, is_claimed, journals
from aibridge.journal.format import FRAME_BYTES, RUN_BYTES, Kind
from aibridge.journal.progress import Progress
from aibridge.journal.reader import Entry, Gap, Reader, Span
from aibridge.journal.segments import listed
from aibridge.keeper.bodies import Bodies
from aibridge.store.record.journals import Position

AHEAD = 1024
"""Entries of a journal that are held in memory before they are taken."""
MOST_BYTES = 32 << 20
"""Bytes of requests and answers that are taken together: all that they say is in memory at once."""
LOOK_SECONDS = 0.1
"""How often it is looked whether there are new journals: lists wait for what is in them."""


_log = structlog.get_logger()


class Item(Struct, frozen=True):
    """An entry as it is taken: what it says of which call, without the bytes that passed.

    ``number`` is its call's, ``start`` and ``position`` are where it begins and ends. A gap has no
    number: ``reason`` says for people why nothing can be read there.
    """

    at: int
    number: int
    start: int
    position: int
    begun: Begun | None = None
    ended: Ended | None = None
    span: Span = Span(0, 0)
    reason: str = ""

    @property
    def bytes(self) -> int:
        """How much there is to read of it: of a body also what it repeats of another."""
        length = self.span.end - self.span.start
        return length if self.begun is None else max(length, self.begun.request_bytes)


class Followed:
    """One journal that is followed."""

    def __init__(self, folder: Path, id_: str, position: Position | None) -> None:
        self.folder = folder
        self.id = id_
        self.position = position
        """Where the database is, `None` where it has nothing of this journal."""
        known, end = position, _end(folder)
        if position is not None and position.applied > end:
            _log.error("journal_set_back", file=str(folder), position=position.applied)
            known = None  # the disk is of an earlier time than the database
        self.unsure_until = end if known is None else 0
        """Up to where the database may have any of it, and has to be asked."""
        self.applied = known.applied if known else 0
        self.reader = Reader(folder, known.resume if known else 0)
        self.bodies = Bodies(self.reader)
        self.progress = Progress(folder)
        self.ahead: deque[Item] = deque()
        self.is_at_end = False
        self.released = 0
        """Up to which of its runs nothing is allotted of budgets any more."""
        self._at = 0
        self._torn_end = 0

    @property
    def run(self) -> int:
        """The number of the run that was read last."""
        return self.reader.position // RUN_BYTES

    @property
    def behind(self) -> int:
        """How many bytes of it the database does not have."""
        applied = 0 if self.position is None else self.position.applied
        return behind(self.folder, max(applied, self._torn_end))

    def fill(self) -> int:
        """Read ahead; return the time of the newest entry that was read, 0 for none."""
        newest = 0
        if len(self.ahead) >= AHEAD:
            return newest
        for found in self.reader.read():
            item = self._item(found)
            if item is not None:
                self.ahead.append(item)
                newest = item.at
            if len(self.ahead) >= AHEAD:
                self.is_at_end = False
                return newest
        self.is_at_end = True
        return newest

    @property
    def come_to(self) -> int:
        """Where nothing is left behind that can be read, once what was taken is committed."""
        if self.ahead:
            return self.applied
        return max(self.applied, self.reader.position, self._torn_end)

    def pass_torn_end(self) -> None:
        """Take an end that a process has left half written for read: nobody waits for more."""
        segments = listed(self.folder)[-1:]
        end = max((end_of(one.base, one.size) for one in segments), default=0)
        if end > self.come_to and self.is_over():
            self._torn_end = end

    def applied_items(self) -> Iterator[Item]:
        """Yield again what the database has been told of already."""
        before = -1
        while before < self.reader.position < self.applied:
            before = self.reader.position
            self.fill()
            while self.ahead and self.ahead[0].position <= self.applied:
                yield self.ahead.popleft()

    @property
    def is_taken(self) -> bool:
        """Whether all was taken that there was at the last look."""
        return self.is_at_end and not self.ahead

    def is_over(self) -> bool:
        """Say whether all was taken, and no process is there that could write more.

        One that has just ended may have written more since the last look.
        """
        if not self.is_taken or is_claimed(self.folder):
            return False
        self.fill()
        return self.is_taken

    def _item(self, found: Entry | Gap) -> Item | None:
        """Return what an entry says, nothing if that is of no use. Times never go backwards."""
        try:
            item = self._gap(found) if isinstance(found, Gap) else _item(found, self._at)
        except ContentError as error:
            item = self._gap(Gap(found.position, found.position, str(error)))
        self._at = item.at
        return item

    def _gap(self, gap: Gap) -> Item:
        return Item(self._at, 0, gap.start, gap.position, reason=gap.reason)

    def close(self) -> None:
        """Close what is open."""
        self.reader.close()
        self.progress.close()


def _item(entry: Entry, at: int) -> Item:
    """Return what an entry says, which is not from before ``at``. Raises `ContentError`."""
    content, position = entry.content, entry.position
    inside = position - len(content)
    start = inside - FRAME_BYTES
    if entry.kind == Kind.BEGIN:
        begun, body_at = read_begin(content)
        body = Span(inside + body_at, position)
        return Item(max(at, begun.at), position, start, position, begun, None, body)
    number = number_of(content)
    if entry.kind == Kind.END:
        ended, piece_at = read_end(content)
        piece = Span(inside + piece_at, position)
        return Item(max(at, ended.at), number, start, position, None, ended, piece)
    return Item(at, number, start, position, None, None, Span(inside + NUMBER_BYTES, position))


class Following:
    """All journals below a folder, by their ids."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self.journals: dict[str, Followed] = {}
        self._looked_at = 0.0

    def new(self) -> Iterator[tuple[Path, str]]:
        """Yield the folders and ids of journals that are not followed yet."""
        if time.monotonic() - self._looked_at < LOOK_SECONDS:
            return
        self._looked_at = time.monotonic()
        for folder in journals(self._root):
            id_ = id_of(folder)
            if id_ and id_ not in self.journals:
                yield folder, id_

    def take(self, most: int) -> list[tuple[Followed, Item]]:
        """Return the next entries of all journals, in the order of their times.

        They are so many at most, and fewer where there is much to read of them.
        """
        followed = list(self.journals.values())
        newest = max((one.fill() for one in followed), default=0)
        if len(followed) > 1:
            newest = max(newest, *(one.ahead[-1].at for one in followed if one.ahead), 0)
            for one in followed:
                one.fill()
            newest = min([newest, *(one.ahead[-1].at for one in followed if not one.is_at_end)])
        found: list[tuple[Followed, Item]] = []
        waiting = [(one.ahead[0].at, order) for order, one in enumerate(followed) if one.ahead]
        heapq.heapify(waiting)
        size = 0
        while waiting and len(found) < most and size < MOST_BYTES:
            at, order = heapq.heappop(waiting)
            if len(followed) > 1 and at > newest:
                break
            one = followed[order]
            item = one.ahead.popleft()
            found.append((one, item))
            size += item.bytes
            if one.ahead:
                heapq.heappush(waiting, (one.ahead[0].at, order))
        return found

    def close(self) -> None:
        """Follow no more."""
        for one in self.journals.values():
            one.close()


def _end(folder: Path) -> int:
    """Return where a journal ends on the disk, be it with a segment that has nothing yet."""
    return max((end_of(one.base, one.size) for one in listed(folder)[-1:]), default=0)
