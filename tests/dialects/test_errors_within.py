"""Errors within an answer whose status is good, and how answers end."""

import json

import pytest

from aibridge.dialects import DIALECTS, responses
from aibridge.dialects.facts import ProviderError

names = pytest.mark.parametrize("name", ["messages", "chat", "responses"])


ERRORS: list[tuple[str, bytes, ProviderError]] = [
    ("", b'{"error":{"type":"t","message":"no"}}', ProviderError("t", "no")),
    ("", b'{"error":"no"}', ProviderError("", "no")),
    ("", b'{"error":{"message":"no","code":502}}', ProviderError("502", "no")),
    ("error", b'{"error":{"message":"no"}}', ProviderError("", "no")),
    ("error", b'{"message":"no","code":503}', ProviderError("503", "no")),
    ("error", b'{"type":"t","message":"no"}', ProviderError("t", "no")),
    ("error", b'{"detail":"no"}', ProviderError("", "no")),
    ("error", b"no", ProviderError("", "no")),
    ("error", b'"no"', ProviderError("", '"no"')),
    ("", b'{"code":500,"msg":"no","success":false}', ProviderError("500", "no")),
    ("", b'{"object":"error","message":"no","code":404}', ProviderError("404", "no")),
    ("", b'{"error_code":336,"error_msg":"no"}', ProviderError("336", "no")),
    ("", b'{"type":"error","error":null,"message":"no"}', ProviderError("", "no")),
    ("", b'[{"error":{"message":"no","code":400,"status":"S"}}]', ProviderError("400", "no")),
    (
        "",
        b'{"success":false,"errors":[{"code":7009,"message":"no"}],"result":null}',
        ProviderError("7009", "no"),
    ),
    ("", b'{"errors":["no"]}', ProviderError("", "no")),
    ("", b'{"base_resp":{"status_code":1002,"status_msg":"no"}}', ProviderError("1002", "no")),
]


@pytest.mark.parametrize(("event", "data", "expected"), ERRORS)
@names
def test_an_error_in_a_stream_of_any_shape_ends_it(
    name: str, event: str, data: bytes, expected: ProviderError
) -> None:
    reader = DIALECTS[name].StreamReader()
    assert reader.event(data, event)
    assert not reader.event(b"[DONE]")
    facts = reader.facts()
    assert (facts.error, facts.ended) == (expected, True)


@pytest.mark.parametrize(
    ("data", "expected"), [(data, error) for event, data, error in ERRORS if not event]
)
@names
def test_an_error_instead_of_a_whole_answer(
    name: str, data: bytes, expected: ProviderError
) -> None:
    assert DIALECTS[name].read_answer(data).error == expected


@pytest.mark.parametrize("body", [b'{"detail":"no"}', b'{"message":"no"}'])
@names
def test_a_message_alone_is_no_answer(name: str, body: bytes) -> None:
    assert DIALECTS[name].read_answer(body).error == ProviderError("", "no")


@pytest.mark.parametrize(
    "data",
    [
        b'{"type":"status","message":"thinking"}',
        b'{"status":"queued","message":"soon"}',
        b'{"error":null,"type":"ping"}',
        b'{"base_resp":{"status_code":0,"status_msg":"success"}}',
        b'{"code":200,"message":"ok"}',
        b"{}",
        b"[]",
    ],
)
@names
def test_other_events_are_no_errors(name: str, data: bytes) -> None:
    reader = DIALECTS[name].StreamReader()
    assert not reader.event(data)
    assert reader.facts().error is None


def test_an_answer_that_failed_without_saying_why_has_failed() -> None:
    assert responses.read_answer(b'{"status":"failed","error":null,"output":[]}').error
    reader = responses.StreamReader()
    assert reader.event(b'{"type":"response.failed"}')
    assert reader.facts().error


@pytest.mark.parametrize("kind", ["response.done", "response.completed", "response.incomplete"])
@pytest.mark.parametrize("more", [b"", b',"response":{"id":"r","status":"completed"}'])
def test_events_that_end_a_response(kind: str, more: bytes) -> None:
    reader = responses.StreamReader()
    assert reader.event(b'{"type":"%b"%b}' % (kind.encode(), more))
    assert reader.facts().error is None


@pytest.mark.parametrize("status", ["queued", "in_progress"])
def test_an_answer_in_the_background_is_queued(status: str) -> None:
    facts = responses.read_answer(json.dumps({"id": "r", "status": status}).encode())
    assert (facts.is_queued, facts.error, facts.response_id) == (True, None, "r")
    assert not responses.read_answer(b'{"status":"completed"}').is_queued


@names
def test_what_could_not_be_read_and_has_no_tokens_is_unread(name: str) -> None:
    assert DIALECTS[name].read_answer(b'{"id":').unread
    reader = DIALECTS[name].StreamReader()
    reader.event(b"keep alive")
    assert reader.facts().unread
    reader.take_usage({"input_tokens": 1, "prompt_tokens": 1})
    assert not reader.facts().unread
