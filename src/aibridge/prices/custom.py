"""Prices that the operator sets, which win over the shipped ones."""

from collections.abc import Collection, Sequence

from msgspec import Struct

from aibridge.prices.rates import Price, Rate, Source, Unit

MAX_PRICE = 10**12
"""A million dollars for a million tokens, beyond which nobody can mean it."""

_AS_INPUT = (Unit.INPUT, Unit.INPUT_AUDIO)
_AS_READ = (Unit.CACHE_READ, Unit.CACHE_READ_AUDIO)
_AS_WRITE = (Unit.CACHE_WRITE, Unit.CACHE_WRITE_1H, Unit.CACHE_WRITE_12H)
_AS_OUTPUT = (Unit.OUTPUT, Unit.OUTPUT_AUDIO)


class CustomPriceError(ValueError):
    """A list of custom prices that cannot be taken; ``index`` and ``field`` say where."""

    def __init__(self, text: str, *, index: int | None = None, field: str = "") -> None:
        super().__init__(text)
        self.index = index
        self.field = field

    @property
    def path(self) -> str:
        """Where in a request it is, such as ``prices.3.model``."""
        return self.field if self.index is None else f"prices.{self.index}.{self.field}"


class CustomPrice(Struct, frozen=True, forbid_unknown_fields=True):
    """What the operator says that a model of a provider type costs.

    Micro-dollars a million tokens: $3 is 3,000,000. The four prices of the contract must be
    there; ``None`` says that the price is not known, and 0 that there is none to pay. It is flat:
    it holds for audio as for text, in every service tier and geography, and
    ``cache_write_price`` for every lifetime that has no price of its own.
    """

    provider: str
    model: str
    input_price: int | None
    output_price: int | None
    cache_read_price: int | None
    cache_write_price: int | None
    cache_write_1h_price: int | None = None
    cache_write_12h_price: int | None = None

    @property
    def key(self) -> tuple[str, str]:
        """What tells it from others: the provider type and the model's name, in lower case."""
        return key_of(self.provider, self.model)

    @property
    def amounts(self) -> dict[str, int]:
        """The prices that are known, by the names of their fields."""
        found = {name: getattr(self, name) for name in self.__struct_fields__}
        return {
            name: amount
            for name, amount in found.items()
            if name.endswith("_price") and amount is not None
        }

    def price(self) -> Price:
        """Return the price that usage rows are rated with; calls of tools have none in it."""
        stated = (
            (_AS_INPUT, self.input_price),
            (_AS_OUTPUT, self.output_price),
            (_AS_READ, self.cache_read_price),
            (_AS_WRITE, self.cache_write_price),
            ((Unit.CACHE_WRITE_1H,), self.cache_write_1h_price),
            ((Unit.CACHE_WRITE_12H,), self.cache_write_12h_price),
        )
        rates = {
            unit: Rate(amount) for units, amount in stated if amount is not None for unit in units
        }
        return Price(Source.CUSTOM, f"{self.provider}/{self.model}", rates)


ANY_MODEL = "*"
"""The name of the default price of a provider type: that of models which have no other."""


def key_of(provider: str, model: str) -> tuple[str, str]:
    """Return what a custom price is found by: names of models mean the same in either case."""
    return provider, model.strip().lower()


def check(prices: Sequence[CustomPrice], providers: Collection[str]) -> None:
    """Raise `CustomPriceError` unless these prices can be taken, all of them together.

    ``providers`` are the types that there are.
    """
    if not prices:
        raise CustomPriceError("there must be at least one price", field="prices")
    seen: set[tuple[str, str]] = set()
    for index, each in enumerate(prices):
        for field, text in _wrong(each, providers):
            raise CustomPriceError(text, index=index, field=field)
        if each.key in seen:
            text = "this model of this type of provider is there twice"
            raise CustomPriceError(text, index=index, field="model")
        seen.add(each.key)


def _wrong(price: CustomPrice, providers: Collection[str]) -> list[tuple[str, str]]:
    wrong = []
    if price.provider not in providers:
        wrong.append(("provider", f"expected one of {', '.join(providers)}"))
    if not price.model.strip():
        wrong.append(("model", "the model must be named"))
    if not price.amounts:
        wrong.append(("input_price", "at least one price must be known"))
    for field, amount in price.amounts.items():
        if not 0 <= amount <= MAX_PRICE:
            wrong.append((field, f"must be between 0 and {MAX_PRICE} micro-dollars"))
    return wrong
