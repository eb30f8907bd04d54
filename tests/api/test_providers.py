import pytest

from aibridge.contract import Provider
from aibridge.identity.rights import Rights
from aibridge.providers.types import TYPES, wire_of
from tests.api.people_api import NOT_FOUND, Api
from tests.builders import Call, record, uid

BASE = "/api/v2/aibridge"
LISTED = {"interceptions": "results", "sessions": "sessions"}
PATHS = ["/aibridge/providers", "/ai-gateway/providers"]


def called(name: str, kind: str) -> dict[str, str]:
    return {"provider_name": name, "provider": kind}


def shown(name: str, kind: str, display_name: str = "") -> dict[str, str]:
    return {"name": name, "type": kind, "display_name": display_name or name, "icon": ""}


@pytest.mark.parametrize("path", PATHS)
async def test_providers_are_those_configured_and_those_on_record(api: Api, path: str) -> None:
    assert await api.get("root", path) == []
    configured = (
        Provider(name="openai", type="openai", display_name="OpenAI", icon=""),
        Provider(name="claude", type="anthropic", display_name="Claude", icon=""),
    )
    api.change(providers=configured)
    with api.database.write() as connection:
        record(
            connection,
            Call(1, columns=called("claude", "anthropic")),
            Call(2, columns=called("was", "copilot")),
            Call(3, columns=called("was", "copilot")),
            Call(4, running=True, columns=called("running", "openai")),
        )
    assert await api.get("root", path) == [
        shown("claude", "anthropic", "Claude"),
        shown("openai", "openai", "OpenAI"),
        shown("was", "copilot"),
    ]


async def test_a_name_that_had_another_type_is_listed_once_as_configured(api: Api) -> None:
    api.change(providers=(Provider(name="a", type="openai", display_name="A", icon=""),))
    with api.database.write() as connection:
        record(
            connection,
            Call(1, columns=called("a", "anthropic")),
            Call(2, columns=called("b", "openai")),
            Call(3, columns=called("b", "azure")),
        )
    found = await api.get("aud", PATHS[0])
    assert found == [shown("a", "openai", "A"), shown("b", "azure")]


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
    configured = Provider(name="openai", type="openai", display_name="OpenAI", icon="")
    api.change(rights=Rights(members_read_own=True), providers=(configured,))
    with api.database.write() as connection:
        mine = called("mine", "anthropic")
        record(
            connection,
            Call(1, initiator=api.ids["ann"], columns=mine),
            Call(2, initiator=api.ids["bob"], columns=called("theirs", "copilot")),
        )
    found = await api.get("ann", PATHS[0])
    assert found == [shown("mine", "anthropic"), shown("openai", "openai", "OpenAI")]


OF_EACH_TYPE = {number: kind for number, kind in enumerate(sorted(TYPES), 1)}
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
