"""Requests as agents send them, cut to what tells who wrote which text; and asking with them."""

from collections.abc import Iterable, Mapping
from typing import Any

from tests.bridge import Bridge, Record
from tests.gateway import samples
from tests.wire import Wire, reply

Headers = Mapping[str, str]
Said = dict[str, Any]

SESSION = "5f0c9a52-0000-4000-8000-000000000001"
CLAUDE_CODE = {
    "user-agent": "claude-cli/2.1.332 (external, sdk-cli)",
    "x-claude-code-session-id": SESSION,
    "x-app": "cli",
}
CONTEXT = "<system-reminder>\nThe state of the repository: clean.\n</system-reminder>"
ENVIRONMENT = {"role": "system", "content": "# Environment\n - Platform: linux"}


def user(*texts: str) -> Said:
    """Return a person's message in parts."""
    return {"role": "user", "content": [{"type": "text", "text": text} for text in texts]}


def assistant(text: str, *call_ids: str) -> Said:
    """Return the model's message with calls, as Messages has it."""
    calls = [{"type": "tool_use", "id": one, "name": "Bash", "input": {}} for one in call_ids]
    return {"role": "assistant", "content": [{"type": "text", "text": text}, *calls]}


def result(call_id: str, content: Any, *texts: str) -> Said:
    """Return a tool's result with texts beside it, as Messages has it."""
    part = {"type": "tool_result", "tool_use_id": call_id, "content": content}
    return {"role": "user", "content": [part, *user(*texts)["content"]]}


def item(role: str, text: str) -> Said:
    """Return a message as Codex has it."""
    return {
        "type": "message",
        "role": role,
        "content": [{"type": "input_text", "text": text}],
    }


def ask(
    bridge: Bridge, wire: Wire, dialect: str, body: Mapping[str, Any], headers: Headers
) -> Record:
    """Make a request and return its record."""
    wire.play(reply(samples.body(dialect, stream=False)))
    before = len(bridge.records())
    assert bridge.post(dialect, {"model": "m-1", **body}, *headers.items()).status == 200
    return bridge.records()[before]


def ask_all(
    bridge: Bridge, wire: Wire, dialect: str, bodies: Iterable[list[Said]], headers: Headers
) -> list[Record]:
    """Make a request of each list of messages."""
    key = "input" if dialect == "responses" else "messages"
    return [ask(bridge, wire, dialect, {key: said}, headers) for said in bodies]


def typed(*records: Record) -> list[str]:
    """Return what people typed, of the rows of prompts."""
    return [
        row["prompt"]
        for record in records
        for row in record.prompts
        if row["metadata"]["kind"] == "typed"
    ]


def kinds(*records: Record) -> list[str]:
    """Return what the requests were for, ``typed`` where the record says nothing else."""
    return [record.metadata.get("kind", "typed") for record in records]
