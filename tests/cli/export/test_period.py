from datetime import UTC, datetime, timedelta

from aibridge.cli.export.period import ExportFilters


def test_two_exports_that_meet_share_nothing() -> None:
    noon = datetime(2026, 1, 31, 12, tzinfo=UTC)
    before, after = ExportFilters(until=noon), ExportFilters(since=noon)
    last, first = before.interceptions().started_before, after.sessions("").started_after
    assert last is not None
    assert last + timedelta(microseconds=1) == first == noon
