"""When tokens were last used: noted at every request, written now and then."""

import asyncio
import contextlib
from collections.abc import Iterator

import structlog

from aibridge.store.engine.database import Database
from aibridge.store.engine.errors import DRIVER_ERRORS
from aibridge.store.people.tokens import note_uses

EVERY_SECONDS = 60.0
"""How often what was noted is written, and so how far back a shown time may be."""

_log = structlog.get_logger()


class LastUses:
    """Remembers when tokens were used, by id, until it is written to the database.

    `note` is for the event loop's thread, `write` for any.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._noted: dict[str, int] = {}

    def note(self, token_id: str, at: int) -> None:
        """Remember that a token was used, at a time in microseconds since 1970."""
        self._noted[token_id] = at

    def write(self) -> None:
        """Write what was noted; trouble with the database is logged, and nothing else of it."""
        noted = dict(self._taken())
        if not noted:
            return
        try:
            with self._database.write() as connection:
                note_uses(connection, noted)
        except DRIVER_ERRORS as error:
            for token_id, at in noted.items():
                self._noted.setdefault(token_id, at)
            _log.warning("last_uses_not_written", error=type(error).__name__)

    def forget(self) -> None:
        """Leave unwritten what was noted: a stop does not wait for a database that is away."""
        self._noted.clear()

    def _taken(self) -> Iterator[tuple[str, int]]:
        """Take what was noted, one by one: meanwhile the event loop may note more."""
        with contextlib.suppress(KeyError):
            while True:
                yield self._noted.popitem()

    async def write_regularly(self) -> None:
        """Write every minute, until cancelled; what is left then is written too."""
        with contextlib.suppress(asyncio.CancelledError):
            while True:
                await asyncio.sleep(EVERY_SECONDS)
                await asyncio.to_thread(self.write)
        await asyncio.to_thread(self.write)
