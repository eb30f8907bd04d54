"""The Python SDK: the record read through the API, synchronously or not.

::

    with aibridge.Client() as client:  # AIBRIDGE_URL and AIBRIDGE_TOKEN
        for session in client.iter_sessions(SessionFilter(model="claude-sonnet-4-5")):
            print(session.id, session.last_prompt)
"""

from aibridge.sdk.async_client import AsyncClient
from aibridge.sdk.client import Client
from aibridge.sdk.errors import (
    AIBridgeError,
    ApiError,
    ConnectionFailed,
    Forbidden,
    Invalid,
    Misconfigured,
    NotFound,
    RateLimited,
    Unauthorized,
    Unavailable,
)
from aibridge.sdk.filters import InterceptionFilter, SessionFilter

__all__ = [
    "AIBridgeError",
    "ApiError",
    "AsyncClient",
    "Client",
    "ConnectionFailed",
    "Forbidden",
    "InterceptionFilter",
    "Invalid",
    "Misconfigured",
    "NotFound",
    "RateLimited",
    "SessionFilter",
    "Unauthorized",
    "Unavailable",
]
