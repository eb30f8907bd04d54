"""Answers of providers, read as the record reads them, and the costs of their usage rows."""

import json
from datetime import UTC, datetime
from typing import Any, NamedTuple

from aibridge.dialects import DIALECTS
from aibridge.prices.book import PriceBook
from aibridge.prices.cost import Priced, Unpriced

NOVEMBER = datetime(2026, 11, 20, 12, tzinfo=UTC)

_CONTENT = {"messages": "content", "chat": "choices", "responses": "output"}


class Answer(NamedTuple):
    """A provider's answer: the model that was asked for, its usage, and what stands beside it."""

    model: str
    usage: dict[str, Any]
    dialect: str = "messages"
    provider: str = "anthropic"
    answered: str | None = None
    """The model that the answer names, if another one; empty where it names none."""
    at: datetime = NOVEMBER
    geography: str = ""
    beside: tuple[tuple[str, Any], ...] = ()
    items: tuple[dict[str, Any], ...] = ()

    def body(self) -> bytes:
        named = self.model if self.answered is None else self.answered
        said: dict[str, Any] = {"id": "x", "model": named, _CONTENT[self.dialect]: [*self.items]}
        return json.dumps(
            {**said, "status": "completed", **dict(self.beside), "usage": self.usage}
        ).encode()


def costs(book: PriceBook, answer: Answer) -> list[int | Unpriced]:
    """What each usage row of an answer costs: micro-dollars, or why it has no price."""
    facts = DIALECTS[answer.dialect].read_answer(answer.body())
    found: list[int | Unpriced] = []
    for number, usage in enumerate(facts.usages):
        rated = book.rate(
            usage,
            provider=answer.provider,
            model=answer.model,
            at=answer.at,
            geography=answer.geography,
            tools=() if number else facts.tool_calls,
        )
        found.append(rated.cost.micros if isinstance(rated.cost, Priced) else rated.cost)
    return found


def of_claude(
    given: int, said: int, read: int = 0, w5: int = 0, w1h: int = 0, **more: Any
) -> dict[str, Any]:
    """A usage object of Anthropic: the cache beside the input, its writes by lifetime."""
    return {
        "input_tokens": given,
        "output_tokens": said,
        "cache_read_input_tokens": read,
        "cache_creation_input_tokens": w5 + w1h,
        "cache_creation": {"ephemeral_5m_input_tokens": w5, "ephemeral_1h_input_tokens": w1h},
        **more,
    }


def of_responses(
    given: int, said: int, read: int = 0, w30: int = 0, w12h: int = 0, **more: Any
) -> dict[str, Any]:
    """A usage object of OpenAI's Responses: the cache inside of the input."""
    lifetimes = {"ttl_30m_tokens": w30, "ttl_12h_tokens": w12h}
    details = {
        "cached_tokens": read,
        "cache_write_tokens": w30 + w12h,
        "cache_write_tokens_details": lifetimes,
    }
    return {
        "input_tokens": given,
        "input_tokens_details": details,
        "output_tokens": said,
        "total_tokens": given + said,
        **more,
    }


def of_chat(given: int, said: int, read: int = 0, **more: Any) -> dict[str, Any]:
    """A usage object of OpenAI's Chat Completions."""
    return {
        "prompt_tokens": given,
        "prompt_tokens_details": {"cached_tokens": read},
        "completion_tokens": said,
        "total_tokens": given + said,
        **more,
    }
