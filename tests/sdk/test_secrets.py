"""Nothing that the SDK hands out shows a secret when it is printed."""

import pickle
import traceback
from typing import Any

import httpx
import pytest

from aibridge.sdk import ApiError, Client, ConnectionFailed
from tests.sdk import samples
from tests.sdk.conftest import TOKEN, Clients

SECRET = "hunter2-hunter2"
OWN: dict[str, Any] = {"url": f"http://ana:{SECRET}@bridge/", "token": TOKEN, "retries": 0}


def refusing(request: httpx.Request) -> httpx.Response:
    headers = {"x-echo": SECRET, "x-request-id": "r"}
    return httpx.Response(400, json={"message": "No."}, headers=headers)


def breaking(_request: httpx.Request) -> httpx.Response:
    raise httpx.ConnectError("refused")


def shown(*values: object) -> str:
    """Return all that is printed of values, and of what they are made of."""
    texts = [text for one in values for text in (repr(one), str(one))]
    texts += [repr(vars(one)) for one in values if hasattr(one, "__dict__")]
    return "\n".join(texts)


def test_neither_a_client_nor_its_parts_show_token_or_password(clients: Clients) -> None:
    client = clients.kind(**OWN, headers={"x-key": SECRET})
    raw = client.with_raw_response
    text = shown(client, client.with_options(timeout=3), client._options, client._place, raw)
    assert "bridge" in text
    assert SECRET not in text
    assert TOKEN not in repr(client) + repr(raw)


@pytest.mark.parametrize(("method", "arguments"), [("get_user", ()), ("create_token", ())])
def test_an_error_shows_neither_headers_nor_what_was_sent(
    clients: Clients, method: str, arguments: tuple[Any, ...]
) -> None:
    own = {**OWN, "transport": httpx.MockTransport(refusing)}
    with pytest.raises(ApiError) as caught:
        clients.open(own, method, *arguments)
    error = caught.value
    assert error.response is not None
    printed = "".join(traceback.format_exception(error)) + repr(error)
    sent = error.response.request
    printed += repr(sent) + repr(sent.headers) + repr(sent.content) + repr(error.response)
    assert SECRET not in printed
    assert TOKEN not in printed
    assert error.headers["x-echo"] == SECRET  # it is there for who asks


def test_a_failed_connection_shows_nothing_of_what_was_sent(clients: Clients) -> None:
    with pytest.raises(ConnectionFailed) as caught:
        clients.call(breaking, "login", "ana", SECRET, url=OWN["url"], retries=0)
    cause = caught.value.__cause__
    assert isinstance(cause, httpx.ConnectError)
    printed = "".join(traceback.format_exception(caught.value)) + shown(caught.value, cause)
    printed += repr(cause.request) + repr(cause.request.headers) + repr(cause.request.content)
    assert SECRET not in printed


@pytest.mark.parametrize("status", [200, 201, 404])
def test_a_login_that_is_answered_oddly_shows_no_session_token(
    clients: Clients, status: int
) -> None:
    body = f'{{"session_tokens": "{SECRET}"}}'
    with pytest.raises(ApiError) as caught:
        clients.call(lambda _: httpx.Response(status, text=body), "login", "ana", "password")
    printed = "".join(traceback.format_exception(caught.value)) + repr(caught.value)
    assert SECRET not in printed


def test_a_created_token_does_not_show_its_key(clients: Clients) -> None:
    body = {**samples.token("t"), "key": SECRET}
    token = clients.use(lambda _: httpx.Response(201, json=body), "create_token")
    assert token.key == SECRET
    assert SECRET not in repr(token) + str(token) + repr([token])


def test_a_raw_response_shows_neither_headers_nor_content(clients: Clients) -> None:
    def answer(_request: httpx.Request) -> httpx.Response:
        body = {**samples.token("t"), "key": SECRET}
        return httpx.Response(201, json=body, headers={"x-echo": SECRET})

    raw = clients.use(answer, "with_raw_response.create_token")
    assert SECRET.encode() in raw.content
    assert SECRET not in repr(raw) + str(raw) + repr(raw.http_response)
    assert TOKEN not in repr(raw.http_response.request.headers)


def test_a_redirect_that_is_not_followed_keeps_no_token(clients: Clients) -> None:
    def answer(_request: httpx.Request) -> httpx.Response:
        return httpx.Response(307, headers={"location": "http://elsewhere/"})

    with pytest.raises(ApiError) as caught:
        clients.use(answer, "get_user")
    assert caught.value.response is not None
    assert caught.value.response.next_request is None


def test_the_password_of_a_url_is_sent_to_the_proxy_that_asks_for_it(clients: Clients) -> None:
    sent: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        sent.append(request)
        return httpx.Response(200, json=[])

    clients.open({**OWN, "transport": httpx.MockTransport(answer)}, "list_models")
    assert sent[0].headers["authorization"].startswith("Basic ")
    assert SECRET not in str(sent[0].url)


def test_the_token_of_a_login_is_told_to_who_asks_for_it() -> None:
    def answer(_request: httpx.Request) -> httpx.Response:
        return httpx.Response(201, json={"session_token": SECRET})

    transport = httpx.MockTransport(answer)
    with Client.login("ana", "password", url="http://bridge", transport=transport) as client:
        assert client.token == SECRET
        assert SECRET not in repr(client) + str(client)


def test_a_raw_response_keeps_no_password_that_was_sent(clients: Clients) -> None:
    raw = clients.use(
        lambda _: httpx.Response(201, json=samples.user("u")),
        "with_raw_response.create_user",
        "ana",
        password=SECRET,
    )
    assert SECRET.encode() not in pickle.dumps({**vars(raw), "_parse": None})
    assert raw.parse().id == "u"
