"""Reports of Anthropic and OpenAI: costs in dollars, or usage in tokens, by day and model.

Sources: https://platform.claude.com/docs/en/api/admin/cost_report, …/admin/usage_report, and
https://platform.openai.com/docs/api-reference/usage, read in November 2026.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from fractions import Fraction
from typing import Any, NamedTuple

from aibridge.reconciling.pages import Bucket, ReportError, buckets, table, wrong

_MICROS = 1_000_000
_MICROS_OF_A_CENT = 10_000
_MOST = 10**12
_DECIMALS = 30
"""More of an amount's digits than anybody writes; beyond these a short text could mean anything."""


class ReportKind(StrEnum):
    """Whose report it is, and of what."""

    ANTHROPIC_COSTS = "anthropic costs"
    ANTHROPIC_USAGE = "anthropic usage"
    OPENAI_COSTS = "openai costs"
    OPENAI_USAGE = "openai usage"

    @property
    def provider_type(self) -> str:
        """The type of provider that it is of."""
        return self.partition(" ")[0]

    @property
    def is_of_costs(self) -> bool:
        """Whether it is of money, and not of tokens."""
        return self.endswith("costs")


class Amounts(NamedTuple):
    """Micro-dollars, or tokens. Of OpenAI's input what the cache wrote is a part."""

    cost: Fraction = Fraction()
    input: int = 0
    output: int = 0
    cache_read: int = 0
    cache_write: int = 0

    def plus(self, other: "Amounts") -> "Amounts":
        """Return these and the others together."""
        return Amounts(
            self.cost + other.cost,
            self.input + other.input,
            self.output + other.output,
            self.cache_read + other.cache_read,
            self.cache_write + other.cache_write,
        )

    def minus(self, other: "Amounts") -> "Amounts":
        """Return what these have more than others; less is negative."""
        negative = Amounts(
            -other.cost, -other.input, -other.output, -other.cache_read, -other.cache_write
        )
        return self.plus(negative)

    def each(self) -> list[Fraction]:
        """Return all of them."""
        return [Fraction(one) for one in self]


class Item(NamedTuple):
    """What a report has of a model on a day, or of something else, whose ``name`` it is."""

    day: date
    name: str
    is_model: bool
    amounts: Amounts


@dataclass(frozen=True, slots=True)
class Report:
    """What a provider has of some days."""

    kind: ReportKind
    days: tuple[date, ...]
    items: tuple[Item, ...]


NOT_TOLD = "(no model told)"


def read_report(content: bytes) -> Report:
    """Return the report in a file. Raises `ReportError`."""
    found = buckets(content)
    kinds, items = set(), []
    for bucket in found:
        for number, result in enumerate(bucket.results):
            path = f"{bucket.path}.results.{number}"
            kind = _kind(table(result, path), bucket, path)
            kinds.add(kind)
            items.append(_READERS[kind](result, bucket.day, path))
    if len(kinds) != 1:
        told = " and ".join(sorted(kinds)) or "nothing"
        raise ReportError(f"expected the results of one report; it has {told}")
    days = tuple(sorted({bucket.day for bucket in found}))
    return Report(kinds.pop(), days, tuple(items))


def _kind(result: Mapping[str, Any], bucket: Bucket, path: str) -> ReportKind:
    if bucket.is_anthropic and "amount" in result:
        return ReportKind.ANTHROPIC_COSTS
    if bucket.is_anthropic and "uncached_input_tokens" in result:
        return ReportKind.ANTHROPIC_USAGE
    if not bucket.is_anthropic and "amount" in result:
        return ReportKind.OPENAI_COSTS
    if not bucket.is_anthropic and "input_tokens" in result:
        return ReportKind.OPENAI_USAGE
    return wrong(path, "expected a result of costs (amount) or of usage of models (tokens)")


def _anthropic_costs(result: Mapping[str, Any], day: date, path: str) -> Item:
    """Read an amount in cents; what is not of a model is told by its description."""
    _check_currency(result, path)
    text = result["amount"]
    if not isinstance(text, str):
        wrong(f"{path}.amount", "expected cents as a text")
    try:
        cents = Decimal(text)
    except InvalidOperation:
        wrong(f"{path}.amount", "expected cents as a text")
    amounts = Amounts(_money(cents, f"{path}.amount") * _MICROS_OF_A_CENT)
    model = _text(result, "model", path)
    other = _text(result, "description", path) or _text(result, "cost_type", path)
    return Item(day, model or other or NOT_TOLD, bool(model), amounts)


def _anthropic_usage(result: Mapping[str, Any], day: date, path: str) -> Item:
    writes = table(result.get("cache_creation") or {}, f"{path}.cache_creation")
    inside = f"{path}.cache_creation"
    amounts = Amounts(
        input=_count(result, "uncached_input_tokens", path),
        output=_count(result, "output_tokens", path),
        cache_read=_count(result, "cache_read_input_tokens", path),
        cache_write=_count(writes, "ephemeral_1h_input_tokens", inside)
        + _count(writes, "ephemeral_5m_input_tokens", inside),
    )
    return _of_model(result, day, path, amounts)


def _openai_costs(result: Mapping[str, Any], day: date, path: str) -> Item:
    """Read an amount in dollars, of a line item such as ``gpt-5.2, input``."""
    amount = table(result["amount"], f"{path}.amount")
    _check_currency(amount, f"{path}.amount")
    value = amount.get("value")
    if isinstance(value, str):
        try:
            value = Decimal(value)
        except InvalidOperation:
            value = None
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        wrong(f"{path}.amount.value", "expected dollars")
    amounts = Amounts(_money(Decimal(value), f"{path}.amount.value") * _MICROS)
    item = _text(result, "line_item", path)
    name = item.partition(",")[0].strip().lower()
    is_model = " " not in name and any(mark in name for mark in "-0123456789")
    return Item(day, (name if is_model else item) or NOT_TOLD, is_model, amounts)


def _openai_usage(result: Mapping[str, Any], day: date, path: str) -> Item:
    whole, cached = (_count(result, name, path) for name in ("input_tokens", "input_cached_tokens"))
    if cached > whole:
        wrong(f"{path}.input_cached_tokens", "expected no more than input_tokens")
    output = _count(result, "output_tokens", path)
    amounts = Amounts(input=whole - cached, output=output, cache_read=cached)
    return _of_model(result, day, path, amounts)


_READERS: Mapping[ReportKind, Callable[[Mapping[str, Any], date, str], Item]] = {
    ReportKind.ANTHROPIC_COSTS: _anthropic_costs,
    ReportKind.ANTHROPIC_USAGE: _anthropic_usage,
    ReportKind.OPENAI_COSTS: _openai_costs,
    ReportKind.OPENAI_USAGE: _openai_usage,
}


def _of_model(result: Mapping[str, Any], day: date, path: str, amounts: Amounts) -> Item:
    model = _text(result, "model", path)
    return Item(day, model or NOT_TOLD, bool(model), amounts)


def _text(result: Mapping[str, Any], name: str, path: str) -> str:
    value = result.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        wrong(f"{path}.{name}", "expected a text")
    return value.strip()


def _count(result: Mapping[str, Any], name: str, path: str) -> int:
    value = result.get(name)
    if value is None:
        return 0
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= _MOST:
        wrong(f"{path}.{name}", "expected a number of tokens")
    return value


def _money(amount: Decimal, path: str) -> Fraction:
    """Return an amount, which is negative for a credit."""
    if not amount.is_finite() or -int(amount.as_tuple().exponent) > _DECIMALS:
        wrong(path, "expected an amount of money")
    if not -_MOST <= amount <= _MOST:
        wrong(path, "expected a smaller amount of money")
    return Fraction(amount)


def _check_currency(found: Mapping[str, Any], path: str) -> None:
    currency = _text(found, "currency", path) or "usd"
    if currency.lower() != "usd":
        wrong(f"{path}.currency", "expected USD")
