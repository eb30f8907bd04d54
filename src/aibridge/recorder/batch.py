"""A batch of interceptions in one transaction: what is known of each, and no row of it twice."""

from collections.abc import Collection, Iterable
from typing import NamedTuple

from aibridge.recorder.records import End, Start
from aibridge.recorder.rows import Place, end_rows, kind, read_end, start_rows, whole_rows
from aibridge.recorder.ticket import Pending
from aibridge.store.rows import Row
from aibridge.store.standing import Standing
from aibridge.store.writing import BatchWriter


class Written(NamedTuple):
    """What a transaction made durable."""

    places: dict[Pending, Place]
    ended: list[Pending]
    found_open: set[Pending]
    """Those that were there already, without an end: others may yet close them."""
    server_id: int | None

    def note(self) -> None:
        """Note it on what was written, which is not done before it is durable."""
        for item, place in self.places.items():
            item.place = place
            item.unsure = item in self.found_open
            item.server_id = self.server_id
        for item in self.ended:
            item.end_is_kept = True


def commit(store: BatchWriter, batch: Collection[Pending]) -> Written:
    """Write all that is known of the batch in one transaction, in its order.

    Of those that are `unsure` the database is asked first: what it has is not written again.
    """
    server_id = store.server_id
    for item in batch:
        item.unsure |= item.place is not None and item.server_id != server_id
    ends = {item: item.end for item in batch}  # the event loop may set one at any moment
    kinds = {item: store.kind_id(kind(item.start, end)) for item, end in ends.items() if end}
    places: dict[Pending, Place] = {}
    with store.transaction(server_id):
        stands = _standing(store, batch)
        rows = _Rows(store, server_id)
        for item, end in ends.items():
            found = stands.get(item.start.id)
            places[item] = _add(rows, item, found, end, kinds.get(item, 0))
        rows.flush()
    found_open = {item for item in batch if item.start.id in stands and item not in kinds}
    return Written(places, list(kinds), found_open, server_id)


def _add(
    rows: "_Rows", item: Pending, found: Standing | None, end: End | None, kind_id: int
) -> Place:
    """Add what the database does not have of an interception, and return where it belongs."""
    start = item.start
    place = Place(*found[:3]) if found is not None else None if item.unsure else item.place
    if place is None:
        place = rows.place(start)
        if end is None:
            rows.add(start_rows(start, place, rows.server_id), None)
        else:
            rows.add(whole_rows(start, place, end, kind_id), end)
            rows.ended.add(start.id)
    elif end is not None and not item.end_is_kept and _is_news(rows, start, found, end):
        rows.add(end_rows(start, place, end, kind_id), end)
        rows.ended.add(start.id)
    return place


def _is_news(rows: "_Rows", start: Start, found: Standing | None, end: End) -> bool:
    """Whether the database has no end, or only a less final one, which is taken back then."""
    if start.id in rows.ended:
        return False
    if found is None or not found.ended:
        return True
    if end.finality <= found.finality:
        return False
    rows.take_back_end(start, Place(*found[:3]))
    return True


def _standing(store: BatchWriter, batch: Iterable[Pending]) -> dict[str, Standing]:
    unsure = [item.start.id for item in batch if item.unsure]
    return store.standing(unsure) if unsure else {}


class _Rows:
    """The rows of a batch, written together as far as none of them is looked for meanwhile."""

    def __init__(self, store: BatchWriter, server_id: int | None) -> None:
        self._store = store
        self.server_id = server_id
        self._rows: list[Row] = []
        self._calls: set[str] = set()
        self.ended: set[str] = set()
        """Interceptions whose ends are among the rows: two polls may have seen the same end."""

    def add(self, rows: Iterable[Row], end: End | None) -> None:
        self._rows += rows
        if end is not None and end.facts.tool_calls:
            self._calls.update(call.call_id for call in end.facts.tool_calls)

    def take_back_end(self, start: Start, place: Place) -> None:
        """Undo what the end added that the database has."""
        row, used, tools = self._store.ended_interception(start.id)
        self._store.take_back(end_rows(start, place, read_end(row, used, tools), row.kind_id or 0))

    def place(self, start: Start) -> Place:
        """Find the thread that the request goes on with: its newest tool result that is known."""
        if not self._calls.isdisjoint(start.tool_result_ids):
            self.flush()
        for call_id in reversed(start.tool_result_ids):
            parent = self._store.parent(start.initiator_id, call_id, start.client_session_id)
            if parent is not None:
                return Place(parent.session_id, parent.id, parent.root_id)
        return Place(start.client_session_id or start.id)

    def flush(self) -> None:
        self._store.add(self._rows)
        self._rows = []
        self._calls = set()
