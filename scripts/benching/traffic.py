"""The traffic of a benchmark: requests as a coding agent sends them, and a provider's answers."""

from dataclasses import dataclass
from typing import Any

import msgspec

from aibridge.practice import Part, Turn, Usage, messages
from aibridge.practice.answer import KEY, Answer, compose

SMALL_KB, LARGE_KB = 0.5, 78.0
MODEL = "claude-opus-4-8"
EVENTS = 60
WHOLE_BYTES = 1536
KEY_BYTES = KEY.encode()
"""Stands in the answers for what differs between any two."""

_TOOL = {
    "description": "Reads a file of the project and returns its lines with their numbers. " * 4,
    "input_schema": {
        "type": "object",
        "properties": {
            "path": {"type": "string", "description": "The file, relative to the project."},
            "first": {"type": "integer", "description": "The first line to return."},
        },
        "required": ["path"],
    },
}
_RESULT = "def area(width: float, height: float) -> float:\n    return width * height\n" * 12
_PROMPT = "Explain what this function does and make it faster."
_encode = msgspec.json.encode


@dataclass(frozen=True, slots=True)
class Work:
    """A kind of request, and how many connections make it."""

    kilobytes: float
    answer: str
    connections: int = 1

    @property
    def kind(self) -> str:
        """Say what goes in and what comes out."""
        out = f"{WHOLE_BYTES / 1024:g} KB" if self.answer == "whole" else f"{EVENTS} events"
        return f"{self.kilobytes:g} KB in, {out} out"

    @property
    def name(self) -> str:
        """Say what it is."""
        return f"{self.kind}, c={self.connections}"

    @property
    def body(self) -> bytes:
        """The request's body."""
        return request_body(self.kilobytes, stream=self.answer != "whole")


SMALL, LARGE = Work(SMALL_KB, "whole"), Work(LARGE_KB, "stream")


def request_body(kilobytes: float, *, stream: bool) -> bytes:
    """Return a Messages request of this size.

    Half of a large one is the tools' schemas, the rest a conversation in which files were read;
    what is then missing is filled up in the system prompt.
    """
    room = int(kilobytes * 1024)
    tools = room // 2 // len(_encode(_TOOL))
    body: dict[str, Any] = {
        "model": MODEL,
        "max_tokens": 4096,
        "stream": stream,
        "system": "You are a coding agent.",
        "messages": [{"role": "user", "content": _PROMPT}],
    }
    if tools:
        body["tools"] = [{"name": f"read_{number}", **_TOOL} for number in range(tools)]
    reading = _reading(0)
    rounds = max(0, room - len(_encode(body))) // len(_encode(reading))
    earlier = [message for number in range(rounds) for message in _reading(number)]
    if earlier:
        first = {"role": "user", "content": "Look around."}
        body["messages"] = [first, *earlier, *body["messages"]]
    body["system"] += "." * (room - len(_encode(body)))
    return _encode(body)


def _reading(number: int) -> list[dict[str, Any]]:
    """Return a call of a tool and its result."""
    call = {"type": "tool_use", "id": f"toolu_bench_{number:06}", "name": "read_0", "input": {}}
    result = {"type": "tool_result", "tool_use_id": call["id"], "content": _RESULT}
    return [{"role": "assistant", "content": [call]}, {"role": "user", "content": [result]}]


def whole_answer() -> bytes:
    """Return an answer of about `WHOLE_BYTES`, in JSON."""
    missing = WHOLE_BYTES - len(_encode(messages.whole(_answer("", EVENTS))))
    return _encode(messages.whole(_answer("x" * missing, EVENTS)))


def stream_events() -> list[bytes]:
    """Return a stream of `EVENTS` events: a thought, text, a tool call."""
    chunk = 16
    fewest = len(list(messages.events(_answer("x" * chunk, chunk))))
    text = "x" * chunk * (1 + EVENTS - fewest)
    return list(messages.events(_answer(text, chunk)))


def _answer(text: str, chunk: int) -> Answer:
    parts = (
        Part(thinking="The file should be read first."),
        Part(text=f"I will read it. {text}"),
        Part(tool="read_0", arguments={"path": "src/area.py"}),
    )
    turn = Turn(parts=parts, usage=Usage(input=20_000, output=400), chunk=chunk)
    return compose(turn, model=MODEL, tools=_encode([{"name": "read_0", **_TOOL}]))
