"""The prices that calls are rated with: the shipped ones, and those that the operator has set."""

from collections.abc import Mapping

import structlog

from aibridge.budgets.price_book import CurrentPrices
from aibridge.prices.book import PriceBook
from aibridge.prices.catalogue import Catalogue
from aibridge.recorder.rating import Rater
from aibridge.recorder.records import End, Start, UsageCost
from aibridge.store.engine.database import Database

_log = structlog.get_logger()


class Prices:
    """Rates calls, by the custom prices of the last seconds. Belongs to one thread."""

    def __init__(
        self, database: Database, catalogue: Catalogue, geographies: Mapping[str, str]
    ) -> None:
        self._prices = CurrentPrices(database, catalogue)
        self._geographies = geographies
        self._rater: tuple[PriceBook, Rater] | None = None

    def costs(self, start: Start, end: End) -> tuple[UsageCost, ...]:
        """Return what each model run of an answer costs; nothing where it cannot be rated.

        Raises what the database raises when it is away.
        """
        book = self._prices.book()
        if self._rater is None or self._rater[0] is not book:
            self._rater = book, Rater(book, self._geographies)
        try:
            return self._rater[1].costs(start, end)
        except Exception as error:  # noqa: BLE001 - whatever it is, the others go on
            _log.error("call_not_rated", interception=start.id, error=repr(error))
            return ()
