"""What the headers of an answer say: when to ask again, and which request it was."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

REQUEST_ID = "x-request-id"

_SECONDS = re.compile(r"[0-9]{1,9}")


def request_id(headers: Mapping[str, str]) -> str | None:
    """Return the id under which the server knows a request, ``None`` if it told none."""
    return headers.get(REQUEST_ID)


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
