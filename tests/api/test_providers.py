from typing import Any

import pytest

from aibridge.api.shapes import configured_provider
from aibridge.contract import AIProvider
from aibridge.identity.rights import Rights
from aibridge.providers.settings import ProviderSettings
from aibridge.providers.types import TYPES, wire_of
from tests.api.people_api import NOT_FOUND, Api
from tests.builders import Call, record, uid

BASE = "/api/v2/aibridge"
LISTED = {"interceptions": "results", "sessions": "sessions"}
PATHS = ["/aibridge/providers", "/ai-gateway/providers"]


def called(name: str, kind: str) -> dict[str, str]:
    return {"provider_name": name, "provider": kind}


def shown(name: str, kind: str) -> dict[str, str]:
    return {"name": name, "type": kind, "display_name": name, "icon": ""}


def configured(*settings: dict[str, Any]) -> tuple[AIProvider, ...]:
    """Return providers as the settings have them."""
    return tuple(configured_provider(ProviderSettings.model_validate(one)) for one in settings)


@pytest.mark.parametrize("path", PATHS)
async def test_providers_are_those_configured_and_those_on_record(api: Api, path: str) -> None:
    assert await api.get("root", path) == []
    claude = {"name": "claude", "type": "anthropic"}
    api.change(configured=configured({"type": "openai"}, claude))
    with api.database.write() as connection:
        record(
            connection,
            Call(1, columns=called("claude", "anthropic")),
            Call(2, columns=called("was", "copilot")),
            Call(3, columns=called("was", "copilot")),
            Call(4, running=True, columns=called("running", "openai")),
        )
    assert await api.get("root", path) == [
        shown("claude", "anthropic"),
        shown("openai", "openai"),
        shown("was", "copilot"),
    ]


async def test_a_name_that_had_another_type_is_listed_once_as_configured(api: Api) -> None:
    api.change(configured=configured({"name": "a", "type": "openai"}))
    with api.database.write() as connection:
        record(
            connection,
            Call(1, columns=called("a", "anthropic")),
            Call(2, columns=called("b", "openai")),
            Call(3, columns=called("b", "azure")),
        )
    found = await api.get("aud", PATHS[0])
    assert found == [shown("a", "openai"), shown("b", "azure")]


@pytest.mark.parametrize("path", PATHS)
async def test_only_owners_and_auditors_are_told(api: Api, path: str) -> None:
    expected = {"root": 200, "hr": 404, "aud": 200, "ann": 404, "bob": 404}
    assert await api.statuses("GET", path) == expected
    assert await api.refused(404, "ann", "GET", path) == NOT_FOUND
    for token in (None, "nonsense"):
        await api.refused(401, token, "GET", path)
    await api.refused(405, "root", "POST", path)


async def test_who_reads_their_own_record_is_told_what_is_in_it_beside_the_configured(
    api: Api,
) -> None:
    api.change(rights=Rights(members_read_own=True), configured=configured({"type": "openai"}))
    with api.database.write() as connection:
        mine = called("mine", "anthropic")
        record(
            connection,
            Call(1, initiator=api.ids["ann"], columns=mine),
            Call(2, initiator=api.ids["bob"], columns=called("theirs", "copilot")),
        )
    found = await api.get("ann", PATHS[0])
    assert found == [shown("mine", "anthropic"), shown("openai", "openai")]


async def test_the_owner_is_shown_what_is_configured_and_the_ends_of_keys(api: Api) -> None:
    key = "sk-test-0123456789abcdefghij"
    api.change(
        configured=configured(
            {"type": "anthropic", "api_keys": [key, key]},
            {"name": "ours", "type": "azure", "base_url": "https://ours.example.com/openai/v1"},
        )
    )
    found = await api.get("root", "/ai/providers")
    claude, ours = found
    assert [one["masked"] for one in claude["api_keys"]] == ["sk-t...ghij"] * 2
    assert len({claude["id"], ours["id"], *(one["id"] for one in claude["api_keys"])}) == 4
    assert claude | {"id": "", "api_keys": len(claude["api_keys"])} == {
        "id": "",
        "type": "anthropic",
        "name": "anthropic",
        "display_name": "anthropic",
        "icon": "",
        "enabled": True,
        "base_url": "https://api.anthropic.com/",
        "api_keys": 2,
        "settings": None,
        "created_at": None,
        "updated_at": None,
    }
    assert ours["base_url"] == "https://ours.example.com/openai/v1"
    for name in (ours["id"], ours["id"].upper(), "ours"):
        assert await api.get("root", f"/ai/providers/{name}") == ours
    await api.refused(404, "root", "GET", "/ai/providers/theirs")
    for path in ("/ai/providers", "/ai/providers/ours"):
        expected = {"root": 200, "hr": 404, "aud": 404, "ann": 404, "bob": 404}
        assert await api.statuses("GET", path) == expected


OF_EACH_TYPE = dict(enumerate(sorted(TYPES), 1))
SPEAKS_OPENAI = [number for number, kind in OF_EACH_TYPE.items() if wire_of(kind) == "openai"]


@pytest.fixture
def of_each_type(seed):
    seed(*(Call(n, at=n, columns={"provider": kind}) for n, kind in OF_EACH_TYPE.items()))


@pytest.mark.parametrize("kind", ["interceptions", "sessions"])
async def test_the_record_shows_whose_api_a_provider_speaks(client, of_each_type, kind):
    body = (await client.get(f"{BASE}/{kind}")).json()
    shown = [one.get("provider") or one["providers"][0] for one in body[LISTED[kind]]]
    assert shown == [wire_of(OF_EACH_TYPE[n]) for n in sorted(OF_EACH_TYPE, reverse=True)]


async def test_a_session_shows_whose_api_its_providers_speak(client, of_each_type):
    for number, kind in OF_EACH_TYPE.items():
        detail = (await client.get(f"{BASE}/sessions/{uid(number)}")).json()
        shown = [detail["providers"], [thread["provider"] for thread in detail["threads"]]]
        assert shown == [[wire_of(kind)]] * 2


async def test_a_session_has_each_api_once(client, seed):
    kinds = ("azure", "openai", "vercel", "anthropic")
    seed(*(Call(n, n, session="s", columns={"provider": k}) for n, k in enumerate(kinds, 1)))
    for path in ("sessions", "sessions/s"):
        body = (await client.get(f"{BASE}/{path}")).json()
        assert (body.get("sessions") or [body])[0]["providers"] == ["anthropic", "openai"]


@pytest.mark.parametrize("kind", ["interceptions", "sessions"])
@pytest.mark.parametrize(
    ("q", "numbers"),
    [
        ("provider:openai", SPEAKS_OPENAI),
        ("-provider:openai", sorted(set(OF_EACH_TYPE) - set(SPEAKS_OPENAI))),
        ("provider:openai provider:anthropic -provider:copilot", [1, *SPEAKS_OPENAI]),
        ("provider:azure", [2]),
        ("provider:openai -provider:azure", [n for n in SPEAKS_OPENAI if n != 2]),
    ],
)
async def test_a_search_finds_all_providers_that_speak_an_api(
    client, of_each_type, kind, q, numbers
):
    body = (await client.get(f"{BASE}/{kind}", params={"q": q})).json()
    assert sorted(one["id"] for one in body[LISTED[kind]]) == [uid(n) for n in numbers]
    assert body["count"] == len(numbers)
