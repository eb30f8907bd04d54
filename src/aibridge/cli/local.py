"""The API within a command, over this machine's own database, as its operator."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from aibridge.cli.database import open_database
from aibridge.sdk import Client

_URL = "http://127.0.0.1"
_TOKEN = "operator"  # noqa: S105 - any will do: every request is the operator's


class InProcess(httpx.BaseTransport):
    """Answers requests with an ASGI application, on an event loop of its own."""

    def __init__(self, application: Any) -> None:  # noqa: ANN401 - of whatever framework
        nowhere: Any = None  # nothing comes over a network: the audit log shows no address
        self._inner = httpx.ASGITransport(application, client=nowhere)
        self._runner = asyncio.Runner()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Return the whole answer. What the application raises comes out here."""
        return self._runner.run(self._answer(request))

    async def _answer(self, request: httpx.Request) -> httpx.Response:
        response = await self._inner.handle_async_request(request)
        content = await response.aread()
        return httpx.Response(response.status_code, headers=response.headers, content=content)

    def close(self) -> None:
        """End the event loop, and its threads."""
        self._runner.close()


@contextmanager
def open_client(
    config: Path | None, data_dir: str | None, database_url: str | None
) -> Iterator[Client]:
    """Yield a client of the API over the database that the settings name, brought up to date."""
    from aibridge.api.local import local_app  # noqa: PLC0415

    with open_database(config, data_dir, database_url) as (database, settings):
        transport = InProcess(local_app(database, settings))
        with Client(_URL, _TOKEN, transport=transport, retries=0) as client:
            yield client
