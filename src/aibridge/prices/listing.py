"""What ordinary calls cost by the shipped price lists, model by model, to be shown to people."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import NamedTuple

from aibridge.prices.book import Call, PriceBook
from aibridge.prices.catalogue import Catalogue, Found, Model
from aibridge.prices.names import LISTS, RESELLERS, RESOLD
from aibridge.prices.rates import Price


class Listed(NamedTuple):
    """A model of a provider type, by its name in the list, and the price of ordinary calls."""

    provider: str
    model: str
    price: Price


def shipped_prices(
    catalogue: Catalogue, providers: Iterable[str], at: datetime
) -> Iterator[Listed]:
    """Yield what calls of a time cost by the lists of these provider types.

    Calls of another service tier, speed or geography may cost something else. Left out is what has
    no price, and an entry that stands for other names than its own, such as ``ft:gpt-4o``.
    """
    book = PriceBook(catalogue)
    for provider in providers:
        for name, found in _entries(catalogue, provider):
            price = book.listed_price(found, Call(provider, (name,), at))
            if isinstance(price, Price) and found.model.is_meant(found.model.id.lower()):
                yield Listed(provider, name, price)


def _entries(catalogue: Catalogue, provider: str) -> Iterator[tuple[str, Found]]:
    """Yield the models that a provider type has, with their names there."""
    if provider in RESELLERS:
        for vendor, name in RESOLD.items():
            for model in _models(catalogue, name):
                yield f"{vendor}/{model.id}", Found(model, name, is_own=False)
    elif provider in LISTS:
        yield from _with_fallbacks(catalogue, LISTS[provider])


def _with_fallbacks(catalogue: Catalogue, list_name: str) -> Iterator[tuple[str, Found]]:
    """Yield the models of a list, and of those it falls back to what no list before them means."""
    own = catalogue.lists.get(list_name)
    before: list[Model] = []
    for name in (list_name, *(own.fallbacks if own else ())):
        models = _models(catalogue, name)
        for model in models:
            if not any(other.is_meant(model.id.lower()) for other in before):
                yield model.id, Found(model, name, name == list_name)
        before += models


def _models(catalogue: Catalogue, list_name: str) -> tuple[Model, ...]:
    found = catalogue.lists.get(list_name)
    return found.models if found else ()
