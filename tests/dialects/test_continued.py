"""What a request goes on from: found, or said not to be readable."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aibridge.dialects.responses.continued import MAX_ID, UNREADABLE, Continued, continued


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, Continued()),
        ({"previous_response_id": "resp_1"}, Continued("resp_1")),
        ({"previous_response_id": None, "conversation": ""}, Continued()),
        ({"conversation": "conv_1"}, Continued("", "conv_1")),
        ({"conversation": {"id": "conv_1"}}, Continued("", "conv_1")),
        ({"previous_response_id": "r", "conversation": "c"}, Continued("r", "c")),
        ({"input": [{"role": "user", "content": '"conversation": "x"'}]}, Continued()),
        ({"text": {"format": {"title": "Conversation"}}}, Continued()),
        ({"text": {"Conversation": "x"}, "conversation": "c"}, Continued("", "c")),
    ],
)
@pytest.mark.parametrize("more", [{}, {"tools": [], "input": 5}, {"temperature": float("nan")}])
def test_what_a_request_goes_on_from(fields, expected, more):
    """Other fields of an odd shape change nothing, nor does what providers read all the same."""
    body = json.dumps({"model": "m", **more, **fields}).encode()
    assert continued(body) == expected


@pytest.mark.parametrize(
    "body",
    [
        b'{"input": 5, "conversation": 7}',
        b'{"input": 5, "conversation": {"name": "c"}}',
        b'{"input": 5, "previous_response_id": ["r"]}',
        b'{"input": 5, "Previous_Response_ID": "r"}',
        b'{"input": 5, "conversation": "%s"}' % (b"x" * MAX_ID),
        b'{"input": "x", "conversation": 7}',
        b'{"input": "x", "conversation": ["conv_1"]}',
        b'{"input": "x", "conversation": {"ID": "conv_1"}}',
        b'{"input": "x", "conversation": {"id": "mine", "Id": "conv_1"}}',
        b'{"input": "x", "conversation": {"id": "conv_1", "id": ""}}',
        b'{"input": "x", "conversation": {"conversation_id": "conv_1"}}',
        b'{"input": "x", "previous_response_id": ["r"]}',
        b'{"input": "x", "PREVIOUS_response_id": "r"}',
        b'{"input": "x", "previous_response_id": null, "Previous_Response_Id": "r"}',
        b'{"input": 5, "previous_response_id": null, "Previous_Response_Id": "r"}',
        b'{"input": "x", "Conversation": "conv_1"}',
        b'{"input": "x", "\\u0043onversation": "conv_1"}',
        b'["conversation"]',
        b'{"conversation": "c"',
        b'{"\\u0063onversation": "c"',
        b"[" * 5000 + b'"conversation"',
    ],
)
def test_what_cannot_be_told_is_not_taken_for_nothing(body):
    assert continued(body) == UNREADABLE


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-32", "utf-8-sig"])
def test_what_a_request_goes_on_from_is_read_in_every_encoding(encoding):
    assert continued('{"conversation": "c"}'.encode(encoding)).conversation_id == "c"


@pytest.mark.parametrize("name", ["conversation", "previous_response_id"])
def test_of_two_that_a_request_names_the_last_counts_as_with_providers(name):
    assert "other" in continued(f'{{"{name}": "mine", "{name}": "other"}}'.encode())


@pytest.mark.parametrize(
    "body", [b"\0", b"\0\0\0\0{}", '{"model": "m"}'.encode("utf-16"), b"{", b""]
)
def test_what_names_nothing_goes_on_from_nothing_in_whatever_shape(body):
    assert continued(body) == Continued()


@given(st.binary(max_size=200) | st.binary(max_size=50).map(b'{"conversation":'.__add__))
def test_any_bytes_are_looked_at(body):
    assert isinstance(continued(body), Continued)
