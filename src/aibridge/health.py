"""``/healthz`` and ``/readyz``: whether the process lives, and whether it should get traffic."""

from collections.abc import Callable

from aibridge.gateway.client import Client

PATHS = frozenset({"/healthz", "/readyz"})


async def answer(path: str, client: Client, ready: Callable[[], str | None]) -> None:
    """Answer a probe; ``ready`` returns what is in the way of serving, `None` for nothing."""
    trouble = ready() if path == "/readyz" else None
    body = trouble.encode() if trouble else b"ok"
    headers = [
        (b"content-type", b"text/plain; charset=utf-8"),
        (b"content-length", b"%d" % len(body)),
        (b"cache-control", b"no-store"),
    ]
    await client.begin(503 if trouble else 200, headers)
    await client.write(body, more=False)
