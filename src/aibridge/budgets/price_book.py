"""The prices of now: those that the operator has set, looked for now and then, and the shipped."""

import time

from aibridge.prices.book import PriceBook
from aibridge.prices.catalogue import Catalogue
from aibridge.prices.custom import CustomPrice
from aibridge.store.engine.database import Database
from aibridge.store.usage import model_prices

LOOK_SECONDS = 5.0
"""How often it is looked whether the operator has set other prices."""


class CurrentPrices:
    """Returns the book of prices, another one once prices were set. Belongs to one thread."""

    def __init__(self, database: Database, catalogue: Catalogue) -> None:
        self._database = database
        self._catalogue = catalogue
        self._custom: list[CustomPrice] = []
        self._book: PriceBook | None = None
        self._look_at = 0.0

    def book(self) -> PriceBook:
        """Return the prices of the last seconds. Raises one of `DRIVER_ERRORS`."""
        if self._book is None or time.monotonic() >= self._look_at:
            with self._database.read() as connection:
                custom = [each.price for each in model_prices.list_prices(connection)]
            if self._book is None or custom != self._custom:
                self._book, self._custom = PriceBook(self._catalogue, custom), custom
            self._look_at = time.monotonic() + LOOK_SECONDS
        return self._book
