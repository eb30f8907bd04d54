"""Models, tiers and former prices that the shipped lists lack, each with its source and date.

What a later release of the lists has by itself is taken from there.
"""

from collections.abc import Iterable, Mapping
from datetime import date

from msgspec.structs import replace

from aibridge.prices.catalogue import Clause, Model, Offer, Variant
from aibridge.prices.rates import CALLS, Rate, Rates, Tier, Unit

_LONG = 272_000
"""Tokens of a prompt beyond which OpenAI's input and cache cost twice, its output 1.5 times."""


def _input(micros: int) -> Rate:
    return Rate(micros, (Tier(_LONG, micros * 2),))


def _output(micros: int) -> Rate:
    return Rate(micros, (Tier(_LONG, micros * 3 // 2),))


def _scaled(rates: Rates, factor: int, over: int = 1) -> dict[Unit, Rate]:
    """Return the rates of tokens, all times the same; calls of tools cost the same in any tier."""
    return {unit: rate.times(factor, over) for unit, rate in rates.items() if unit not in CALLS}


def _tier(value: str, rates: dict[Unit, Rate], since: date | None = None) -> Variant:
    return Variant("service_tier", value, rates, since)


_SOL = {
    Unit.INPUT: _input(2_000_000),
    Unit.CACHE_READ: _input(100_000),
    Unit.CACHE_WRITE: _input(2_500_000),
    Unit.OUTPUT: _output(10_000_000),
    Unit.WEB_SEARCH: Rate(10_000_000_000),
    Unit.FILE_SEARCH: Rate(2_500_000_000),
}

ADDED: Mapping[str, tuple[Model, ...]] = {
    "openai": (
        Model(
            id="gpt-6.2-sol",
            match=((Clause("equals", "gpt-6.2-sol"),),),
            offers=(Offer(_SOL, ordinary={Unit.CACHE_WRITE_12H: _input(5_000_000)}),),
            variants=(
                Variant("processing", "batch", _scaled(_SOL, 1, 2)),
                _tier("fast", _scaled(_SOL, 2)),
                _tier("priority", _scaled(_SOL, 2)),
                _tier("ultrafast", _scaled(_SOL, 6), date(2027, 3, 1)),
                _tier("ultrafast", _scaled(_SOL, 3)),
            ),
            context_window=1_050_000,
        ),
    )
}
"""Models by their list. Source: https://developers.openai.com/api/docs/models/gpt-6.2-sol, November
2026: half for batch, twice for fast, three times for ultrafast and six times from March 2027.
"""

ULTRAFAST: Mapping[tuple[str, str], tuple[int, date]] = {
    ("openai", "gpt-6-astra"): (6, date(2026, 9, 29)),
}
"""How many times as much OpenAI's ultrafast tier costs, by list and model, and since when.

Source: https://developers.openai.com/api/docs/guides/ultrafast-mode and
https://vercel.com/changelog/openai-ultrafast-mode-now-available-on-ai-gateway, October 2026.
"""

FORMER: Mapping[tuple[str, str], tuple[date, Rates]] = {
    ("anthropic", "claude-sonnet-5-5"): (date(2026, 10, 7), {Unit.CACHE_READ: Rate(200_000)}),
}
"""Rates before a day, by list and model, where the list has only those since then.

Source: https://platform.claude.com/docs/en/about-claude/pricing before and after that day, when
Anthropic halved what Sonnet 5.5 takes for reading the cache.
"""


def completed(list_name: str, models: Iterable[Model]) -> tuple[Model, ...]:
    """Return the models of a list with what it lacks."""
    known = [_with_former(list_name, _with_ultrafast(list_name, each)) for each in models]
    ids = {each.id for each in known}
    return (*known, *(each for each in ADDED.get(list_name, ()) if each.id not in ids))


def _with_ultrafast(list_name: str, model: Model) -> Model:
    found = ULTRAFAST.get((list_name, model.id))
    if found is None or any(each.value == "ultrafast" for each in model.variants):
        return model
    factor, since = found
    tier = _tier("ultrafast", _scaled(model.offers[-1].rates, factor), since)
    return replace(model, variants=(*model.variants, tier))


def _with_former(list_name: str, model: Model) -> Model:
    found = FORMER.get((list_name, model.id))
    if found is None or len(model.offers) > 1:
        return model
    until, rates = found
    (offer,) = model.offers
    former = replace(offer, rates={**offer.rates, **rates})
    return replace(model, offers=(former, replace(offer, since=until)))
