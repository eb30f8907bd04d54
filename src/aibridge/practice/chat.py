"""Answers in the words of OpenAI Chat Completions (platform.openai.com, "Chat streaming").

Reasoning stands in ``reasoning_content``, the field in which compatible hosts give it.
"""

from collections.abc import Iterator
from typing import Any

from aibridge.practice.answer import KEY, Answer, Call, Said, Thought
from aibridge.practice.script import StreamFailure
from aibridge.practice.wording import JSON, openai_error, plain_event

FINISH = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "tool_use": "tool_calls",
    "max_tokens": "length",
    "refusal": "content_filter",
}
"""Anthropic's stop reasons as chat words them; others pass as they are."""

error = openai_error


def whole(answer: Answer) -> JSON:
    """Word the answer as one completion."""
    choice = {
        "index": 0,
        "message": _message(answer),
        "logprobs": None,
        "finish_reason": _finish(answer),
    }
    return {**_head(answer, "chat.completion"), "choices": [choice], "usage": _usage(answer)}


def events(answer: Answer) -> Iterator[bytes]:
    """Word the answer as the events of a stream."""
    for delta in _deltas(answer):
        yield plain_event(_chunk(answer, delta, None))
    yield plain_event(_chunk(answer, {}, _finish(answer)))
    if answer.wants_usage:
        head = _head(answer, "chat.completion.chunk")
        yield plain_event({**head, "choices": [], "usage": _usage(answer)})
    yield b"data: [DONE]\n\n"


def broken(answer: Answer, failure: StreamFailure) -> bytes:
    """Word an error in the middle of a stream."""
    del answer  # nothing of it stands in a chat error
    kind = failure.type or "server_error"
    body = {"message": failure.message, "type": kind, "param": None, "code": None}
    return plain_event({"error": body})


def _head(answer: Answer, kind: str) -> JSON:
    return {
        "id": f"chatcmpl-{KEY}",
        "object": kind,
        "created": answer.created,
        "model": answer.model,
        "service_tier": answer.tier or "default",
        "system_fingerprint": "fp_practice",
    }


def _finish(answer: Answer) -> str:
    return FINISH.get(answer.stop, answer.stop)


def _usage(answer: Answer) -> JSON:
    tokens = answer.tokens
    return {
        "prompt_tokens": tokens.whole_input,
        "completion_tokens": tokens.output,
        "total_tokens": tokens.whole_input + tokens.output,
        "prompt_tokens_details": {
            "cached_tokens": tokens.cache_read,
            "cache_write_tokens": tokens.cache_write,
            "audio_tokens": 0,
        },
        "completion_tokens_details": {
            "reasoning_tokens": tokens.reasoning,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }


def _message(answer: Answer) -> JSON:
    message: JSON = {"role": "assistant", "content": answer.text or None, "refusal": None}
    if answer.thought:
        message["reasoning_content"] = answer.thought
    if answer.calls:
        calls = enumerate(answer.calls)
        message["tool_calls"] = [_call(index, call, call.arguments) for index, call in calls]
    return {**message, "annotations": []}


def _call(index: int, call: Call, arguments: str) -> JSON:
    kind, word = ("custom", "input") if call.custom else ("function", "arguments")
    return {
        "id": f"call_{index:02}{KEY}",
        "type": kind,
        kind: {"name": call.name, word: arguments},
    }


def _chunk(answer: Answer, delta: JSON, finish: str | None) -> JSON:
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
    chunk: dict[str, Any] = {**_head(answer, "chat.completion.chunk"), "choices": [choice]}
    return {**chunk, "usage": None} if answer.wants_usage else chunk


def _deltas(answer: Answer) -> Iterator[JSON]:
    yield {"role": "assistant", "content": "", "refusal": None}
    calls = 0
    for item in answer.items:
        match item:
            case Said(text):
                yield from ({"content": part} for part in answer.deltas(text))
            case Thought(text):
                yield from ({"reasoning_content": part} for part in answer.deltas(text))
            case Call():
                yield from _call_deltas(answer, calls, item)
                calls += 1


def _call_deltas(answer: Answer, index: int, call: Call) -> Iterator[JSON]:
    kind, word = ("custom", "input") if call.custom else ("function", "arguments")
    yield {"tool_calls": [{"index": index, **_call(index, call, "")}]}
    for part in answer.deltas(call.arguments):
        yield {"tool_calls": [{"index": index, kind: {word: part}}]}
