"""While the database is away agents notice nothing, until the spool is full."""

import json
import sqlite3
from contextlib import ExitStack, closing, suppress
from http.client import HTTPException

import pytest
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import select

from aibridge.identity import last_use
from aibridge.recorder import spooler, writer
from aibridge.server import spool_of
from aibridge.settings import load
from aibridge.store.database import Database
from aibridge.store.schema import interceptions
from aibridge.store.spool import PAGE_BYTES, Spool, SpoolError
from tests import bridge as bridges
from tests.bridge import ROUTES
from tests.gateway import samples
from tests.wire import Caller, ask, reply

dialects = pytest.mark.parametrize("dialect", samples.DIALECTS)


@pytest.fixture(autouse=True)
def _impatient(monkeypatch):
    monkeypatch.setattr(writer, "LOCK_SECONDS", 0.01)
    monkeypatch.setattr(writer, "PROBE_SECONDS", 0.05)
    monkeypatch.setattr(spooler, "ROOM_SECONDS", 0.05)


def readiness(bridge):
    answer = ask(bridge.url, "/readyz", method="GET")
    return answer.status, answer.body.decode()


def metrics(bridge):
    """What Prometheus would read, without what all names have in common."""
    answer = ask(bridge.url, "/metrics", method="GET")
    assert answer.status == 200
    said = text_string_to_metric_families(answer.body.decode())
    families = [family for family in said if family.name.startswith("aibridge_records_")]
    assert {family.type for family in families} == {"gauge"}
    found = {family.name.removeprefix("aibridge_records_"): family.samples for family in families}
    return {name: sample.value for name, (sample,) in found.items()}.items()


def back(bridge, calls: int):
    """Wait until everything is in the database."""
    bridge.wait_for(lambda: not bridge.app._recorder._outage.is_on)
    assert len(bridge.records()) == calls


def play(wire, dialect, *, stream=True):
    body = samples.body(dialect, stream=stream)
    wire.play(*samples.framed(body, "chunked", stream=stream))
    return body


@dialects
def test_calls_are_answered_and_recorded_later(wire, bridge, dialect):
    with bridge.locked():
        for stream in (True, False, True):
            body = play(wire, dialect, stream=stream)
            assert bridge.post(dialect, samples.request(dialect, stream=stream)).body == body
        assert not bridge.records()
        status, text = readiness(bridge)
        assert (status, text.startswith("records wait on the spool: ")) == (200, True)
        assert metrics(bridge) >= {"ready": 1, "database_away": 1, "set_aside": 0}.items()
        assert dict(metrics(bridge))["spooled"] == bridge.app._recorder.spooled > 0
    back(bridge, 3)
    assert {record.status for record in bridge.records()} == {"completed"}
    assert [len(record.usages) for record in bridge.records()] == [1] * 3
    assert readiness(bridge) == (200, "ok")
    assert dict(metrics(bridge)) == {"ready": 1, "database_away": 0, "spooled": 0, "set_aside": 0}


def test_who_reads_the_end_has_the_record_on_the_spool(wire, bridge):
    with bridge.locked(), Caller(bridge.url) as caller:
        play(wire, "messages")
        body = json.dumps(samples.request("messages", stream=True)).encode()
        caller.send(ROUTES["messages"], headers=bridge.headers(), body=body)
        assert caller.answer().status == 200
        with closing(sqlite3.connect(bridge.app._spool.path)) as spool:
            found = spool.execute("SELECT ended FROM entries ORDER BY number").fetchall()
        assert found == [(0,), (1,)]
    back(bridge, 1)


def test_a_stop_in_an_outage_asks_nothing_of_the_database(wire, tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr(last_use, "note_uses", lambda *_: asked.append(1))
    wire.always(reply(samples.WHOLE["messages"]))
    with ExitStack() as lock, bridges.serve(tmp_path, bridges.providers(wire.url)) as bridge:
        lock.enter_context(bridge.locked())
        assert bridge.post("messages", samples.request("messages")).status == 200
    assert not asked
    with closing(Spool(tmp_path / "spool.db", max_bytes=1 << 20)) as spool:
        assert spool.waiting > 0


def test_who_wants_no_spool_any_more_still_has_what_waits_on_it_replayed(wire, tmp_path):
    wire.always(reply(samples.WHOLE["messages"]))
    configured = bridges.providers(wire.url)
    with ExitStack() as lock, bridges.serve(tmp_path, configured) as bridge:
        lock.enter_context(bridge.locked())
        assert bridge.post("messages", samples.request("messages")).status == 200
        assert not bridge.records()
    recording = {"when_unavailable": "refuse"}
    settings = load(None, {}, {"data_dir": tmp_path, "recording": recording})
    with closing(Database(settings.database_url)) as database:
        with spool_of(settings, database) as spool:
            assert spool is None
        with database.read() as connection:
            found = connection.execute(select(interceptions.c.status)).scalars().all()
    assert found == ["completed"]


@pytest.fixture
def full(bridge):
    """A bridge whose database is locked and whose spool takes nothing more."""
    spool = bridge.app._spool
    bound = spool._max_pages
    spool._connection.execute(f"PRAGMA max_page_count={spool._pages}")
    spool._max_pages = spool._pages
    with bridge.locked():
        yield bridge
    spool._connection.execute(f"PRAGMA max_page_count={bound}")
    spool._max_pages = bound
    bridge.wait_for(lambda: not bridge.app._recorder._outage.is_on)


def test_with_no_place_for_records_no_provider_is_asked_whatever_room_there_seems_to_be(
    wire, tmp_path, monkeypatch
):
    def append(_: object) -> None:
        raise SpoolError("full")

    def post() -> tuple[int, bool]:
        answer = bridge.post("messages", samples.request("messages"))
        return answer.status, b"cannot record" in answer.body

    wire.always(reply(samples.WHOLE["messages"]))
    with ExitStack() as lock, bridges.serve(tmp_path, bridges.providers(wire.url)) as bridge:
        monkeypatch.setattr(bridge.app._spool, "append", append)
        lock.enter_context(bridge.locked())
        assert post() == (503, False)
        assert len(wire.requests) == 1  # it was under way when nothing could be kept
        monkeypatch.setattr(spooler.Spooler, "takes_starts", True)
        assert [post() for _ in range(5)] == [(503, True)] * 5
        assert len(wire.requests) == 1


@dialects
def test_with_a_full_spool_calls_are_refused_in_the_dialect(wire, full, dialect):
    big = samples.request(dialect, "x" * PAGE_BYTES * 4, stream=True)
    with suppress(HTTPException):  # those that meet it have no end
        while full.app._recorder.ready:
            play(wire, dialect)
            full.post(dialect, big)
    asked = len(wire.requests)
    answer = full.post(dialect, samples.request(dialect, stream=True))
    assert (answer.status, answer.values(b"retry-after")) == (503, [b"5"])
    kind = "api_error" if dialect == "messages" else "server_error"
    error = json.loads(answer.body)["error"]
    assert (error["type"], "cannot record" in error["message"]) == (kind, True)
    assert len(wire.requests) == asked
    assert readiness(full)[0] == 503
    assert ask(full.url, "/healthz", method="GET").status == 200
