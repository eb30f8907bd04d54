"""Answers in the words of OpenAI Responses (platform.openai.com, "Streaming events")."""

import base64
import hashlib
from collections.abc import Iterator

from aibridge.practice.answer import KEY, Answer, Call, Item, Said, Thought
from aibridge.practice.script import StreamFailure
from aibridge.practice.wording import JSON, named_event, openai_error

INCOMPLETE = {"max_tokens": "max_output_tokens", "refusal": "content_filter"}
"""Anthropic's stop reasons that leave a response incomplete, as Responses words them."""

error = openai_error


def whole(answer: Answer) -> JSON:
    """Word the answer as one response."""
    output = [_done(answer, index) for index in range(len(answer.items))]
    return _response(answer, _status(answer), output)


def events(answer: Answer) -> Iterator[bytes]:
    """Word the answer as the events of a stream."""
    numbered = enumerate(_events(answer))
    return (named_event({**event, "sequence_number": number}) for number, event in numbered)


def unfinished(answer: Answer, status: str) -> JSON:
    """Word a response of which nothing has been made yet, or ever will be."""
    return _response(answer, status, [])


def broken(answer: Answer, failure: StreamFailure) -> bytes:
    """Word an error in the middle of a stream, numbered as if it were the next event."""
    code = failure.type or "server_error"
    trouble: JSON = {"code": code, "message": failure.message}
    if failure.event == "error":
        event = {"type": "error", **trouble, "param": None}
    else:
        response = {**_response(answer, "failed", []), "error": trouble}
        event = {"type": "response.failed", "response": response}
    return named_event({**event, "sequence_number": failure.after})


def compaction(answer: Answer, kept: list[JSON]) -> JSON:
    """Word a compacted conversation: the user messages ``kept`` and one opaque item."""
    item = {"id": f"cmp_{KEY}", "type": "compaction", "encrypted_content": _sealed(answer.text)}
    return {
        "id": f"resp_{KEY}",
        "object": "response.compaction",
        "created_at": answer.created,
        "output": [*kept, item],
        "usage": _usage(answer),
    }


def _events(answer: Answer) -> Iterator[JSON]:
    opening = unfinished(answer, "in_progress")
    if answer.background:
        queued = unfinished(answer, "queued")
        yield {"type": "response.created", "response": queued}
        yield {"type": "response.queued", "response": queued}
    else:
        yield {"type": "response.created", "response": opening}
    yield {"type": "response.in_progress", "response": opening}
    for index, item in enumerate(answer.items):
        begun = _item(index, item, "in_progress", filled=False)
        yield {"type": "response.output_item.added", "output_index": index, "item": begun}
        place = {"item_id": begun["id"], "output_index": index}
        for event in _item_events(answer, item):
            yield {**event, **place}
        done = _done(answer, index)
        yield {"type": "response.output_item.done", "output_index": index, "item": done}
    closing = whole(answer)
    yield {"type": f"response.{closing['status']}", "response": closing}


def _item_events(answer: Answer, item: Item) -> Iterator[JSON]:
    match item:
        case Said(text):
            return _text_events(answer, text)
        case Thought(text):
            return _summary_events(answer, text)
        case Call():
            return _call_events(answer, item)


def _text_events(answer: Answer, text: str) -> Iterator[JSON]:
    name, place = "response.output_text", {"content_index": 0}
    yield {"type": "response.content_part.added", **place, "part": _text_part("")}
    for part in answer.deltas(text):
        yield {"type": f"{name}.delta", **place, "delta": part, "logprobs": []}
    yield {"type": f"{name}.done", **place, "text": text, "logprobs": []}
    yield {"type": "response.content_part.done", **place, "part": _text_part(text)}


def _summary_events(answer: Answer, text: str) -> Iterator[JSON]:
    name, place = "response.reasoning_summary", {"summary_index": 0}
    yield {"type": f"{name}_part.added", **place, "part": _summary_part("")}
    for part in answer.deltas(text):
        yield {"type": f"{name}_text.delta", **place, "delta": part}
    yield {"type": f"{name}_text.done", **place, "text": text}
    yield {"type": f"{name}_part.done", **place, "part": _summary_part(text)}


def _call_events(answer: Answer, call: Call) -> Iterator[JSON]:
    name, word = (
        ("response.custom_tool_call_input", "input")
        if call.custom
        else ("response.function_call_arguments", "arguments")
    )
    for part in answer.deltas(call.arguments):
        yield {"type": f"{name}.delta", "delta": part}
    yield {"type": f"{name}.done", word: call.arguments}


def _text_part(text: str) -> JSON:
    return {"type": "output_text", "annotations": [], "logprobs": [], "text": text}


def _summary_part(text: str) -> JSON:
    return {"type": "summary_text", "text": text}


def _done(answer: Answer, index: int) -> JSON:
    last = index == len(answer.items) - 1
    status = _status(answer) if last else "completed"
    return _item(index, answer.items[index], status, filled=True)


def _item(index: int, item: Item, status: str, *, filled: bool) -> JSON:
    match item:
        case Said(text):
            content = [_text_part(text)] if filled else []
            said = {"role": "assistant", "content": content}
            return {**_named("msg", "message", index, status), **said}
        case Thought(text):
            summary = [_summary_part(text)] if filled else []
            reasoning = {"id": f"rs_{index:02}{KEY}", "type": "reasoning", "summary": summary}
            return {**reasoning, "encrypted_content": _sealed(text)}
        case Call():
            return _call(index, item, status, item.arguments if filled else "")


def _named(prefix: str, kind: str, index: int, status: str) -> JSON:
    return {"id": f"{prefix}_{index:02}{KEY}", "type": kind, "status": status}


def _call(index: int, call: Call, status: str, arguments: str) -> JSON:
    prefix, kind, word = (
        ("ctc", "custom_tool_call", "input")
        if call.custom
        else ("fc", "function_call", "arguments")
    )
    said = {word: arguments, "call_id": f"call_{index:02}{KEY}", "name": call.name}
    place = {"namespace": call.namespace} if call.namespace else {}
    return {**_named(prefix, kind, index, status), **said, **place}


def _status(answer: Answer) -> str:
    return "incomplete" if answer.stop in INCOMPLETE else "completed"


def _response(answer: Answer, status: str, output: list[JSON]) -> JSON:
    incomplete = {"reason": INCOMPLETE[answer.stop]} if status == "incomplete" else None
    ended = status in {"completed", "incomplete"}
    return {
        "id": f"resp_{KEY}",
        "object": "response",
        "created_at": answer.created,
        "status": status,
        "background": answer.background,
        "completed_at": answer.created if status == "completed" else None,
        "error": None,
        "incomplete_details": incomplete,
        "instructions": None,
        "max_output_tokens": None,
        "max_tool_calls": None,
        "model": answer.model,
        "output": output,
        "parallel_tool_calls": True,
        "previous_response_id": None,
        "reasoning": {"effort": "medium", "summary": "auto"},
        "service_tier": answer.tier or "default" if ended else "auto",
        "store": answer.background,
        "temperature": 1.0,
        "text": {"format": {"type": "text"}, "verbosity": "medium"},
        "tool_choice": "auto",
        "tools": [],
        "top_logprobs": 0,
        "top_p": 1.0,
        "truncation": "disabled",
        "usage": _usage(answer) if ended else None,
        "user": None,
        "metadata": {},
    }


def _usage(answer: Answer) -> JSON:
    tokens = answer.tokens
    return {
        "input_tokens": tokens.whole_input,
        "input_tokens_details": {
            "cached_tokens": tokens.cache_read,
            "cache_write_tokens": tokens.cache_write,
        },
        "output_tokens": tokens.output,
        "output_tokens_details": {"reasoning_tokens": tokens.reasoning},
        "total_tokens": tokens.whole_input + tokens.output,
    }


def _sealed(text: str) -> str:
    """Make up encrypted content that depends on ``text`` alone."""
    return "gAAAA" + base64.urlsafe_b64encode(hashlib.shake_256(text.encode()).digest(180)).decode()
