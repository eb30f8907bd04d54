"""Log requests through ``logging.getLogger("aibridge")``, without tokens, passwords and bodies.

``AIBRIDGE_LOG`` of ``info`` or ``debug`` prints the lines to standard error.
"""

import logging
import time
from typing import TypeVar

import httpx

from aibridge.sdk.answers import Outcome
from aibridge.sdk.errors import Misconfigured
from aibridge.sdk.headers import request_id
from aibridge.sdk.request import Request

VARIABLE = "AIBRIDGE_LOG"
LOGGER = "aibridge"

_LEVELS = {"info": logging.INFO, "debug": logging.DEBUG}
_FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"
_log = logging.getLogger(LOGGER)

T = TypeVar("T")


def set_up(level: str) -> None:
    """Print the log at this level, unless the program has handlers of its own for it.

    An empty ``level`` changes nothing. Raises `Misconfigured`.
    """
    if not level:
        return
    level = level.lower()
    if level not in _LEVELS:
        raise Misconfigured(f"{VARIABLE} is info or debug, or not set")
    _log.setLevel(_LEVELS[level])
    if not _log.hasHandlers():
        handler = logging.StreamHandler()
        handler.setFormatter(logging.Formatter(_FORMAT))
        _log.addHandler(handler)


def begin(request: Request[T], attempt: int) -> float:
    """Log that a request is sent, and return the moment for `end`."""
    _log.debug("%s %s attempt=%d", request.method, request.path, attempt)
    return time.monotonic()


def end(request: Request[T], attempt: int, outcome: Outcome, began: float) -> None:
    """Log what became of a request."""
    status, known = _told(outcome)
    _log.info(
        "%s %s status=%s attempt=%d request_id=%s ms=%d",
        request.method,
        request.path,
        status,
        attempt,
        known,
        (time.monotonic() - began) * 1000,
    )


def _told(outcome: Outcome) -> tuple[object, str | None]:
    """Return the status, or what kind of failure it was, and the id of the request."""
    if isinstance(outcome, httpx.RequestError):
        return type(outcome).__name__, None
    return outcome.status_code, request_id(outcome.headers)


def pause(seconds: float) -> None:
    """Log that a request waits before it is sent again."""
    _log.debug("waiting %.1f s before the next attempt", seconds)
