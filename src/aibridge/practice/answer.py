"""An answer before it is worded in a dialect: a turn of the script with its blanks filled in."""

from collections.abc import Iterator
from dataclasses import dataclass

import msgspec

from aibridge.practice.script import AGENT_TOOL, ANY_TOOL, Part, Turn, Usage
from aibridge.practice.tools import COMMAND, Tool, offered, starting_subagents, suitable

KEY = "0Practice1Practice2Key"
"""Stands in an answer's ids until it is sent, so that answers are worded once and yet differ."""

_CHARACTERS_A_TOKEN = 4


@dataclass(frozen=True, slots=True)
class Said:
    """Text for the person."""

    text: str


@dataclass(frozen=True, slots=True)
class Thought:
    """Reasoning before the text."""

    text: str


@dataclass(frozen=True, slots=True)
class Call:
    """A tool call; ``arguments`` is JSON, or free text for a ``custom`` tool."""

    name: str
    arguments: str
    custom: bool = False
    namespace: str = ""


Item = Said | Thought | Call


@dataclass(frozen=True, slots=True)
class Tokens:
    """Tokens to report; ``input`` excludes the cache's, ``output`` includes ``reasoning``."""

    input: int
    output: int
    reasoning: int
    cache_read: int
    cache_write: int

    @property
    def whole_input(self) -> int:
        """Input as OpenAI counts it: with what the cache read and wrote."""
        return self.input + self.cache_read + self.cache_write


@dataclass(frozen=True, slots=True)
class Answer:
    """All that a dialect needs to word an answer.

    ``stop`` is in Anthropic's words. ``created`` is in Unix seconds. ``chunk`` is characters
    a text delta.
    """

    items: tuple[Item, ...]
    model: str
    tokens: Tokens
    stop: str
    tier: str | None = None
    chunk: int = 16
    created: int = 0
    wants_usage: bool = True
    background: bool = False

    @property
    def calls(self) -> list[Call]:
        """The tool calls alone, in order."""
        return [item for item in self.items if isinstance(item, Call)]

    @property
    def text(self) -> str:
        """All that is said, in one string."""
        return "".join(item.text for item in self.items if isinstance(item, Said))

    @property
    def thought(self) -> str:
        """All that is thought, in one string."""
        return "".join(item.text for item in self.items if isinstance(item, Thought))

    def deltas(self, text: str) -> Iterator[str]:
        """Cut ``text`` into pieces of ``chunk`` characters."""
        return (text[start : start + self.chunk] for start in range(0, len(text), self.chunk))


def compose(
    turn: Turn,
    *,
    model: str,
    tools: bytes = b"",
    estimate: int = 1,
    created: int = 0,
    wants_usage: bool = True,
    background: bool = False,
) -> Answer:
    """Fill in the blanks of ``turn`` for a client that asked ``model`` and sent ``tools``.

    Without tools a turn makes no calls: what is left is said. ``estimate`` is the input tokens
    to report where the script names none.
    """
    items = _items(turn.parts, offered(tools)) if tools else _items(_without_tools(turn.parts), [])
    called = any(isinstance(item, Call) for item in items)
    return Answer(
        items=items,
        model=turn.model or model,
        tokens=_tokens(turn.usage, items, estimate),
        stop=turn.stop_reason or ("tool_use" if called else "end_turn"),
        tier=turn.service_tier,
        chunk=turn.chunk,
        created=created,
        wants_usage=wants_usage,
        background=background,
    )


def tokens_in(size: int) -> int:
    """Estimate the tokens in ``size`` characters; at least one."""
    return max(1, size // _CHARACTERS_A_TOKEN)


def _without_tools(parts: tuple[Part, ...]) -> tuple[Part, ...]:
    return tuple(part for part in parts if part.tool is None)


def _items(parts: tuple[Part, ...], tools: list[Tool]) -> tuple[Item, ...]:
    items = tuple(item for part in parts if (item := _item(part, tools)))
    return items or (Said("There is nothing for me to do here."),)


def _item(part: Part, tools: list[Tool]) -> Item | None:
    if part.text is not None:
        return Said(part.text)
    if part.thinking is not None:
        return Thought(part.thinking)
    tool = _tool(part.tool or ANY_TOOL, tools)
    if tool is None:
        return None
    return Call(tool.name, _arguments(part, tool), tool.custom, tool.namespace)


def _tool(name: str, tools: list[Tool]) -> Tool | None:
    if name == ANY_TOOL:
        return suitable(tools)
    if name == AGENT_TOOL:
        return starting_subagents(tools)
    return next((tool for tool in tools if tool.name == name), Tool(name, {}))


def _arguments(part: Part, tool: Tool) -> str:
    if part.arguments is None:
        return tool.arguments(part.task or COMMAND)
    if isinstance(part.arguments, str):
        return part.arguments
    return msgspec.json.encode(part.arguments).decode()


def _tokens(usage: Usage, items: tuple[Item, ...], estimate: int) -> Tokens:
    thought = sum(tokens_in(len(item.text)) for item in items if isinstance(item, Thought))
    spoken = sum(tokens_in(_length(item)) for item in items if not isinstance(item, Thought))
    output = thought + spoken if usage.output is None else usage.output
    return Tokens(
        input=estimate if usage.input is None else usage.input,
        output=output,
        reasoning=min(thought, output),
        cache_read=usage.cache_read,
        cache_write=usage.cache_write,
    )


def _length(item: Item) -> int:
    return len(item.name) + len(item.arguments) if isinstance(item, Call) else len(item.text)
