"""A page of somebody else in a person's browser: it has no token, and learns nothing."""

import pytest

from tests.wire import ask

ENGINES = ("sqlite",)
ORIGIN = (b"origin", b"https://evil.example")
GATEWAY = "/api/v2/aibridge/anthropic/v1/messages"
PATHS = [GATEWAY, "/api/v2/aibridge/sessions", "/api/v2/users/me", "/api/v2/users/login"]


def allowed(answer):
    """The headers by which a browser lets a page read an answer, or keeps something for it."""
    names = {name.lower() for name, _ in answer.headers}
    return {name for name in names if name.startswith(b"access-control-") or name == b"set-cookie"}


@pytest.mark.parametrize("path", PATHS)
def test_a_preflight_allows_no_page_anything(wire, bridge, path):
    asked = [
        ORIGIN,
        (b"access-control-request-method", b"POST"),
        (b"access-control-request-headers", b"authorization"),
    ]
    answer = ask(bridge.url, path, method="OPTIONS", headers=asked)
    assert answer.status >= 400
    assert not allowed(answer)
    assert not wire.requests


@pytest.mark.parametrize("path", PATHS[:3])
@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded"])
def test_what_a_page_can_send_by_itself_carries_no_token(wire, bridge, path, kind):
    method = "POST" if path == GATEWAY else "GET"
    headers = [
        ORIGIN,
        (b"cookie", f"token={bridge.token}".encode()),
        (b"content-type", kind.encode()),
    ]
    answer = ask(bridge.url, path, method=method, headers=headers, body=b"{}")
    assert answer.status == 401
    assert not allowed(answer)
    assert not wire.requests


@pytest.mark.parametrize("path", ["/api/v2/aibridge/sessions", "/api/v2/users/me"])
def test_no_answer_is_for_a_page_of_another_origin(bridge, path):
    answer = ask(
        bridge.url, path, method="GET", headers=[ORIGIN, (b"x-api-key", bridge.token.encode())]
    )
    assert answer.status == 200
    assert not allowed(answer)
