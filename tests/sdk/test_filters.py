from dataclasses import FrozenInstanceError
from datetime import UTC, datetime, timedelta, timezone

import pytest

from aibridge.sdk import InterceptionFilter, SessionFilter, WrongArgument

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def test_parts_stand_in_the_order_of_the_go_client() -> None:
    where = SessionFilter(
        q="free text:x",
        session_id="s",
        client="Claude Code",
        model="m",
        provider_name="pn",
        provider="p",
        started_after=NOON,
        started_before=NOON.replace(tzinfo=timezone(timedelta(hours=2))),
        initiator="me",
    )
    assert where.query() == (
        'initiator:"me" started_before:"2026-01-01T12:00:00+02:00" '
        'started_after:"2026-01-01T12:00:00Z" provider:"p" provider_name:"pn" model:"m" '
        'client:"Claude Code" session_id:"s" free text:x'
    )


@pytest.mark.parametrize("kind", [SessionFilter, InterceptionFilter])
def test_fields_that_are_not_set_are_not_sent(
    kind: type[SessionFilter] | type[InterceptionFilter],
) -> None:
    assert kind().query() == ""
    assert kind(q="x").query() == "x"
    assert kind(model="m").query() == 'model:"m"'


def test_a_value_cannot_break_out_of_its_quotes() -> None:
    assert InterceptionFilter(model='x" initiator:"me').query() == r'model:"x\" initiator:\"me"'


def test_a_time_without_an_offset_is_refused_where_it_is_given() -> None:
    with pytest.raises(WrongArgument, match=r"^started_after: expected a time with its offset$"):
        SessionFilter(started_after=NOON.replace(tzinfo=None))


def test_interceptions_cannot_be_looked_for_by_session() -> None:
    assert not hasattr(InterceptionFilter(), "session_id")


def test_a_filter_cannot_be_changed() -> None:
    where = InterceptionFilter(model="m")
    with pytest.raises(FrozenInstanceError):
        where.model = "n"  # type: ignore[misc]
