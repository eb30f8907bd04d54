"""What fuzzed inputs are made of: documents of each kind, and tokens that readers stumble over."""

import gzip
import zlib
from typing import Any

import brotli
import zstandard

NASTY = (
    'a "type":"message_stop" \\ "finish_reason":"stop" \u00e9\U0001f600\n\ndata: [DONE]\n\n<skill>'
)
_TOOL = {"type": "tool_use", "id": "t", "name": "sh", "input": {"command": [NASTY, 1]}}
_CALL = {"type": "function_call", "id": "f", "call_id": "c", "name": "sh", "arguments": NASTY}
_RESPONSE = {"id": "r", "model": "m", "status": "completed", "output": [_CALL], "usage": {"x": 1}}
_CHAT_CALL = {"index": 0, "id": "c", "function": {"name": "sh", "arguments": NASTY}}

REQUESTS: dict[str, Any] = {
    "messages": {
        "model": "m",
        "stream": True,
        "metadata": {"user_id": "user_1_session_2"},
        "tools": [{}],
        "messages": [
            {"role": "assistant", "content": [_TOOL]},
            {
                "role": "user",
                "content": [
                    {"type": "tool_result", "tool_use_id": "t", "content": "x"},
                    {"type": "text", "text": f"<system-reminder>{NASTY}</system-reminder>"},
                    {"type": "text", "text": NASTY},
                ],
            },
        ],
    },
    "chat": {
        "model": "m",
        "stream": True,
        "stream_options": {"x": 1},
        "user": "u",
        "messages": [
            {"role": "tool", "tool_call_id": "c", "content": "x"},
            {"role": "user", "content": [{"type": "text", "text": NASTY}]},
        ],
    },
    "responses": {
        "model": "m",
        "conversation": {"id": "c"},
        "metadata": {"session_id": "s"},
        "input": [
            {"type": "function_call_output", "call_id": "c", "output": "x"},
            {"role": "user", "content": [{"type": "input_text", "text": NASTY}]},
        ],
    },
}

ANSWERS: dict[str, Any] = {
    "messages": {
        "id": "m",
        "model": "m",
        "stop_reason": "tool_use",
        "content": [{"type": "thinking", "thinking": NASTY}, _TOOL],
        "usage": {"input_tokens": 5, "service_tier": "standard"},
    },
    "chat": {
        "id": "m",
        "choices": [
            {
                "finish_reason": "stop",
                "message": {"tool_calls": [_CHAT_CALL], "function_call": {"name": "f"}},
            },
            {"index": 1, "message": {"reasoning": NASTY}},
        ],
        "usage": {"prompt_tokens": 5, "prompt_tokens_details": {"cached_tokens": 1}},
    },
    "responses": {
        **_RESPONSE,
        "output": [
            _CALL,
            {"type": "reasoning", "id": "x", "summary": [{"type": "summary_text", "text": NASTY}]},
        ],
        "error": {"code": "e", "message": NASTY},
    },
}


def _block(kind: str, index: int, **fields: object) -> dict[str, Any]:
    return {"type": f"content_block_{kind}", "index": index, **fields}


def _chunk(delta: dict[str, Any], **fields: object) -> dict[str, Any]:
    head = {"id": "x", "object": "chat.completion.chunk", "created": 1, "model": "m"}
    return {**head, "choices": [{"index": 0, "delta": delta, **fields}]}


EVENTS: dict[str, list[Any]] = {
    "messages": [
        {"type": "message_start", "message": {"id": "m", "usage": {"input_tokens": 5}}},
        _block("start", 0, content_block={"type": "thinking", "thinking": ""}),
        _block("delta", 0, delta={"type": "thinking_delta", "thinking": NASTY}),
        _block("stop", 0),
        {"type": "ping"},
        _block("delta", 1, delta={"type": "text_delta", "text": NASTY}),
        _block("start", 2, content_block=_TOOL),
        _block("delta", 2, delta={"type": "input_json_delta", "partial_json": NASTY}),
        _block("stop", 2),
        {"type": "message_delta", "delta": {"stop_reason": "x"}, "usage": {"output_tokens": 9}},
        {"type": "message_stop"},
    ],
    "chat": [
        _chunk({"role": "assistant", "content": ""}),
        _chunk({"reasoning": NASTY}),
        _chunk({"content": NASTY}),
        _chunk({"tool_calls": [_CHAT_CALL]}),
        _chunk({}, finish_reason="tool_calls"),
        {"choices": [], "usage": {"prompt_tokens": 5, "completion_tokens": 9}},
    ],
    "responses": [
        {"type": "response.created", "response": {**_RESPONSE, "output": []}},
        {"type": "response.output_text.delta", "output_index": 0, "delta": NASTY},
        {"type": "response.reasoning_summary_text.delta", "output_index": 1, "delta": NASTY},
        {"type": "response.output_item.added", "output_index": 2, "item": _CALL},
        {"type": "response.function_call_arguments.delta", "output_index": 2, "delta": NASTY},
        {"type": "response.output_item.done", "output_index": 2, "item": _CALL},
        {"type": "response.completed", "response": _RESPONSE},
    ],
}

ODD: tuple[Any, ...] = (
    None, True, -1, 5.5, 10**30, 1e300, "", "x", NASTY, "\ud800", "\ud83d", [], [[]], [None], {},
    {"type": []}, [{}], {"": ""}, {"\U0001f600": "\u00e9"}, "9" * 600,
)  # fmt: skip
"""Values that stand where others are expected."""

BYTES: tuple[bytes, ...] = (
    b"\n", b"\r", b"\r\n", b"\n\n", b"\r\r", b" ", b"\t", b"\0", b"\\", b"\\\\", b'"', b'\\"', b",",
    b":", b"[", b"]", b"{", b"}", b"[],", b"{},", b"1,", b"9", b"-", b"0.9", b"1e999,", b"null,",
    b'"",', b'"a":1,', b'{"a":', b"\xff", b"\xc3", b"\xf0\x9f\x98\x80", b"\xef\xbb\xbf", b"\\ud800",
    b"\\ud83d\\ude00", b"\\u00e9", b"\\n", b"a", b"word ", b"data:", b"data: {}\n\n", b"data\n\n",
    b"data: x\n", b"data: 1\r\r", b":\n\n", b"x\n\n", b"event: ping\n", b"data: [DONE]\n\n",
    b'{"type":"text","text":"a"},', b'{"role":"user","content":"a"},', b'{"id":"1"},',
    b'{"function":{}},', b'{"function":{"name":"a"}},', b'{"type":"x_call"},', b"<skill>",
    b"</skill>", b"<skill>a</skill>", b"<command-name>", b"# AGENTS.md instructions \n",
    b"_session_", b'data: {"usage":{"a":1}}\n\n', b'"stream_options":{},', b"key:", b'"quoted" ',
    b"-key:value ", b"a>=1 ", b"\\x41", b"\\U0001f600", b"1\r\na\r\n", b"0\r\n\r\n",
    b"fffffffff\r\n", b"x-a: b\r\n", b"content-length: 5\r\n", b"transfer-encoding: chunked\r\n",
    b"HTTP/1.1 200 OK\r\n",
    b"HTTP/1.1 100 Continue\r\n\r\n", gzip.compress(b"", mtime=0), zlib.compress(b""),
    zstandard.compress(b""), b"\x50\x2a\x4d\x18\0\0\0\0", b"\0\0\0\xff\xff", brotli.compress(b""),
    b"\x02\x00\x10a",
)  # fmt: skip
"""Tokens for repeating and for putting anywhere."""

HEADS: tuple[bytes, ...] = (
    b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 12\r\n\r\n",
    b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5;a=b\r\nhello\r\n0\r\nx: y\r\n\r\n",
    b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok",
    b"HTTP/1.0 200 OK\r\nserver: x\r\n\r\n",
    b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n",
    b"HTTP/1.1 101 Switching\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\n",
    b"HTTP/1.1 500 No\r\nconnection: keep-alive\r\ncontent-length: 0\r\n\r\n",
)

QUERIES: tuple[bytes, ...] = (
    b'provider:anthropic model:"claude \\"x\\"" -client:codex some words',
    b'tokens>=100 -cost<5 started:"2026-01-01" "a \\u00e9 \\x41 \\U0001f600"',
)
