from collections.abc import Callable
from dataclasses import replace

import httpx
import pytest
from fastapi import FastAPI

from aibridge.identity.known import IdentityUnavailable
from tests.api.people_api import Api
from tests.builders import ANA, Call

LISTS = ["interceptions", "sessions", "models", "clients"]
PATHS = [*LISTS, "sessions/s"]
PREFIXES = ["/api/v2/aibridge", "/api/v2/ai-gateway"]


@pytest.fixture(autouse=True)
def some_record(seed: Callable[..., None]) -> None:
    seed(Call(1, session="s", initiator=ANA))


@pytest.mark.parametrize(
    "headers",
    [
        {"Coder-Session-Token": "auditor-token"},
        {"Authorization": "Bearer auditor-token"},
        {"authorization": "bearer auditor-token"},
        {"X-Api-Key": "auditor-token"},
        {"Authorization": "Basic YTpi", "X-Api-Key": "auditor-token"},
        {"Coder-Session-Token": "auditor-token", "Authorization": "Bearer nonsense"},
    ],
)
async def test_a_token_is_taken_from_each_header(
    anonymous: httpx.AsyncClient, headers: dict[str, str]
) -> None:
    answer = await anonymous.get("/api/v2/aibridge/sessions", headers=headers)
    assert (answer.status_code, answer.json()["count"]) == (200, 1)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("headers", [{}, {"X-Api-Key": "nonsense"}, {"Authorization": "Bearer"}])
async def test_without_a_good_token_every_route_answers_401_in_json(
    anonymous: httpx.AsyncClient, path: str, headers: dict[str, str]
) -> None:
    answer = await anonymous.get(f"/api/v2/aibridge/{path}", headers=headers)
    assert answer.status_code == 401
    assert answer.headers["content-type"] == "application/json; charset=utf-8"
    assert answer.json()["message"] == "Authentication required."


@pytest.mark.parametrize("prefix", PREFIXES)
@pytest.mark.parametrize("token", ["owner-token", "auditor-token"])
@pytest.mark.parametrize("path", PATHS)
async def test_owner_and_auditor_read_everything_under_both_prefixes(
    anonymous: httpx.AsyncClient, prefix: str, token: str, path: str
) -> None:
    answer = await anonymous.get(f"{prefix}/{path}", headers={"X-Api-Key": token})
    assert answer.status_code == 200
    assert answer.json()


@pytest.mark.parametrize("token", ["member-token", "admin-token"])
async def test_others_get_empty_lists_and_no_session(
    anonymous: httpx.AsyncClient, token: str
) -> None:
    anonymous.headers["X-Api-Key"] = token
    found = {name: await anonymous.get(f"/api/v2/aibridge/{name}") for name in LISTS}
    assert {name: answer.json() for name, answer in found.items()} == {
        "interceptions": {"count": 0, "results": []},
        "sessions": {"count": 0, "sessions": []},
        "models": [],
        "clients": [],
    }
    cursor = await anonymous.get("/api/v2/aibridge/sessions?after_session_id=s")
    assert cursor.json() == {"count": 0, "sessions": []}
    detail = await anonymous.get("/api/v2/aibridge/sessions/s")
    assert (detail.status_code, detail.json()) == (404, {"message": "Session not found."})


async def test_while_tokens_cannot_be_checked_the_answer_is_503(
    app: FastAPI, client: httpx.AsyncClient
) -> None:
    async def unavailable(_token: str) -> None:
        raise IdentityUnavailable("secret of the database")

    app.state.services = replace(app.state.services, authenticate=unavailable)
    answer = await client.get("/api/v2/aibridge/sessions")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
    assert "secret" not in answer.text


OPEN = [
    ("GET", "/buildinfo"),
    ("GET", "/users/authmethods"),
    ("GET", "/users/first"),
    ("POST", "/users/first"),
    ("POST", "/users/login"),
]


@pytest.mark.parametrize(("method", "path"), [*OPEN, ("POST", "/users/logout")])
async def test_a_parameter_that_a_route_has_not_is_refused_without_a_token_too(
    api: Api, method: str, path: str
) -> None:
    who = "ann" if path.endswith("logout") else None
    found = await api.refused(400, who, method, f"{path}?x=1&y=&x=2")
    assert {one["field"]: one["detail"] for one in found["validations"]} == {
        name: f'Query param "{name}" is not a valid query param' for name in ("x", "y")
    }


@pytest.mark.parametrize(
    ("path", "names"),
    [
        ("/users?limit=1&limit=1", ["limit"]),
        ("/users?q=a&limit=1&q=b&limit=&limit=2", ["q", "limit"]),
        ("/aibridge/sessions?q=a&q=a", ["q"]),
        ("/audit?offset=0&offset=0", ["offset"]),
        ("/groups?has_member=ann&has_member=bob", ["has_member"]),
    ],
)
async def test_a_parameter_that_comes_twice_is_refused_by_its_name(
    api: Api, path: str, names: list[str]
) -> None:
    found = await api.refused(400, "root", "GET", path)
    assert found["message"] == "Query parameters have invalid values."
    assert [(one["field"], one["detail"]) for one in found["validations"]] == [
        (name, f'Query param "{name}" was given twice') for name in names
    ]
    assert (await api.call(None, "GET", path)).status_code == 401
