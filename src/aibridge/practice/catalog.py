"""The list of models, as Anthropic and as OpenAI give it."""

from collections.abc import Sequence
from datetime import UTC, datetime

from aibridge.practice.wording import JSON


def anthropic_model(name: str, created: int) -> JSON:
    """Describe one model as Anthropic does; ``created`` is in Unix seconds."""
    when = datetime.fromtimestamp(created, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    kind = {"type": "model", "id": name, "display_name": name, "created_at": when}
    return {**kind, "lifecycle": "active"}


def openai_model(name: str, created: int) -> JSON:
    """Describe one model as OpenAI does; ``created`` is in Unix seconds."""
    return {"id": name, "object": "model", "created": created, "owned_by": "practice"}


def anthropic_list(names: Sequence[str], created: int) -> JSON:
    """List the models as Anthropic does, on one page."""
    return {
        "data": [anthropic_model(name, created) for name in names],
        "has_more": False,
        "first_id": names[0] if names else None,
        "last_id": names[-1] if names else None,
    }


def openai_list(names: Sequence[str], created: int) -> JSON:
    """List the models as OpenAI does."""
    return {"object": "list", "data": [openai_model(name, created) for name in names]}
