"""The most that a request can cost, worked out while it waits."""

from collections.abc import Mapping

from aibridge.dialects.bounds import Buffer
from aibridge.dialects.demand import Demand, demand
from aibridge.dialects.encoding import Undecodable, decode
from aibridge.gateway.call import Call
from aibridge.ids import moment, now
from aibridge.prices import bound
from aibridge.prices.book import Call as Priced
from aibridge.prices.book import PriceBook
from aibridge.prices.cost import Cost, Unpriced
from aibridge.prices.rates import Price
from aibridge.providers.provider import Provider
from aibridge.store.schema.measures import DAY

RATIO = bound.Ratio(1, 2)
"""Tokens that a request's bytes are taken for: agents send 3 to 4 bytes a token."""
MAX_REMEMBERED = 4096
"""Models whose price is remembered."""

Found = tuple[Price | Unpriced, int | None]


def read(call: Call, limit: int) -> tuple[Demand | None, int]:
    """Return what a call asks for, and how many bytes it has unpacked; up to a ``limit`` of them.

    Nothing where that cannot be read.
    """
    body: Buffer = call.body
    if encoding := call.request.headers.get(b"content-encoding"):
        try:
            body = decode(body, encoding, limit)
        except Undecodable:
            return None, 0
    return demand(body), len(body)


class RequestCosts:
    """Works out what requests can cost at most by a book of prices.

    ``geographies`` are those of providers by their names, where their addresses tell.
    """

    def __init__(self, book: PriceBook, geographies: Mapping[str, str]) -> None:
        self.book = book
        self._geographies = geographies
        self._found: dict[tuple[object, ...], Found] = {}

    def most(self, provider: Provider, asked: Demand, size: int) -> Cost:
        """Return the most that a request of so many bytes can cost; unpriced where none says."""
        price, window = self._price(provider, asked)
        if isinstance(price, Unpriced):
            return price
        wanted = bound.Demand(
            body_bytes=size,
            max_output=asked.max_output,
            answers=asked.answers,
            refers=asked.refers,
        )
        return bound.upper_bound(price, wanted, window=window, ratio=RATIO)

    def _price(self, provider: Provider, asked: Demand) -> Found:
        """Return what a model costs today, and the most tokens that it reads and says together."""
        today = now() // DAY * DAY
        key = (provider.name, asked.model, asked.service_tier, asked.speed, today)
        if (found := self._found.get(key)) is None:
            if len(self._found) >= MAX_REMEMBERED:
                self._found.clear()  # models are named by clients: there may be any number
            kind, geography = provider.type.name, self._geographies.get(provider.name, "")
            named = (asked.model,), moment(today), asked.service_tier, asked.speed, geography
            window = self.book.context_window(kind, asked.model)
            found = self._found[key] = self.book.find(Priced(kind, *named)), window
        return found
