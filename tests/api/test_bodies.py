import asyncio
import json
import re
from collections.abc import AsyncIterator
from typing import Annotated, Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field, SecretStr, ValidationError

from aibridge.api import bodies
from aibridge.api.bodies import (
    MAX_BYTES,
    MAX_BYTES_OF_NAMES,
    MAX_COMPLAINTS,
    MAX_FIELD,
    parse,
)
from aibridge.api.errors import ApiError
from aibridge.contract import (
    MAX_NAMES,
    Body,
    CreateUserRequest,
    LoginRequest,
    UpdateGroupRequest,
    UpdatePasswordRequest,
    UpsertGroupAIBudgetRequest,
)
from aibridge.contract.base import WHOLE
from aibridge.contract.wording import size
from tests.api.people_api import NIL, Api

USERS = "/users"


class Inner(Body):
    x: int = 0


class Order(Body):
    amount: Annotated[int, Field(ge=0), WHOLE]
    key: SecretStr = SecretStr("")
    names: tuple[str, ...] = ()
    inner: Inner = Inner()


def refusal(content: str | bytes) -> ApiError:
    text = content if isinstance(content, bytes) else content.encode()
    with pytest.raises(ApiError) as caught:
        parse(Order, text)
    assert caught.value.status == 400
    return caught.value


def complaints(content: str | bytes) -> dict[str, str]:
    error = refusal(content)
    assert error.body.message == "Validation failed."
    return {one.field: one.detail for one in error.body.validations}


def test_a_body_is_read() -> None:
    found = parse(Order, b' {"key": "k", "amount": 5, "names": ["a"], "inner": {"x": 1}} ')
    assert (found.amount, found.names, found.inner.x) == (5, ("a",), 1)
    assert found.key.get_secret_value() == "k"
    assert parse(Order, b'{"amount": 5.0}').amount == 5


@pytest.mark.parametrize(
    "content",
    [
        "",
        " ",
        "{",
        "nonsense",
        '{"amount": 5',
        '{"amount": 5,}',
        "{'amount': 5}",
        '{"amount": 05}',
        '{"amount": 5} x',
        b'{"amount": 5, "key": "\xff"}',
        b"\xef\xbb\xbf{}",
        '{"key": "\\ud800"}',
        "[" * 100_000,
    ],
)
def test_what_is_no_json_is_told_with_its_place(content: str | bytes) -> None:
    error = refusal(content)
    assert error.body.message == "Request body must be valid JSON."
    assert "line 1 column" in error.body.detail
    assert not error.body.validations
    assert len(error.body.detail) < 200


@pytest.mark.parametrize("content", ["[]", "null", "5", '"x"', "true", '[{"amount": 5}]'])
def test_what_is_no_object_is_wrong_as_a_whole(content: str) -> None:
    assert complaints(content).keys() == {"body"}


def test_everything_that_is_wrong_is_named_at_once() -> None:
    found = complaints('{"x": 1, "names": ["a", 7], "inner": {"x": "no", "y": 1}, "key": 5}')
    assert found == {
        "amount": "it is needed",
        "x": "it is unknown",
        "names.1": "expected a text",
        "inner.x": "expected a whole number",
        "inner.y": "it is unknown",
        "key": "expected a text",
    }


@pytest.mark.parametrize(("value", "shown"), [("-1", "-1"), ("-1.0", "-1.0"), ("-7e2", "-700.0")])
def test_a_number_that_is_too_small_is_told_as_the_contract_does(value: str, shown: str) -> None:
    wanted = f'Validation failed for tag "gte" with value: "{shown}"'
    assert complaints(f'{{"amount": {value}}}') == {"amount": wanted}


@pytest.mark.parametrize("value", ["true", '"5"', "1.5", "null", "NaN", "-Infinity", "1e999", "[]"])
def test_only_a_whole_number_is_one(value: str) -> None:
    assert complaints(f'{{"amount": {value}}}').keys() == {"amount"}


@pytest.mark.parametrize(
    "fields",
    [
        {"amount": "secret"},
        {"amount": "-1secret"},
        {"amount": ["secret"]},
        {"amount": {"x": "secret"}},
        {"key": ["secret"]},
        {"names": "secret"},
        {"names": [["secret"]]},
        {"inner": "secret" * 10_000},
        {"inner": {"x": "secret"}},
        {"strange": "secret"},
    ],
)
def test_what_was_sent_is_not_repeated(fields: dict[str, Any]) -> None:
    told = refusal(json.dumps({"amount": 5, **fields})).body.model_dump_json()
    assert "secret" not in told


MANY = {f"f{number}": number for number in range(5_000)}


@pytest.mark.parametrize(
    ("content", "most"),
    [
        (json.dumps(MANY), MAX_COMPLAINTS + 1),
        ("{" + ",".join(['"f":1'] * 5_000) + "}", 2),
        (json.dumps({"amount": MANY}), 1),
        (json.dumps({"key": [7] * 5_000}), 2),
        (json.dumps({"names": [7] * 100_000}), MAX_NAMES + 2),
        (json.dumps({"names": [[7] * 100_000]}), 2),
    ],
)
def test_what_is_validated_is_bounded_however_much_is_wrong(content: str, most: int) -> None:
    """Each complaint costs time and memory, whether it is told or not."""
    with pytest.raises(ApiError) as caught:
        parse(Order, content.encode())
    cause = caught.value.__context__
    assert isinstance(cause, ValidationError)
    assert 0 < cause.error_count() <= most
    assert len(caught.value.body.validations) <= MAX_COMPLAINTS


def test_a_list_that_is_too_long_is_refused_as_such() -> None:
    content = json.dumps({"add_users": ["ana"] * 20_000})
    with pytest.raises(ApiError) as caught:
        parse(UpdateGroupRequest, content.encode())
    (told,) = caught.value.body.validations
    assert (told.field, str(MAX_NAMES) in told.detail) == ("add_users", True)


def test_the_name_of_a_strange_field_is_told_as_far_as_it_makes_sense() -> None:
    found = complaints(json.dumps({"amount": 5, "x" * 100_000: 1}))
    assert [len(field) for field in found] == [MAX_FIELD]


@given(st.binary(max_size=60) | st.text(max_size=60).map(str.encode))
def test_any_bytes_are_read_or_refused(content: bytes) -> None:
    try:
        parse(UpsertGroupAIBudgetRequest, content)
    except ApiError as error:
        assert error.status == 400  # noqa: PT017 - either is fine


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text("ab-1", max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("ab"), inner, max_size=3),
    max_leaves=5,
)


@given(json_values)
def test_any_json_for_a_limit_is_a_whole_number_or_refused(value: Any) -> None:
    content = json.dumps({"spend_limit_micros": value}).encode()
    whole = isinstance(value, int | float) and not isinstance(value, bool) and value >= 0
    try:
        found = parse(UpsertGroupAIBudgetRequest, content)
    except ApiError:
        assert not (whole and isinstance(value, int))
    else:
        assert whole
        assert found.spend_limit_micros == value


class Pieces:
    """The pieces of a body, counted as they are asked for."""

    def __init__(self, piece: bytes) -> None:
        self.asked, self._piece = 0, piece

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for _ in range(100):
            self.asked += 1
            yield self._piece


@pytest.mark.parametrize(
    ("method", "path", "most"),
    [
        ("POST", USERS, MAX_BYTES),
        ("POST", "/users/login", MAX_BYTES),
        ("POST", "/users/first", MAX_BYTES),
        ("PUT", "/users/bob/password", MAX_BYTES),
        ("PATCH", f"/groups/{NIL}", MAX_BYTES_OF_NAMES),
    ],
)
@pytest.mark.parametrize("declared", [False, True])
async def test_a_body_that_is_too_large_is_refused_before_it_is_all_there(
    api: Api, method: str, path: str, most: int, *, declared: bool
) -> None:
    pieces = Pieces(b" " * (most // 4))
    headers = {"content-length": str(most + 1)} if declared else {}
    found = await api.refused(413, "root", method, path, content=pieces, headers=headers)
    assert found == {
        "message": "Request body is too large.",
        "detail": f"A body may have {size(most)}.",
    }
    assert pieces.asked == 0 if declared else pieces.asked < 10


@pytest.mark.parametrize("length", ["", "x", "-1", "²", "9" * 5_000])
async def test_a_length_that_is_none_lets_no_more_through(api: Api, length: str) -> None:
    pieces = Pieces(b" " * (MAX_BYTES // 4))
    headers = {"content-length": length.encode()}
    await api.refused(413, None, "POST", "/users/login", content=pieces, headers=headers)
    assert pieces.asked < 10


KEY = "\N{KEY}"
"""A character that takes the most bytes when it is escaped."""


@pytest.mark.parametrize(
    ("model", "most", "fields"),
    [
        (
            CreateUserRequest,
            MAX_BYTES,
            {
                "username": "u" * 32,
                "email": KEY * 252 + "@x",
                "name": KEY * 128,
                "password": KEY * 256,
                "roles": ["owner", "user-admin", "auditor", "member"],
            },
        ),
        (LoginRequest, MAX_BYTES, {"email": KEY * 254, "password": KEY * 256}),
        (UpdatePasswordRequest, MAX_BYTES, {"password": KEY * 256, "old_password": KEY * 256}),
        (
            UpdateGroupRequest,
            MAX_BYTES_OF_NAMES,
            {"add_users": ["u" * 64] * MAX_NAMES, "remove_users": ["u" * 64] * MAX_NAMES},
        ),
    ],
)
def test_whatever_a_body_may_say_fits_in(
    model: type[Body], most: int, fields: dict[str, Any]
) -> None:
    content = json.dumps(fields).encode()
    assert len(content) <= most
    assert parse(model, content).model_fields_set == fields.keys()


async def test_the_largest_body_is_read(api: Api) -> None:
    content = b'{"username": "x"}'.ljust(MAX_BYTES)
    await api.call("root", "POST", USERS, content=content, expect=201)
    await api.refused(413, "root", "POST", USERS, content=content + b" ")


@pytest.mark.parametrize(
    "kind",
    [
        "application/json",
        "application/json; charset=utf-8",
        "Application/JSON ;charset=UTF-8",
        "application/merge-patch+json",
    ],
)
async def test_a_body_is_said_to_be_json(api: Api, kind: str) -> None:
    headers = {"content-type": kind}
    new = b'{"username": "x"}'
    await api.call("root", "POST", USERS, content=new, headers=headers, expect=201)


@pytest.mark.parametrize(
    "kind",
    [
        "",
        "text/plain",
        "text/plain; application/json",
        "text/plain;a=application/json",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "text/json",
        "application/jsonp",
        "text/x+json",
    ],
)
@pytest.mark.parametrize("path", [USERS, "/users/login", "/users/first"])
async def test_what_a_form_of_any_site_could_send_is_not_read(
    api: Api, path: str, kind: str
) -> None:
    pieces = Pieces(b"{}")
    found = await api.refused(
        415, "root", "POST", path, content=pieces, headers={"content-type": kind}
    )
    assert found == {
        "message": "Request body must be JSON.",
        "detail": "Send it as JSON, with the header Content-Type: application/json.",
    }
    assert pieces.asked == 0


@pytest.mark.parametrize("token", [None, "nonsense"])
async def test_the_body_of_a_stranger_is_not_read(api: Api, token: str | None) -> None:
    read = False

    async def pieces() -> Any:
        nonlocal read
        read = True
        yield b"{}"

    await api.refused(401, token, "POST", USERS, content=pieces())
    assert not read


async def test_a_body_that_does_not_come_to_its_end_is_refused(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bodies, "SECONDS", 0.01)

    async def endless() -> AsyncIterator[bytes]:
        yield b"{"
        await asyncio.Event().wait()

    transport = httpx.ASGITransport(api.app)
    headers = {"X-Api-Key": api.tokens["root"], "Content-Type": "application/json"}
    async with httpx.AsyncClient(transport=transport, base_url="http://bridge") as client:
        answer = await client.post("/api/v2/users", content=endless(), headers=headers)
    assert answer.status_code == 408
    assert answer.json() == {"message": "The request body did not come to its end."}


NO_BODY = [
    ("POST", "/users/me/keys"),
    ("POST", "/users/logout"),
    ("PUT", "/users/bob/status/suspend"),
    ("PUT", "/users/me/keys/main/expire"),
    ("DELETE", "/users/me/keys/main"),
    ("DELETE", f"/groups/{NIL}"),
    ("DELETE", f"/groups/{NIL}/ai/budget"),
]


@pytest.mark.parametrize(("method", "path"), NO_BODY)
async def test_a_body_is_refused_where_none_is_taken(api: Api, method: str, path: str) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        yield b"{}"

    for content in (b'{"scopes":["read"]}', pieces()):
        found = await api.refused(400, "root", method, path, content=content)
        assert found["message"] == "This route takes no request body."
        assert found["detail"] == f"{method} /api/v2{path} takes no body: send it without one."
    assert not api.acts()
    assert (await api.call(None, method, path, content=b"x")).status_code == 401


async def test_every_route_that_changes_something_takes_a_body_or_refuses_one(api: Api) -> None:
    described = api.app.openapi()["paths"]
    calls = [
        (method.upper(), path)
        for path, methods in described.items()
        for method, operation in methods.items()
        if method != "get" and "requestBody" not in operation
    ]
    assert len(calls) >= len(NO_BODY)
    for method, path in calls:
        place = re.sub(r"\{[a-z_]+\}", NIL, path.removeprefix("/api/v2"))
        found = await api.refused(400, "root", method, place, content=b"x")
        assert found["message"] == "This route takes no request body.", path


async def test_a_body_of_no_length_is_none(api: Api) -> None:
    """Clients of Go send the header always."""
    for length in ("0", "00"):
        headers = {"content-length": length}
        await api.call("ann", "POST", "/users/me/keys", headers=headers, expect=201)
