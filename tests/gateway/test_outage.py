"""While the database is away agents notice nothing, until the journal is full."""

import json
import os
from collections.abc import Iterator
from contextlib import ExitStack, closing

import pytest
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import select
from structlog.testing import capture_logs

from aibridge.identity import last_use
from aibridge.journal import writer as writers
from aibridge.journal.catching_up import CatchingUp
from aibridge.journal.format import Kind
from aibridge.journal.reader import Entry, Reader
from aibridge.keeper import keeper, writing
from aibridge.settings import load
from aibridge.store.engine.database import Database
from aibridge.store.schema.tables import interceptions
from tests import bridge as bridges
from tests.bridge import ROUTES
from tests.databases import locked
from tests.gateway import samples
from tests.wire import PATIENCE, Caller, ask, reply

dialects = pytest.mark.parametrize("dialect", samples.DIALECTS)


@pytest.fixture(scope="module", autouse=True)
def _impatient() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(writing, "LOCK_SECONDS", 0.01)
        patch.setattr(writing, "AGAIN_SECONDS", 0.05)
        patch.setattr(keeper, "TIDY_SECONDS", 0.05)
        patch.setattr(writers, "AGAIN_SECONDS", 0.05)
        with capture_logs():
            yield


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
    return {name: sample.value for name, (sample,) in found.items()}


def back(bridge):
    """Wait until everything is in the database, and return it."""
    bridge.wait_for(lambda: not bridge.keeper.read().trouble)
    return bridge.records()


def statuses(database):
    """What is in the database now, whatever is on its way."""
    with database.read() as connection:
        return connection.execute(select(interceptions.c.status)).scalars().all()


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
        assert not statuses(bridge.database)
        bridge.wait_for(lambda: metrics(bridge)["database_away"])
        status, text = readiness(bridge)
        assert (status, text.startswith("records wait in the journal; ")) == (200, True)
        said = metrics(bridge)
        assert said["behind_bytes"] > 0
        assert (said["ready"], said["unattended"], said["set_aside"]) == (1, 0, 0)
    records = back(bridge)
    assert [record.status for record in records] == ["completed"] * 3
    assert [len(record.usages) for record in records] == [1] * 3
    assert readiness(bridge) == (200, "ok")
    bridge.wait_for(lambda: not metrics(bridge)["behind_bytes"])
    said = metrics(bridge)
    assert (said["ready"], said["database_away"]) == (1, 0)


def test_who_reads_the_end_has_the_record_in_the_journal(wire, bridge):
    with bridge.locked(), Caller(bridge.url) as caller:
        with closing(Reader(bridge.app._settings.journals / "1")) as reader:
            before = len(list(reader.read()))
        play(wire, "messages")
        body = json.dumps(samples.request("messages", stream=True)).encode()
        caller.send(ROUTES["messages"], headers=bridge.headers(), body=body)
        assert caller.answer().body == samples.body("messages", stream=True)
        with closing(Reader(bridge.app._settings.journals / "1")) as reader:
            found = [one for one in reader.read() if isinstance(one, Entry)]
        assert [one.kind for one in found[before:]] == [Kind.BEGIN, Kind.END]
        assert found[-1].content.endswith(samples.body("messages", stream=True))
    assert [one.status for one in back(bridge)] == ["completed"]


def test_a_stop_in_an_outage_asks_nothing_of_the_database_and_loses_nothing(
    wire, tmp_path, databases, monkeypatch
):
    asked = []
    monkeypatch.setattr(last_use, "note_uses", lambda *_: asked.append(1))
    wire.always(reply(samples.WHOLE["messages"]))
    configured = bridges.providers(wire.url)
    with databases.url() as url, closing(Database(url)) as database:
        with ExitStack() as lock:
            with bridges.serve(tmp_path, configured, database_url=url) as bridge:
                lock.enter_context(locked(database))
                assert bridge.post("messages", samples.request("messages")).status == 200
                bridge.wait_for(lambda: bridge.keeper.read().trouble)
            assert not asked
            assert statuses(database) == []
        settings = load(None, {}, {"data_dir": tmp_path, "database_url": url})
        with bridges.keeping(settings):
            bridge.wait_for(lambda: CatchingUp(settings.journals).wait(PATIENCE))
        assert statuses(database) == ["completed"]


def test_with_a_full_journal_calls_are_refused_in_the_dialect_until_it_is_read(
    wire, tmp_path, databases
):
    padding = os.urandom(1 << 20).hex()
    wire.always(reply(samples.WHOLE["messages"]))
    with (
        databases.url() as url,
        bridges.serve(
            tmp_path, bridges.providers(wire.url), database_url=url, journal_max_bytes=16 << 20
        ) as bridge,
    ):
        with bridge.locked():
            begun = 0
            while bridge.post("messages", {"padding": padding[begun:]}).status == 200:
                begun += 1
            assert 5 < begun < 10
            for dialect in samples.DIALECTS:
                answer = bridge.post(dialect, {"padding": padding})
                assert (answer.status, answer.values(b"retry-after")) == (503, [b"5"])
                kind = "api_error" if dialect == "messages" else "server_error"
                error = json.loads(answer.body)["error"]
                assert (error["type"], "cannot record" in error["message"]) == (kind, True)
            assert len(wire.requests) == begun
        bridge.wait_for(lambda: bridge.post("messages", {"padding": padding}).status == 200)
        back(bridge)
        assert [one["status"] for one in bridge.rows("interceptions")] == ["completed"] * (
            len(wire.requests)
        )
