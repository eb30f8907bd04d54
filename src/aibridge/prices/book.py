"""Finding the price of a call, and rating its usage rows."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from msgspec import Struct
from msgspec.structs import replace

from aibridge.dialects.facts import TokenUsage, ToolCall
from aibridge.dialects.fields import label
from aibridge.prices.billable import billable
from aibridge.prices.catalogue import Catalogue, Found, Model
from aibridge.prices.cost import Cost, Unpriced, cost
from aibridge.prices.custom import ANY_MODEL, CustomPrice
from aibridge.prices.names import RESELLERS, listed, spellings
from aibridge.prices.rates import CALLS, Price, Rate, Source, Unit
from aibridge.prices.supplements import percent_of, undiscounted

ORDINARY = frozenset({"", "default", "standard", "standard_only", "auto"})
"""Service tiers and speeds of calls at ordinary rates.

``auto`` and ``standard_only`` are what requests ask for: an answer has them only where it broke off
before the provider said which tier it took.
"""

_OWN_MODEL = frozenset({"advisor_message", "fallback_message"})
"""Types of model runs that name a model of their own."""

_MAX_REMEMBERED = 4096


class Call(Struct, frozen=True):
    """What the price of a usage row depends on beside its tokens.

    ``models`` are names of its model, the one that the provider answered with first.
    """

    provider: str
    """The type of the provider."""
    models: tuple[str, ...]
    at: datetime
    """When the call was made; aware."""
    service_tier: str = ""
    speed: str = ""
    geography: str = ""


class Rated(NamedTuple):
    """What a usage row costs, and the price that says so; ``None`` where none was found."""

    cost: Cost
    price: Price | None


class StandIn(NamedTuple):
    """A price, or one that stands in for it; then ``missing`` is what has none of its own."""

    price: Price | None
    missing: tuple[str, ...] = ()


class PriceBook:
    """All prices, custom and shipped."""

    def __init__(self, catalogue: Catalogue, custom: Iterable[CustomPrice] = ()) -> None:
        self._catalogue = catalogue
        self._custom = {each.key: each for each in custom}
        self._found: dict[tuple[str, str], Found | None] = {}

    def rate(
        self,
        usage: TokenUsage,
        *,
        provider: str,
        model: str,
        at: datetime,
        geography: str = "",
        tools: Iterable[ToolCall] = (),
    ) -> Rated:
        """Return what a usage row costs, at the model that its own metadata names.

        ``provider`` is the type of the provider, ``model`` the one that was asked for. An answer
        with several model runs has a row for each: each is rated by itself. ``geography`` is what
        the provider's address says (`supplements.geography_of`), where the row does not. ``tools``
        are the record's calls of tools, for the first row of an answer only.
        """
        call = call_of(usage.metadata, provider, model, at, geography)
        found = self.find_or_stand_in(call)
        if found.price is None:
            return Rated(Unpriced(found.missing), None)
        return Rated(cost(billable(usage, tools, found.missing), found.price), found.price)

    def find(self, call: Call) -> Price | Unpriced:
        """Return the price of a call: a custom one if there is any, else the shipped one.

        The shipped one is of the model that the provider answered with, and of the one asked for
        only where it named none. What has neither has the default price, where one is set.
        """
        price = self._known(call)
        return price if isinstance(price, Price) else self._default(call) or price

    def _default(self, call: Call) -> Price | None:
        custom = self._custom.get((call.provider, ANY_MODEL))
        return None if custom is None else custom.price()

    def _known(self, call: Call) -> Price | Unpriced:
        shipped = self._shipped(call)
        if (custom := self._customised(call)) is None:
            return shipped
        calls = shipped.rates if isinstance(shipped, Price) else {}
        price = custom.price()
        kept = {unit: rate for unit, rate in calls.items() if unit in CALLS}
        return Price(price.source, price.model, {**kept, **price.rates})

    def find_or_stand_in(self, call: Call) -> StandIn:
        """Return the price of a call; where there is none, that of the model asked for instead.

        What of the call has no price is named beside it, so that its cost is never taken for known.
        """
        price = self._known(call)
        if isinstance(price, Price):
            return StandIn(price)
        asked = self._known(replace(call, models=call.models[1:])) if call.models[1:] else None
        if isinstance(asked, Price):
            return StandIn(asked, price.parts)
        default = self._default(call)
        return StandIn(default, () if default else price.parts)

    def context_window(self, provider: str, model: str) -> int | None:
        """Return the most tokens that a model reads and says together, where that is known."""
        found = self._look_up(provider, model)
        return found.model.context_window if found else None

    def _customised(self, call: Call) -> CustomPrice | None:
        for model in call.models:
            for name in spellings(model):
                if (found := self._custom.get((call.provider, name))) is not None:
                    return found
        return None

    def _shipped(self, call: Call) -> Price | Unpriced:
        named = next((each for each in call.models if each), "")
        found = self._look_up(call.provider, named)
        if found is None:
            return Unpriced((f"model {named or 'without a name'}",))
        return self.listed_price(found, call)

    def listed_price(self, found: Found, call: Call) -> Price | Unpriced:
        """Return the shipped price of a call of a model that stands in a list."""
        if found.model.unsupported:
            return Unpriced(found.model.unsupported)
        kinds = list(_kinds(call))
        if unknown := [value for key, value in kinds if not _has(found, key, value, call.at)]:
            return Unpriced(tuple(f"service tier {value}" for value in unknown))
        if len(kinds) > 1:
            return Unpriced((" with ".join(value for _, value in kinds),))
        return self._priced(found, call, kinds[0] if kinds else None)

    def _priced(self, found: Found, call: Call, kind: tuple[str, str] | None) -> Price | Unpriced:
        percent = percent_of(found.list_name, found.model.id, call.geography)
        if percent is None:
            return Unpriced((f"geography {call.geography}",))
        rates = undiscounted(found.list_name, _rates(found.model, call.at, kind))
        if not found.is_own:
            rates = {unit: rate for unit, rate in rates.items() if unit not in CALLS}
        if not rates:
            return Unpriced((f"model {found.model.id}",))
        return Price(
            source=Source.SHIPPED,
            model=f"{found.list_name}/{found.model.id}",
            rates=rates,
            condition=kind[1] if kind else "",
            percent=percent,
            version=self._catalogue.version,
        )

    def _look_up(self, provider: str, model: str) -> Found | None:
        key = provider, model
        if key not in self._found:
            if len(self._found) >= _MAX_REMEMBERED:
                self._found.clear()  # names come from clients: there may be any number
            self._found[key] = self._search(provider, model)
        return self._found[key]

    def _search(self, provider: str, model: str) -> Found | None:
        for list_name, name in listed(provider, model):
            if (found := self._catalogue.find(list_name, name)) is not None:
                return found._replace(is_own=found.is_own and provider not in RESELLERS)
        return None


def call_of(
    metadata: Mapping[str, Any], provider: str, model: str, at: datetime, geography: str
) -> Call:
    """Return what the price of a usage row depends on, of which ``metadata`` tell the most."""
    answered = label(metadata.get("provider_model"))
    is_own = label(metadata.get("type")) in _OWN_MODEL
    names = (answered,) if is_own else (answered, model)
    return Call(
        provider=provider,
        models=tuple(name for name in names if name),
        at=at,
        service_tier=label(metadata.get("service_tier")),
        speed=label(metadata.get("speed")),
        geography=label(metadata.get("inference_geo")) or geography,
    )


def _kinds(call: Call) -> Iterator[tuple[str, str]]:
    """Return in which respects a call is no ordinary one."""
    if call.service_tier == "batch":
        yield "processing", "batch"
    elif call.service_tier not in ORDINARY:
        yield "service_tier", call.service_tier
    if call.speed not in ORDINARY:
        yield "speed", call.speed


def _has(found: Found, key: str, value: str, at: datetime) -> bool:
    return found.is_own and found.model.variant(key, value, at) is not None


def _rates(model: Model, at: datetime, kind: tuple[str, str] | None) -> dict[Unit, Rate]:
    offer = model.offer(at)
    variant = model.variant(*kind, at) if kind else None
    if variant is None:
        return {**offer.rates, **offer.ordinary}
    return {**offer.rates, **variant.rates}
