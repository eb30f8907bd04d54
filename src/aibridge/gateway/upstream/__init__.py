"""An HTTP/1.1 client for the relay: pooled keep-alive connections on httptools."""

from aibridge.gateway.upstream.errors import (
    BrokenAnswer,
    ConnectFailed,
    TimedOut,
    UpstreamError,
)
from aibridge.gateway.upstream.pool import Address, Pool, Timeouts
from aibridge.gateway.upstream.redirects import (
    Destination,
    NotFollowed,
    RedirectRules,
    follow,
    is_redirect,
)
from aibridge.gateway.upstream.response import Response

__all__ = [
    "Address",
    "BrokenAnswer",
    "ConnectFailed",
    "Destination",
    "NotFollowed",
    "Pool",
    "RedirectRules",
    "Response",
    "TimedOut",
    "Timeouts",
    "UpstreamError",
    "follow",
    "is_redirect",
]
