"""Writing the record: rows of a whole batch in one transaction, as cheaply as the driver can.

The statements are built from the tables once; what runs is their text on the bare driver
connection: the batch is the hot path, and SQLAlchemy's own execution costs several times as much.
"""

from collections.abc import Iterable
from contextlib import AbstractContextManager
from typing import Any

from aibridge.ids import first_id_at, now
from aibridge.store import text_index
from aibridge.store.database import Database
from aibridge.store.rows import InterceptionRow, Parent, Row, TextRow
from aibridge.store.statements import Statements

RECENT_MICROSECONDS = 8 * 24 * 3600 * 1_000_000
"""How far back a tool call is looked for at first: further back are other partitions."""


class BatchWriter:
    """A connection that writes batches of rows, each in a transaction of its own.

    It belongs to the thread that uses it. Trouble with the database raises one of
    `aibridge.store.trouble.DRIVER_ERRORS`, with nothing of the batch written; the next transaction
    connects anew where the connection was lost.
    """

    def __init__(self, database: Database) -> None:
        self._link = database.link()
        self._statements = Statements(is_postgresql=database.is_postgresql)
        self._writes = self._statements.writes

    def transaction(self) -> AbstractContextManager[None]:
        """Make everything done inside durable at the end, or nothing of it."""
        return self._link.transaction()

    def parent(self, initiator_id: str, call_id: str, session_id: str | None) -> Parent | None:
        """Return the interception that issued the call, in this session if one is named."""
        statements = self._statements
        sql = statements.parent if session_id is None else statements.parent_in_session
        names = {"initiator_id": initiator_id, "call_id": call_id, "session_id": session_id}
        since = [first_id_at(now() - RECENT_MICROSECONDS), ""] if statements.in_portions else [""]
        for id_ in since:
            for row in self._link.select(sql, {**names, "since": id_}, 1):
                return Parent(*row)
        return None

    def open_interceptions(self, most: int) -> list[tuple[InterceptionRow, str | None]]:
        """Return interceptions without an end, oldest first, each with its prompt."""
        rows = self._link.select(self._statements.open, {}, most)
        return [(InterceptionRow(*row[:-1]), row[-1]) for row in rows]

    def add(self, rows: Iterable[Row]) -> None:
        """Write the rows, kind by kind."""
        kinds: dict[type[Row], list[Any]] = {kind: [] for kind in (*self._writes, TextRow)}
        for row in rows:
            kinds[type(row)].append(row)
        text_index.add(self._link.cursor, kinds.pop(TextRow))
        for kind, group in kinds.items():
            self._link.write(self._writes[kind], group)

    def close(self) -> None:
        """Give the connection back."""
        self._link.close()
