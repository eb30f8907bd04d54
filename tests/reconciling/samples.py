"""Reports as the providers' APIs answer them."""

import json
from datetime import date, timedelta
from typing import Any


def anthropic(*days: tuple[str, list[dict[str, Any]]]) -> dict[str, Any]:
    """A page of Anthropic's, of days with their results."""
    data = [
        {
            "starting_at": f"{day}T00:00:00Z",
            "ending_at": f"{date.fromisoformat(day) + timedelta(days=1)}T00:00:00Z",
            "results": results,
        }
        for day, results in days
    ]
    return {"data": data, "has_more": False, "next_page": None}


def openai(*days: tuple[int, list[dict[str, Any]]]) -> dict[str, Any]:
    """A page of OpenAI's, of days of January 2026 with their results."""
    data = [
        {
            "object": "bucket",
            "start_time": 1_767_225_600 + 86_400 * (day - 1),
            "end_time": 1_767_225_600 + 86_400 * day,
            "results": results,
        }
        for day, results in days
    ]
    return {"object": "page", "data": data, "has_more": False, "next_page": None}


def cents(amount: str, model: str | None, **more: Any) -> dict[str, Any]:
    """A result of Anthropic's report of costs."""
    return {
        "currency": "USD",
        "amount": amount,
        "workspace_id": None,
        "description": "Web Search Usage" if model is None else f"{model} Usage",
        "cost_type": "web_search" if model is None else "tokens",
        "context_window": None,
        "model": model,
        "service_tier": "standard",
        "token_type": "uncached_input_tokens",
        "inference_geo": "global",
        **more,
    }


def tokens(model: str, read: int, said: int, **more: Any) -> dict[str, Any]:
    """A result of Anthropic's report of usage."""
    return {
        "uncached_input_tokens": read,
        "cache_creation": {"ephemeral_1h_input_tokens": 3, "ephemeral_5m_input_tokens": 4},
        "cache_read_input_tokens": 5,
        "output_tokens": said,
        "server_tool_use": {"web_search_requests": 1},
        "model": model,
        "service_tier": "standard",
        **more,
    }


def dollars(value: Any, item: str | None) -> dict[str, Any]:
    """A result of OpenAI's costs."""
    return {
        "object": "organization.costs.result",
        "amount": {"value": value, "currency": "usd"},
        "line_item": item,
        "project_id": None,
    }


def completions(model: str | None, whole: int, said: int, cached: int) -> dict[str, Any]:
    """A result of OpenAI's usage of completions."""
    return {
        "object": "organization.usage.completions.result",
        "input_tokens": whole,
        "output_tokens": said,
        "input_cached_tokens": cached,
        "num_model_requests": 5,
        "model": model,
    }


def written(*pages: Any) -> bytes:
    """Pages as a file has them, a line each."""
    return b"\n".join(json.dumps(page).encode() for page in pages)
