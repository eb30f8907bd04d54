"""Adding up parts of usage rows by windows of time; pure.

Windows begin at midnight in UTC, one after the other, and the last of a day is cut off there: none
is in two days. Calls are in the window that they ended in, as the sums of days have them.
"""

from collections.abc import Iterator
from typing import NamedTuple

from aibridge.focus.parts import Status, UsedPart
from aibridge.store.lists.filters import UNKNOWN_CLIENT
from aibridge.store.schema.measures import DAY, SECOND
from aibridge.store.usage.calls import CallRow


class Charge(NamedTuple):
    """What is charged together: all that a line of the export tells but how much it is.

    The last four are empty where calls are added up. Times are in microseconds since 1970.
    """

    start: int
    end: int
    initiator_id: str
    group_id: str
    provider: str
    provider_name: str
    model: str
    client: str
    credential_kind: str
    error_type: str
    token_type: str
    status: Status
    rate: int
    sku: str
    sku_price: str
    session_id: str = ""
    interception_id: str = ""
    usage_id: str = ""
    response_id: str = ""


class Amount(NamedTuple):
    """How many tokens or calls, of how many rows; ``picos`` are millionths of a micro-dollar."""

    number: int = 0
    picos: int = 0
    rows: int = 0


Line = tuple[Charge, Amount]


class Windows:
    """Adds up parts in windows of so many seconds; with 0 each stands by itself, in its second."""

    def __init__(self, granularity: int) -> None:
        self._is_single = granularity == 0
        self._length = (granularity or 1) * SECOND
        self._amounts: dict[Charge, Amount] = {}

    def add(self, call: CallRow, usage_id: str, response_id: str, part: UsedPart) -> None:
        """Add a part of a usage row."""
        ids = (call.session_id, call.id, usage_id, response_id) if self._is_single else ()
        charge = Charge(
            *self._window(call.ended_at),
            call.initiator_id,
            call.group_id,
            call.provider,
            call.provider_name,
            call.model,
            call.client or UNKNOWN_CLIENT,
            call.credential_kind,
            call.error_type,
            part.token_type,
            part.status,
            part.rate,
            part.sku,
            part.sku_price,
            *ids,
        )
        number, picos, rows = self._amounts.get(charge, Amount())
        self._amounts[charge] = Amount(number + part.number, picos + part.picos, rows + 1)

    def _window(self, at: int) -> tuple[int, int]:
        day = at // DAY * DAY
        start = day + (at - day) // self._length * self._length
        return start, min(start + self._length, day + DAY)

    def take(self, before: int | None = None) -> Iterator[Line]:
        """Yield what ended in the windows that are over before a moment, in order; else in all."""
        over = sorted(one for one in self._amounts if before is None or one.end <= before)
        for charge in over:
            yield charge, self._amounts.pop(charge)
