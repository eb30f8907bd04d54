"""Answers of the control plane: models of the contract straight to bytes."""

from typing import Any

from pydantic_core import to_json
from starlette.responses import Response


class JsonResponse(Response):
    """JSON of contract models, which nobody on the way may keep: it holds prompts."""

    media_type = "application/json; charset=utf-8"

    def render(self, content: Any) -> bytes:  # noqa: ANN401 - as in the base class
        """Serialise a model, or a list of texts."""
        return to_json(content, inf_nan_mode="null")

    def init_headers(self, headers: Any = None) -> None:  # noqa: ANN401
        """Add what keeps caches away."""
        super().init_headers({"cache-control": "no-store", **(headers or {})})
