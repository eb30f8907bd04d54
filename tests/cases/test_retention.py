"""Applications that name one session for ever: what is old of it goes, and the rest adds up."""

import json
from datetime import UTC, datetime, timedelta
from threading import Event

from aibridge.recorder.retention import purge_once
from aibridge.sessions import reading
from aibridge.sessions.reading import ThreadPage
from aibridge.store.transfer.checking import disagreements
from aibridge.store.transfer.purging import Purged, count_due
from tests.bridge import Bridge
from tests.wire import Wire, reply

APP = ("user-agent", "OpenAI/Python 2.8.0")
USAGE = {
    "input_tokens": 40,
    "output_tokens": 12,
    "total_tokens": 52,
    "input_tokens_details": {"cached_tokens": 10},
    "output_tokens_details": {"reasoning_tokens": 5},
}


def answer(number: int) -> bytes:
    body = {"id": f"resp_{number}", "object": "response", "status": "completed", "output": []}
    return reply(json.dumps({**body, "model": "gpt-x-2026", "usage": USAGE}).encode())


def ask(bridge: Bridge, wire: Wire, count: int, key: str) -> list[int]:
    """Have an application ask some questions with one cache key; return when each began."""
    for number in range(count):
        wire.play(answer(number))
        body = {"model": "m", "input": f"question {number}", "prompt_cache_key": key}
        assert bridge.post("responses", body, APP).status == 200
    return [row["started_at"] for row in bridge.rows("interceptions")]


def purge(bridge: Bridge, before: int) -> Purged:
    moment = datetime.fromtimestamp(0, UTC) + timedelta(microseconds=before)
    due = count_due(bridge.database, before)
    assert purge_once(bridge.database, moment, Event()) == due
    with bridge.database.read() as connection:
        assert list(disagreements(connection)) == []
    return due


def test_constant_cache_key_retention(bridge: Bridge, wire: Wire) -> None:
    *_, last = ask(bridge, wire, 4, "app-v1")
    gone = purge(bridge, last)
    (left,) = bridge.records()
    assert gone.interceptions == 3
    assert (left.started_at, [row["prompt"] for row in left.prompts]) == (last, ["question 3"])
    for table in ("user_prompts", "token_usages", "sessions", "session_kinds"):
        assert len(bridge.rows(table)) == 1, table
    detail = reading.show_session(bridge.database, left.session_id, ThreadPage(limit=9))
    assert detail is not None
    assert [thread.prompt for thread in detail.threads] == ["question 3"]
    assert detail.token_usage_summary.input_tokens == 30


def test_each_purge_takes_what_has_grown_old_since(bridge: Bridge, wire: Wire) -> None:
    moments = ask(bridge, wire, 5, "app-v2")
    for number, moment in enumerate(moments):
        assert purge(bridge, moment).interceptions == bool(number)
        assert [row["started_at"] for row in bridge.rows("interceptions")] == moments[number:]
    assert purge(bridge, moments[-1] + 60_000_000) == Purged(1, 1)
    assert bridge.rows("sessions") == bridge.rows("correlation_keys") == []
