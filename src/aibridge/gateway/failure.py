"""How an exchange ended whose provider could not be reached, or broke off."""

from aibridge.gateway.upstream import BrokenAnswer, ConnectFailed, TimedOut, UpstreamError

_BY_FAILURE: tuple[tuple[type[UpstreamError], str], ...] = (
    (TimedOut, "timeout"),
    (ConnectFailed, "unreachable"),
    (BrokenAnswer, "broken"),
)


def of_failure(error: UpstreamError) -> tuple[str, str]:
    """Return the type and the message of an error by which an exchange ended."""
    kind = next((name for cause, name in _BY_FAILURE if isinstance(error, cause)), "unknown")
    return kind, str(error)
