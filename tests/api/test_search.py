from collections.abc import Callable
from itertools import permutations
from typing import Any
from uuid import UUID

import httpx
import pytest

from aibridge.search import MAX_ELEMENTS, MAX_LENGTH
from tests.builders import ANA, BEN, CLEO, Call, uid

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
NO_TIME = "expected RFC 3339 with an offset (2026-01-31T12:00:00Z), a date (2026-01-31), 7d or 12h"
NOT_AFTER = 'has invalid value: "started_before" must be after "started_after" if set'

Seed = Callable[..., None]


Complaint = tuple[str, str]


def wrong(key: str, what: str, position: int = 1) -> Complaint:
    return key, f'Query param "{key}" {what} (position {position})'


def unknown(key: str, position: int = 1) -> Complaint:
    return wrong(key, "is not a valid query param", position)


def time_error(key: str, shown: str, why: str) -> Complaint:
    return wrong(key, f'{TIME} "{shown}": {why}')


def user_error(name: str, position: int = 1) -> Complaint:
    why = f'user "{name}" either does not exist, or you are unauthorized to view them'
    return wrong("initiator", f"has invalid value: {why}", position)


def compared(key: str, position: int = 1) -> Complaint:
    what = f"has invalid value: it cannot be compared; write {key}:VALUE"
    return wrong(key, what, position)


def number_error(shown: str, position: int = 1) -> Complaint:
    what = f'must be a valid integer ("{shown}" is none; 1000, 100k and 2M are)'
    return wrong("tokens", what, position)


async def found(client: httpx.AsyncClient, kind: str, q: str, **query: Any) -> list[int]:
    """Return the numbers of the calls that a search finds, oldest first."""
    answer = await client.get(f"{BASE}/{kind}", params={"q": q, **query})
    assert answer.status_code == 200, answer.text
    body = answer.json()
    rows = body["results" if kind == "interceptions" else "sessions"]
    assert body["count"] == len(rows)
    numbers = {uid(call.number): call.number for call in CALLS} | {"a b": 8}
    return sorted(numbers[row["id"]] for row in rows)


async def complaints(client: httpx.AsyncClient, kind: str, q: str) -> list[Complaint]:
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


@pytest.mark.parametrize("kind", ["interceptions", "sessions"])
@pytest.mark.parametrize("id_", [CLEO, CLEO.upper(), str(UUID(int=0))])
async def test_an_unknown_initiator_given_as_a_uuid_has_an_empty_page(
    client: httpx.AsyncClient, seed: Seed, kind: str, id_: str
) -> None:
    seed(Call(1, initiator=ANA))
    assert await found(client, kind, f"initiator:{id_}") == []
    assert await found(client, kind, f"-initiator:{id_}") == [1]


async def test_a_user_who_was_deleted_is_found_by_id(client: httpx.AsyncClient, seed: Seed) -> None:
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
    for name in ("ana", "nobody"):
        assert await complaints(anonymous, kind, f"initiator:{name}") == [user_error(name)]
        assert await complaints(anonymous, kind, f"-initiator:{name}") == [user_error(name)]
    for name in ("me", "Me", "cleo", CLEO.upper(), ANA, str(UUID(int=99))):
        assert await found(anonymous, kind, f"initiator:{name}") == []


@pytest.mark.parametrize(
    ("q", "expected"),
    [
        ("initiator:nobody", [user_error("nobody")]),
        ('initiator:""', [user_error("")]),
        ("-initiator:nobody", [user_error("nobody")]),
        ("initiator:ana initiator:x -initiator:x", [user_error("x", 15)]),
        ("model:x prompts:x", [unknown("prompts", 9)]),
        ("-Cost:x cost>5", [unknown("cost")]),
        ("tokens>5:x", [unknown("tokens>5")]),
        ('"":x', [unknown("")]),
        (":me", [("q", """Query element ":me" cannot start or end with ':' (position 1)""")]),
        (
            " model:",
            [("q", """Query element "model:" cannot start or end with ':' (position 2)""")],
        ),
        ("model:x:y", [("q", """Query element "model:x:y" can only contain 1 ':' (position 1)""")]),
        ('model:"x', [wrong("model", "has an unterminated quote", 7)]),
        ('model:x client:"a\\q"', [wrong("client", r'has an invalid escape "\q"', 18)]),
        ("model>3", [compared("model")]),
        ("model:x -prompt<=a has>error", [compared("prompt", 9), compared("has", 20)]),
        (
            "tokens:5 -tokens:x",
            [
                wrong(
                    "tokens",
                    "has invalid value: it can only be compared; write one of tokens>1000, "
                    "tokens>=1000, tokens<1000, tokens<=1000",
                    position,
                )
                for position in (1, 10)
            ],
        ),
        ("tokens>", [number_error("")]),
        ("tokens>-5", [number_error("-5")]),
        ("tokens>1.5", [number_error("1.5")]),
        ("tokens>5g tokens<6", [number_error("5g")]),
        ("tokens>5kk", [number_error("5kk")]),
        ("tokens>\u0665", [number_error("\u0665")]),
        ('tokens>"5 "', [number_error("5 ")]),
        (f"tokens>{1 << 53} tokens<{(1 << 53) + 1}", [number_error(str((1 << 53) + 1), 25)]),
        ("tokens>9007199254741k", [number_error("9007199254741k")]),
        ("tokens>" + "9" * 100, [number_error("9" * 100)]),
        *(
            (
                f"model:x {key}:{value}",
                [wrong(key, "has invalid value: there is no letter and no digit in it", 9)],
            )
            for key in ("prompt", "tool")
            for value in ("*", '""', r'"\""', "😀", r'" \x00"')
        ),
        (
            "has:Tool -has:errors",
            [
                wrong(
                    "has",
                    'has invalid value: "errors" is none of error, estimated, prompt, thinking, '
                    "tool, unread",
                    10,
                )
            ],
        ),
        (
            "kind:Typed -kind:type",
            [
                wrong(
                    "kind",
                    'has invalid value: "type" is none of typed, side_call, subagent, compaction, '
                    "summary, retry, automation",
                    12,
                )
            ],
        ),
        (
            "started_after:yesterday",
            [time_error("started_after", "yesterday", NO_TIME)],
        ),
        (
            'started_before:"2026-02-30T00:00:00z"',
            [
                time_error(
                    "started_before",
                    "2026-02-30T00:00:00z",
                    f"day is out of range for month; {NO_TIME}",
                )
            ],
        ),
        (
            'started_after:"2026-01-01T00:00:01Z" started_before:"2026-01-01T01:00:01+01:00"',
            [wrong("started_before", NOT_AFTER, 38)],
        ),
        (
            'started_before:"2026-01-01T00:00:00Z" started_after:"2026-01-01T00:00:01Z"',
            [wrong("started_before", NOT_AFTER)],
        ),
        (
            "x" * (MAX_LENGTH + 1),
            [
                wrong(
                    "q",
                    f"has invalid value: it is longer than {MAX_LENGTH} characters",
                    MAX_LENGTH + 1,
                )
            ],
        ),
        (
            "model:x " * (MAX_ELEMENTS + 1),
            [
                wrong(
                    "q",
                    f"has invalid value: it has more than {MAX_ELEMENTS} elements",
                    8 * MAX_ELEMENTS + 1,
                )
            ],
        ),
    ],
)
async def test_what_is_wrong_is_told(
    client: httpx.AsyncClient, q: str, expected: list[Complaint]
) -> None:
    for kind in ("interceptions", "sessions"):
        assert await complaints(client, kind, q) == expected


@pytest.mark.parametrize(
    "text",
    [
        "2026-01-32",
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
        assert f"{NO_TIME} (position " in detail


@pytest.mark.parametrize(
    ("text", "numbers"),
    [("2025-12-31", []), ("2026-01-02", EVERYTHING), ("1s", EVERYTHING), ("5000w", [])],
)
async def test_a_time_may_be_a_date_or_how_long_ago(
    client: httpx.AsyncClient, seed: Seed, text: str, numbers: list[int]
) -> None:
    seed(*CALLS)
    assert await found(client, "interceptions", f"started_before:{text}") == numbers


async def test_of_sessions_a_bare_text_is_refused(client: httpx.AsyncClient) -> None:
    assert await complaints(client, "sessions", "ana") == [
        ("q", "no search key specified (position 1)")
    ]
    assert await complaints(client, "sessions", "model:x ana ben") == [
        ("q", "no search key specified (position 9)")
    ]


async def test_everything_that_is_wrong_is_told_at_once_in_its_order(
    client: httpx.AsyncClient,
) -> None:
    q = 'a:b:c bare cost:x initiator:nobody started_after:x model:"\\q" tokens:1 has:x prompt:-'
    fields = [field for field, _ in await complaints(client, "sessions", q)]
    assert fields == [
        *("q", "q", "cost", "initiator", "started_after", "model", "tokens", "has", "prompt"),
    ]


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
    detail = 'Query param "nothing" is not a valid query param (position 1)'
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
    assert await complaints(client, kind, f"{other}:x") == [unknown(other)]
    for key in ("prompt", "tool", "error", "has", "initiator"):
        assert await complaints(client, kind, f"x {key}:tool") == [unknown(key, 3)]
    assert await complaints(client, kind, "tokens>5") == [unknown("tokens")]
    key = kind.removesuffix("s")
    assert await complaints(client, kind, f"{key}>5") == [compared(key)]


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
