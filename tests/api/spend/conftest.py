"""A bridge in January 2026, on whose eleventh day it is noon."""

from collections.abc import Callable

import pytest

from tests.api.people_api import Api
from tests.builders import DAY, START, Used, use

NOON = START + 10 * DAY + DAY // 2
JANUARY = {"period_start": "2026-01-01T00:00:00Z", "period_end": "2026-02-01T00:00:00Z"}
ORGANIZATION = "/organizations/default"


@pytest.fixture(autouse=True)
def at(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Say what time it is, in microseconds."""

    def at(moment: int) -> None:
        for name in ("asked", "status"):
            monkeypatch.setattr(f"aibridge.api.spend.{name}.now", lambda: moment)

    at(NOON)
    return at


Spend = Callable[..., None]


@pytest.fixture
def spend(api: Api) -> Spend:
    """Write what somebody, by their username or another id, used on a day."""

    def spend(who: str, cost: int = 0, **more: object) -> None:
        with api.database.write() as connection:
            use(connection, Used(initiator=api.ids.get(who, who), cost=cost, **more))  # type: ignore[arg-type]

    return spend
