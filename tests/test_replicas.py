"""Several servers of one PostgreSQL, as processes."""

import json
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import Any

import psycopg
import pytest

from aibridge.store.engine.database import Database
from tests.databases import address
from tests.gateway import samples
from tests.processes import Home, Process, statuses, until
from tests.wire import Wire, ask

ENGINES = ("postgresql",)
EVENTS = samples.EVENTS["messages"]


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


def asking_endlessly(wire: Wire) -> None:
    wire.always(*samples.framed(samples.body("messages", stream=True), "chunked", stream=True))


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
