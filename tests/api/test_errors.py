from typing import Annotated

import httpx
import pytest
from fastapi import FastAPI

from aibridge.api.bodies import open_body
from aibridge.contract import Body
from aibridge.store.database import Database

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
