"""Corrections: rows beside usage rows that say how much more, or less, these have cost.

A usage row is never rewritten. A correction has no tokens; its cost is what is to be added to that
of the row it names. So whatever adds up usage rows has the corrected sums.
"""

from collections import defaultdict
from collections.abc import Iterable
from typing import NamedTuple

import msgspec

from aibridge.ids import new_id, now
from aibridge.store.schema.rows import TokenUsageRow

RERATED = "rerated"
"""The reason of a correction of a row that was rated anew, at other prices."""
_NAME = '"corrects"'


class _Metadata(msgspec.Struct):
    corrects: str = ""


_METADATA = msgspec.json.Decoder(_Metadata)


class Runs(NamedTuple):
    """The usage rows of a call that tell of model runs, and the corrections of each by its id."""

    rows: list[TokenUsageRow]
    corrections: dict[str, list[TokenUsageRow]]


def runs(rows: Iterable[TokenUsageRow]) -> Runs:
    """Tell model runs and their corrections apart, among all usage rows of a call.

    A correction names a row of the same call: nobody else than the bridge knows the ids of these.
    """
    every = list(rows)
    ids = {each.id for each in every}
    own, corrections = list[TokenUsageRow](), defaultdict[str, list[TokenUsageRow]](list)
    for row in every:
        corrected = _corrected(row)
        if corrected in ids:
            corrections[corrected].append(row)
        else:
            own.append(row)
    return Runs(own, dict(corrections))


def _corrected(row: TokenUsageRow) -> str:
    """Return the id of the row that one says it corrects, if it does."""
    if _NAME not in row.metadata:
        return ""
    try:
        return _METADATA.decode(row.metadata).corrects
    except msgspec.MsgspecError:
        return ""


def correction(
    row: TokenUsageRow, micros: int, *, unpriced: str, price_id: int | None
) -> TokenUsageRow:
    """Return a correction that adds to the cost of a usage row which was rated anew."""
    return TokenUsageRow(
        row.interception_id,
        new_id(),
        row.provider_response_id,
        0,
        0,
        0,
        0,
        msgspec.json.encode({"corrects": row.id, "reason": RERATED}).decode(),
        now(),
        cost_micros=micros,
        price_id=price_id,
        unpriced=unpriced,
    )
