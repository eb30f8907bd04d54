"""The price lists of providers as plain data, so that any process can be handed them as bytes."""

import re
from datetime import UTC, date, datetime
from typing import NamedTuple

import msgspec
from msgspec import Struct

from aibridge.prices.rates import Rate, Unit


class Clause(Struct, frozen=True, array_like=True):
    """A condition on a model's name in lower case: ``equals``, ``starts``, ``ends``, ``contains``
    or ``regex``, and the text or pattern.
    """

    how: str
    text: str

    def holds(self, name: str) -> bool:
        """Whether the name fulfils the condition; one of a kind yet unknown is never fulfilled."""
        match self.how:
            case "equals":
                return name == self.text
            case "starts":
                return name.startswith(self.text)
            case "ends":
                return name.endswith(self.text)
            case "contains":
                return self.text in name
            case "regex":
                return re.search(self.text, name) is not None
        return False


class Offer(Struct, frozen=True, omit_defaults=True):
    """What a model costs from a day on (UTC), the first of its offers also before.

    ``ordinary`` are rates that hold for ordinary calls only, and not in a `Variant`.
    """

    rates: dict[Unit, Rate]
    since: date | None = None
    ordinary: dict[Unit, Rate] = {}


class Variant(Struct, frozen=True, omit_defaults=True):
    """Rates in place of the ordinary ones where ``key`` of a call is ``value``, from a day on."""

    key: str
    value: str
    rates: dict[Unit, Rate]
    since: date | None = None


class Model(Struct, frozen=True, omit_defaults=True):
    """A model of a price list.

    A name means it if all clauses of any of ``match`` hold. ``unsupported`` names what the list
    charges for that usage rows do not tell, which leaves the model without a price.
    """

    id: str
    match: tuple[tuple[Clause, ...], ...]
    offers: tuple[Offer, ...]
    variants: tuple[Variant, ...] = ()
    context_window: int | None = None
    unsupported: tuple[str, ...] = ()

    def is_meant(self, name: str) -> bool:
        """Whether a name, in lower case, means this model."""
        return any(all(clause.holds(name) for clause in clauses) for clauses in self.match)

    def offer(self, at: datetime) -> Offer:
        """Return the offer that holds at a time."""
        held = [each for each in self.offers if _begun(each.since, at)]
        return held[-1] if held else self.offers[0]

    def variant(self, key: str, value: str, at: datetime) -> Variant | None:
        """Return the rates for calls of a kind at a time, ``None`` where the list has none."""
        for each in self.variants:
            if (each.key, each.value) == (key, value) and _begun(each.since, at):
                return each
        return None


class PriceList(Struct, frozen=True, omit_defaults=True):
    """The models of a provider; ``fallbacks`` are lists whose models it has at their rates."""

    models: tuple[Model, ...]
    fallbacks: tuple[str, ...] = ()


class Found(NamedTuple):
    """A model, the name of the list it is in, and whether that is the provider's own list.

    Another's list is good for the tokens of ordinary calls only.
    """

    model: Model
    list_name: str
    is_own: bool


class Catalogue(Struct, frozen=True):
    """All price lists by name, and the version of the data they are from."""

    version: str
    lists: dict[str, PriceList]

    def find(self, list_name: str, name: str) -> Found | None:
        """Return the model that a lower-case name means in a list or those it falls back to."""
        found = self.lists.get(list_name)
        for each in (list_name, *(found.fallbacks if found else ())):
            for model in self.lists[each].models if each in self.lists else ():
                if model.is_meant(name):
                    return Found(model, each, each == list_name)
        return None

    def encode(self) -> bytes:
        """Return the catalogue as JSON."""
        return msgspec.json.encode(self)

    @classmethod
    def decode(cls, data: bytes) -> "Catalogue":
        """Read what `encode` wrote. Raises `msgspec.DecodeError`."""
        return msgspec.json.decode(data, type=cls)


def _begun(since: date | None, at: datetime) -> bool:
    return since is None or at.astimezone(UTC).date() >= since
