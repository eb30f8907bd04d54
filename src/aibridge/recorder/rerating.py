"""Rating recorded usage anew, at other prices than it was rated with; pure."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from aibridge.recorder.rating import BYOK, Rateable, Rater
from aibridge.recorder.records import UsageCost
from aibridge.recorder.restoring import read_tool, read_usage
from aibridge.store.record.corrections import runs
from aibridge.store.schema.rows import (
    PRICED_SINCE,
    TokenUsageRow,
    ToolUsageRow,
    unpriced_rows,
)
from aibridge.store.usage.calls import ToolRow


class Difference(NamedTuple):
    """What is to be added to the cost of a usage row, in micro-dollars; may be less than nothing.

    ``unpriced`` is `PRICED_SINCE` where the row had a part without a price, and has none any more;
    ``price`` is what it costs as much by, as JSON.
    """

    row: TokenUsageRow
    micros: int
    unpriced: str
    price: str


def differences(
    call: Rateable,
    rows: Iterable[TokenUsageRow],
    tools: Iterable[ToolUsageRow | ToolRow],
    rater: Rater,
    *,
    only_unpriced: bool = False,
) -> Iterator[Difference]:
    """Yield in what the usage rows of a call, as corrected so far, cost otherwise by a rater.

    What was used with a caller's own key is not charged, and is left alone. So is a cost that is
    known where there is no price for it now.
    """
    if call.credential_kind == BYOK:
        return
    own, corrections = runs(rows)
    costs = rater.rate(call, [*map(read_usage, own)], [*map(read_tool, tools)])
    for row, cost in zip(own, costs, strict=True):
        standing = [row, *corrections.get(row.id, ())]
        was_unpriced = sum(unpriced_rows(each.unpriced) for each in standing) > 0
        if was_unpriced or not only_unpriced:
            yield from _difference(standing, cost, was_unpriced=was_unpriced)


def _difference(
    standing: list[TokenUsageRow], cost: UsageCost, *, was_unpriced: bool
) -> Iterator[Difference]:
    is_unpriced = bool(cost.unpriced)
    if not cost.price or (is_unpriced and not was_unpriced):
        return
    micros = cost.micros - sum(each.cost_micros for each in standing)
    if micros or was_unpriced != is_unpriced:
        unpriced = PRICED_SINCE if was_unpriced and not is_unpriced else ""
        yield Difference(standing[0], micros, unpriced, cost.price)
