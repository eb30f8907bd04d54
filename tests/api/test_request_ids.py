"""Every answer of the API names its request, and so does the log of what went wrong inside."""

from uuid import UUID

import httpx
import pytest
from structlog.testing import capture_logs

from aibridge.store.engine.database import Database

MODELS = "/api/v2/aibridge/models"
HEADER = "x-request-id"


def ids(answer: httpx.Response) -> list[str]:
    return answer.headers.get_list(HEADER)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", MODELS, 200),
        ("GET", "/openapi.json", 200),
        ("GET", "/docs", 200),
        ("GET", "/nowhere", 404),
        ("GET", "/api/v2/users/nobody", 404),
        ("DELETE", MODELS, 405),
        ("GET", f"{MODELS}?limit=x", 400),
        ("GET", f"{MODELS}?{'&' * 200}", 400),
        ("POST", "/api/v2/users", 415),
    ],
)
async def test_every_answer_has_a_fresh_id(
    client: httpx.AsyncClient, method: str, path: str, status: int
) -> None:
    answers = [await client.request(method, path, content=b"x") for _ in range(2)]
    assert [answer.status_code for answer in answers] == [status, status]
    (first,), (second,) = map(ids, answers)
    assert UUID(first).version == UUID(second).version == 4
    assert first != second


async def test_a_refusal_for_want_of_a_token_has_an_id(anonymous: httpx.AsyncClient) -> None:
    answer = await anonymous.get(MODELS)
    assert (answer.status_code, len(ids(answer))) == (401, 1)


@pytest.mark.parametrize("own", ["r-1", "a b", "~" * 128, '"quoted" \\ text'])
async def test_a_client_may_choose_the_id(client: httpx.AsyncClient, own: str) -> None:
    for path in (MODELS, "/nowhere"):
        assert ids(await client.get(path, headers={HEADER: own})) == [own]


@pytest.mark.parametrize("own", [b"", b"~" * 129, b"\xe4", b"a\tb", b"a\x7f", b"a\x1b[31m"])
async def test_an_id_that_is_none_is_replaced(client: httpx.AsyncClient, own: bytes) -> None:
    (found,) = ids(await client.get(MODELS, headers=[(HEADER.encode(), own)]))
    assert UUID(found).version == 4


async def test_two_ids_are_none(client: httpx.AsyncClient) -> None:
    (found,) = ids(await client.get(MODELS, headers=[(HEADER, "one"), (HEADER, "two")]))
    assert UUID(found).version == 4


async def test_trouble_inside_is_logged_with_the_id_that_its_answer_has(
    client: httpx.AsyncClient, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(**_: object) -> None:
        raise RuntimeError("the password is 1234")

    monkeypatch.setattr(database, "read", broken)
    with capture_logs() as logs:
        answer = await client.get(f"{MODELS}?q=secret", headers={HEADER: "r-1"})
    assert (answer.status_code, ids(answer)) == (500, ["r-1"])
    assert logs == [
        {
            "event": "internal_error",
            "log_level": "error",
            "request_id": "r-1",
            "method": "GET",
            "path": MODELS,
            "error": "RuntimeError",
        }
    ]
