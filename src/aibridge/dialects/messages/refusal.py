"""Our own refusals, as Anthropic words its errors."""

import msgspec

# Source: https://docs.anthropic.com/en/api/errors
_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    409: "conflict_error",
    413: "request_too_large",
    429: "rate_limit_error",
    504: "timeout_error",
    529: "overloaded_error",
}
_FIRST_SERVER_ERROR = 500


def error_body(status: int, message: str, *, kind: str | None = None) -> bytes:
    """Word a refusal of ours; the type follows ``status`` unless ``kind`` names one."""
    fallback = "api_error" if status >= _FIRST_SERVER_ERROR else "invalid_request_error"
    error = {"type": kind or _TYPES.get(status, fallback), "message": message}
    return msgspec.json.encode({"type": "error", "error": error})
