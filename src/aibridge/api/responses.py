"""Answers of the control plane: models of the contract straight to bytes."""

from typing import Any

from pydantic_core import to_json
from starlette.responses import JSONResponse, Response

_HEADERS = {"content-type": "application/json; charset=utf-8", "cache-control": "no-store"}


class JsonResponse(JSONResponse):
    """JSON of contract models, which nobody on the way may keep: it holds prompts."""

    def render(self, content: Any) -> bytes:  # noqa: ANN401 - as in the base class
        """Serialise a model, or a list of them or of texts."""
        return to_json(content, inf_nan_mode="null")

    def init_headers(self, headers: Any = None) -> None:  # noqa: ANN401
        """Add what keeps caches away, and how the text is encoded."""
        super().init_headers({**_HEADERS, **(headers or {})})


def no_content() -> Response:
    """Return the answer to what was done and leaves nothing to say."""
    return Response(status_code=204)
