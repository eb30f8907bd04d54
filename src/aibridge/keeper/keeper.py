"""The keeper: follows the journals, has their calls read, and writes them, each once.

How far it has come is written with what it writes. So a keeper that ends anywhere is followed by
one that goes on behind the last commit, with the calls that were open there.
"""

import time
from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import NamedTuple

import structlog

from aibridge.ids import now
from aibridge.journal.bell import HASTE, Bell
from aibridge.journal.catching_up import BELL
from aibridge.keeper import long_calls, old_spool
from aibridge.keeper.aside import Aside
from aibridge.keeper.bounds import Bounded
from aibridge.keeper.calls import Call, Calls
from aibridge.keeper.completing import complete_unwritten, completion
from aibridge.keeper.following import Followed, Following, Item
from aibridge.keeper.marker import Marker
from aibridge.keeper.prices import Prices
from aibridge.keeper.reading import CallReader
from aibridge.keeper.status import Status, StatusFile
from aibridge.keeper.tidying import keep_long, release_allotments, remove_passed
from aibridge.keeper.writing import Batch, GivenUp, Writer
from aibridge.reading.request import Reading
from aibridge.recorder.pending import Pending
from aibridge.recorder.recovery import close_interrupted
from aibridge.store.engine.database import Database
from aibridge.store.engine.servers import Lease
from aibridge.store.record import keyed
from aibridge.store.record.correlation import PAUSE
from aibridge.store.record.journals import Advance
from aibridge.store.record.writer import OtherKeeperError

MOST_ENTRIES = 1024
"""Entries that are taken for one transaction."""
LINGER_SECONDS = 0.05
"""How long more is waited for before a batch is written: a larger one costs less a call."""
YOUNG_SECONDS = 0.1
"""How long a call that only has begun is not written: most end before, and are written once."""
IDLE_SECONDS = 0.1
"""How often it is looked whether there is anything, without being told."""
TIDY_SECONDS = 1.0
LONG = 2
"""A call that needs more of a journal than this part of what may be kept is kept elsewhere."""

_log = structlog.get_logger()


class Rules(NamedTuple):
    """What a keeper does with the journals.

    Segments are kept for ``kept_seconds`` after the database has them, and ``kept_bytes`` of a
    journal at most. Where it ``lingers`` more calls are written together; nobody waits for them.
    Sessions end after a pause, in microseconds.
    """

    reading: Reading
    kept_seconds: float = 0.0
    kept_bytes: int = 2 << 30
    lingers: bool = True
    session_pause: int = PAUSE


class Keeper:
    """Keeps the record of the journals below a folder. Belongs to one thread.

    ``is_over`` says whether it has to end.
    """

    def __init__(
        self,
        root: Path,
        database: Database,
        rules: Rules,
        bounded: Bounded,
        is_over: Callable[[], bool],
        lease: Lease | None = None,
        prices: Prices | None = None,
    ) -> None:
        """Begin in a folder that no other keeper has; without ``prices`` nothing is rated.

        Raises `OSError`.
        """
        root.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._root = root
        self._database = database
        self._rules = rules
        self._is_over = is_over
        self._lease = lease
        self._prices = prices
        self._following = Following(root)
        self._calls = Calls()
        self._marker = Marker(root)
        self._reader = CallReader(rules.reading, bounded, self._marker)
        self._aside = Aside(root)
        self._bell = Bell(root / BELL)
        self._status = StatusFile(root)
        self._trouble = ""
        self._writer = Writer(
            database,
            self._aside,
            self._wait,
            self._told,
            lease=lease,
            session_pause=rules.session_pause,
        )
        self._tidied_at = 0.0
        self._young: dict[Call, None] = {}
        """Calls that only have begun, and are not written yet."""
        self._is_hasty = False

    def run(self) -> None:
        """Keep the record until told to end; then all that is in the journals, if it can be."""
        try:
            old_spool.read_in(self._root.parent, self._writer)
            self._follow_new()
            self._writer.until_done(self._close_interrupted)
            while not self._is_over():
                self._rest(lingers=self._step() and self._rules.lingers)
            self._is_hasty = True
            while self._step():
                pass
            self._release_allotments()
        except GivenUp:
            _log.warning("journal_left", trouble=self._trouble)
        finally:
            self._close()

    def _rest(self, *, lingers: bool) -> None:
        """Wait until there is more to do, or somebody waits for what there is."""
        if lingers:
            self._is_hasty = self._bell.wait_for_haste(LINGER_SECONDS)
        else:
            self._is_hasty = HASTE in self._bell.wait(IDLE_SECONDS)

    def look_after(self) -> None:
        """Break off what the database does not come to an end with. For another thread."""
        self._writer.look_after()

    def _close_interrupted(self) -> None:
        """Close what is open in the database and in no journal, as nobody else will."""
        closed = close_interrupted(self._database, self._calls.ids())
        if closed:
            _log.warning("interceptions_interrupted", closed=closed)

    def _follow_new(self) -> None:
        """Follow journals that are new, from where the database is in them."""
        for folder, id_ in self._following.new():
            with suppress(FileNotFoundError):
                self._writer.until_done(partial(self._follow, folder, id_))

    def _follow(self, folder: Path, id_: str) -> None:
        followed = Followed(folder, id_, self._writer.store.position_in(id_))
        self._following.journals[id_] = followed
        for call in long_calls.read(followed):
            if self._is_open(call):
                self._calls.add(call)
            else:
                long_calls.forget(call)
        for item in followed.applied_items():  # for the calls that had not ended there
            self._calls.take(followed, item)
        self._young |= dict.fromkeys(self._calls.of(followed))
        followed.progress.tell(self._come_to(followed))
        followed.progress.beat(is_away=bool(self._trouble))

    def _is_open(self, call: Call) -> bool:
        """Say whether a call that was kept has no end on record: else its file was left behind."""
        with self._database.read() as connection:
            found = keyed.look(connection, call.begun.id)
        return found is None or found.row.ended_at is None

    def _step(self) -> bool:
        """Write what there is to write, and say whether there was anything."""
        self._follow_new()
        taken = self._following.take(MOST_ENTRIES)
        calls: list[Call] = []
        for followed, item in taken:
            if item.reason:
                _tell_of_gap(followed, item)
            calls += self._calls.take(followed, item)
        for followed in self._following.journals.values():
            calls += self._calls.close_gone(followed)
        if due := self._due(calls):
            self._write(due)
        for followed in self._following.journals.values():
            followed.progress.tell(self._come_to(followed))
        self._tidy()
        return bool(taken)

    def _due(self, changed: Iterable[Call]) -> list[Call]:
        """Return what is to be written now: what has ended, and what is not young any more."""
        self._young |= dict.fromkeys(changed)
        if self._is_hasty or not self._rules.lingers:
            due = list(self._young)
        else:
            before = now() - YOUNG_SECONDS * 1e6
            due = [call for call in self._young if call.ended or call.begun.at <= before]
        for call in due:
            del self._young[call]
        return due

    def _come_to(self, followed: Followed) -> int:
        """Return up to where a journal is in the database."""
        waiting = (call.start for call in self._young if call.journal is followed)
        return min([followed.come_to, *waiting])

    def _write(self, calls: Collection[Call]) -> None:
        """Write what is known of calls now, and how far their journals are read with that."""
        positions = [(one, self._calls.position(one)) for one in self._following.journals.values()]
        steps = [
            Advance(one.id, one.position, after)
            for one, after in positions
            if after != one.position
        ]
        read = {call: self._reader.read(call) for call in calls if not call.begun.completes}
        batch: Batch | None = None

        def attempt() -> None:
            nonlocal batch
            if batch is None:
                batch = self._batch(calls, read)
                self._rate(batch)
            else:  # the last attempt may have written it, and nobody was told
                for item in batch:
                    item.unsure = True
                if steps and self._has(steps):
                    return
            try:
                self._writer.write(batch, steps).note()
            except OtherKeeperError:  # it has only now
                if not self._has(steps):
                    raise

        self._writer.until_done(attempt)
        for one, after in positions:
            one.position = after
        for call in calls:
            if call.kept is not None and call.ended is not None:
                long_calls.forget(call)

    def _has(self, steps: Iterable[Advance]) -> bool:
        return all(self._writer.store.position_in(each.journal) == each.after for each in steps)

    def _batch(self, calls: Iterable[Call], read: Mapping[Call, Pending]) -> Batch:
        """Return what is to be written of calls, in their order, of which most are read.

        What one of them completes may be among the others, and not in the database yet.
        """
        found: dict[Pending, Call] = {}
        unwritten: dict[str, Pending] = {}
        for call in calls:
            item = read.get(call)
            if item is not None:
                unwritten[item.start.id] = item
            elif (before := unwritten.get(call.begun.completes)) is not None:
                complete_unwritten(before, self._reader, call)
            else:
                item = completion(self._database, self._reader, call)
            if item is not None:
                found[item] = call
        return found

    def _rate(self, batch: Batch) -> None:
        """Say of what has ended what it costs."""
        if self._prices is None:
            return
        for item in batch:
            if item.end is not None and not item.end.costs:
                item.end.costs = self._prices.costs(item.start, item.end)

    def _wait(self, seconds: float) -> bool:
        """Wait while the database is away; return whether to give up."""
        time.sleep(seconds)
        return self._is_over()

    def _told(self, trouble: str) -> None:
        """Take in what is wrong with the database."""
        if trouble or self._trouble:
            self._trouble = trouble
            self._tell()

    def _tidy(self) -> None:
        """Do what is to be done now and then."""
        if time.monotonic() - self._tidied_at >= TIDY_SECONDS:
            self._tidied_at = time.monotonic()
            for followed in self._following.journals.values():
                if keep_long(self._calls.of(followed), self._rules.kept_bytes // LONG):
                    self._write(())
                remove_passed(followed, self._rules.kept_seconds, self._rules.kept_bytes)
                followed.pass_torn_end()
                followed.progress.tell(self._come_to(followed))
            self._release_allotments()
            self._tell()

    def _release_allotments(self) -> None:
        for followed in self._following.journals.values():
            calls = self._calls.of(followed)
            release_allotments(self._database, followed, self._come_to(followed), calls)

    def _tell(self) -> None:
        """Tell the server's processes how this one stands."""
        for followed in self._following.journals.values():
            followed.progress.beat(is_away=bool(self._trouble))
        server_id = None if self._lease is None else self._lease.number
        behind = sum(one.behind for one in self._following.journals.values())
        unread = self._reader.unread
        status = Status(self._trouble, len(self._aside), unread, behind, server_id)
        with suppress(OSError):  # the disk is full: what was said last stands
            self._status.say(status)

    def _close(self) -> None:
        self._writer.close()
        self._following.close()
        self._bell.close()
        self._marker.close()


def _tell_of_gap(followed: Followed, item: Item) -> None:
    where = {"file": str(followed.folder), "position": item.start}
    _log.error("journal_gap", **where, reason=item.reason)
