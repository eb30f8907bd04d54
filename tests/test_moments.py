from datetime import UTC, datetime, timedelta

import pytest

from aibridge.moments import EPOCH, parse_moment


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-01-31", datetime(2026, 1, 31, tzinfo=UTC)),
        ("2026-01-31T12:00:00Z", datetime(2026, 1, 31, 12, tzinfo=UTC)),
        ("2026-01-31T12:00:00.25+02:00", datetime(2026, 1, 31, 10, 0, 0, 250_000, UTC)),
        ("0001-01-01", EPOCH),
        ("5000w", EPOCH),
    ],
)
def test_moments(text: str, moment: datetime) -> None:
    assert parse_moment(text) == moment


@pytest.mark.parametrize(
    ("text", "span"),
    [("7d", timedelta(days=7)), ("12h", timedelta(hours=12)), ("2w", timedelta(weeks=2))],
)
def test_how_long_ago(text: str, span: timedelta) -> None:
    before = datetime.now(UTC)
    moment = parse_moment(text)
    assert before <= moment + span <= datetime.now(UTC)


@pytest.mark.parametrize("text", ["", "0", "7", "d", "7y", "-7d", "noon", "2026-01-31T12:00:00"])
def test_what_says_no_moment_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="expected a date"):
        parse_moment(text)
