from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aibridge.sdk.headers import retry_after

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0", 0),
        (" 120 ", 120),
        (format_datetime(NOW + timedelta(seconds=9), usegmt=True), 9),
        (format_datetime(NOW - timedelta(seconds=9), usegmt=True), 0),
        ("Thu, 01 Jan 2026 12:00:05 -0000", 5),
        ("", None),
        ("-1", None),
        ("1.5", None),
        ("1e9", None),
        ("²", None),
        ("9" * 400, None),
        ("soon", None),
    ],
)
def test_retry_after_is_seconds_or_a_date(text: str, seconds: float | None) -> None:
    assert retry_after({"retry-after": text}, NOW) == seconds


@given(st.text())
def test_no_retry_after_breaks_the_reader(text: str) -> None:
    found = retry_after({"retry-after": text}, NOW)
    assert found is None or found >= 0
