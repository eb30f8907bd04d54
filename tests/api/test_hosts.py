"""Which names the bridge answers to, and which pages may call it without a token."""

import httpx
import pytest
from fastapi import FastAPI

from aibridge.api.app import create_app
from aibridge.api.hosts import Hosts, hosts_of
from aibridge.api.services import Services
from aibridge.store.engine.database import Database
from tests.api.people_api import PASSWORD, Api
from tests.people import asking

LOOPBACK = ["localhost", "localhost:4000", "LOCALHOST.", "127.0.0.1:1", "127.1.2.3", "[::1]:4000"]
FOREIGN = ["evil.example", "evil.example:4000", "127.0.0.1.nip.io", "localhost.evil.example"]
NONSENSE = ["", ":4000", "[::1", "[::1].evil.example", "localhost:x", "a@localhost", "localhost/"]


@pytest.mark.parametrize(
    ("listens", "allowed", "taken", "refused"),
    [
        ("127.0.0.1", [], LOOPBACK, ["bridge", "192.0.2.1", "0.0.0.0", *FOREIGN, *NONSENSE]),  # noqa: S104
        ("localhost", [], LOOPBACK, FOREIGN),
        ("::1", [], LOOPBACK, FOREIGN),
        ("127.0.0.2", ["Bridge.Example"], [*LOOPBACK, "bridge.example:80"], FOREIGN),
        ("127.0.0.1", ["192.0.2.1", "fd00::1"], ["192.0.2.1", "[FD00::1]:4000"], ["[fd00::2]"]),
        ("0.0.0.0", [], [*LOOPBACK, *FOREIGN, *NONSENSE], []),  # noqa: S104 - nothing listens
        ("10.0.0.7", ["bridge.example"], [*LOOPBACK, "bridge.example", "10.0.0.7:1"], FOREIGN),
        ("::", ["bridge.example."], ["bridge.example", "bridge.example."], ["other", *NONSENSE]),
    ],
)
def test_names_of_the_bridge(
    listens: str, allowed: list[str], taken: list[str], refused: list[str]
) -> None:
    hosts = hosts_of(listens, allowed)
    assert [one for one in taken if not hosts.allow(one)] == []
    assert [one for one in refused if hosts.allow(one)] == []


@pytest.fixture
def strict() -> FastAPI:
    hosts = Hosts(any_name=False)
    return create_app(Services(Database("sqlite://"), asking(lambda _token: None), hosts=hosts))


PATHS = ["/", "/docs", "/docs/start.js", "/docs/assets/swagger-ui.css", "/openapi.json"]
PATHS += ["/api/v2/users/me", "/api/v2/users/first", "/api/v2/aibridge/sessions"]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("headers", [[("Host", "evil.example")], [("Host", "localhost")] * 2])
async def test_nothing_is_served_under_another_name(
    strict: FastAPI, path: str, headers: list[tuple[str, str]]
) -> None:
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(strict), base_url="http://localhost"
    ) as client:
        answer = await client.get(path, headers=headers)
    assert answer.status_code == 421
    assert answer.headers["content-type"] == "application/json; charset=utf-8"
    assert answer.json() == {
        "message": "Misdirected request.",
        "detail": "The header Host is no name of this bridge: add it to the option allowed_hosts.",
    }


async def test_pages_are_served_under_its_own(strict: FastAPI) -> None:
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(strict), base_url="http://localhost:4000"
    ) as client:
        assert (await client.get("/docs")).status_code == 200


OWN = [
    {},
    {"origin": "http://bridge"},
    {"origin": "http://bridge:80"},
    {"origin": "HTTP://BRIDGE", "sec-fetch-site": "same-origin"},
    {"origin": "https://bridge", "host": "bridge:443"},
    {"origin": "http://[::1]:4000", "host": "[::1]:4000"},
    {"sec-fetch-site": "none"},
]
OTHER = [
    {"origin": "http://evil.example"},
    {"origin": "http://evil.example", "sec-fetch-site": "same-origin"},
    {"origin": "http://bridge", "sec-fetch-site": "cross-site"},
    {"sec-fetch-site": "cross-site"},
    {"sec-fetch-site": "same-site"},
    {"sec-fetch-site": ""},
    {"origin": "http://bridge:4000"},
    {"origin": "http://bridge.evil.example"},
    {"origin": "https://bridge", "host": "bridge:80"},
    {"origin": "null"},
    {"origin": ""},
    {"origin": "http://", "host": ""},
    {"origin": "bridge"},
]
LOGIN = {"email": "ann", "password": PASSWORD}


@pytest.mark.parametrize("headers", OWN)
async def test_who_has_no_token_may_be_a_program_or_a_page_of_the_bridge(
    api: Api, headers: dict[str, str]
) -> None:
    await api.call(None, "POST", "/users/login", LOGIN, headers=headers, expect=201)


@pytest.mark.parametrize("headers", OTHER)
async def test_pages_of_other_sites_get_nowhere_without_a_token(
    api: Api, headers: dict[str, str]
) -> None:
    first = {"username": "evil", "password": PASSWORD}
    for path, content in (("/users/login", LOGIN), ("/users/first", first)):
        found = await api.refused(403, None, "POST", path, content, headers=headers)
        assert found["message"] == "Forbidden."
    assert api.acts() == []


async def test_with_a_token_it_matters_not_whose_page_it_is(api: Api) -> None:
    headers = {"origin": "http://evil.example", "sec-fetch-site": "cross-site"}
    await api.call("root", "POST", "/users", {"username": "x"}, headers=headers, expect=201)
