"""A batch of interceptions in one transaction: what is known of each, and no row of it twice."""

from collections.abc import Collection, Iterable
from contextlib import suppress
from typing import NamedTuple

from msgspec.structs import replace

from aibridge.recorder.linking import Linker
from aibridge.recorder.pending import Pending
from aibridge.recorder.records import End, Start, Status
from aibridge.recorder.restoring import read_end
from aibridge.recorder.rows import (
    Lineage,
    Numbers,
    annotation_number,
    annotation_row,
    end_rows,
    numbers,
    start_rows,
    whole_rows,
)
from aibridge.store.record.journals import Advance
from aibridge.store.record.stored import StoredState
from aibridge.store.record.writer import BatchWriter
from aibridge.store.schema.rows import CorrelationRow, Kind, Linked, Numbered, Row


class Written(NamedTuple):
    """What a transaction made durable."""

    lineages: dict[Pending, Lineage]
    ended: list[Pending]
    found_open: set[Pending]
    """Those that were there already, without an end: others may yet close them."""
    server_id: int | None

    def note(self) -> None:
        """Note it on what was written, which is not done before it is durable."""
        for item, lineage in self.lineages.items():
            item.lineage = lineage
            item.unsure = item in self.found_open
            item.server_id = self.server_id
        for item in self.ended:
            item.end_is_kept = True


def commit(
    store: BatchWriter, batch: Collection[Pending], steps: Collection[Advance] = ()
) -> Written:
    """Write all that is known of the batch in one transaction, in its order.

    The ``steps`` in journals are taken in the same one. Of those that are `unsure` the database is
    asked first: what it has is not written again.
    """
    return _write(store, batch, steps, keep=True)


def check(store: BatchWriter, item: Pending) -> None:
    """Raise what writing an interception would raise, and leave the database as it is."""
    with suppress(_NotKept):
        _write(store, [item], (), keep=False)


def _write(
    store: BatchWriter, batch: Collection[Pending], steps: Collection[Advance], *, keep: bool
) -> Written:
    server_id = store.server_id
    for item in batch:
        item.unsure |= item.lineage is not None and item.server_id != server_id
        if item.start.annotations is not None:  # each call may have others: all at once, not anew
            store.number(annotation_row(item.start.annotations))
    while True:
        try:
            with store.transaction(server_id):
                store.advance(steps)
                written = _add_all(store, batch, _Rows(store, server_id))
                if not keep:
                    store.settle()
                    raise _NotKept
        except _NewNumber as new:
            store.number(new.of)
        else:
            return written


class _NotKept(Exception):
    """A transaction is undone that was only tried."""


class _NewNumber(Exception):
    """Something has no number yet, which no transaction can give it."""

    def __init__(self, of: Numbered) -> None:
        super().__init__(of)
        self.of = of


def _add_all(store: BatchWriter, batch: Collection[Pending], rows: "_Rows") -> Written:
    lineages: dict[Pending, Lineage] = {}
    linker = Linker(rows, store.sessions.pause)
    states = _stored_states(store, batch)
    for item in batch:
        lineages[item] = _add(rows, linker, item, states.get(item.start.id), item.end)
    rows.flush()
    found_open = {item for item in batch if item.start.id in states and item.end is None}
    ended = [item for item in batch if item.end is not None]
    return Written(lineages, ended, found_open, rows.server_id)


def _add(
    rows: "_Rows", linker: Linker, item: Pending, found: StoredState | None, end: End | None
) -> Lineage:
    """Add what the database does not have of an interception, and return where it belongs."""
    start = item.start
    lineage = Lineage(*found[:3]) if found is not None else None if item.unsure else item.lineage
    if lineage is None:
        lineage = linker.lineage(start)
        rows.add_begun(start, lineage, end)
    elif end is not None and not item.end_is_kept and _is_news(rows, start, found, end):
        rows.add_end(start, lineage, end)
    return lineage


def _is_news(rows: "_Rows", start: Start, found: StoredState | None, end: End) -> bool:
    """Whether the database has no end, or only a less final one, which is taken back then."""
    if start.id in rows.ended:
        return False
    if found is None or not found.ended:
        return True
    if end.finality <= found.finality:
        return False
    rows.take_back_end(start, Lineage(*found[:3]))
    return True


def _stored_states(store: BatchWriter, batch: Iterable[Pending]) -> dict[str, StoredState]:
    unsure = [item.start.id for item in batch if item.unsure]
    return store.stored_states(unsure) if unsure else {}


class _Rows:
    """The rows of a batch, written together as far as none of them is looked for meanwhile."""

    def __init__(self, store: BatchWriter, server_id: int | None) -> None:
        self._store = store
        self.server_id = server_id
        self._rows: list[Row] = []
        self._called: set[str] = set()
        """Tool calls that would be found if the rows were written."""
        self._keyed: dict[tuple[str, str], Linked] = {}
        """What the keys of this batch lead to, by person and key."""
        self.ended: set[str] = set()
        """Interceptions whose ends are among the rows: two polls may have seen the same end."""

    def add_begun(self, start: Start, lineage: Lineage, end: End | None) -> None:
        """Add an interception that is not in the database, with its end if it has one."""
        if end is None:
            annotation = annotation_number(start, self.number)
            rows = start_rows(start, lineage, self.server_id, annotation)
            self._add(rows, start, lineage, None)
        else:
            whole = whole_rows(start, lineage, end, numbers(start, end, self.number))
            self._add(whole, start, lineage, end)
        if (named := start.parent_session_id or start.client_session_id) is not None:
            sessions = self._store.sessions
            sessions.put(start.initiator_id, named, lineage.session_id, start.started_at)

    def add_end(self, start: Start, lineage: Lineage, end: End) -> None:
        """Add the end of an interception that is in the database."""
        rows = end_rows(start, lineage, end, numbers(start, end, self.number))
        self._add(rows, start, lineage, end)

    def _add(self, rows: Iterable[Row], start: Start, lineage: Lineage, end: End | None) -> None:
        status = Status.RUNNING if end is None else end.status
        root_id = lineage.root_id or start.id
        found = Linked(start.id, root_id, lineage.session_id, str(status), start.started_at)
        self._rows += rows
        for row in rows:
            if type(row) is CorrelationRow:
                self._keyed[row.initiator_id, row.key] = found
        if end is not None:
            self.ended.add(start.id)
            self._called.update([call.call_id for call in end.facts.tool_calls])

    def number(self, of: Numbered) -> int:
        """Return the number of a kind, of annotations or of a price."""
        number = self._store.known_number(of)
        if number is None:
            raise _NewNumber(of)
        return number

    def take_back_end(self, start: Start, lineage: Lineage) -> None:
        """Undo what the end added that the database has."""
        row, used, tools = self._store.ended_interception(start.id)
        facet = self.number(Kind(row.provider, row.provider_name, row.model, row.client or "", 0))
        end = read_end(row, used, tools)
        charged = replace(start, group_id=row.group_id)
        its_own = Numbers(row.kind_id or 0, facet, annotation=row.annotation_id or 0)
        self._store.take_back(end_rows(charged, lineage, end, its_own))

    def by_call(self, start: Start, call_id: str) -> Linked | None:
        """Return the newest interception that issued a tool call, in this session if named."""
        if call_id in self._called:
            self.flush()
        return self._store.by_call(start.initiator_id, call_id, start.client_session_id)

    def by_key(self, start: Start, key: str) -> Linked | None:
        """Return the newest interception that is kept under a key."""
        found = self._keyed.get((start.initiator_id, key))
        return found or self._store.by_key(start.initiator_id, key)

    def newest_own(self, start: Start, session_id: str) -> Linked | None:
        """Return the newest interception of a session that is the person's own."""
        self.flush()
        return self._store.newest_own(start.initiator_id, session_id)

    def latest_session(self, start: Start, client_session_id: str) -> tuple[str, int] | None:
        """Return the newest session under a client's id, and when it was last active."""
        sessions = self._store.sessions
        found = sessions.get(start.initiator_id, client_session_id)
        if found is not None and start.started_at - found[1] <= sessions.pause:
            return found
        return self._store.latest_session(start.initiator_id, client_session_id) or found

    def flush(self) -> None:
        """Write what was added."""
        self._store.add(self._rows)
        self._rows = []
        self._called = set()
