"""A PostgreSQL that does not answer, on real sockets: what was sent may have arrived or not."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing
from pathlib import Path

import pytest
from sqlalchemy import make_url

from aibridge.recorder import outage as outages
from aibridge.recorder import recorder as recorders
from aibridge.recorder import spooler as spoolers
from aibridge.recorder import writer as writers
from aibridge.recorder.recorder import Recorder
from aibridge.recorder.ticket import Ticket
from aibridge.store.database import Database
from aibridge.store.spool import Spool
from tests.databases import address
from tests.recorder.spooling import LONG, Turns, whole

pytestmark = pytest.mark.parametrize("databases", ["postgresql"], indirect=True, scope="module")

SOCKET = ".s.PGSQL.5432"


class Line:
    """What lies between the bridge and the server. Each direction can be stopped."""

    def __init__(self, server: str) -> None:
        self._server = server
        self._open: set[asyncio.StreamWriter] = set()
        self.to_server, self.to_bridge = asyncio.Event(), asyncio.Event()
        self.arrived = asyncio.Event()
        """Set when anything came from the bridge."""
        self.flow()

    def flow(self) -> None:
        """Let everything pass."""
        self.to_server.set()
        self.to_bridge.set()

    def stop(self, *directions: asyncio.Event) -> None:
        """Let nothing pass any more, and close nothing."""
        self.arrived.clear()
        for direction in directions:
            direction.clear()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Carry a connection."""
        server_reader, server_writer = await asyncio.open_unix_connection(self._server)
        self._open |= {writer, server_writer}
        await asyncio.gather(
            self._carry(reader, server_writer, self.to_server),
            self._carry(server_reader, writer, self.to_bridge),
        )

    async def _carry(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, flows: asyncio.Event
    ) -> None:
        while data := await reader.read(1 << 16):
            if flows is self.to_server:
                self.arrived.set()
            await flows.wait()
            writer.write(data)
        writer.close()

    def close(self) -> None:
        """Break every connection off."""
        for writer in self._open:
            writer.close()


@asynccontextmanager
async def line(folder: Path, database: Database) -> AsyncIterator[tuple[Line, str]]:
    """Lay a line, and yield it with the address of the database at its end."""
    url = make_url(address(database))
    made = Line(f"{url.query['host']}/{SOCKET}")
    server = await asyncio.start_unix_server(made.serve, folder / SOCKET)
    near = url.update_query_dict({"host": str(folder), "connect_timeout": "2"})
    try:
        yield made, near.render_as_string(hide_password=False)
    finally:
        made.flow()
        server.close()
        made.close()


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writers, "PROBE_SECONDS", 0.02)
    monkeypatch.setattr(writers, "CALL_SECONDS", 0.2)
    monkeypatch.setattr(recorders, "LOOK_SECONDS", 0.05)
    monkeypatch.setattr(spoolers, "WATCH_SECONDS", 0.02)


@pytest.fixture
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder whose name is short enough for a socket."""
    return tmp_path_factory.mktemp("l")


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[Spool]:
    with closing(Spool(tmp_path / "spool.db", max_bytes=1 << 20)) as spool:
        yield spool


async def connected(recorder: Recorder, monkeypatch: pytest.MonkeyPatch) -> Ticket:
    """Record something in the database, and have no patience from then on."""
    turns = Turns(recorder)
    first = await whole(recorder)
    await turns.until(away=False)
    monkeypatch.setattr(outages, "HOLD_SECONDS", 0.1)
    return first


@pytest.mark.parametrize("arrives", [True, False], ids=["heard", "unheard"])
async def test_what_a_line_that_stalls_leaves_open_is_settled_by_asking(
    database, folder, spool, rows, monkeypatch, arrives
):
    """Heard, the server commits and nobody hears of it; unheard, it never hears of the record."""
    async with line(folder, database) as (between, url):
        near = Database(url)
        recorder = Recorder(near, spool)
        turns = Turns(recorder)
        first = await connected(recorder, monkeypatch)
        between.stop(*[between.to_bridge] if arrives else [between.to_bridge, between.to_server])
        async with asyncio.timeout(LONG):
            later = [await whole(recorder, "c") for _ in range(3)]
            await between.arrived.wait()
        assert recorder.spooled > 0
        between.flow()
        await turns.until(away=False)
        last = await whole(recorder)
        await recorder.close()
        near.close()
    ids = [each.start.id for each in (first, *later, last)]
    assert [row["id"] for row in rows("interceptions")] == ids
    assert {row["status"] for row in rows("interceptions")} == {"completed"}
    assert len(rows("token_usages")) == len(rows("user_prompts")) == 5
    assert [row["interceptions"] for row in rows("sessions")] == [1] * 5


async def test_a_server_that_refuses_is_away_at_once(database, folder, spool, rows, monkeypatch):
    async with line(folder, database) as (between, url):
        near = Database(url)
        recorder = Recorder(near, spool)
        turns = Turns(recorder)
        await connected(recorder, monkeypatch)
        (folder / SOCKET).rename(folder / "away")
        between.close()
        for _ in range(3):
            await whole(recorder)
        assert recorder.spooled > 0
        (folder / "away").rename(folder / SOCKET)
        await turns.until(away=False)
        await recorder.close()
        near.close()
    assert len(rows("interceptions")) == 4


async def test_closing_does_not_wait_for_a_server_that_never_answers(
    database, folder, spool, rows, monkeypatch
):
    monkeypatch.setattr(writers, "STOP_SECONDS", 0.1)
    async with line(folder, database) as (between, url):
        near = Database(url)
        recorder = Recorder(near, spool)
        await connected(recorder, monkeypatch)
        between.stop(between.to_server)
        begun = await whole(recorder)
        async with asyncio.timeout(LONG):
            await recorder.close()
        assert begun.end_is_kept
        assert [kept.interception_id for kept in spool.first(9) if kept.ended] == [begun.start.id]
        between.flow()
        await asyncio.to_thread(recorder._writer._thread.join, LONG)
        near.close()
    again = Recorder(database, spool)
    await Turns(again).until(away=False)
    await again.close()
    assert [row["status"] for row in rows("interceptions")] == ["completed"] * 2
