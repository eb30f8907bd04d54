"""How an exchange ended, by its status and by what its answer says."""

import pytest

from aibridge.dialects.facts import ProviderError, ResponseFacts
from aibridge.reading.outcome import COMPLETED, QUEUED, TRUNCATED, of_answer
from aibridge.recorder.records import Status


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("overloaded_error", "overloaded"),
        ("rate_limit_error", "rate_limited"),
        ("insufficient_quota", "rate_limited"),
        ("RESOURCE_EXHAUSTED", "rate_limited"),
        ("ThrottlingException", "rate_limited"),
        ("authentication_error", "unauthorized"),
        ("PERMISSION_DENIED", "unauthorized"),
        ("invalid_api_key", "unauthorized"),
        ("invalid_request_error", "bad_request"),
        ("BadRequestError", "bad_request"),
        ("context_length_exceeded", "bad_request"),
        ("UNAVAILABLE", "overloaded"),
        ("timeout_error", "timeout"),
        ("server_error", "server_error"),
        ("", "server_error"),
        ("400", "bad_request"),
        ("401", "unauthorized"),
        ("429", "rate_limited"),
        ("502", "server_error"),
        ("503", "overloaded"),
        ("529", "overloaded"),
        ("1002", "rate_limited"),
        ("1008", "server_error"),
        ("99999", "server_error"),
        ("\u0664\u0662", "server_error"),
    ],
)
def test_the_type_of_an_error_within_an_answer(said, expected):
    for error in (ProviderError(said, "no"), ProviderError("tokens", "no", code=said)):
        facts = ResponseFacts(error=error, ended=True)
        assert of_answer(200, facts) == (Status.FAILED, expected, "no")


@pytest.mark.parametrize(
    ("status", "facts", "expected"),
    [
        (200, ResponseFacts(ended=True), COMPLETED),
        (200, ResponseFacts(stop_reason="stop"), COMPLETED),
        (200, ResponseFacts(), TRUNCATED),
        (200, ResponseFacts(ended=True, is_queued=True), QUEUED),
        (
            302,
            ResponseFacts(ended=True),
            (Status.FAILED, "unknown", "the provider redirects: status 302"),
        ),
        (
            429,
            ResponseFacts(error=ProviderError("x", "no"), is_queued=True),
            (Status.FAILED, "rate_limited", "no"),
        ),
    ],
)
def test_how_an_answer_ended(status, facts, expected):
    assert of_answer(status, facts) == expected
