"""``/metrics``: how records are being kept, and what could not be read, for Prometheus."""

import asyncio
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from starlette.types import Send

from aibridge.health import say
from aibridge.keeper.status import Status

if TYPE_CHECKING:
    from prometheus_client import Metric

PATH = "/metrics"


class Standing(NamedTuple):
    """How records are being kept: whether calls are taken, and what is heard of the keeper."""

    is_ready: bool
    is_unattended: bool
    keeper: Status


async def answer(send: Send, standing: Standing) -> None:
    """Answer with the metrics of this process, and of its keeper."""
    await say(send, 200, *await asyncio.to_thread(_page, standing))


def _page(standing: Standing) -> tuple[str, bytes]:
    """Return their type and the metrics. In a thread, as the first import takes a while."""
    from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest  # noqa: PLC0415
    from prometheus_client.registry import CollectorRegistry  # noqa: PLC0415 - only who is asked

    registry = CollectorRegistry()
    registry.register(_Recording(standing))
    return CONTENT_TYPE_LATEST, generate_latest(registry)


class _Recording:
    """What is known of the record now."""

    def __init__(self, standing: Standing) -> None:
        self._standing = standing

    def collect(self) -> "Iterator[Metric]":
        from prometheus_client.metrics_core import (  # noqa: PLC0415
            CounterMetricFamily,
            GaugeMetricFamily,
        )

        is_ready, is_unattended, keeper = self._standing
        server = str(keeper.server_id or "")
        for name, meaning, value in (
            ("ready", "Whether calls are taken; they are refused else.", is_ready),
            ("database_away", "Whether the database takes no records.", bool(keeper.trouble)),
            ("unattended", "Whether nothing is heard of the keeper.", is_unattended),
            ("behind_bytes", "Bytes of journals that the database does not have.", keeper.behind),
            ("set_aside", "Calls that the database refused, but for a row.", keeper.set_aside),
        ):
            family = GaugeMetricFamily(f"aibridge_records_{name}", meaning, labels=["server"])
            family.add_metric([server], value)
            yield family
        counted = CounterMetricFamily(
            "aibridge_requests_unread",
            "Requests that may hold more than could be read of them.",
            labels=["server"],
        )
        counted.add_metric([server], keeper.unread)
        yield counted
