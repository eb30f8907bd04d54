import asyncio
from collections.abc import Callable
from contextlib import closing
from itertools import permutations
from tempfile import TemporaryDirectory
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aibridge.api.app import create_app
from aibridge.api.services import Services
from aibridge.contract import SiteRole
from aibridge.search import MAX_ELEMENTS, MAX_LENGTH
from tests.builders import ANA, BEN, CLEO, Call, add_user, new_database, record, uid
from tests.people import person

BASE = "/api/v2/aibridge"
EVERYTHING = [1, 2, 3, 4, 5, 6, 7, 8]
CALLS = (
    Call(1, at=1),
    Call(2, at=2, initiator=BEN),
    Call(3, at=3, columns={"provider": "openai", "model": "GPT-5"}),
    Call(4, at=4, columns={"provider_name": "spare"}),
    Call(5, at=5, columns={"model": 'o"pus\\\n'}),
    Call(6, at=6, columns={"client": "Codex"}),
    Call(7, at=7, initiator=BEN, columns={"client": None}),
    Call(8, at=8, session="a b", columns={"model": "opus"}),
    Call(9, at=9, session="hidden", running=True),
)
"""A session each; number n starts at 2026-01-01T00:00:0nZ."""

TIME = "must be a valid date format (2006-01-02T15:04:05.999999999Z07:00): parsing time"
NO_TIME = "it is not an RFC 3339 time with its offset"
NOT_AFTER = 'has invalid value: "started_before" must be after "started_after" if set'

Seed = Callable[..., None]


def time_error(key: str, shown: str, why: str) -> tuple[str, str]:
    return key, f'Query param "{key}" {TIME} "{shown}": {why}'


def user_error(name: str) -> tuple[str, str]:
    why = f'user "{name}" either does not exist, or you are unauthorized to view them'
    return "initiator", f'Query param "initiator" has invalid value: {why}'


async def found(client: httpx.AsyncClient, kind: str, q: str, **query: Any) -> list[int]:
    """Return the numbers of the calls that a search finds, oldest first."""
    answer = await client.get(f"{BASE}/{kind}", params={"q": q, **query})
    assert answer.status_code == 200, answer.text
    body = answer.json()
    rows = body["results" if kind == "interceptions" else "sessions"]
    assert body["count"] == len(rows)
    numbers = {uid(call.number): call.number for call in CALLS} | {"a b": 8}
    return sorted(numbers[row["id"]] for row in rows)


async def complaints(client: httpx.AsyncClient, kind: str, q: str) -> list[tuple[str, str]]:
    answer = await client.get(f"{BASE}/{kind}", params={"q": q})
    assert answer.status_code == 400, answer.text
    return [(one["field"], one["detail"]) for one in answer.json()["validations"]]


FILTERS = [
    ("", EVERYTHING),
    (" \t ", EVERYTHING),
    ("initiator:ben", [2, 7]),
    ("initiator:BEN", [2, 7]),
    (f"initiator:{BEN.upper()}", [2, 7]),
    ("initiator:me", [1, 3, 4, 5, 6, 8]),
    ("initiator:me initiator:ben", EVERYTHING),
    ("initiator:ana initiator:me", [1, 3, 4, 5, 6, 8]),
    ("-initiator:me", [2, 7]),
    ("-initiator:ben client:Codex", [6]),
    ("-initiator:ana -initiator:ben", []),
    ("provider:openai", [3]),
    ("provider:claude", []),
    ("-provider:anthropic", [3]),
    ("provider_name:spare", [4]),
    ("Provider_Name:spare", [4]),
    ("-provider_name:claude", [4]),
    ("provider_name:nowhere", []),
    ("model:GPT-5", [3]),
    ("model:gpt-5", []),
    ('model:"GPT-5" model:opus', [3, 8]),
    (r'model:"o\"pus\\\n"', [5]),
    ("model:sonnet -model:sonnet", []),
    ("-model:sonnet -model:opus", [3, 5]),
    ('model:""', []),
    ("client:Codex", [6]),
    ("client:Unknown", [7]),
    ("client:unknown", []),
    ("client:Unknown client:Codex", [6, 7]),
    ('client:"Claude Code" model:sonnet', [1, 2, 4]),
    ('-client:"Claude Code"', [6, 7]),
    ("-client:Unknown", [1, 2, 3, 4, 5, 6, 8]),
    ("-client:Codex", [1, 2, 3, 4, 5, 7, 8]),
    ('session_id:"a b"', [8]),
    (f'session_id:{uid(1)} session_id:"a b"', [1, 8]),
    ('-session_id:"a b"', [1, 2, 3, 4, 5, 6, 7]),
    ("session_id:hidden", []),
    ('started_after:"2026-01-01T00:00:07Z"', [7, 8]),
    ('started_before:"2026-01-01T00:00:02Z"', [1, 2]),
    ('started_after:"2026-01-01T02:00:07+02:00"', [7, 8]),
    ('started_after:"2025-12-31t22:30:07-01:30"', [7, 8]),
    ('started_after:"2026-01-01t00:00:07.000000001z"', [8]),
    ('started_after:"2026-01-01T00:00:06.9999995Z"', [7, 8]),
    ('started_before:"2026-01-01T00:00:02.0000009999Z"', [1, 2]),
    ('started_before:"2026-01-01T00:00:01.999999999Z"', [1]),
    ('started_after:"0001-01-01T00:00:00+23:59"', EVERYTHING),
    ('started_before:"9999-12-31T23:59:59-23:59"', EVERYTHING),
    ('started_after:"2026-01-01T00:00:03Z" started_before:"2026-01-01T00:00:04Z"', [3, 4]),
    ('started_after:"2026-01-01T00:00:07Z" started_after:"2026-01-01T00:00:06Z"', [6, 7, 8]),
    ('started_before:"2026-01-01T00:00:01Z" started_before:"2026-01-01T00:00:02Z"', [1, 2]),
    ('-started_after:"2026-01-01T00:00:02Z"', [1]),
    ('-started_after:"2026-01-01T00:00:02.0000001Z"', [1, 2]),
    ('-started_before:"2026-01-01T00:00:07Z"', [8]),
    ('-started_before:"2026-01-01T00:00:07Z" started_after:"2026-01-01T00:00:01Z"', [8]),
    ("provider:anthropic -model:opus -client:Unknown initiator:me", [1, 4, 5, 6]),
]


@pytest.mark.parametrize(("q", "numbers"), FILTERS)
async def test_each_key_finds_what_it_says(
    client: httpx.AsyncClient, seed: Seed, q: str, numbers: list[int]
) -> None:
    seed(*CALLS)
    assert await found(client, "interceptions", q) == numbers
    assert await found(client, "sessions", q) == numbers


async def test_the_order_of_terms_does_not_matter(client: httpx.AsyncClient, seed: Seed) -> None:
    seed(*CALLS)
    terms = ["model:sonnet", "-client:Codex", "client:Unknown", "initiator:me", "initiator:ben"]
    for order in permutations(terms):
        assert await found(client, "interceptions", " ".join(order)) == [7]


async def test_what_the_original_client_sends_is_understood(
    client: httpx.AsyncClient, seed: Seed
) -> None:
    seed(*CALLS)
    q = (
        'initiator:"me" started_before:"2026-01-01T02:00:08+02:00" '
        'started_after:"2026-01-01T02:00:02+02:00" provider:"anthropic" provider_name:"claude" '
        'model:"opus" client:"Claude Code"'
    )
    assert await found(client, "interceptions", q) == [8]
    assert await found(client, "sessions", f'{q} session_id:"a b" -client:Codex') == [8]


@pytest.mark.parametrize("q", ["ben", " BEN ", BEN, '"ben"', "ben initiator:ben"])
async def test_of_interceptions_a_bare_text_is_the_initiator(
    client: httpx.AsyncClient, seed: Seed, q: str
) -> None:
    seed(*CALLS)
    assert await found(client, "interceptions", q) == [2, 7]


async def test_a_bare_text_is_one_value_and_one_more_of_its_key(
    client: httpx.AsyncClient, seed: Seed
) -> None:
    seed(*CALLS)
    assert await found(client, "interceptions", "me initiator:ben") == EVERYTHING
    assert await complaints(client, "interceptions", "ana ben") == [user_error("ana ben")]


async def test_a_user_who_was_deleted_is_found_by_id(client: httpx.AsyncClient, seed: Seed) -> None:
    assert await complaints(client, "sessions", f"initiator:{CLEO}") == [user_error(CLEO)]
    seed(Call(1, initiator=CLEO))
    assert await found(client, "sessions", f"initiator:{CLEO}") == [1]
    assert await complaints(client, "sessions", "initiator:cleo") == [user_error("cleo")]


@pytest.mark.parametrize("kind", ["interceptions", "sessions"])
@pytest.mark.parametrize("token", ["member-token", "admin-token"])
async def test_who_may_not_read_learns_of_no_other_user(
    anonymous: httpx.AsyncClient, seed: Seed, kind: str, token: str
) -> None:
    seed(*CALLS, Call(10, initiator=CLEO))
    anonymous.headers["X-Api-Key"] = token
    for name in ("ana", ANA, "nobody"):
        assert await complaints(anonymous, kind, f"initiator:{name}") == [user_error(name)]
        assert await complaints(anonymous, kind, f"-initiator:{name}") == [user_error(name)]
    for name in ("me", "Me", "cleo", CLEO.upper()):
        assert await found(anonymous, kind, f"initiator:{name}") == []


@pytest.mark.parametrize(
    ("q", "expected"),
    [
        ("initiator:nobody", [user_error("nobody")]),
        ('initiator:""', [user_error("")]),
        ("-initiator:nobody", [user_error("nobody")]),
        ("initiator:x -initiator:x initiator:ana", [user_error("x")]),
        ("prompt:x", [("prompt", 'Query param "prompt" is not a valid query param')]),
        ("-Tool:x tool:y", [("tool", 'Query param "tool" is not a valid query param')]),
        ("tokens>5:x", [("tokens>5", 'Query param "tokens>5" is not a valid query param')]),
        ('"":x', [("", 'Query param "" is not a valid query param')]),
        (":me", [("q", """Query element ":me" cannot start or end with ':'""")]),
        ("model:", [("q", """Query element "model:" cannot start or end with ':'""")]),
        ("model:x:y", [("q", """Query element "model:x:y" can only contain 1 ':'""")]),
        ('model:"x', [("model", 'Query param "model" has an unterminated quote at position 7')]),
        (
            "started_after:yesterday",
            [time_error("started_after", "YESTERDAY", NO_TIME)],
        ),
        (
            'started_before:"2026-02-30T00:00:00z"',
            [time_error("started_before", "2026-02-30T00:00:00Z", "day is out of range for month")],
        ),
        (
            'started_after:"2026-01-01T00:00:01Z" started_before:"2026-01-01T01:00:01+01:00"',
            [("started_before", f'Query param "started_before" {NOT_AFTER}')],
        ),
        (
            'started_before:"2026-01-01T00:00:00Z" started_after:"2026-01-01T00:00:01Z"',
            [("started_before", f'Query param "started_before" {NOT_AFTER}')],
        ),
        (
            "x" * (MAX_LENGTH + 1),
            [
                (
                    "q",
                    f'Query param "q" has invalid value: it is longer than {MAX_LENGTH} characters',
                )
            ],
        ),
        (
            "model:x " * (MAX_ELEMENTS + 1),
            [("q", f'Query param "q" has invalid value: it has more than {MAX_ELEMENTS} elements')],
        ),
    ],
)
async def test_what_is_wrong_is_told(
    client: httpx.AsyncClient, q: str, expected: list[tuple[str, str]]
) -> None:
    for kind in ("interceptions", "sessions"):
        assert await complaints(client, kind, q) == expected


@pytest.mark.parametrize(
    "text",
    [
        "2026-01-01",
        "2026-01-01T00:00:00",
        "2026-01-01 00:00:00Z",
        "2026-01-01T00:00:00.Z",
        "2026-01-01T00:00:00+0200",
        "2026-01-01T00:00:00+24:00",
        "2026-01-01T24:00:00Z",
        "2026-01-01T00:00:60Z",
        "0000-01-01T00:00:00Z",
        "٢026-01-01T00:00:00Z",
        "2026-01-01T00:00:00Z ",
        "2026-W01-1T00:00:00Z",
        "",
    ],
)
async def test_a_time_is_rfc_3339_with_its_offset(client: httpx.AsyncClient, text: str) -> None:
    for key in ("started_after", "started_before", "-started_after"):
        name = key.removeprefix("-")
        ((field, detail),) = await complaints(client, "sessions", f'{key}:"{text}"')
        assert field == name
        assert detail.startswith(f'Query param "{name}" {TIME} "{text}": ')


async def test_of_sessions_a_bare_text_is_refused(client: httpx.AsyncClient) -> None:
    assert await complaints(client, "sessions", "ana") == [("q", "no search key specified")]


async def test_everything_that_is_wrong_is_told_at_once(client: httpx.AsyncClient) -> None:
    q = 'a:b:c bare tool:x initiator:nobody started_after:x model:"\\q"'
    fields = [field for field, _ in await complaints(client, "sessions", q)]
    assert fields == ["q", "model", "tool", "q", "started_after", "initiator"]


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("interceptions", "Invalid interceptions search query."),
        ("sessions", "Invalid session search query."),
        ("models", "Invalid AI Gateway models search query."),
        ("clients", "Invalid AI Gateway clients search query."),
    ],
)
@pytest.mark.parametrize("token", ["owner-token", "member-token"])
async def test_a_refusal_names_the_list(
    client: httpx.AsyncClient, kind: str, message: str, token: str
) -> None:
    client.headers["Coder-Session-Token"] = token
    answer = await client.get(f"{BASE}/{kind}", params={"q": "nothing:x"})
    detail = 'Query param "nothing" is not a valid query param'
    assert (answer.status_code, answer.json()) == (
        400,
        {"message": message, "validations": [{"field": "nothing", "detail": detail}]},
    )


@pytest.mark.parametrize(
    ("q", "names"),
    [
        ("", ["100%", "GPT", "Unknown", "a b", "gpt_5", "o1"]),
        ("gpt", ["GPT", "gpt_5"]),
        ("GPT_", ["gpt_5"]),
        ("%", []),
        ("_", []),
        ("100%", ["100%"]),
        ("pt", []),
        ("a b", ["a b"]),
        ('"a  b"', []),
        ("KEY:o", ["o1"]),
        ("KEY:o KEY:1 a", ["100%", "a b", "o1"]),
        ("-KEY:g", ["100%", "Unknown", "a b", "o1"]),
        ("KEY:g -KEY:gpt_", ["GPT"]),
        ("unk", ["Unknown"]),
        ("-KEY:unknown -KEY:g", ["100%", "a b", "o1"]),
    ],
)
@pytest.mark.parametrize("key", ["model", "client"])
async def test_models_and_clients_are_found_by_their_beginning(
    client: httpx.AsyncClient, seed: Seed, key: str, q: str, names: list[str]
) -> None:
    all_names = ["GPT", "gpt_5", "o1", "100%", "a b", None if key == "client" else "Unknown"]
    seed(*(Call(number, columns={key: name}) for number, name in enumerate(all_names)))
    answer = await client.get(f"{BASE}/{key}s", params={"q": q.replace("KEY", key)})
    assert answer.json() == names


@pytest.mark.parametrize(("kind", "other"), [("models", "client"), ("clients", "model")])
async def test_models_and_clients_know_no_other_key(
    client: httpx.AsyncClient, kind: str, other: str
) -> None:
    detail = f'Query param "{other}" is not a valid query param'
    assert await complaints(client, kind, f"{other}:x") == [(other, detail)]


@pytest.mark.parametrize("kind", ["interceptions", "sessions", "models", "clients"])
async def test_the_largest_and_oddest_queries_are_answered(
    client: httpx.AsyncClient, seed: Seed, kind: str
) -> None:
    seed(*CALLS)
    key = "client" if kind == "clients" else "model"
    several = " ".join(f"{key}:{number} -{key}:x{number}" for number in range(MAX_ELEMENTS // 2))
    long = f'{key}:"{"%" * (MAX_LENGTH - 9)}"'
    odd = rf'''{key}:"\x00\xff\ufffe" -{key}:"\U0010ffff" {key}:'; -{key}:")--"'''
    for q in (several, long, odd):
        answer = await client.get(f"{BASE}/{kind}", params={"q": q})
        assert answer.status_code == 200
        assert answer.json() in ([], {"count": 0, "results": []}, {"count": 0, "sessions": []})


CONDITIONS: dict[str, Callable[[Call], bool]] = {
    "model:opus": lambda call: call.row()["model"] == "opus",
    "-model:opus": lambda call: call.row()["model"] != "opus",
    "client:Unknown client:Codex": lambda call: call.row()["client"] in {None, "Codex"},
    "-client:Codex": lambda call: call.row()["client"] != "Codex",
    "initiator:ana": lambda call: call.initiator == ANA,
    "-initiator:ana": lambda call: call.initiator != ANA,
    "session_id:s0 session_id:s1": lambda call: call.session in {"s0", "s1"},
    "-session_id:s0": lambda call: call.session != "s0",
    'started_after:"2026-01-01T00:00:01Z"': lambda call: call.at >= 1,
    '-started_after:"2026-01-01T00:00:02Z"': lambda call: call.at < 2,
}

MADE_CALLS: st.SearchStrategy[list[dict[str, Any]]] = st.lists(
    st.builds(
        dict,
        at=st.integers(0, 3),
        initiator=st.sampled_from([ANA, BEN]),
        session=st.sampled_from(["s0", "s1", "s2"]),
        running=st.sampled_from([False, False, False, True]),
        columns=st.fixed_dictionaries(
            {
                "model": st.sampled_from(["opus", "sonnet"]),
                "client": st.sampled_from([None, "Codex", "Zed"]),
            }
        ),
    ),
    max_size=12,
)


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(
    made=MADE_CALLS,
    terms=st.lists(st.sampled_from(sorted(CONDITIONS)), max_size=3, unique=True),
    limit=st.integers(1, 4),
)
def test_a_search_walked_by_cursor_visits_each_match_once_in_order(
    made: list[dict[str, Any]], terms: list[str], limit: int
) -> None:
    calls = [Call(number, **values) for number, values in enumerate(made)]
    shown = [call for call in calls if not call.running]
    matching = [call for call in shown if all(CONDITIONS[term](call) for term in terms)]
    interceptions, sessions = asyncio.run(walks(calls, " ".join(terms), limit))
    newest = sorted(matching, key=lambda call: (call.at, call.id), reverse=True)
    assert interceptions == [call.id for call in newest]
    began: dict[tuple[str, str], float] = {}
    for call in shown:
        key = (call.session_id, call.initiator)
        began[key] = min(call.at, began.get(key, call.at))
    keys = {(call.session_id, call.initiator) for call in matching}
    assert sessions == sorted(keys, key=lambda key: (began[key], *key), reverse=True)


async def walks(calls: list[Call], q: str, limit: int) -> tuple[list[str], list[tuple[str, str]]]:
    """Return the interceptions and the sessions that two walks over the API visit."""
    query = {"q": q, "limit": limit}
    with TemporaryDirectory() as folder, closing(new_database(f"sqlite:///{folder}/a.db")) as data:
        with data.write() as connection:
            add_user(connection, ANA, "ana")
            record(connection, *calls)
        app = create_app(Services(data, lambda _token: person(ANA, "ana", SiteRole.OWNER)))
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(app),
            base_url=f"http://bridge{BASE}",
            headers={"X-Api-Key": "any"},
        ) as client:
            interceptions = [row["id"] for row in await walk(client, "interceptions", query)]
            rows = await walk(client, "sessions", query)
    return interceptions, [(row["id"], row["initiator"]["id"]) for row in rows]


async def walk(client: httpx.AsyncClient, kind: str, query: dict[str, Any]) -> list[dict[str, Any]]:
    """Return every row of a list, page by page."""
    rows: list[dict[str, Any]] = []
    while True:
        answer = await client.get(f"/{kind}", params={**query, **cursor(kind, rows)})
        body = answer.json()
        page = body["results" if kind == "interceptions" else "sessions"]
        if not page:
            assert body["count"] == len(rows)
            return rows
        rows += page


def cursor(kind: str, rows: list[dict[str, Any]]) -> dict[str, str]:
    if not rows:
        return {}
    last = rows[-1]
    if kind == "interceptions":
        return {"after_id": last["id"]}
    return {"after_session_id": last["id"], "after_initiator_id": last["initiator"]["id"]}
