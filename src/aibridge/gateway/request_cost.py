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
from aibridge.prices.cost import Priced as Known
from aibridge.prices.rates import Price, Unit
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
    return demand(body, call.route.dialect), len(body)


class RequestCosts:
    """Works out what requests can cost at most by a book of prices.

    ``geographies`` are those of providers by their names, where their addresses tell.
    """

    def __init__(self, book: PriceBook, geographies: Mapping[str, str]) -> None:
        self.book = book
        self._geographies = geographies
        self._found: dict[tuple[object, ...], Found] = {}

    def most(self, provider: Provider, asked: Demand, size: int) -> Cost:
        """Return the most that a request of so many bytes can cost; unpriced where none says.

        All models that may be run are taken to be. A provider may not grant the tier that is asked
        for, so that the ordinary one counts where it is dearer.
        """
        ordinary = asked._replace(service_tier="", speed="")
        costs = []
        for model in (asked.model, *asked.models):
            tiers = dict.fromkeys(each._replace(model=model) for each in (asked, ordinary))
            costs.append(_dearest([self._most(provider, tier, size) for tier in tiers]))
        return _sum(costs)

    def _most(self, provider: Provider, asked: Demand, size: int) -> Cost:
        price, window = self._price(provider, asked)
        if isinstance(price, Unpriced):
            return price
        return bound.upper_bound(price, _wanted(asked, size, price), window=window, ratio=RATIO)

    def _price(self, provider: Provider, asked: Demand) -> Found:
        """Return what a model costs today, and the most tokens that it reads and says together."""
        today = now() // DAY * DAY
        named = asked.model, asked.service_tier, asked.speed, asked.geography
        key = (provider.name, *named, today)
        if (found := self._found.get(key)) is None:
            if len(self._found) >= MAX_REMEMBERED:
                self._found.clear()  # models are named by clients: there may be any number
            geography = asked.geography or self._geographies.get(provider.name, "")
            call = Priced(
                provider=provider.type.name,
                models=(asked.model,),
                at=moment(today),
                service_tier=asked.service_tier,
                speed=asked.speed,
                geography=geography,
            )
            window = self.book.context_window(call.provider, asked.model)
            found = self._found[key] = self.book.find(call), window
        return found


def _wanted(asked: Demand, size: int, price: Price) -> bound.Demand:
    """Return what is asked for as a bound needs it; what a price lacks of tools' fees is left."""
    tools = asked.hosted
    calls = {Unit.WEB_SEARCH: tools.web_searches, Unit.FILE_SEARCH: tools.file_searches}
    return bound.Demand(
        body_bytes=size,
        max_output=asked.max_output,
        answers=asked.answers,
        runs=tools.runs,
        refers=asked.refers,
        calls={unit: count for unit, count in calls.items() if unit in price.rates},
        images=asked.attached.images,
        files=asked.attached.files,
    )


def _dearest(costs: list[Cost]) -> Cost:
    """Return the highest of costs; unpriced where one of them is."""
    most = max(costs, key=_micros)
    for cost in costs:
        if isinstance(cost, Unpriced):
            return Unpriced(cost.parts, at_least=_micros(most))
    return most


def _sum(costs: list[Cost]) -> Cost:
    """Return what all of it costs together; unpriced where a part is."""
    total = sum(map(_micros, costs))
    unknown = [part for cost in costs if isinstance(cost, Unpriced) for part in cost.parts]
    return Unpriced(tuple(dict.fromkeys(unknown)), at_least=total) if unknown else Known(total)


def _micros(cost: Cost) -> int:
    return cost.at_least if isinstance(cost, Unpriced) else cost.micros
