"""Writing the record: rows of a whole batch in one transaction, as cheaply as the driver can.

The statements are built from the tables once; what runs is their text on the bare driver
connection: the batch is the hot path, and SQLAlchemy's own execution costs several times as much.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from operator import add
from typing import Any

from aibridge.ids import first_id_at, now
from aibridge.store.engine.database import Database
from aibridge.store.engine.errors import DRIVER_ERRORS
from aibridge.store.engine.servers import Lease, was_taken_for_gone
from aibridge.store.record import stored
from aibridge.store.record.correlation import PAUSE, ActiveSessions, latest_session_names
from aibridge.store.record.journals import Advance, Position
from aibridge.store.record.statements import SUMS, Statements
from aibridge.store.record.stored import StoredState
from aibridge.store.schema.rows import (
    DAILY_KEYS,
    AccountSpendRow,
    AnnotationRow,
    CorrelationRow,
    DailyUsageRow,
    EndRow,
    InitiatorKindRow,
    InterceptionRow,
    Kind,
    Linked,
    Numbered,
    Row,
    SessionKindRow,
    SessionRow,
    TextRow,
)
from aibridge.store.search import index as text_index

RECENT_MICROSECONDS = 8 * 24 * 3600 * 1_000_000
"""How far back a tool call is looked for at first: further back are other partitions."""

MAX_FACTS = 100_000
"""Tokens or tool calls that are read of one interception: more than an answer can have."""

MAX_PROMPTS = 100
"""Prompts that are read of one interception."""

MAX_NUMBERS_KNOWN = 10_000
"""Kinds, prices and annotations whose numbers are kept in memory: clients may name any number."""


class OtherKeeperError(Exception):
    """Another transaction has moved on in a journal, perhaps one whose outcome was not known."""


class BatchWriter:
    """A connection that writes batches of rows, each in a transaction of its own.

    It belongs to the thread that uses it. Trouble with the database raises one of
    `aibridge.store.engine.errors.DRIVER_ERRORS`, with nothing of the batch written; the next
    transaction connects anew where the connection was lost.
    """

    def __init__(
        self,
        database: Database,
        *,
        lock_seconds: float | None = None,
        lease: Lease | None = None,
        session_pause: int = PAUSE,
    ) -> None:
        """Connect; ``lock_seconds`` is how long to wait for another writer, if not as usual.

        With a ``lease`` it writes as one server of several. Sessions end after a pause, in
        microseconds.
        """
        self.sessions = ActiveSessions(session_pause)
        self._link = database.link(lock_seconds=lock_seconds)
        self._lease = lease
        self._statements = Statements(is_postgresql=database.is_postgresql)
        self._writes = self._statements.writes
        self._numbers: dict[Kind | str, int] = {}  # of annotations by their digests

    @property
    def server_id(self) -> int | None:
        """As which server it writes now, where there may be several."""
        return None if self._lease is None else self._lease.number

    @contextmanager
    def transaction(self, server_id: int | None = None) -> Iterator[None]:
        """Make everything done inside durable at the end, or nothing of it.

        It is done as the server of a number, this one if none is given. Where that was taken for
        gone it fails, and the next one is another server's.
        """
        server_id = self.server_id if server_id is None else server_id
        try:
            with self._link.transaction(server_id):
                yield
        except DRIVER_ERRORS as error:
            if self._lease is not None and was_taken_for_gone(error):
                self._lease.renew(self._link, server_id)
            raise

    def by_call(self, initiator_id: str, call_id: str, session_id: str | None) -> Linked | None:
        """Return the interception that issued a call, in a client's session if one is named."""
        statements = self._statements
        sql = statements.by_call if session_id is None else statements.by_call_in_session
        names = {"initiator_id": initiator_id, "call_id": call_id, "session_id": session_id}
        since = [first_id_at(now() - RECENT_MICROSECONDS), ""] if statements.in_portions else [""]
        for id_ in since:
            for row in self._link.select(sql, {**names, "since": id_}, 1):
                return Linked(*row)
        return None

    def by_key(self, initiator_id: str, key: str) -> Linked | None:
        """Return the interception that is kept under a key."""
        names = {"initiator_id": initiator_id, "correlation_key": key}
        for row in self._link.select(self._statements.by_key, names, 1):
            return Linked(*row)
        return None

    def newest_own(self, initiator_id: str, session_id: str) -> Linked | None:
        """Return the newest interception of a session that is the person's own."""
        names = {"initiator_id": initiator_id, "session_id": session_id}
        for row in self._link.select(self._statements.newest_own, names, 1):
            return Linked(*row)
        return None

    def latest_session(self, initiator_id: str, session_id: str) -> tuple[str, int] | None:
        """Return the newest session under a client's id, and when it was active last."""
        names = latest_session_names(initiator_id, session_id)
        for id_, active_at in self._link.select(self._statements.latest_session, names, 1):
            return str(id_), int(active_at)
        return None

    def stored_states(self, ids: Sequence[str]) -> dict[str, StoredState]:
        """Return which of the interceptions are in the database, and how they stand.

        To be asked in the transaction that goes on with them: until it ends nobody else does.
        """
        found: dict[str, StoredState] = {}
        for first in range(0, len(ids), stored.BATCH):
            portion = ids[first : first + stored.BATCH]
            names = {f"id_{number}": id_ for number, id_ in enumerate(portion)}
            sql = self._statements.stored_states(len(portion))
            for id_, *rest in self._link.select(sql, names, len(portion)):
                found[id_] = StoredState(*rest)
        return found

    def open_interceptions(self, most: int) -> list[InterceptionRow]:
        """Return interceptions without an end, oldest first."""
        rows = self._link.select(self._statements.open, {}, most)
        return [InterceptionRow(*row) for row in rows]

    def ended_interception(
        self, id_: str
    ) -> tuple[InterceptionRow, list[tuple[Any, ...]], list[tuple[str, str]]]:
        """Return an interception, what its model runs used, and its tool calls.

        What was used are the tokens of `aibridge.store.schema.rows.COUNTERS`, the cost, and what
        is unpriced; the calls are names and arguments.
        """
        names, sql = {"of_id": id_}, self._statements
        (row,) = self._link.select(sql.one, names, 1)
        used = self._link.select(sql.used, names, MAX_FACTS)
        tools = self._link.select(sql.called, names, MAX_FACTS)
        return (
            InterceptionRow(*row),
            [tuple(each) for each in used],
            [tuple(each) for each in tools],
        )

    def prompts(self, id_: str) -> list[tuple[str, str]]:
        """Return the prompts of an interception, each with its metadata."""
        rows = self._link.select(self._statements.prompts, {"of_id": id_}, MAX_PROMPTS)
        return [(str(text), str(metadata)) for text, metadata in rows]

    def known_number(self, of: Numbered) -> int | None:
        """Return the number of something, nothing where it was not asked for before."""
        return self._numbers.get(of.digest if isinstance(of, AnnotationRow) else of)

    def number(self, of: Numbered) -> int:
        """Return the number of something, which is added if new. Not in a transaction."""
        known = self.known_number(of)
        if known is not None:
            return known
        if len(self._numbers) >= MAX_NUMBERS_KNOWN:
            self._numbers.clear()
        number = self._find_number(of)
        self._numbers[of.digest if isinstance(of, AnnotationRow) else of] = number
        return number

    def _find_number(self, of: Numbered) -> int:
        sql = self._statements
        finding, adding = sql.numbering[type(of)]
        names = {"price": of} if isinstance(of, str) else of._asdict()
        for step in (finding, adding, finding):
            for (number,) in self._link.select(step, names, 2):
                return int(number)
        raise LookupError(of)  # a writer beside this one has added it: it is found at the end

    def add(self, rows: Iterable[Row]) -> None:
        """Write the rows, sort by sort."""
        sorts: dict[type[Row], list[Any]] = {sort: [] for sort in (*self._writes, TextRow)}
        for row in rows:
            sorts[type(row)].append(row)
        sorts[SessionKindRow] = sorted(set(sorts[SessionKindRow]))
        sorts[CorrelationRow].sort()  # in one order, as other servers write them too
        sorts[InitiatorKindRow] = _summed(sorts[InitiatorKindRow], 2)
        sorts[DailyUsageRow] = _summed(sorts[DailyUsageRow], DAILY_KEYS)
        sorts[AccountSpendRow] = _summed(sorts[AccountSpendRow], 2)
        texts = sorts.pop(TextRow)
        for sort, group in sorts.items():
            if group:
                self._link.write(self._writes[sort], group)
        if sessions := sorted({row[:2] for row in sorts[SessionKindRow]}):
            self._link.write(self._statements.move_session_kinds, sessions)
        text_index.add(self._link.cursor, texts)

    def take_back(self, rows: Iterable[Row]) -> None:
        """Undo that an end was added, by the rows that it added."""
        for row in rows:
            if isinstance(row, EndRow):
                self._link.select(self._statements.reopen, {"of_id": row.id}, 1)
                for sql in self._statements.remove_facts:
                    self._link.select(sql, {"of_id": row.id}, 1)
            elif isinstance(row, TextRow):
                text_index.remove(self._link.cursor, row)
            elif isinstance(row, SessionRow):
                sums = {name: -getattr(row, name) for name in SUMS}
                self.add([row._replace(**sums)])
            elif isinstance(row, SessionKindRow):
                names = {f"of_{name}": value for name, value in row._asdict().items()}
                self._link.select(self._statements.remove_session_kind, names, 1)
            elif isinstance(row, InitiatorKindRow):
                self.add([row._replace(interceptions=-row.interceptions)])
                names = {"of_initiator_id": row.initiator_id, "of_kind_id": row.kind_id}
                self._link.select(self._statements.remove_initiator_kind, names, 1)
            elif isinstance(row, DailyUsageRow):
                less = (-number for number in row[DAILY_KEYS:])
                self.add([DailyUsageRow(*row[:DAILY_KEYS], *less)])
            elif isinstance(row, AccountSpendRow):
                self.add([row._replace(cost_micros=-row.cost_micros)])

    def position_in(self, journal: str) -> Position | None:
        """Return how far the database has come with a journal, `None` where it has not begun."""
        for row in self._link.select(self._statements.journal_position, {"of_id": journal}, 1):
            return Position(*row)
        return None

    def advance(self, steps: Iterable[Advance]) -> None:
        """Move on in journals, first in a transaction. Raises `OtherKeeperError`."""
        for journal, before, after in steps:
            names = {"of_id": journal, "new_applied": after.applied, "new_resume": after.resume}
            sql = self._statements.begin_journal
            if before is not None:
                sql, names["before_applied"] = self._statements.advance_journal, before.applied
            if not self._link.select(sql, names, 1):
                raise OtherKeeperError(journal)

    def settle(self) -> None:
        """Wait until the database has done all of this transaction so far; raise what it says.

        PostgreSQL is sent statement after statement, and says at the end how they went.
        """
        self._link.select("SELECT 1", {}, 1)

    def break_off(self) -> None:
        """Let what the writer's thread waits for fail now. For another thread."""
        self._link.break_off()

    def close(self) -> None:
        """Give the connection back."""
        self._link.close()


def _summed(rows: Iterable[Any], keys: int) -> list[Any]:
    """Return one row for each key, which is so many fields at the beginning, in their order."""
    sums: dict[tuple[Any, ...], Any] = {}
    for row in rows:
        before = sums.get(row[:keys])
        if before is not None:
            row = type(row)(*row[:keys], *map(add, before[keys:], row[keys:]))  # noqa: PLW2901
        sums[row[:keys]] = row
    return [sums[key] for key in sorted(sums)]
