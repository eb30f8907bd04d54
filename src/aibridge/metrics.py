"""``/metrics``: how records are being kept, and what could not be read, for Prometheus."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from aibridge.gateway.client import Client
from aibridge.health import say
from aibridge.recorder.recorder import Recorder

if TYPE_CHECKING:
    from prometheus_client import Metric

PATH = "/metrics"


async def answer(client: Client, recorder: Recorder | None, unread: int) -> None:
    """Answer with the metrics of this process."""
    from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest  # noqa: PLC0415
    from prometheus_client.registry import CollectorRegistry  # noqa: PLC0415 - only who is asked

    registry = CollectorRegistry()
    if recorder is not None:
        registry.register(_Recording(recorder, unread))
    await say(client, 200, CONTENT_TYPE_LATEST, generate_latest(registry))


class _Recording:
    """What is known of the recorder now."""

    def __init__(self, recorder: Recorder, unread: int) -> None:
        self._recorder = recorder
        self._unread = unread

    def collect(self) -> "Iterator[Metric]":
        from prometheus_client.metrics_core import (  # noqa: PLC0415
            CounterMetricFamily,
            GaugeMetricFamily,
        )

        recorder = self._recorder
        server = str(recorder.server_id or "")
        for name, meaning, value in (
            ("ready", "Whether records are taken; calls are refused else.", recorder.ready),
            ("database_away", "Whether the database takes no records.", recorder.is_away),
            ("spooled", "Records that wait on the spool for the database.", recorder.spooled),
            ("set_aside", "Records on the spool that cannot be replayed.", recorder.set_aside),
        ):
            family = GaugeMetricFamily(f"aibridge_records_{name}", meaning, labels=["server"])
            family.add_metric([server], value)
            yield family
        counted = CounterMetricFamily(
            "aibridge_requests_unread",
            "Requests that may hold more than could be read of them.",
            labels=["server"],
        )
        counted.add_metric([server], self._unread)
        yield counted
