"""Answers in the words of the Anthropic Messages API (docs.claude.com, "Streaming Messages")."""

import base64
import hashlib
from collections.abc import Iterator

import msgspec

from aibridge.practice.answer import KEY, Answer, Call, Item, Said, Thought
from aibridge.practice.script import StreamFailure
from aibridge.practice.wording import JSON, anthropic_error, named_event

error = anthropic_error


def whole(answer: Answer) -> JSON:
    """Word the answer as one message."""
    content = [_block(index, item) for index, item in enumerate(answer.items)]
    return _message(answer, content, answer.stop, _usage(answer, answer.tokens.output))


def events(answer: Answer) -> Iterator[bytes]:
    """Word the answer as the events of a stream."""
    return (named_event(event) for event in _events(answer))


def broken(answer: Answer, failure: StreamFailure) -> bytes:
    """Word an error in the middle of a stream."""
    del answer  # nothing of it stands in Anthropic's error events
    kind = failure.type or "overloaded_error"
    return named_event({"type": "error", "error": {"type": kind, "message": failure.message}})


def _events(answer: Answer) -> Iterator[JSON]:
    opening = _message(answer, [], None, _usage(answer, min(1, answer.tokens.output)))
    yield {"type": "message_start", "message": opening}
    for index, item in enumerate(answer.items):
        yield {"type": "content_block_start", "index": index, "content_block": _empty(index, item)}
        if index == 0:
            yield {"type": "ping"}
        for delta in _deltas(answer, item):
            yield {"type": "content_block_delta", "index": index, "delta": delta}
        yield {"type": "content_block_stop", "index": index}
    yield {
        "type": "message_delta",
        "delta": {"stop_reason": answer.stop, "stop_sequence": None},
        "usage": _cumulative(answer, answer.tokens.output),
    }
    yield {"type": "message_stop"}


def _message(answer: Answer, content: list[JSON], stop: str | None, usage: JSON) -> JSON:
    return {
        "model": answer.model,
        "id": f"msg_01{KEY}",
        "type": "message",
        "role": "assistant",
        "content": content,
        "stop_reason": stop,
        "stop_sequence": None,
        "usage": usage,
    }


def _usage(answer: Answer, output: int) -> JSON:
    written = {
        "ephemeral_5m_input_tokens": answer.tokens.cache_write,
        "ephemeral_1h_input_tokens": 0,
    }
    tier = answer.tier or "standard"
    return {**_cumulative(answer, output), "cache_creation": written, "service_tier": tier}


def _cumulative(answer: Answer, output: int) -> JSON:
    return {
        "input_tokens": answer.tokens.input,
        "cache_creation_input_tokens": answer.tokens.cache_write,
        "cache_read_input_tokens": answer.tokens.cache_read,
        "output_tokens": output,
    }


def _block(index: int, item: Item) -> JSON:
    match item:
        case Said(text):
            return {"type": "text", "text": text}
        case Thought(text):
            return {"type": "thinking", "thinking": text, "signature": _signature(text)}
        case Call(_, arguments):
            return {**_empty(index, item), "input": _object(arguments)}


def _empty(index: int, item: Item) -> JSON:
    match item:
        case Said():
            return {"type": "text", "text": ""}
        case Thought():
            return {"type": "thinking", "thinking": "", "signature": ""}
        case Call(name):
            return {"type": "tool_use", "id": f"toolu_{index:02}{KEY}", "name": name, "input": {}}


def _deltas(answer: Answer, item: Item) -> Iterator[JSON]:
    match item:
        case Said(text):
            yield from ({"type": "text_delta", "text": part} for part in answer.deltas(text))
        case Thought(text):
            for part in answer.deltas(text):
                yield {"type": "thinking_delta", "thinking": part}
            yield {"type": "signature_delta", "signature": _signature(text)}
        case Call(_, arguments):
            yield {"type": "input_json_delta", "partial_json": ""}
            for part in answer.deltas(arguments):
                yield {"type": "input_json_delta", "partial_json": part}


def _signature(thought: str) -> str:
    """Make up a signature that depends on the thought alone, as long as a short real one."""
    return base64.b64encode(hashlib.shake_256(thought.encode()).digest(180)).decode()


def _object(arguments: str) -> object:
    """Read arguments that a script may have broken on purpose: a whole answer needs an object."""
    try:
        return msgspec.json.decode(arguments)
    except msgspec.DecodeError:
        return {}
