"""AI Bridge: a self-hosted gateway between coding agents and model providers."""

TYPE_CHECKING = False  # what type checkers take for typing's, without the time to import it
if TYPE_CHECKING:
    from aibridge.sdk import AsyncClient, Client

__version__ = "0.1.0"

__all__ = ["AsyncClient", "Client", "__version__"]


def __getattr__(name: str) -> object:
    """Import the SDK when it is first asked for: the server and the command line need none."""
    if name not in {"AsyncClient", "Client"}:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from aibridge import sdk  # noqa: PLC0415 - see above

    return getattr(sdk, name)
