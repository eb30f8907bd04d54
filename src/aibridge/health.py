"""``/healthz`` and ``/readyz``: whether the process lives, and whether it should get traffic."""

from collections.abc import Callable
from typing import NamedTuple

from aibridge.gateway.client import Client

PATHS = frozenset({"/healthz", "/readyz"})


class Readiness(NamedTuple):
    """Whether the bridge can serve, and what is to be said about it."""

    is_ready: bool
    text: str


ALIVE = Readiness(True, "ok")


async def answer(path: str, client: Client, ready: Callable[[], Readiness]) -> None:
    """Answer a probe; ``ready`` says whether the bridge should get traffic."""
    is_ready, text = ready() if path == "/readyz" else ALIVE
    body = text.encode()
    headers = [
        (b"content-type", b"text/plain; charset=utf-8"),
        (b"content-length", b"%d" % len(body)),
        (b"cache-control", b"no-store"),
    ]
    await client.begin(200 if is_ready else 503, headers)
    await client.write(body, more=False)
