"""Rating what is on record anew: each cost that differs at the prices of now is corrected beside.

No usage row is rewritten, and no two processes add up the same correction: a call is looked at
once more in the transaction that corrects it.
"""

from collections.abc import Sequence
from typing import NamedTuple

import structlog

from aibridge.keeper.rereading import LOCK_SECONDS
from aibridge.recorder.rating import Rateable, Rater
from aibridge.recorder.rerating import Difference, differences
from aibridge.store.engine.database import Database
from aibridge.store.record.correcting import Recorded, correct_costs, look
from aibridge.store.record.corrections import correction, runs
from aibridge.store.record.writer import BatchWriter
from aibridge.store.schema.rows import Kind, TokenUsageRow, ToolUsageRow
from aibridge.store.transfer.purging import take_lock
from aibridge.store.usage.calls import Key, ToolRow, UsedCall, read
from aibridge.store.usage.daily import UsageFilter

_log = structlog.get_logger()

CALLS = 1_000
"""Calls that are read at once."""


class Rerated(NamedTuple):
    """How many usage rows were looked at, how many corrected, and by how much together."""

    rows: int = 0
    corrections: int = 0
    micros: int = 0

    def plus(self, other: "Rerated") -> "Rerated":
        """Return how much both are together."""
        return Rerated(*map(sum, zip(self, other, strict=True)))


class Rerater:
    """Rates calls anew. Belongs to one thread."""

    def __init__(self, database: Database, rater: Rater, *, only_unpriced: bool = False) -> None:
        self._database = database
        self._rater = rater
        self._only_unpriced = only_unpriced
        self._writer = BatchWriter(database, lock_seconds=LOCK_SECONDS)

    def calls(self, where: UsageFilter, after: Key | None = None) -> list[UsedCall]:
        """Return the next calls that ended in a period, `CALLS` at most; none after the last.

        Raises what the database raises when it is away.
        """
        with self._database.read() as connection:
            return read(connection, where, after=after, limit=CALLS)

    def rerate(self, call: UsedCall, *, is_dry: bool) -> Rerated:
        """Rate the usage rows of a call anew, and correct them unless it ``is_dry``.

        Raises `OtherPurgeError`, and what the database raises when it is away: it may be tried
        again then.
        """
        looked_at = len(runs(call.usages).rows)
        found = self._differences(call.row, call.usages, call.tools)
        done = found if is_dry or not found else self._correct(call, found)
        return Rerated(looked_at, len(done), sum(each.micros for each in done))

    def close(self) -> None:
        """Give the connection back."""
        self._writer.close()

    def _correct(self, call: UsedCall, found: list[Difference]) -> list[Difference]:
        """Add corrections, in a transaction of its own, and return in what the call differed then.

        There may be none any more: somebody else has corrected or removed it.
        """
        row, number = call.row, self._writer.number
        facet = Kind(row.provider, row.provider_name, row.model, row.client or "", 0)
        facet_id = number(facet)
        prices = {each.price: number(each.price) for each in found}
        with self._database.write_beside(lock_seconds=LOCK_SECONDS) as connection:
            take_lock(connection)
            old = look(connection, row.id, to_change=True)
            if old is None or old.finality is None or old.kind._replace(shape=0) != facet:
                return []
            usages, tools = old.facts[TokenUsageRow], old.facts[ToolUsageRow]
            again = self._differences(old.row, usages, tools)
            done = [each for each in again if each.price in prices]
            if done:
                correct_costs(connection, old, _corrected(old, done, prices), facet_id)
            return done

    def _differences(
        self,
        call: Rateable,
        usages: Sequence[TokenUsageRow],
        tools: Sequence[ToolUsageRow | ToolRow],
    ) -> list[Difference]:
        """Return in what a call costs otherwise; nothing where it cannot be rated."""
        only = self._only_unpriced
        try:
            return [*differences(call, usages, tools, self._rater, only_unpriced=only)]
        except Exception as error:  # noqa: BLE001 - whatever it is, the others go on
            _log.error("call_not_rated", interception=call.id, error=repr(error))
            return []


def _corrected(old: Recorded, found: list[Difference], prices: dict[str, int]) -> Recorded:
    """Return what is to be on record of a call, with the corrections."""
    added = [
        correction(each.row, each.micros, unpriced=each.unpriced, price_id=prices[each.price])
        for each in found
    ]
    return old._replace(facts=old.facts | {TokenUsageRow: [*old.facts[TokenUsageRow], *added]})
