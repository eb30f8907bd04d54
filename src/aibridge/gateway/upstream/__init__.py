"""An HTTP/1.1 client for the relay: pooled keep-alive connections on httptools."""

from aibridge.gateway.upstream.errors import (
    BrokenAnswer,
    ConnectFailed,
    TimedOut,
    UpstreamError,
)
from aibridge.gateway.upstream.pool import Address, Pool, Timeouts
from aibridge.gateway.upstream.response import Response

__all__ = [
    "Address",
    "BrokenAnswer",
    "ConnectFailed",
    "Pool",
    "Response",
    "TimedOut",
    "Timeouts",
    "UpstreamError",
]
