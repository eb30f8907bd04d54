"""What a request asks for, as far as the practice provider cares."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from enum import Enum, auto
from typing import Any

import msgspec

ASIDES = (
    "<system-reminder",
    "<environment_context",
    "<user_instructions",
    "<turn_aborted",
    "<subagent_notification",
    "<task-notification",
    "<command-",
    "<local-command-",
    "[Request interrupted",
)
"""How texts open that agents put into user messages beside the person's prompt."""

_NEW_TASK = "Message Type: NEW_TASK"
_NOTHING = msgspec.Raw(b"null")


@dataclass(frozen=True, slots=True)
class Asked:
    """A request, read.

    ``rounds`` counts the rounds of tool results since the last ``prompt``. ``tools`` is the
    JSON array that the client sent, empty where the model may call none. ``size`` is bytes.
    ``background`` asks for a response to be fetched later.
    """

    model: str
    stream: bool
    wants_usage: bool
    prompt: str
    rounds: int
    tools: bytes
    size: int
    background: bool = False


class _Block(msgspec.Struct):
    type: str = ""
    text: Any = None
    encrypted_content: Any = None


class _Message(msgspec.Struct):
    role: str = ""
    type: str = ""
    content: msgspec.Raw = _NOTHING
    tools: msgspec.Raw = _NOTHING


class _StreamOptions(msgspec.Struct):
    include_usage: bool | None = None


class _Request(msgspec.Struct):
    model: str
    stream: bool | None = None
    stream_options: _StreamOptions | None = None
    tools: msgspec.Raw = _NOTHING
    tool_choice: msgspec.Raw = _NOTHING


class _Conversation(_Request, kw_only=True):
    messages: list[_Message]


class _Input(_Request):
    input: str | list[_Message] = ""
    background: bool | None = None


class _Step(Enum):
    PROMPT = auto()
    RESULT = auto()
    MODEL = auto()


_Steps = Iterator[tuple[_Step, str]]

_blocks = msgspec.json.Decoder(str | list[_Block] | None)
_conversation = msgspec.json.Decoder(_Conversation)
_input = msgspec.json.Decoder(_Input)
_raw_list = msgspec.json.Decoder(list[msgspec.Raw])


def read_messages(body: bytes) -> Asked:
    """Read an Anthropic Messages request; raise `msgspec.DecodeError` on what is none."""
    request = _conversation.decode(body)
    return _asked(request, _message_steps(request.messages), [request.tools], len(body))


def read_chat(body: bytes) -> Asked:
    """Read an OpenAI Chat Completions request; raise `msgspec.DecodeError` on what is none."""
    request = _conversation.decode(body)
    return _asked(request, _chat_steps(request.messages), [request.tools], len(body))


def read_responses(body: bytes) -> Asked:
    """Read an OpenAI Responses request; raise `msgspec.DecodeError` on what is none.

    Tools may stand among its input, too.
    """
    request = _input.decode(body)
    if isinstance(request.input, str):
        steps: _Steps = iter([(_Step.PROMPT, request.input)])
        asked = _asked(request, steps, [request.tools], len(body))
    else:
        tools = [request.tools, *(item.tools for item in request.input)]
        asked = _asked(request, _input_steps(request.input), tools, len(body))
    return replace(asked, background=bool(request.background))


READERS: dict[str, Callable[[bytes], Asked]] = {
    "messages": read_messages,
    "chat": read_chat,
    "responses": read_responses,
}
"""The reader of each dialect."""


def user_items(body: bytes) -> list[dict[str, Any]]:
    """Return the user's messages among the input of a Responses request, as they came."""
    request = msgspec.json.decode(body)
    items = request.get("input") or []
    if isinstance(items, str):
        items = [{"role": "user", "content": items}]
    return [{"type": "message", **item} for item in items if item.get("role") == "user"]


def _asked(request: _Request, steps: _Steps, tools: list[msgspec.Raw], size: int) -> Asked:
    prompt, rounds = _last_prompt(steps)
    none = b'"none"' in bytes(request.tool_choice)
    return Asked(
        model=request.model,
        stream=bool(request.stream),
        wants_usage=bool(request.stream_options and request.stream_options.include_usage),
        prompt=prompt,
        rounds=rounds,
        tools=b"" if none else _joined([bytes(each) for each in tools]),
        size=size,
    )


def _joined(tools: list[bytes]) -> bytes:
    """Make one JSON array of those that are arrays; a single one stays as it is."""
    arrays = [each for each in tools if each.startswith(b"[")]
    if len(arrays) > 1:
        return msgspec.json.encode([tool for each in arrays for tool in _raw_list.decode(each)])
    return arrays[0] if arrays else b""


def _last_prompt(steps: _Steps) -> tuple[str, int]:
    """Walk backwards to the last prompt; results that follow each other are one round."""
    rounds, before = 0, _Step.MODEL
    for step, text in steps:
        if step is _Step.PROMPT:
            return text, rounds
        rounds += step is _Step.RESULT and before is not _Step.RESULT
        before = step
    return "", rounds


def _message_steps(messages: list[_Message]) -> _Steps:
    for message in reversed(messages):
        if message.role == "assistant":
            yield _Step.MODEL, ""
        elif message.role == "user":
            blocks = _blocks.decode(message.content)
            yield from _prompt(blocks)
            if _holds_result(blocks):
                yield _Step.RESULT, ""


def _chat_steps(messages: list[_Message]) -> _Steps:
    for message in reversed(messages):
        if message.role == "user":
            yield from _prompt(_blocks.decode(message.content))
        elif message.role == "tool":
            yield _Step.RESULT, ""
        elif message.role == "assistant":
            yield _Step.MODEL, ""


def _input_steps(items: list[_Message]) -> _Steps:
    for item in reversed(items):
        if item.type.endswith("_output"):
            yield _Step.RESULT, ""
        elif item.type == "agent_message":
            yield from _task(_blocks.decode(item.content))
        elif item.role == "user":
            yield from _prompt(_blocks.decode(item.content))
        elif item.role not in {"system", "developer"}:
            yield _Step.MODEL, ""


def _task(blocks: str | list[_Block] | None) -> Iterable[tuple[_Step, str]]:
    """Read the task of a sub-agent, which Codex says is encrypted for the model."""
    if not isinstance(blocks, list) or _NEW_TASK not in str([block.text for block in blocks]):
        return []
    tasks = [block.encrypted_content for block in blocks]
    return [(_Step.PROMPT, task) for task in tasks if isinstance(task, str)]


def _holds_result(blocks: str | list[_Block] | None) -> bool:
    return isinstance(blocks, list) and any(block.type == "tool_result" for block in blocks)


def _prompt(blocks: str | list[_Block] | None) -> Iterable[tuple[_Step, str]]:
    texts = [blocks] if isinstance(blocks, str) else [block.text for block in blocks or ()]
    typed = [text for text in texts if isinstance(text, str) and not text.startswith(ASIDES)]
    return [(_Step.PROMPT, "\n".join(typed))] if typed else []
