import json

import pytest

from aibridge.dialects import DIALECTS, Dialect
from aibridge.dialects.facts import ProviderError


@pytest.fixture(params=DIALECTS)
def dialect(request) -> Dialect:
    return DIALECTS[request.param]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (
            b'{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}',
            ProviderError("overloaded_error", "Overloaded"),
        ),
        (
            b'{"error":{"message":"no","type":"invalid_request_error","param":null,"code":"c"}}',
            ProviderError("invalid_request_error", "no"),
        ),
        (b'{"error":{"message":"no","code":"c"}}', ProviderError("c", "no")),
        (b'{"error":{"message":"no","code":429}}', ProviderError("429", "no")),
        (b'[{"error":{"message":"no","status":"S"}}]', ProviderError("S", "no")),
        (b'{"error":"no"}', ProviderError("", "no")),
        (b'\xef\xbb\xbf{"error":"no"}', ProviderError("", "no")),
        (b'{"detail":"no"}', ProviderError("", "no")),
        (b'{"message":"no"}', ProviderError("", "no")),
        (b'{"a":1}', ProviderError("", '{"a":1}')),
        (b"<html>Bad gateway</html>\n", ProviderError("", "<html>Bad gateway</html>")),
        (b"x" * 5000, ProviderError("", "x" * 2000)),
        (b"\xff", ProviderError("", "\ufffd")),
        (b"", ProviderError("", "status 502 with an empty body")),
    ],
)
def test_an_error_of_any_shape_is_read(dialect, body, expected):
    assert dialect.read_error(502, body) == expected


@pytest.mark.parametrize("status", [400, 401, 403, 404, 413, 429, 500, 503])
def test_our_own_refusals_can_be_read_back(dialect, status):
    body = dialect.error_body(status, 'The budget is "spent"')
    assert dialect.read_error(status, body).message == 'The budget is "spent"'
    assert dialect.read_error(status, body).type


def test_refusals_are_worded_as_anthropic_does():
    messages = DIALECTS["messages"]
    assert json.loads(messages.error_body(403, "no")) == {
        "type": "error",
        "error": {"type": "permission_error", "message": "no"},
    }
    assert json.loads(messages.error_body(503, "no"))["error"]["type"] == "api_error"
    assert json.loads(messages.error_body(418, "no", kind="teapot"))["error"]["type"] == "teapot"


@pytest.mark.parametrize("name", ["chat", "responses"])
def test_refusals_are_worded_as_openai_does(name):
    body = DIALECTS[name].error_body(403, "no", kind="budget_exceeded")
    assert json.loads(body) == {
        "error": {
            "message": "no",
            "type": "permission_error",
            "param": None,
            "code": "budget_exceeded",
        }
    }
