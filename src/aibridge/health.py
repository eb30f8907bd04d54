"""``/healthz`` and ``/readyz``: whether the process lives, and whether it should get traffic."""

from collections.abc import Callable
from typing import NamedTuple

from starlette.types import Send

PATHS = frozenset({"/healthz", "/readyz"})


class Readiness(NamedTuple):
    """Whether the bridge can serve, and what is to be said about it."""

    is_ready: bool
    text: str


ALIVE = Readiness(True, "ok")


async def answer(path: str, send: Send, ready: Callable[[], Readiness]) -> None:
    """Answer a probe; ``ready`` says whether the bridge should get traffic."""
    is_ready, text = ready() if path == "/readyz" else ALIVE
    await say(send, 200 if is_ready else 503, "text/plain; charset=utf-8", text.encode())


async def say(send: Send, status: int, media_type: str, body: bytes) -> None:
    """Answer with what holds at this moment only, so that nobody keeps it."""
    headers = [
        (b"content-type", media_type.encode()),
        (b"content-length", b"%d" % len(body)),
        (b"cache-control", b"no-store"),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
