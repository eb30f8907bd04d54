"""The description for machines, and the page for people, which takes nothing from outside."""

import re

import httpx
from fastapi import FastAPI

from aibridge.api.local import local_app
from aibridge.settings import load
from aibridge.store.engine.database import Database
from tests.people import new_user


async def test_the_description_is_for_everybody(app: FastAPI, anonymous: httpx.AsyncClient) -> None:
    answer = await anonymous.get("/openapi.json")
    assert answer.status_code == 200
    assert answer.json() == app.openapi()
    assert answer.headers["content-type"] == "application/json; charset=utf-8"


async def test_the_page_takes_nothing_from_outside(anonymous: httpx.AsyncClient) -> None:
    page = await anonymous.get("/docs")
    assert page.status_code == 200
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self';" in policy
    assert "http" not in policy
    addresses = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert len(addresses) == 4
    for address in addresses:
        assert address == "data:," or address.startswith("/docs/")
        if address != "data:,":
            assert (await anonymous.get(address)).status_code == 200
    assert "<script>" not in page.text


async def test_the_page_shows_the_description(anonymous: httpx.AsyncClient) -> None:
    script = await anonymous.get("/docs/start.js")
    assert script.headers["content-type"].startswith("text/javascript")
    assert script.headers["x-content-type-options"] == "nosniff"
    assert 'url: "/openapi.json"' in script.text


async def test_who_opens_the_database_itself_is_the_operator_by_any_token(
    database: Database,
) -> None:
    with database.write() as connection:
        new_user(connection, "cleo")
    transport = httpx.ASGITransport(local_app(database, load(None, {}, {})))
    headers = {"X-Api-Key": "anything"}
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        answer = await client.get("/api/v2/users", headers=headers)
        assert [user["username"] for user in answer.json()["users"]] == ["ana", "ben", "cleo"]
        made = await client.post("/api/v2/users", headers=headers, json={"username": "dan"})
        assert made.status_code == 201
        log = (await client.get("/api/v2/audit", headers=headers)).json()["audit_logs"]
    assert log[0]["user"]["username"] == "operator"


async def test_the_bare_address_says_what_this_is_and_where_to_go(
    anonymous: httpx.AsyncClient,
) -> None:
    answer = await anonymous.get("/")
    assert (answer.status_code, answer.json()["name"]) == (200, "AI Bridge")
    for key in ("docs", "openapi"):
        assert (await anonymous.get(answer.json()[key])).status_code == 200
    assert (await anonymous.head("/")).status_code == 200
    assert (await anonymous.post("/")).status_code == 405
