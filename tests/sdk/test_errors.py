import json
import pickle
from collections.abc import Callable

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aibridge.contract import SessionList, UserStatus, Validation
from aibridge.sdk import (
    AIBridgeError,
    ApiError,
    Conflict,
    ConnectionFailed,
    Forbidden,
    Invalid,
    NotFound,
    RateLimited,
    Timeout,
    Unauthorized,
    Unavailable,
)
from aibridge.sdk.answers import QUOTED, accepted, parsed
from aibridge.sdk.endpoints import record
from aibridge.sdk.errors import kind_of
from tests.sdk import samples
from tests.sdk.conftest import TOKEN, Clients

Answer = Callable[[httpx.Request], httpx.Response]


def always(response: httpx.Response) -> Answer:
    return lambda _request: response


def failure(clients: Clients, answer: Answer, method: str = "list_sessions") -> AIBridgeError:
    with pytest.raises(AIBridgeError) as caught:
        clients.use(answer, method)
    return caught.value


def refusal(clients: Clients, response: httpx.Response) -> ApiError:
    error = failure(clients, always(response))
    assert isinstance(error, ApiError)
    return error


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, Invalid),
        (401, Unauthorized),
        (403, Forbidden),
        (404, NotFound),
        (409, Conflict),
        (201, ApiError),
        (429, RateLimited),
        (500, Unavailable),
        (503, Unavailable),
        (599, Unavailable),
        (418, ApiError),
        (204, ApiError),
        (302, ApiError),
    ],
)
def test_each_status_has_its_error(clients: Clients, status: int, kind: type[ApiError]) -> None:
    body = {"message": "No.", "detail": "Never.", "newer": 1}
    error = refusal(clients, httpx.Response(status, json=body))
    assert type(error) is kind
    assert (error.status, error.message, error.detail) == (status, "No.", "Never.")
    assert error.validations == ()
    assert str(error) == f"No. Never. (status {status})"


def test_complaints_about_parameters_are_kept_and_shown(clients: Clients) -> None:
    complaints = [{"field": "q", "detail": "bad"}, {"field": "limit", "detail": "too much"}]
    body = {"message": "No.", "validations": complaints}
    error = refusal(clients, httpx.Response(400, json=body))
    assert error.validations == (
        Validation(field="q", detail="bad"),
        Validation(field="limit", detail="too much"),
    )
    assert str(error) == "No. q: bad; limit: too much (status 400)"


@pytest.mark.parametrize("body", [b"<html>\xff</html>", b"null", b"", b"upstream: {"])
def test_an_error_that_is_not_the_apis_is_quoted(clients: Clients, body: bytes) -> None:
    error = refusal(clients, httpx.Response(404, content=body))
    assert isinstance(error, NotFound)
    assert "not an answer of AI Bridge" in error.message
    assert repr(body.decode("utf-8", "replace")) in error.detail or not body


@pytest.mark.parametrize("body", [b"[1]", b'{"key": "x"}', b"\xef\xbb\xbf \n{", b'"x', b'{"messa'])
@pytest.mark.parametrize("status", [200, 404])
def test_json_is_not_quoted_for_it_may_tell_a_secret(
    clients: Clients, body: bytes, status: int
) -> None:
    error = refusal(clients, httpx.Response(status, content=body))
    assert "not an answer of AI Bridge" in error.message
    assert error.detail == ""


@pytest.mark.parametrize("status", [200, 500])
def test_only_a_piece_of_a_long_answer_is_quoted(clients: Clients, status: int) -> None:
    error = refusal(clients, httpx.Response(status, content=b"~" * 100_000))
    assert error.status == status
    assert str(error).count("~") == QUOTED
    assert error.detail.endswith("…")


@pytest.mark.parametrize(
    ("body", "problem"),
    [(b"{}", "count: "), (b"[]", ""), (b'{"count": 0, "sessions": [{}]}', "sessions.0.id: ")],
)
def test_an_answer_of_another_shape_says_what_is_wrong(
    clients: Clients, body: bytes, problem: str
) -> None:
    error = refusal(clients, httpx.Response(200, content=body))
    assert type(error) is ApiError
    assert error.status == 200
    assert problem in error.message


def test_who_cannot_be_reached_is_named_without_credentials(clients: Clients) -> None:
    def fail(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused", request=request)

    own = {"url": "http://u:pass@bridge", "token": TOKEN}
    with pytest.raises(ConnectionFailed) as caught:
        clients.open({**own, "transport": httpx.MockTransport(fail)}, "list_models")
    assert str(caught.value) == "http://bridge/api/v2/aibridge/models: refused"
    assert isinstance(caught.value.__cause__, httpx.ConnectError)


SLOW = [httpx.ConnectTimeout, httpx.ReadTimeout, httpx.WriteTimeout, httpx.PoolTimeout]


@pytest.mark.parametrize("kind", SLOW)
def test_a_timeout_is_an_error_of_its_own(
    clients: Clients, kind: type[httpx.TimeoutException]
) -> None:
    def fail(_request: httpx.Request) -> httpx.Response:
        raise kind("")

    error = failure(clients, fail)
    assert type(error) is Timeout
    assert isinstance(error, ConnectionFailed)
    assert str(error).endswith(f": {kind.__name__}")


def test_a_connection_that_breaks_off_is_no_timeout(clients: Clients) -> None:
    def fail(_request: httpx.Request) -> httpx.Response:
        raise httpx.ReadError("reset")

    assert type(failure(clients, fail)) is ConnectionFailed


def test_an_error_has_the_answer_with_its_headers_and_the_id_of_the_request(
    clients: Clients,
) -> None:
    headers = {"X-Request-ID": "r-1", "Retry-After": "77", "X-Other": "x"}
    error = refusal(clients, httpx.Response(429, json={"message": "No."}, headers=headers))
    assert error.response is not None
    assert error.response.json() == {"message": "No."}
    assert error.headers["x-other"] == "x"
    assert (error.request_id, error.retry_after) == ("r-1", 77)
    assert str(error) == "No. (status 429, request r-1)"


def test_an_error_of_an_answer_that_tells_neither_has_no_id_and_no_time_to_wait(
    clients: Clients,
) -> None:
    error = refusal(clients, httpx.Response(400, json={"message": "No."}))
    assert (error.request_id, error.retry_after) == (None, None)
    assert "x-request-id" not in error.headers


def test_a_body_that_cannot_be_decompressed_is_no_whole_answer(clients: Clients) -> None:
    def answer(_request: httpx.Request) -> httpx.Response:
        stream = httpx.ByteStream(b"no gzip")
        return httpx.Response(200, headers={"content-encoding": "gzip"}, stream=stream)

    assert isinstance(failure(clients, answer), ConnectionFailed)
    assert clients.pauses == []


def test_redirects_are_not_followed_with_the_token(clients: Clients) -> None:
    hosts: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        hosts.append(request.url.host)
        return httpx.Response(307, headers={"location": "http://elsewhere/"})

    error = failure(clients, answer)
    assert hosts == ["bridge"]
    assert isinstance(error, ApiError)
    assert error.status == 307


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["message", "validations", "field", "detail", "count", "sessions"]),
            inner,
        )
    ),
)


@given(
    st.sampled_from([200, 204, 400, 404, 500, 503]),
    st.binary(max_size=300) | JSON.map(lambda value: json.dumps(value).encode()),
)
def test_any_answer_is_read_or_an_error(status: int, body: bytes) -> None:
    found: SessionList | ApiError
    try:
        request = record.sessions(None)
        found = parsed(request.parse, accepted(request, httpx.Response(status, content=body)))
    except ApiError as error:
        found = error
    if isinstance(found, SessionList):
        assert status == 200
    else:
        assert (found.status, type(found)) == (status, kind_of(status))
        assert str(found)


def test_errors_can_be_pickled() -> None:
    request = httpx.Request("GET", "http://bridge/")
    response = httpx.Response(400, headers={"x-request-id": "r"}, content=b"x", request=request)
    error = Invalid(400, "No.", "Never.", (Validation(field="q", detail="bad"),), response)
    copy = pickle.loads(pickle.dumps(error))  # noqa: S301
    assert type(copy) is Invalid
    assert str(copy) == str(error)
    assert copy.request_id == "r"
    assert copy.response is not None
    assert copy.response.content == b"x"


def test_keys_of_a_newer_server_are_kept(clients: Clients) -> None:
    body = {**samples.session("s"), "cost": 7}
    answer = httpx.Response(200, json={"count": 1, "sessions": [body], "newer": {}})
    page = clients.use(always(answer), "list_sessions")
    assert page.model_extra == {"newer": {}}
    assert [(one.id, one.model_extra) for one in page] == [("s", {"cost": 7})]


def test_words_of_a_newer_server_are_read_as_texts(clients: Clients) -> None:
    newer = {
        **samples.user("u"),
        "status": "sleeping",
        "roles": [{"name": "king", "display_name": "King"}],
    }
    answer = httpx.Response(200, json={"count": 2, "users": [newer, samples.user("v")]})
    strange, known = clients.use(always(answer), "list_users")
    assert (strange.status, strange.roles[0].name) == ("sleeping", "king")
    assert known.status is UserStatus.ACTIVE
