"""The Python SDK: the record read, and the bridge administered, through the API.

::

    with aibridge.Client() as client:  # AIBRIDGE_URL and AIBRIDGE_TOKEN
        for session in client.iter_sessions(SessionFilter(model="claude-sonnet-4-5")):
            print(session.id, session.last_prompt)

`AsyncClient` is the same with ``await``: ``scripts/unasync`` writes its modules from those of
`Client`.
"""

from aibridge.sdk.async_client import AsyncClient
from aibridge.sdk.client import Client
from aibridge.sdk.errors import (
    AIBridgeError,
    ApiError,
    Conflict,
    ConnectionFailed,
    Forbidden,
    Invalid,
    Misconfigured,
    NotFound,
    RateLimited,
    Unauthorized,
    Unavailable,
    WrongArgument,
)
from aibridge.sdk.filters import InterceptionFilter, SessionFilter

__all__ = [
    "AIBridgeError",
    "ApiError",
    "AsyncClient",
    "Client",
    "Conflict",
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
    "WrongArgument",
]
