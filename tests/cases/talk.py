"""Conversations as agents hold them: a history that grows, answers that call tools."""

import json
from itertools import count
from typing import Any

from tests.bridge import ROUTES, Bridge, Record
from tests.wire import Wire, reply

Item = dict[str, Any]
_numbers = count(1)


class Talk:
    """A conversation of an agent with a model through the bridge.

    ``headers`` are sent with every request, ``fields`` stand in every body.
    """

    def __init__(
        self,
        bridge: Bridge,
        wire: Wire,
        dialect: str,
        *headers: tuple[str, str],
        **fields: Any,
    ) -> None:
        self._bridge = bridge
        self._wire = wire
        self._dialect = dialect
        self._headers = headers
        self._fields = {"model": "m-1", "max_tokens": 64} | fields
        self.history: list[Item] = []

    def ask(
        self,
        *items: Item,
        call: tuple[str, Item] | None = None,
        text: str = "ok",
        failure: bool = False,
        **more: Any,
    ) -> str:
        """Send the history with these items; the model answers with a text, or calls a tool.

        Returns the id of the interception.
        """
        headers = (*self._headers, *more.pop("headers", ()))
        self.history += items
        key = "input" if self._dialect == "responses" else "messages"
        history = more.pop("history", self.history)
        body = json.dumps(self._fields | {key: history} | more).encode()
        self._wire.play(self._failure() if failure else self._answer(text, call))
        status = self._bridge.ask(ROUTES[self._dialect], body=body, headers=headers).status
        assert status == (529 if failure else 200)
        if failure:
            del self.history[len(self.history) - len(items) :]
        return str(max(row["id"] for row in self._bridge.rows("interceptions")))

    def user(self, *texts: str) -> Item:
        """Return a message of the person, of one text or several parts."""
        if self._dialect == "responses":
            return {"role": "user", "content": [{"type": "input_text", "text": t} for t in texts]}
        if len(texts) == 1 and self._dialect == "chat":
            return {"role": "user", "content": texts[0]}
        return {"role": "user", "content": [{"type": "text", "text": text} for text in texts]}

    def result(self, output: str, *texts: str) -> Item:
        """Return the result of the last call, with texts of the person beside it (Messages)."""
        if self._dialect == "responses":
            return {"type": "function_call_output", "call_id": self.call_id, "output": output}
        if self._dialect == "chat":
            return {"role": "tool", "tool_call_id": self.call_id, "content": output}
        result = {"type": "tool_result", "tool_use_id": self.call_id, "content": output}
        return {"role": "user", "content": [result, *({"type": "text", "text": t} for t in texts)]}

    def _failure(self) -> bytes:
        error = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}
        return reply(json.dumps(error).encode(), status="529 Overloaded")

    def _answer(self, text: str, call: tuple[str, Item] | None) -> bytes:
        number = next(_numbers)
        self.call_id = f"call_{number}"
        self.response_id = f"answer_{number}"
        says, body = getattr(self, f"_{self._dialect}")(text, call)
        self.history += says
        return reply(json.dumps(body | {"id": self.response_id, "model": "m-1"}).encode())

    def _messages(self, text: str, call: tuple[str, Item] | None) -> tuple[list[Item], Item]:
        content: list[Item] = [{"type": "text", "text": text}]
        if call is not None:
            name, arguments = call
            content.append(
                {"type": "tool_use", "id": self.call_id, "name": name, "input": arguments}
            )
        usage = {"input_tokens": 2, "output_tokens": 1}
        body = {"type": "message", "role": "assistant", "content": content, "usage": usage}
        reason = "end_turn" if call is None else "tool_use"
        return [{"role": "assistant", "content": content}], body | {"stop_reason": reason}

    def _chat(self, text: str, call: tuple[str, Item] | None) -> tuple[list[Item], Item]:
        message: Item = {"role": "assistant", "content": text}
        if call is not None:
            function = {"name": call[0], "arguments": json.dumps(call[1])}
            message["tool_calls"] = [{"id": self.call_id, "type": "function", "function": function}]
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        usage = {"prompt_tokens": 2, "completion_tokens": 1, "total_tokens": 3}
        return [message], {"object": "chat.completion", "choices": [choice], "usage": usage}

    def _responses(self, text: str, call: tuple[str, Item] | None) -> tuple[list[Item], Item]:
        content = [{"type": "output_text", "text": text}]
        output: list[Item] = [{"type": "message", "role": "assistant", "content": content}]
        if call is not None:
            output.append(
                {
                    "type": "function_call",
                    "call_id": self.call_id,
                    "name": call[0],
                    "arguments": json.dumps(call[1]),
                }
            )
        usage = {"input_tokens": 2, "output_tokens": 1, "total_tokens": 3}
        return output, {
            "object": "response",
            "status": "completed",
            "output": output,
            "usage": usage,
        }


def typed(bridge: Bridge) -> list[str]:
    """Return what was typed, in its order."""
    return texts(bridge, "typed")


def texts(bridge: Bridge, kind: str) -> list[str]:
    """Return the recorded texts of a kind."""
    rows = bridge.rows("user_prompts")
    found = [(row["created_at"], row["id"], row["prompt"]) for row in rows if _kind(row) == kind]
    return [text for *_, text in sorted(found)]


def _kind(row: dict[str, Any]) -> str:
    return str(row["metadata"]["kind"])


def record(bridge: Bridge, id_: str) -> Record:
    """Return an interception by its id."""
    (found,) = (each for each in bridge.records() if each.row["id"] == id_)
    return found


def links(bridge: Bridge, *ids: str) -> list[tuple[str | None, str | None]]:
    """Return parent and root of interceptions."""
    rows = [record(bridge, id_).row for id_ in ids]
    return [(row["thread_parent_id"], row["thread_root_id"]) for row in rows]


def sessions(bridge: Bridge) -> list[tuple[str, int, str | None]]:
    """Return id, threads and last prompt of every session."""
    rows = bridge.rows("sessions")
    return [(row["id"], row["threads"], row["last_prompt"]) for row in rows]
