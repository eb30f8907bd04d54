"""The plainest applications: a vendor's SDK, one tool, and nothing that names a conversation.

What was said so far is kept in a file of the folder they run in, as applications keep it.
"""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anthropic
import openai

COMMAND = {"type": "object", "properties": {"command": {"type": "string"}}, "required": ["command"]}
HISTORY = Path("history.json")
ROUNDS = 5

Messages = list[dict[str, Any]]


def main() -> None:
    """Ask what the second argument says of the vendor that the first one names."""
    messages: Messages = json.loads(HISTORY.read_text()) if HISTORY.exists() else []
    messages.append({"role": "user", "content": sys.argv[2]})
    ask = LOOPS[sys.argv[1]]
    for _ in range(ROUNDS):
        news = ask(messages)
        messages.extend(news)
        if len(news) == 1:
            break
    HISTORY.write_text(json.dumps(messages))


def ask_anthropic(messages: Messages) -> Messages:
    """Return the answer, and with it the results of the tools that it calls."""
    tools: Any = [{"name": "bash", "input_schema": COMMAND}]
    with anthropic.Anthropic() as client:
        said: Any = messages
        answer = client.messages.create(
            model="claude-opus-4-8", max_tokens=999, messages=said, tools=tools
        )
    print(*(block.text for block in answer.content if block.type == "text"))
    results = [
        {"type": "tool_result", "tool_use_id": block.id, "content": "hello-from-tool"}
        for block in answer.content
        if block.type == "tool_use"
    ]
    news: Messages = [{"role": "assistant", "content": answer.to_dict()["content"]}]
    return [*news, {"role": "user", "content": results}] if results else news


def ask_openai(messages: Messages) -> Messages:
    """Return the answer, and with it the results of the tools that it calls."""
    tools: Any = [{"type": "function", "function": {"name": "bash", "parameters": COMMAND}}]
    with openai.OpenAI() as client:
        said: Any = messages
        answer = client.chat.completions.create(model="gpt-5", messages=said, tools=tools)
    message = answer.choices[0].message
    print(message.content)
    calls = message.to_dict().get("tool_calls") or []
    news: Messages = [{"role": "assistant", "content": message.content}]
    if isinstance(calls, list) and calls:
        news[0]["tool_calls"] = calls
        news += [
            {"role": "tool", "tool_call_id": call["id"], "content": "hello-from-tool"}
            for call in calls
        ]
    return news


LOOPS: dict[str, Callable[[Messages], Messages]] = {
    "anthropic": ask_anthropic,
    "openai": ask_openai,
}

if __name__ == "__main__":
    main()
