import sqlite3
from pathlib import Path
from typing import Annotated

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy.exc import DBAPIError
from structlog.testing import capture_logs

from aibridge.api.bodies import open_body
from aibridge.contract import Body
from aibridge.store.engine import database as databases
from aibridge.store.engine.database import Database
from tests.api.people_api import Api, Start, serving
from tests.builders import new_database

JSON = "application/json; charset=utf-8"


@pytest.mark.parametrize(
    "path", ["/nowhere", "/docs/x", "/openapi", "/api/v2/aibridge", "/api/v2/aibridge/x"]
)
async def test_an_unknown_route_is_told_in_json(client: httpx.AsyncClient, path: str) -> None:
    answer = await client.get(path)
    assert (answer.status_code, answer.json()) == (404, {"message": "Route not found."})
    assert answer.headers["content-type"] == JSON


async def test_a_wrong_method_is_told_in_json(client: httpx.AsyncClient) -> None:
    answer = await client.post("/api/v2/aibridge/sessions")
    assert (answer.status_code, answer.json()) == (405, {"message": "Method not allowed."})
    assert answer.headers["allow"] == "GET"


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("interceptions", "Internal error getting AI Bridge interceptions."),
        ("sessions", "Internal error getting AI Bridge sessions."),
        ("sessions/s", "Internal error fetching session."),
        ("models", "Internal error getting AI Gateway models."),
        ("clients", "Internal error getting AI Gateway clients."),
    ],
)
async def test_trouble_inside_is_named_and_not_explained(
    client: httpx.AsyncClient,
    database: Database,
    monkeypatch: pytest.MonkeyPatch,
    path: str,
    message: str,
) -> None:
    def broken() -> None:
        raise RuntimeError("the password is 1234")

    monkeypatch.setattr(database, "read", broken)
    answer = await client.get(f"/api/v2/aibridge/{path}")
    assert (answer.status_code, answer.json()) == (500, {"message": message})
    assert answer.headers["content-type"] == JSON


AWAY = {"message": "The database is busy or away: please try again."}


async def test_a_locked_database_is_503_and_one_line_in_the_log(
    one_app: FastAPI,
    start: Start,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(databases, "BUSY_TIMEOUT_SECONDS", 0.01)
    file = tmp_path / "aibridge.db"
    database = new_database(f"sqlite:///{file}")
    start.write(database)
    other = sqlite3.connect(file)
    other.execute("BEGIN EXCLUSIVE")
    with serving(one_app, database, start) as api, capture_logs() as logs:
        answer = await api.call("root", "POST", "/users", {"username": "new"}, expect=503)
        assert (answer.json(), answer.headers["retry-after"]) == (AWAY, "1")
        other.rollback()
        await api.call("root", "POST", "/users", {"username": "new"}, expect=201)
    assert logs == [
        {
            "event": "api_without_database",
            "log_level": "warning",
            "request_id": answer.headers["x-request-id"],
            "method": "POST",
            "path": "/api/v2/users",
            "error": "database is locked",
        }
    ]
    assert not caplog.records
    other.close()
    database.close()


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (sqlite3.OperationalError("database is locked"), 503),
        (DBAPIError("SELECT", (), sqlite3.OperationalError("database is locked")), 503),
        (sqlite3.IntegrityError("NOT NULL constraint failed"), 500),
        (DBAPIError("SELECT", (), sqlite3.IntegrityError("NOT NULL constraint failed")), 500),
    ],
)
async def test_only_trouble_that_passes_is_503(
    api: Api, monkeypatch: pytest.MonkeyPatch, error: Exception, status: int
) -> None:
    def broken() -> None:
        raise error

    monkeypatch.setattr(api.database, "read", broken)
    with capture_logs():
        await api.call("root", "GET", "/users", expect=status)


async def test_nobody_on_the_way_keeps_an_answer(client: httpx.AsyncClient) -> None:
    answer = await client.get("/api/v2/aibridge/sessions")
    assert answer.headers["cache-control"] == "no-store"


class Order(Body):
    amount: int


@pytest.mark.parametrize(
    ("content", "message", "fields"),
    [
        (b"{", "Request body must be valid JSON.", []),
        (b'{"amount": "secret"}', "Validation failed.", ["amount"]),
    ],
)
async def test_a_body_that_is_not_as_wanted_is_refused_and_not_repeated(
    app: FastAPI, client: httpx.AsyncClient, content: bytes, message: str, fields: list[str]
) -> None:
    @app.post("/order")
    async def order(_order: Annotated[Order, open_body(Order)]) -> None:
        pass

    headers = {"content-type": "application/json"}
    answer = await client.post("/order", content=content, headers=headers)
    body = answer.json()
    assert (answer.status_code, body["message"]) == (400, message)
    assert [one["field"] for one in body.get("validations", [])] == fields
    assert "secret" not in answer.text
