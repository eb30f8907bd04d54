"""Whether to ask again, and when.

What is repeatable (a GET, a PUT) may be asked again whatever became of it. All else only where it
cannot have been done: when there was no connection, or the server had too many requests.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpx

from aibridge.sdk.answers import Outcome

RETRIES = 2
FIRST_PAUSE = 0.5
"""Seconds before the second attempt; doubled for each one after it."""

LONGEST_PAUSE = 30.0
"""Seconds. A server that asks for more is not waited for: the caller learns of it at once."""

STATUSES = frozenset({429, 502, 503, 504})
UNDONE_STATUSES = frozenset({429})
"""A gateway's 502, and a 503 or 504, may come after the work was done."""

_LOST = (httpx.NetworkError, httpx.RemoteProtocolError, httpx.ConnectTimeout)
"""Not a slow answer: who waited for the whole timeout would wait as long again."""

_NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout)

_SECONDS = re.compile(r"[0-9]{1,9}")


def pause_before_next(
    outcome: Outcome, done: int, *, retries: int = RETRIES, repeatable: bool = True
) -> float | None:
    """Return the seconds to wait before the next attempt, ``None`` when there is to be none.

    ``done`` is how many attempts there were, ``outcome`` what became of the last. ``repeatable``
    says whether the request may be done twice.
    """
    if done > retries or not _may_pass(outcome, repeatable):
        return None
    asked = None if isinstance(outcome, httpx.RequestError) else retry_after(outcome.headers)
    pause = min(FIRST_PAUSE * 2 ** (done - 1), LONGEST_PAUSE) if asked is None else asked
    return pause if pause <= LONGEST_PAUSE else None


def _may_pass(outcome: Outcome, repeatable: bool) -> bool:
    if isinstance(outcome, httpx.RequestError):
        return isinstance(outcome, _LOST if repeatable else _NEVER_SENT)
    return outcome.status_code in (STATUSES if repeatable else UNDONE_STATUSES)


def retry_after(headers: Mapping[str, str], now: datetime | None = None) -> float | None:
    """Return the seconds that ``Retry-After`` asks for, ``None`` when it is absent or unreadable.

    Source: RFC 9110, section 10.2.3: seconds, or a date.
    """
    text = headers.get("retry-after", "").strip()
    if _SECONDS.fullmatch(text):
        return float(text)
    try:
        then = parsedate_to_datetime(text)
    except (ValueError, TypeError, OverflowError):
        return None
    then = then if then.tzinfo else then.replace(tzinfo=UTC)
    return max(0.0, (then - (now or datetime.now(UTC))).total_seconds())
