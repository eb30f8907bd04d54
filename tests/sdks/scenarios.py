"""What is asked of the SDKs, the same of both vendors' and in every dialect."""

from typing import Any

_COMMAND = {"type": "object", "properties": {"command": {"type": "string"}}}
_PATH = {"type": "object", "properties": {"path": {"type": "string"}}}
_SCHEMAS = {"bash": _COMMAND, "read": _PATH}

TOOLS: dict[str, list[Any]] = {
    "messages": [{"name": name, "input_schema": schema} for name, schema in _SCHEMAS.items()],
    "chat": [
        {"type": "function", "function": {"name": name, "parameters": schema}}
        for name, schema in _SCHEMAS.items()
    ],
    "responses": [
        {"type": "function", "name": name, "parameters": schema, "strict": False}
        for name, schema in _SCHEMAS.items()
    ],
}


def asked(dialect: str, prompt: str, **more: Any) -> dict[str, Any]:
    """Return the arguments of a call."""
    said = [{"role": "user", "content": prompt}]
    fields: dict[str, Any] = {"model": "gpt-5", "tools": TOOLS[dialect]}
    if dialect == "messages":
        fields |= {"model": "claude-opus-4-8", "max_tokens": 99}
    fields |= {"input": said} if dialect == "responses" else {"messages": said}
    return fields | more
