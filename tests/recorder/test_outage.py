"""The database is away: records are spooled, and replayed in order and once when it is back."""

import asyncio
from typing import Any

import pytest
from structlog.testing import capture_logs

from aibridge.recorder import writer as writers
from aibridge.recorder.recorder import Recorder
from aibridge.recorder.ticket import Ticket
from aibridge.store.spool import Spool
from tests.databases import locked
from tests.recorder.facts import end, facts, start

LONG = 20.0
MIB = 1 << 20


@pytest.fixture
def spool(tmp_path):
    spool = Spool(tmp_path / "spool.db", max_bytes=MIB)
    yield spool
    spool.close()


@pytest.fixture(autouse=True)
def _impatient(monkeypatch):
    monkeypatch.setattr(writers, "PROBE_SECONDS", 0.02)


@pytest.fixture
async def recorder(database, spool):
    recorder = Recorder(database, spool, patience_seconds=0.05)
    yield recorder
    await recorder.close()


async def whole(recorder: Recorder, *calls: str, **more: Any) -> Ticket:
    """Record an interception from start to end, as the gateway does."""
    begun = recorder.start(start(**more))
    await recorder.started(begun)
    recorder.finish(begun, end(facts=facts(*calls)))
    await recorder.ended(begun)
    return begun


async def is_back(recorder: Recorder) -> None:
    """Wait until the database is written to again."""
    async with asyncio.timeout(LONG):
        while recorder._outage.is_on:  # noqa: ASYNC110 - a flag of the writer's thread
            await asyncio.sleep(0.005)


async def test_records_are_kept_while_the_database_is_locked_and_replayed_after(
    recorder, database, spool, rows
):
    first = await whole(recorder)
    with capture_logs() as logs:
        with locked(database):
            spooled = [await whole(recorder) for _ in range(20)]
            assert recorder.ready
            assert recorder.spooled == spool.waiting == 40
            assert len(rows("interceptions")) == 1
        await is_back(recorder)
    last = await whole(recorder)
    ids = [each.start.id for each in (first, *spooled, last)]
    assert [row["id"] for row in rows("interceptions")] == ids
    assert {row["status"] for row in rows("interceptions")} == {"completed"}
    assert len(rows("token_usages")) == len(rows("user_prompts")) == len(ids)
    assert recorder.spooled == 0
    assert [entry["event"] for entry in logs] == ["database_away", "database_back"]
    assert (logs[1]["spooled"], logs[1]["replayed"]) == (40, 40)
