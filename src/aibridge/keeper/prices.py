"""The prices that calls are rated with: the shipped ones, and those that the operator has set."""

import time
from collections.abc import Mapping

import structlog

from aibridge.prices.book import PriceBook
from aibridge.prices.catalogue import Catalogue
from aibridge.prices.custom import CustomPrice
from aibridge.recorder.rating import Rater
from aibridge.recorder.records import End, Start, UsageCost
from aibridge.store.engine.database import Database
from aibridge.store.usage import model_prices

LOOK_SECONDS = 5.0
"""How often it is looked whether the operator has set other prices."""

_log = structlog.get_logger()


class Prices:
    """Rates calls, by the custom prices of the last seconds. Belongs to one thread."""

    def __init__(
        self, database: Database, catalogue: Catalogue, geographies: Mapping[str, str]
    ) -> None:
        self._database = database
        self._catalogue = catalogue
        self._geographies = geographies
        self._custom: list[CustomPrice] | None = None
        self._rater: Rater | None = None
        self._look_at = 0.0

    def costs(self, start: Start, end: End) -> tuple[UsageCost, ...]:
        """Return what each model run of an answer costs; nothing where it cannot be rated.

        Raises what the database raises when it is away.
        """
        rater = self._current()
        try:
            return rater.costs(start, end)
        except Exception as error:  # noqa: BLE001 - whatever it is, the others go on
            _log.error("call_not_rated", interception=start.id, error=repr(error))
            return ()

    def _current(self) -> Rater:
        """Return who rates by the prices of now."""
        if self._rater is None or time.monotonic() >= self._look_at:
            with self._database.read() as connection:
                custom = [each.price for each in model_prices.list_prices(connection)]
            if self._rater is None or custom != self._custom:
                book = PriceBook(self._catalogue, custom)
                self._rater, self._custom = Rater(book, self._geographies), custom
            self._look_at = time.monotonic() + LOOK_SECONDS
        return self._rater
