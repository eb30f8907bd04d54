"""Whether to ask again, and when.

What is repeatable (a GET, a PUT) may be asked again whatever became of it. All else only where it
cannot have been done: when there was no connection, or the server had too many requests.
"""

from collections.abc import Callable
from dataclasses import dataclass

import httpx

from aibridge.sdk.answers import Outcome
from aibridge.sdk.headers import retry_after

RETRIES = 2
FIRST_PAUSE = 0.5
"""Seconds before the second attempt; doubled for each one after it."""

LONGEST_PAUSE = 30.0
"""Seconds, of a pause of our own."""

MAX_RETRY_AFTER = 30.0
"""Seconds. A server that asks for more is not waited for: the caller learns of it at once."""

JITTER = 0.5
"""The part of a pause of our own that chance decides, so that many clients do not come at once."""

STATUSES = frozenset({408, 429, 500, 502, 503, 504})
UNDONE_STATUSES = frozenset({429})
"""A 408, and 5xx of a gateway, may come after the work was done."""

_LOST = (httpx.NetworkError, httpx.RemoteProtocolError, httpx.TimeoutException)
_NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)


@dataclass(frozen=True, slots=True)
class Retries:
    """How often a request is tried again, and how long a server may ask to wait for, in seconds."""

    most: int = RETRIES
    max_retry_after: float = MAX_RETRY_AFTER

    def pause(
        self,
        outcome: Outcome,
        done: int,
        *,
        repeatable: bool = True,
        random: Callable[[], float] = lambda: 0.0,
    ) -> float | None:
        """Return the seconds to wait before the next attempt, ``None`` when there is to be none.

        ``done`` is how many attempts there were, ``outcome`` what became of the last.
        ``repeatable`` says whether the request may be done twice. ``random`` gives a number from
        0 to 1 that makes a pause shorter which no ``Retry-After`` asks for.
        """
        if done > self.most or not _may_pass(outcome, repeatable):
            return None
        asked = None if isinstance(outcome, httpx.RequestError) else retry_after(outcome.headers)
        if asked is not None:
            return asked if asked <= self.max_retry_after else None
        longest = min(FIRST_PAUSE * 2.0 ** min(done - 1, 9), LONGEST_PAUSE)
        return longest * (1 - JITTER * random())


def _may_pass(outcome: Outcome, repeatable: bool) -> bool:
    if isinstance(outcome, httpx.RequestError):
        return isinstance(outcome, _LOST if repeatable else _NEVER_SENT)
    return outcome.status_code in (STATUSES if repeatable else UNDONE_STATUSES)
