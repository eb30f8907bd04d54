"""What is on record beside a provider's report, line by line, and why they differ."""

from collections.abc import Collection, Iterable, Mapping
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple

from aibridge.prices.names import snapshot_of
from aibridge.reconciling.reports import Amounts, Report, ReportKind

AT_PROVIDER = "only at the provider: calls that went past the bridge"
WITH_US = "only with us: the provider's report has none of it"
NO_MODEL = "of no model: the record has it in the cost of models"
ROUNDING = "rounding: up to a micro-dollar a usage row"
MORE_AT_PROVIDER = "more at the provider: calls that went past the bridge, or whose usage it lacks"


class Recorded(NamedTuple):
    """What the record has of a model on a day.

    ``unpriced`` are usage rows that have a part without a price, and ``estimated`` calls whose
    tokens nobody but the bridge counted.
    """

    amounts: Amounts = Amounts()
    requests: int = 0
    unpriced: int = 0
    estimated: int = 0

    def plus(self, other: "Recorded") -> "Recorded":
        """Return this and the other together."""
        counts = (one + another for one, another in zip(self[1:], other[1:], strict=True))
        return Recorded(self.amounts.plus(other.amounts), *counts)


class Line(NamedTuple):
    """A day's model, or what else a report has, as the provider and as the record have it."""

    day: date
    name: str
    is_model: bool
    provider: Amounts | None
    ours: Recorded | None
    reason: str = ""

    @property
    def difference(self) -> Amounts:
        """What the record has more than the provider; less is negative."""
        ours = Amounts() if self.ours is None else self.ours.amounts
        return ours.minus(self.provider or Amounts())


def compared(kind: ReportKind, cost: int, tokens: tuple[int, int, int, int]) -> Amounts:
    """Return as much of what the record has as a report of a kind can be compared with.

    The tokens are input, output, and what the cache read and wrote; OpenAI counts the last with
    the input.
    """
    if kind.is_of_costs:
        return Amounts(Fraction(cost))
    read, said, cache_read, written = tokens
    if kind is ReportKind.OPENAI_USAGE:
        return Amounts(Fraction(), read + written, said, cache_read)
    return Amounts(Fraction(), read, said, cache_read, written)


Record = Mapping[tuple[date, str], Recorded]
"""What is on record, by day and model."""


def compare(report: Report, record: Record) -> list[Line]:
    """Return the lines of a report and of the record together, by day and name, with reasons.

    A dated name is the same model as its base name where the base has one date only.
    """
    told = {item.name for item in report.items if item.is_model}
    same = _same_names(told | {model for _, model in record})
    provider: dict[_Key, Amounts] = {}
    for item in report.items:
        name = same[item.name] if item.is_model else item.name
        key = item.day, item.is_model, name
        provider[key] = provider.get(key, Amounts()).plus(item.amounts)
    ours: dict[_Key, Recorded] = {}
    for (day, model), found in record.items():
        key = day, True, same[model]
        ours[key] = ours.get(key, Recorded()).plus(found)
    keys = sorted({*provider, *ours}, key=lambda key: (key[0], not key[1], key[2]))
    lines = (Line(*_told(key), provider.get(key), ours.get(key)) for key in keys)
    is_of_costs = report.kind.is_of_costs
    return [
        line._replace(reason=_reason(line, is_of_costs=is_of_costs))
        for line in lines
        if any(line.provider or ()) or (line.ours and any((*line.ours.amounts, line.ours.unpriced)))
    ]


_Key = tuple[date, bool, str]
"""A day, and a model or something else by its name."""


def _told(key: _Key) -> tuple[date, str, bool]:
    day, is_model, name = key
    return day, name, is_model


def _same_names(models: Collection[str]) -> dict[str, str]:
    """Return the one name that each model is shown under: the shortest of those it has."""
    dates: dict[str, set[str]] = {}
    snapshots = {model: snapshot_of(model) for model in models}
    for base, released in snapshots.values():
        dates.setdefault(base, set()).update({released} - {""})
    meant = {
        model: (base, released if len(dates[base]) > 1 else "")
        for model, (base, released) in snapshots.items()
    }
    shortest: dict[tuple[str, str], str] = {}
    for model in sorted(models, key=lambda model: (len(model), model)):
        shortest.setdefault(meant[model], model)
    return {model: shortest[meant[model]] for model in models}


def _reason(line: Line, *, is_of_costs: bool) -> str:
    """Say why a line differs, where that can be told."""
    if not line.is_model:
        return NO_MODEL if line.ours is None else ""
    if not any(line.difference):
        return ""
    if line.ours is None:
        return AT_PROVIDER
    if line.provider is None:
        return WITH_US
    more = line.difference.cost
    if is_of_costs and abs(more) <= line.ours.requests:
        return ROUNDING
    reasons = []
    if is_of_costs and line.ours.unpriced and more < 0:
        reasons.append(f"{line.ours.unpriced:,} usage rows of ours have a part without a price")
    if line.ours.estimated:
        reasons.append(f"the tokens of {line.ours.estimated:,} calls of ours are estimated")
    if not reasons and max(line.difference.each()) <= 0:
        reasons.append(MORE_AT_PROVIDER)
    return "; ".join(reasons)


class Sums(NamedTuple):
    """All lines together, and whether both sides agree as far as they have to."""

    provider: Amounts
    ours: Amounts
    is_within: bool

    @property
    def difference(self) -> Amounts:
        """What the record has more than the provider; less is negative."""
        return self.ours.minus(self.provider)


def sum_up(lines: Iterable[Line], tolerance: Decimal) -> Sums:
    """Return the sums of lines; no sum may differ by more than a percentage of the provider's."""
    provider, ours = Amounts(), Amounts()
    for line in lines:
        provider = provider.plus(line.provider or Amounts())
        ours = ours.plus(Amounts() if line.ours is None else line.ours.amounts)
    share = Fraction(tolerance) / 100
    is_within = all(
        abs(one - another) <= abs(one) * share
        for one, another in zip(provider.each(), ours.each(), strict=True)
    )
    return Sums(provider, ours, is_within)
