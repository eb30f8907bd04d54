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
    await say(client, 200 if is_ready else 503, "text/plain; charset=utf-8", text.encode())


async def say(client: Client, status: int, media_type: str, body: bytes) -> None:
    """Answer with what holds at this moment only, so that nobody keeps it."""
    headers = [
        (b"content-type", media_type.encode()),
        (b"content-length", b"%d" % len(body)),
        (b"cache-control", b"no-store"),
    ]
    await client.begin(status, headers)
    await client.write(body, more=False)
