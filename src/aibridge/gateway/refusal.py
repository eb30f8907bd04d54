"""Our own refusals, worded in the dialect of the route so that agents understand them."""

from aibridge.dialects import DIALECTS
from aibridge.gateway.client import Client
from aibridge.providers.types import Dialect

RETRY_AFTER_SECONDS = 5
SERVICE_UNAVAILABLE = 503

_FINAL = frozenset({401, 403})
_DO_NOT_RETRY = (b"x-should-retry", b"false")
"""Read by the vendors' SDKs and by Claude Code, which retries a 401 for minutes without it."""


class Refusal(Exception):
    """A request that goes no further: the HTTP status, and what the person is told.

    Trouble of ours is 503 with Retry-After; what must not be tried again is neither 429 nor 5xx.
    ``headers`` are added to the answer. ``may_retry`` is false where trying again is of no use,
    as it always is for 401 and 403.
    """

    def __init__(
        self,
        status: int,
        message: str,
        *,
        headers: tuple[tuple[bytes, bytes], ...] = (),
        may_retry: bool = True,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.headers = headers
        self.may_retry = may_retry and status not in _FINAL


async def refuse(client: Client, refusal: Refusal, dialect: Dialect) -> None:
    """Answer with the refusal."""
    body = DIALECTS[dialect].error_body(refusal.status, refusal.message)
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", b"%d" % len(body)),
        *refusal.headers,
    ]
    if not refusal.may_retry:
        headers.append(_DO_NOT_RETRY)
    if refusal.status == SERVICE_UNAVAILABLE:
        headers.append((b"retry-after", b"%d" % RETRY_AFTER_SECONDS))
    client.begin(refusal.status, headers)
    await client.write(body, more=False)
