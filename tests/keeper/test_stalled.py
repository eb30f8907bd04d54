"""A PostgreSQL that does not answer, on real sockets: what was sent may have arrived or not."""

import socket
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, nullcontext, suppress
from pathlib import Path
from threading import Event, Thread
from time import monotonic, sleep

import pytest
from sqlalchemy import make_url
from structlog.testing import capture_logs

from aibridge.keeper import writing as module
from aibridge.keeper.keeper import Keeper
from aibridge.store.engine.database import Database
from tests.bridge import LOOK_SECONDS
from tests.databases import address
from tests.keeper.journals import RULES
from tests.wire import PATIENCE

ENGINES = ("postgresql",)
SOCKET = ".s.PGSQL.5432"


class Line:
    """What lies between the keeper and the server. Each direction can be stopped."""

    def __init__(self, near: Path, far: str) -> None:
        self._far = far
        self._listening = socket.socket(socket.AF_UNIX)
        self._listening.bind(str(near))
        self._listening.listen()
        self._open: list[socket.socket] = []
        self.to_server, self.to_keeper = Event(), Event()
        self.arrived = Event()
        """Set when anything came from the keeper."""
        self.flow()
        self._threads: list[Thread] = []
        self._begin(self._serve)

    def flow(self) -> None:
        """Let everything pass."""
        self.to_server.set()
        self.to_keeper.set()

    def stop(self, *directions: Event) -> None:
        """Let nothing pass any more, and close nothing."""
        self.arrived.clear()
        for direction in directions:
            direction.clear()

    def break_off(self) -> None:
        """Close every connection."""
        for one in self._open:
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Let nobody connect any more."""
        self.flow()
        self._listening.shutdown(socket.SHUT_RDWR)
        self.break_off()
        for thread in self._threads:
            thread.join()
        for one in (self._listening, *self._open):
            one.close()

    def _begin(self, work: Callable[..., None], *given: object) -> None:
        thread = Thread(target=work, args=given)
        self._threads.append(thread)
        thread.start()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._listening.accept()
                far = socket.socket(socket.AF_UNIX)
                far.connect(self._far)
                self._open += [near, far]
                for ends in ((near, far, self.to_server), (far, near, self.to_keeper)):
                    self._begin(self._carry, *ends)

    def _carry(self, source: socket.socket, target: socket.socket, flows: Event) -> None:
        with suppress(OSError):
            while data := source.recv(1 << 16):
                if flows is self.to_server:
                    self.arrived.set()
                flows.wait()
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)


@pytest.fixture
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The path of a socket, which must not be long."""
    return tmp_path_factory.mktemp("l") / SOCKET


@pytest.fixture
def line(place: Path, database: Database) -> Iterator[Line]:
    made = Line(place, f"{make_url(address(database)).query['host']}/{SOCKET}")
    yield made
    made.close()


@pytest.fixture
def _impatient(monkeypatch):
    monkeypatch.setattr(module, "AGAIN_SECONDS", 0.01)
    monkeypatch.setattr(module, "CALL_SECONDS", 0.3)


@contextmanager
def keeping(root: Path, place: Path, database: Database) -> Iterator[None]:
    """Have a keeper at work at the near end of a line, which is told to end at the end."""
    near = make_url(address(database)).update_query_dict({"host": str(place.parent)})
    over = Event()
    with closing(Database(near.render_as_string(hide_password=False))) as far:
        keeper = Keeper(root, far, RULES, nullcontext, over.is_set)

        def look_after() -> None:
            while thread.is_alive():
                keeper.look_after()
                sleep(LOOK_SECONDS)

        thread = Thread(target=keeper.run)
        thread.start()
        looking = Thread(target=look_after)
        looking.start()
        yield
        over.set()
        thread.join(PATIENCE)
        looking.join()
        assert not thread.is_alive()


def until(found: Callable[[], object]) -> None:
    give_up = monotonic() + PATIENCE
    while not found():
        assert monotonic() < give_up
        sleep(LOOK_SECONDS)


@pytest.mark.usefixtures("_impatient")
@pytest.mark.parametrize("arrives", [True, False], ids=["heard", "unheard"])
def test_what_a_line_that_stalls_leaves_open_is_settled_by_asking(
    gateway, root, line, place, database, rows, arrives
):
    """Heard, the server commits and nobody hears of it; unheard, it never hears of the record."""
    with capture_logs() as logs, keeping(root, place, database):
        ids = [gateway.call()]
        until(lambda: rows("sessions"))
        line.stop(*[line.to_keeper] if arrives else [line.to_keeper, line.to_server])
        ids += [gateway.call() for _ in range(3)]
        assert line.arrived.wait(PATIENCE)
        until(lambda: "database_away" in [each["event"] for each in logs])
        line.flow()
        ids.append(gateway.call())
        until(lambda: len(rows("sessions")) == 5)
    assert [row["id"] for row in rows("interceptions")] == ids
    assert {row["status"] for row in rows("interceptions")} == {"completed"}
    assert len(rows("token_usages")) == len(rows("user_prompts")) == 5
    assert [row["interceptions"] for row in rows("sessions")] == [1] * 5


@pytest.mark.usefixtures("_impatient")
def test_a_server_that_refuses_is_away_at_once(gateway, root, line, place, database, rows):
    with capture_logs() as logs, keeping(root, place, database):
        gateway.call()
        until(lambda: rows("sessions"))
        place.rename(place.with_name("away"))
        line.break_off()
        gateway.call()
        until(lambda: "database_away" in [each["event"] for each in logs])
        place.with_name("away").rename(place)
        until(lambda: len(rows("sessions")) == 2)
    assert [row["status"] for row in rows("interceptions")] == ["completed"] * 2


@pytest.mark.usefixtures("_impatient")
def test_a_keeper_does_not_wait_at_its_end_for_a_server_that_never_answers(
    gateway, root, line, place, database, rows
):
    with capture_logs() as logs, keeping(root, place, database):
        gateway.call()
        until(lambda: rows("sessions"))
        line.stop(line.to_server, line.to_keeper)
        gateway.call()
        assert line.arrived.wait(PATIENCE)
    assert "journal_left" in [each["event"] for each in logs]
    assert len(rows("interceptions")) == 1
