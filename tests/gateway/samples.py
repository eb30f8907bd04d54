"""A request and an answer of each dialect, streamed and whole, with what the record says of it."""

import json
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from aibridge.practice.encodings import compressed
from tests.wire import Step, Then, chunk, head

DIALECTS = ("messages", "chat", "responses")
ENCODINGS = ("gzip", "deflate", "br", "zstd")
FRAMINGS = ("sized", "chunked", "until close")
TOKENS = (100, 9, 20, 3)
"""Input, output, read from the cache, written to it: what every sample reports."""


def request(
    dialect: str,
    prompt: str = "Say hello.",
    *,
    stream: bool = False,
    then: Sequence[dict[str, Any]] = (),
    **more: Any,
) -> dict[str, Any]:
    """Return a request, one that asks for usage where its dialect lets it choose.

    ``then`` is what follows the prompt in the conversation.
    """
    said = [{"role": "user", "content": prompt}, *then]
    body: dict[str, Any] = {"model": "m-1", "stream": stream}
    body |= {"input": said} if dialect == "responses" else {"messages": said}
    if dialect == "messages":
        body["max_tokens"] = 10
    if dialect == "chat" and stream:
        body["stream_options"] = {"include_usage": True}
    return body | more


def encoded(body: dict[str, Any]) -> bytes:
    """Return a body as it is sent."""
    return json.dumps(body).encode()


def event(data: Any, name: str = "") -> bytes:
    """Return a server-sent event."""
    line = f"event: {name}\n" if name else ""
    text = data if isinstance(data, str) else json.dumps(data)
    return f"{line}data: {text}\n\n".encode()


_MESSAGES_USAGE = {
    "input_tokens": 100,
    "output_tokens": 9,
    "cache_read_input_tokens": 20,
    "cache_creation_input_tokens": 3,
}
_CHAT_USAGE = {
    "prompt_tokens": 123,
    "completion_tokens": 9,
    "total_tokens": 132,
    "prompt_tokens_details": {"cached_tokens": 20, "cache_write_tokens": 3},
}
_RESPONSES_USAGE = {
    "input_tokens": 123,
    "output_tokens": 9,
    "total_tokens": 132,
    "input_tokens_details": {"cached_tokens": 20, "cache_write_tokens": 3},
}
_MESSAGE = {
    "id": "id-1",
    "type": "message",
    "role": "assistant",
    "model": "m-1",
    "content": [{"type": "text", "text": "Hello."}],
    "stop_reason": "end_turn",
    "usage": _MESSAGES_USAGE,
}
_COMPLETION = {
    "id": "id-1",
    "object": "chat.completion",
    "model": "m-1",
    "choices": [
        {
            "index": 0,
            "message": {"role": "assistant", "content": "Hello."},
            "finish_reason": "stop",
        }
    ],
    "usage": _CHAT_USAGE,
}
_RESPONSE = {
    "id": "id-1",
    "object": "response",
    "model": "m-1",
    "status": "completed",
    "output": [
        {
            "id": "item-1",
            "type": "message",
            "role": "assistant",
            "content": [{"type": "output_text", "text": "Hello."}],
        }
    ],
    "usage": _RESPONSES_USAGE,
}
_COMMAND = {"type": "object", "properties": {"command": {"type": "string"}}}
TOOLS: dict[str, list[dict[str, Any]]] = {
    "messages": [{"name": name, "input_schema": _COMMAND} for name in ("bash", "read")],
    "chat": [
        {"type": "function", "function": {"name": name, "parameters": _COMMAND}}
        for name in ("bash", "read")
    ],
    "responses": [
        {"type": "function", "name": name, "parameters": _COMMAND} for name in ("bash", "read")
    ],
}


def results(dialect: str, call_ids: Sequence[str]) -> list[dict[str, Any]]:
    """Return what a client adds to a conversation to answer the model's tool calls."""
    if dialect == "messages":
        calls = [{"type": "tool_use", "id": each, "name": "bash", "input": {}} for each in call_ids]
        answers = [
            {"type": "tool_result", "tool_use_id": each, "content": "ok"} for each in call_ids
        ]
        return [{"role": "assistant", "content": calls}, {"role": "user", "content": answers}]
    if dialect == "chat":
        function = {"name": "bash", "arguments": "{}"}
        said = [{"id": each, "type": "function", "function": function} for each in call_ids]
        return [
            {"role": "assistant", "tool_calls": said},
            *({"role": "tool", "tool_call_id": each, "content": "ok"} for each in call_ids),
        ]
    return [
        item
        for each in call_ids
        for item in (
            {"type": "function_call", "call_id": each, "name": "bash", "arguments": "{}"},
            {"type": "function_call_output", "call_id": each, "output": "ok"},
        )
    ]


WHOLE = {
    "messages": json.dumps(_MESSAGE).encode(),
    "chat": json.dumps(_COMPLETION).encode(),
    "responses": json.dumps(_RESPONSE).encode(),
}


def _named(data: dict[str, Any]) -> bytes:
    return event(data, data["type"])


def _chunk(**more: Any) -> bytes:
    return event({"id": "id-1", "object": "chat.completion.chunk", "model": "m-1", **more})


def _choice(delta: dict[str, Any], reason: str | None = None) -> bytes:
    return _chunk(choices=[{"index": 0, "delta": delta, "finish_reason": reason}], usage=None)


USAGE_CHUNK = _chunk(choices=[], usage=_CHAT_USAGE)
"""The chunk that ends a chat stream whose client asked for usage."""

_TEXT = {"type": "text", "text": ""}
EVENTS = {
    "messages": (
        _named(
            {"type": "message_start", "message": _MESSAGE | {"content": [], "stop_reason": None}}
        ),
        _named({"type": "content_block_start", "index": 0, "content_block": _TEXT}),
        _named(
            {
                "type": "content_block_delta",
                "index": 0,
                "delta": {"type": "text_delta", "text": "Hello — ünïcode."},
            }
        ),
        _named({"type": "content_block_stop", "index": 0}),
        _named(
            {
                "type": "message_delta",
                "delta": {"stop_reason": "end_turn"},
                "usage": {"output_tokens": 9},
            }
        ),
        _named({"type": "message_stop"}),
    ),
    "chat": (
        _choice({"role": "assistant", "content": ""}),
        _choice({"content": "Hello — ünïcode."}),
        _choice({}, "stop"),
        USAGE_CHUNK,
        event("[DONE]"),
    ),
    "responses": (
        _named({"type": "response.created", "response": _RESPONSE | {"status": "in_progress"}}),
        _named({"type": "response.output_text.delta", "item_id": "item-1", "delta": "Hello."}),
        _named({"type": "response.completed", "response": _RESPONSE}),
    ),
}
"""The events of a stream; the last one ends the answer."""

STOP = {"messages": "end_turn", "chat": "stop", "responses": "completed"}


def body(dialect: str, *, stream: bool, encoding: str = "") -> bytes:
    """Return an answer's body, compressed if an encoding is named."""
    plain = b"".join(EVENTS[dialect]) if stream else WHOLE[dialect]
    return packed(plain, encoding) if encoding else plain


def packed(plain: bytes, encoding: str) -> bytes:
    """Return bytes compressed."""
    return b"".join(compressed(encoding, [plain]))


def framed(
    content: bytes,
    framing: str,
    *,
    stream: bool = False,
    cuts: Sequence[int] = (),
    encoding: str = "",
    headers: Sequence[tuple[str, str]] = (),
) -> tuple[Step, ...]:
    """Return an answer's steps: in this framing, and cut at these places of its body."""
    kind = "text/event-stream; charset=utf-8" if stream else "application/json"
    fields = [("content-type", kind), *headers]
    if encoding:
        fields.append(("content-encoding", encoding))
    places = [0, *sorted({cut for cut in cuts if cut < len(content)}), len(content)]
    pieces = [content[start:end] for start, end in pairwise(places)]
    if framing == "sized":
        return head(headers=[*fields, ("content-length", str(len(content)))]), *pieces
    if framing == "until close":
        return head(headers=fields), *pieces, Then.CLOSE
    opening = head(headers=[*fields, ("transfer-encoding", "chunked")])
    return opening, *map(chunk, pieces), b"0\r\n\r\n"
