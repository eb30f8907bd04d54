"""A small agent: the vendor's SDK, one tool, and the loop between them.

It is pointed at a provider, or at a bridge, as every agent is: by ``ANTHROPIC_BASE_URL`` and
``ANTHROPIC_AUTH_TOKEN``.
"""

import datetime as dt
import json

from anthropic import Anthropic
from anthropic.types import Message, MessageParam, ToolParam, ToolResultBlockParam, ToolUseBlock

PROMPT = "How many days are there from 1 March to Christmas Day in 2026?"
MODEL = "claude-opus-4-8"
MAX_ROUNDS = 5

DAY = {"type": "string", "format": "date"}
TOOL: ToolParam = {
    "name": "days_between",
    "description": "Count the days from one date to another.",
    "input_schema": {
        "type": "object",
        "properties": {"first": DAY, "last": DAY},
        "required": ["first", "last"],
    },
}


def days_between(first: str, last: str) -> int:
    """Count the days from one date, YYYY-MM-DD, to another."""
    return (dt.date.fromisoformat(last) - dt.date.fromisoformat(first)).days


def main() -> None:
    """Ask, do what the model wants done, and go on until it has answered."""
    print(f"you      {PROMPT}")
    messages: list[MessageParam] = [{"role": "user", "content": PROMPT}]
    with Anthropic(max_retries=0, timeout=30) as client:
        for _ in range(MAX_ROUNDS):
            answer = ask(client, messages)
            calls = [block for block in answer.content if isinstance(block, ToolUseBlock)]
            if not calls:
                return
            messages.append({"role": "assistant", "content": answer.content})
            messages.append({"role": "user", "content": [run(call) for call in calls]})
    raise SystemExit(f"no answer after {MAX_ROUNDS} rounds")


def ask(client: Anthropic, messages: list[MessageParam]) -> Message:
    """Stream the model's next message, saying what it thinks and says."""
    with client.messages.stream(
        model=MODEL,
        max_tokens=4096,
        thinking={"type": "enabled", "budget_tokens": 2048},
        tools=[TOOL],
        messages=messages,
    ) as stream:
        for event in stream:
            if event.type == "content_block_stop" and event.content_block.type == "thinking":
                print(f"thought  {event.content_block.thinking}")
            elif event.type == "content_block_stop" and event.content_block.type == "text":
                print(f"model    {event.content_block.text}")
        return stream.get_final_message()


def run(call: ToolUseBlock) -> ToolResultBlockParam:
    """Execute a tool call and return its result for the model."""
    arguments = json.dumps(call.input)
    result = str(days_between(**json.loads(arguments)))
    print(f"tool     {call.name} {arguments} → {result}")
    return {"type": "tool_result", "tool_use_id": call.id, "content": result}


if __name__ == "__main__":
    main()
