"""Several servers of one PostgreSQL, as processes: workers on one socket, and bridges apart."""

import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from typing import Any

import psycopg
import pytest

from aibridge.store.database import Database
from tests.databases import address
from tests.gateway import samples
from tests.processes import MESSAGES, STOPPED, Home, Process, statuses
from tests.wire import PATIENCE, STREAM_HEAD, Caller, Then, Wire, ask, chunk

ENGINES = ("postgresql",)
EVENTS = samples.EVENTS["messages"]


@pytest.fixture
def wire():
    with Wire() as wire:
        yield wire


@pytest.fixture
def home(databases, tmp_path):
    with databases.place() as url:
        yield Home(tmp_path, url)


@pytest.fixture
def other(home):
    """Another machine of the same fleet."""
    folder = home.folder / "other"
    folder.mkdir()
    return Home(folder, home.url)


@contextmanager
def sql(home: Home) -> Iterator[Callable[..., Any]]:
    database = Database(home.url)
    with closing(psycopg.connect(address(database), autocommit=True)) as connection:
        yield lambda *statement: connection.execute(*statement).fetchall()
    database.close()


def until(found: Callable[[], Any]) -> Any:
    give_up = time.monotonic() + PATIENCE
    while not (seen := found()):
        assert time.monotonic() < give_up
        time.sleep(0.01)
    return seen


def asking_endlessly(wire: Wire) -> None:
    wire.always(*samples.framed(samples.body("messages", stream=True), "chunked", stream=True))


def test_workers_share_a_socket_and_stop_together(wire, home):
    asking_endlessly(wire)
    with home.serving(wire, "--workers", "2") as process:
        with ThreadPoolExecutor(8) as callers:
            prompts = [f"number {number}" for number in range(40)]
            answers = callers.map(lambda prompt: process.ask(prompt, process.token), prompts)
            assert {answer.status for answer in answers} == {200}
        with sql(home) as run:
            places = [place for (place,) in until(lambda: two(run("SELECT place FROM servers")))]
        code, said = process.end(signal.SIGTERM)
    assert (code in STOPPED, "Traceback" in said) == (True, False)
    assert statuses(home) == dict.fromkeys(prompts, "completed")
    assert not any(is_alive(int(place.split()[1])) for place in places)
    with sql(home) as run:
        assert run("SELECT * FROM servers") == []


def two(rows: list[Any]) -> list[Any]:
    return rows if len(rows) == 2 else []


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_a_worker_that_is_killed_is_begun_anew_and_its_calls_are_closed(wire, home):
    wire.play(STREAM_HEAD, chunk(EVENTS[0]), Then.STALL)
    body = samples.encoded(samples.request("messages", "cut", stream=True))
    with home.serving(wire, "--workers", "2") as process, sql(home) as run:
        until(lambda: two(run("SELECT place FROM servers")))
        with Caller(process.url) as caller:
            caller.send(MESSAGES, headers=[("x-api-key", process.token)], body=body)
            caller.begin()
            ((place, number),) = run(
                "SELECT place, servers.id FROM servers JOIN interceptions ON server_id = servers.id"
            )
            os.kill(int(place.split()[1]), signal.SIGKILL)
            until(lambda: statuses(home) == {"cut": "failed"})
        assert (number,) not in run("SELECT id FROM servers")
        asking_endlessly(wire)
        assert process.ask("after", process.token).status == 200
        code, said = process.end(signal.SIGTERM)
    assert "worker_ended" in said
    assert code in STOPPED


def test_workers_end_when_what_began_them_is_killed(wire, home):
    with home.serving(wire, "--workers", "2") as process, sql(home) as run:
        places = until(lambda: two(run("SELECT place FROM servers")))
        os.kill(process.popen.pid, signal.SIGKILL)
        until(lambda: not run("SELECT * FROM servers"))
    until(lambda: not any(is_alive(int(place.split()[1])) for (place,) in places))


def test_a_token_that_is_deleted_at_one_bridge_is_refused_by_the_others(wire, home, other):
    asking_endlessly(wire)
    with home.serving(wire) as here, other.serving(wire, new=False) as there:
        made = api(here, "/api/v2/users/me/keys/tokens", body=b'{"token_name": "mine"}')
        token = json.loads(made.body)["key"]
        for bridge in (here, there, there):
            assert bridge.ask("one", token).status == 200
        name = token.partition("-")[0]
        assert api(here, f"/api/v2/users/me/keys/{name}", method="DELETE").status == 204
        assert here.ask("two", token).status == 401
        until(lambda: there.ask("two", token).status == 401)


def api(process: Process, path: str, **request: Any) -> Any:
    headers = [("coder-session-token", process.token), ("content-type", "application/json")]
    return ask(process.url, path, headers=headers, **request)


def test_known_tokens_work_while_the_database_refuses_everybody(wire, home):
    asking_endlessly(wire)
    with home.serving(wire) as process, sql(home) as run:
        assert process.ask("one", process.token).status == 200
        ((name,),) = run("SELECT current_database()")
        run_outside(home, f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
        run(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = %s AND application_name = 'aibridge'",
            (name,),
        )
        for number in range(5):
            assert process.ask(f"away {number}", process.token).status == 200
        unknown = f"AAAAAAAAAA-{process.token[11:]}"
        assert process.ask("who", unknown).status == 503
        assert ask(process.url, "/healthz", method="GET").status == 200
        assert "away 0" not in statuses_by(run)
        run_outside(home, f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")
        until(lambda: len(statuses_by(run)) == 6)
        assert process.ask("who", unknown).status == 401
    assert set(statuses(home).values()) == {"completed"}


def statuses_by(run: Callable[..., Any]) -> dict[str, str]:
    query = "SELECT prompt, status FROM user_prompts JOIN interceptions i ON i.id = interception_id"
    return dict(run(f"{query} WHERE status <> 'running'"))


def run_outside(home: Home, statement: str) -> None:
    """Run a statement from a database that is not touched by it."""
    database = Database(home.url)
    url = database.engine.url.set(drivername="postgresql", database="postgres")
    database.close()
    with psycopg.connect(url.render_as_string(hide_password=False), autocommit=True) as connection:
        connection.execute(statement)
