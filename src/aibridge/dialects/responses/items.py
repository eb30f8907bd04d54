"""Output items: which are tool calls, which are thoughts."""

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
from msgspec import Raw, Struct

from aibridge.dialects.answers.tools import error_of_call
from aibridge.dialects.facts import Thought, ToolCall
from aibridge.dialects.fields import compact, label, text

_INPUTS = (
    "arguments",
    "input",
    "action",
    "actions",
    "operation",
    "queries",
    "code",
    "revised_prompt",
)
"""Fields that may hold what a tool is called with; the first present one counts."""

_APPROVAL = "mcp_approval_request"
"""The type of an item that asks the client whether a server's tool may be called."""


class TextPart(Struct):
    """A part of a reasoning item or of a message."""

    type: Any = None
    text: Any = None


class Item(Struct):
    """What is read of an output item; generated images and the like stay out."""

    type: Any = None
    id: Any = None
    call_id: Any = None
    name: Any = None
    status: Any = None
    phase: Any = None
    role: Any = None
    server_label: Any = None
    server_url: Any = None
    error: Any = None
    summary: list[TextPart] | None = None
    content: list[TextPart] | None = None
    arguments: Raw = Raw()
    input: Raw = Raw()
    action: Raw = Raw()
    actions: Raw = Raw()
    operation: Raw = Raw()
    queries: Raw = Raw()
    code: Raw = Raw()
    revised_prompt: Raw = Raw()


ITEM = msgspec.json.Decoder(Item)


def facts_of(item: Item, servers: Mapping[str, str]) -> Iterator[ToolCall | Thought]:
    """The tool call or the thoughts that a whole ``item`` is."""
    if is_call(item):
        yield call_of(item, servers)
    elif item.type == "reasoning":
        yield from _thoughts(item.summary, "summary_text", "reasoning_summary")
        yield from _thoughts(item.content, "reasoning_text", "reasoning")
    elif item.type == "message" and item.phase == "commentary":
        yield from _thoughts(item.content, "output_text", "commentary")


def texts_of(item: Item) -> Iterator[str]:
    """The texts that a whole ``item`` says to the person."""
    if item.type == "message" and item.phase != "commentary":
        yield from (text(part.text) for part in item.content or [] if part.type == "output_text")


def is_call(item: Item) -> bool:
    """Whether ``item`` calls a tool, the client's or a hosted one, also of kinds yet unknown."""
    return text(item.type).endswith("_call") or item.type == _APPROVAL


def call_of(item: Item, servers: Mapping[str, str]) -> ToolCall:
    """The tool call that ``item`` is; a tool without a name goes by its type.

    A call without a ``call_id`` is the provider's own to run (hosted). One that waits for an
    approval is answered by its id. ``servers`` are the URLs of MCP servers by their labels.
    """
    waits = item.type == _APPROVAL
    call_id = label(item.id) if waits else label(item.call_id)
    metadata: dict[str, Any] = {"hosted": True} if waits or not call_id else {}
    if waits:
        metadata["approval"] = "requested"
    if server_name := label(item.server_label):
        metadata["server_name"] = server_name
    if item.status == "incomplete":
        metadata["partial"] = True
    return ToolCall(
        name=label(item.name) or label(item.type),
        input=_input(item),
        call_id=call_id,
        item_id=label(item.id),
        server_url=label(item.server_url) or servers.get(server_name, ""),
        error=error_of_call(item.error, failed=item.status == "failed"),
        metadata=metadata,
    )


def _input(item: Item) -> str:
    return next(filter(None, (compact(getattr(item, field)) for field in _INPUTS)), "")


def _thoughts(found: list[TextPart] | None, kind: str, source: str) -> Iterator[Thought]:
    for part in found or []:
        if part.type == kind and text(part.text):
            yield Thought(part.text, source)
