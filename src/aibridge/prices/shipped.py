"""The shipped price lists: the data of genai-prices as a `Catalogue`.

The only module that imports genai-prices, and only when it is asked: that takes half a second and
some 30 MB, and brings pydantic. Run as a program it prints the catalogue, so that a process that
must stay small can have it without that: see `aibridge.prices.installed`.
"""

import sys
from collections.abc import Iterator
from decimal import ROUND_HALF_EVEN, Decimal
from importlib.metadata import version
from typing import TYPE_CHECKING

from aibridge.prices.additions import completed
from aibridge.prices.catalogue import Catalogue, Clause, Model, Offer, PriceList, Variant
from aibridge.prices.rates import MILLION, Rate, Tier, Unit
from aibridge.prices.supplements import ORDINARY, supplemented

if TYPE_CHECKING:
    from genai_prices import types

_TAKEN = (
    "anthropic",
    "aws",
    "azure",
    "deepseek",
    "github-copilot",
    "google",
    "mistral",
    "moonshotai",
    "openai",
    "openrouter",
    "x-ai",
)
"""Lists that a type of provider has, or falls back to."""

_TOKENS = MILLION
_CALLS = MILLION * 1000

_UNITS = {
    "input_mtok": (Unit.INPUT, _TOKENS),
    "input_audio_mtok": (Unit.INPUT_AUDIO, _TOKENS),
    "cache_read_mtok": (Unit.CACHE_READ, _TOKENS),
    "cache_audio_read_mtok": (Unit.CACHE_READ_AUDIO, _TOKENS),
    "cache_write_mtok": (Unit.CACHE_WRITE, _TOKENS),
    "cache_write_1h_mtok": (Unit.CACHE_WRITE_1H, _TOKENS),
    "output_mtok": (Unit.OUTPUT, _TOKENS),
    "output_audio_mtok": (Unit.OUTPUT_AUDIO, _TOKENS),
    "web_searches_kcount": (Unit.WEB_SEARCH, _CALLS),
    "storage_searches_kcount": (Unit.FILE_SEARCH, _CALLS),
}
"""Names of prices, and what makes micro-dollars a million of the dollars that each is in."""

_HOWS = {
    "equals": "equals",
    "starts_with": "starts",
    "ends_with": "ends",
    "contains": "contains",
}


def shipped_catalogue() -> Catalogue:
    """Return the price lists of the release of genai-prices that is installed."""
    from genai_prices.data import providers  # noqa: PLC0415 - see the module

    lists = {each.id: _price_list(each) for each in providers if each.id in _TAKEN}
    return Catalogue(f"genai-prices {version('genai-prices')}", lists)


def _price_list(provider: "types.Provider") -> PriceList:
    return PriceList(
        completed(provider.id, (_model(provider.id, each) for each in provider.models)),
        tuple(provider.fallback_model_providers or ()),
    )


def _model(list_name: str, found: "types.ModelInfo") -> Model:
    return Model(
        id=found.id,
        match=tuple(_alternatives(found.match)),
        offers=tuple(_offers(list_name, found)),
        variants=tuple(_variants(list_name, found)),
        context_window=found.context_window,
        unsupported=tuple(sorted(set(_unsupported(found)))),
    )


def _offers(list_name: str, found: "types.ModelInfo") -> Iterator[Offer]:
    ordinary = dict(ORDINARY.get((list_name, found.id), {}))
    for prices, constraint in _dated(found):
        since = getattr(constraint, "start_date", None)
        yield Offer(_rates(list_name, found.id, prices), since, ordinary)


def _dated(found: "types.ModelInfo") -> "Iterator[tuple[types.ModelPrice, object]]":
    """The ordinary prices of a model, each with the condition on which it holds."""
    if not isinstance(found.prices, list):
        yield found.prices, None
        return
    for each in found.prices:
        yield each.prices, each.constraint


def _variants(list_name: str, found: "types.ModelInfo") -> Iterator[Variant]:
    for each in found.price_variants or ():
        if len(each.when) == 1 and not hasattr(each.constraint, "start_time"):
            ((key, value),) = each.when.items()
            since = getattr(each.constraint, "start_date", None)
            yield Variant(key, value, _rates(list_name, found.id, each.prices), since)


def _rates(list_name: str, model: str, prices: "types.ModelPrice") -> dict[Unit, Rate]:
    rates = {_UNITS[name][0]: _rate(price, _UNITS[name][1]) for name, price in _stated(prices)}
    return supplemented(list_name, model, rates)


def _stated(
    prices: "types.ModelPrice", *, known: bool = True
) -> Iterator[tuple[str, "Decimal | types.TieredPrices"]]:
    """The prices with a unit of ours, or those without."""
    for name, price in vars(prices).items():
        if price is not None and (name in _UNITS) is known:
            yield name, price


def _rate(price: "Decimal | types.TieredPrices", factor: int) -> Rate:
    if isinstance(price, Decimal):
        return Rate(_whole(price * factor))
    tiers = tuple(Tier(each.start, _whole(each.price * factor)) for each in price.tiers)
    return Rate(_whole(price.base * factor), tiers)


def _whole(micros: Decimal) -> int:
    """Return micro-dollars as an integer.

    No provider lists a rate with more than six decimals of a dollar: where the data has more, they
    are the noise of somebody's division.
    """
    return int(micros.to_integral_value(rounding=ROUND_HALF_EVEN))


def _unsupported(found: "types.ModelInfo") -> Iterator[str]:
    """What a model is charged for that no unit of ours counts, or by a rule that is not ours."""
    for prices, constraint in _dated(found):
        for name, _ in _stated(prices, known=False):
            yield name.rpartition("_")[0]
        if hasattr(constraint, "start_time"):
            yield "time of day"


def _alternatives(match: "types.MatchLogic") -> Iterator[tuple[Clause, ...]]:
    """The sets of conditions of which one must hold for a name to match."""
    if (either := getattr(match, "or_", None)) is not None:
        for each in either:
            yield from _alternatives(each)
    elif (both := getattr(match, "and_", None)) is not None:
        yield tuple(_clause(each) for each in both)
    else:
        yield (_clause(match),)


def _clause(clause: "types.MatchLogic") -> Clause:
    if (pattern := getattr(clause, "regex", None)) is not None:
        return Clause("regex", pattern)
    for attribute, how in _HOWS.items():
        if (text := getattr(clause, attribute, None)) is not None:
            return Clause(how, text.lower())
    raise TypeError(f"a condition of a kind that is not known: {clause!r}")


if __name__ == "__main__":
    sys.stdout.buffer.write(shipped_catalogue().encode())
