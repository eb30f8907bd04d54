"""Whether a chat stream may be one of which no usage will be told."""

import json
from typing import Any

import pytest

from aibridge.dialects.chat import may_lack_usage

STREAM = {"model": "m-1", "stream": True}
ASKS = {**STREAM, "stream_options": {"include_usage": True}}
PLAIN = json.dumps(STREAM).encode()


@pytest.mark.parametrize(
    "body",
    [
        {"model": "m-1"},
        {"model": "m-1", "stream": False},
        {"model": "m-1", "stream": None},
        {"model": "m-1", "stream": False, "stream_options": []},
        ASKS,
        {**ASKS, "stream": 1},
    ],
)
def test_who_streams_not_or_asks_for_usage_does_not_lack_it(body: dict[str, Any]) -> None:
    data = json.dumps(body)
    assert not may_lack_usage(data.encode())
    assert not may_lack_usage(b"\xef\xbb\xbf" + data.encode())
    assert not may_lack_usage(data.encode("utf-16"))


@pytest.mark.parametrize(
    "body",
    [
        PLAIN,
        b"\xef\xbb\xbf" + PLAIN,
        PLAIN.decode().encode("utf-16"),
        PLAIN[:-1] + b',"temperature":NaN}',
        PLAIN[:-1] + b',"user":"\\ud800"}',
        PLAIN[:-1] + b',"stream":true}',
        PLAIN[:-1] + b',"stream_options":[]}',
        PLAIN[:-1] + b',"stream_options":{"include_usage":"true"}}',
        PLAIN[:-1] + b',"stream_options":{"include_usage":true},"stream_options":null}',
        b'{"stream":1}',
        b'{"stream":"true"}',
        b'{"Stream":true}',
        b'{"stream":false,"STREAM":true}',
        b"",
        b"[]",
        b'{"stream":true',
    ],
)
def test_any_other_may_lack_it(body: bytes) -> None:
    assert may_lack_usage(body)
